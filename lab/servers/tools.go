//go:build tools

// Package servers pins the lab's real servers: it has no code of its own,
// only the imports that make `go mod tidy` keep them in go.mod and go.sum.
package servers

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "go.etcd.io/etcd/server/v3"
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
)
