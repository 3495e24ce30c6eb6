//go:build tools

// Package adapter pins what tries our telemetry out: prometheus-adapter, promtool,
// and a Prometheus that finds its targets in Kubernetes. It has no code of its own.
// Its modules are the ones that the lab's servers have, so most of it is compiled when they are.
package adapter

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "github.com/prometheus/prometheus/cmd/promtool"
	_ "sigs.k8s.io/prometheus-adapter/cmd/adapter"
)
