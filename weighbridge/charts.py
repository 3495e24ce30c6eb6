"""Every Helm chart that Weighbridge can install: one table, one pinned version each.

A version is raised here and nowhere else, in a commit of its own. What is in a chart is the chart's; which values it
gets is decided by the pure modules that render them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        name: in its repository.
        repository: address of an OCI registry (oci://), or of an HTTP repository.
        version: exactly one; a range would let two runs of one commit install two things.
        why: the reason for this version and this repository.
    """

    name: str
    repository: str
    version: str
    why: str

    @property
    def reference(self) -> str:
        """What Helm is told to fetch: the whole address for a registry, the name for a repository."""
        return f"{self.repository}/{self.name}" if self.is_oci else self.name

    @property
    def is_oci(self) -> bool:
        """Whether it is in an OCI registry, which has no index and so takes no `repo`."""
        return self.repository.startswith("oci://")


_ISTIO = "oci://ghcr.io/istio/release/charts"
_ISTIO_VERSION = "1.31.1"
_ISTIO_WHY = (
    "the newest patch of 1.31 that we saw there; it supports Kubernetes 1.32 to 1.36, and the lab's istiod is "
    "of the same minor. From 1.31 on Istio publishes its charts here and not at istio-release.storage.googleapis.com "
    "(istio.io/latest/blog/2026/retirement-of-gcp)"
)

CHARTS: Mapping[str, Chart] = MappingProxyType(
    {
        "istio-base": Chart("base", _ISTIO, _ISTIO_VERSION, _ISTIO_WHY),
        "istiod": Chart("istiod", _ISTIO, _ISTIO_VERSION, _ISTIO_WHY),
        "istio-gateway": Chart("gateway", _ISTIO, _ISTIO_VERSION, _ISTIO_WHY),
        "cert-manager": Chart(
            "cert-manager",
            "oci://quay.io/jetstack/charts",
            "v1.21.2",
            "the newest patch of 1.21, the current minor; the lab's CRDs come from the Go module of the same version",
        ),
        "alidns-webhook": Chart(
            "alidns-webhook",
            "https://devmachine-fr.github.io/cert-manager-alidns-webhook",
            "0.8.1",
            "cert-manager has no solver for Alibaba DNS of its own; its documentation lists this webhook, and this is "
            "the newest version that we saw in the repository's index",
        ),
        "grafana": Chart(
            "grafana",
            "https://grafana-community.github.io/helm-charts",
            "12.11.1",
            "the newest that we saw, with Grafana 13.2.0; since 2026 the chart is the community's, and the one in "
            "grafana/helm-charts gets no new versions",
        ),
        "kiali": Chart(
            "kiali-server",
            "https://kiali.org/helm-charts",
            "2.29.0",
            "the newest that we saw in the repository's index; it needs no operator",
        ),
        "kube-state-metrics": Chart(
            "kube-state-metrics",
            "https://prometheus-community.github.io/helm-charts",
            "8.4.0",
            "kube-state-metrics 2.20.0, and the minor that the chart prometheus takes as a sub-chart",
        ),
        "prometheus": Chart(
            "prometheus",
            "https://prometheus-community.github.io/helm-charts",
            "29.27.0",
            "the newest that we saw in the chart's repository (Prometheus 3.14); its values are read key by key, see "
            "weighbridge/telemetry/charts.py",
        ),
        "prometheus-adapter": Chart(
            "prometheus-adapter",
            "https://prometheus-community.github.io/helm-charts",
            "5.3.0",
            "the newest that we saw in the chart's repository; its adapter, v0.12.0, is the one that the lab builds",
        ),
    }
)
"""By the name that the rest of the program uses."""
