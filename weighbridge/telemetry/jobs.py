"""The scrape jobs: those of a mesh and of the cluster around it, as `scrape_configs` of Prometheus.

Names and meaning are those of Istio's and the prometheus chart's samples. Three things differ. A proxy is scraped
once: Istio's injection annotates its pods for the merged endpoint on :15020, which has the proxy's series as well, so
the annotated jobs leave those to `envoy-stats` and `gateways`, or every request would count double. A pod is a gateway
or has a sidecar, never both. And histograms of bytes, which nobody here asks, are dropped before they are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from weighbridge.settings.telemetry import JOBS, MIXER_JOBS, MIXERLESS, minor

Job = dict[str, Any]
Relabel = dict[str, Any]

ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_META: Final = "__meta_kubernetes_"
STATS: Final = "/stats/prometheus"

_FROM_PROXIES: Final = r"envoy_.+|istio_(?:requests?|response|tcp)_.+"
"""Series that a proxy makes, beside those of Istio's agent (istio_agent_...)."""
_KEPT: Final = r"istio_.+|envoy_server_(?:live|uptime|memory_allocated)|envoy_cluster_upstream_cx_active"
_BYTES: Final = r"istio_(?:request|response)_bytes_bucket"

_SLOW: Final = {"scrape_interval": "4m", "scrape_timeout": "30s"}
"""The chart's own is 5m, after which an instant query has forgotten the sample before the next one comes."""


def jobs(version: str, only: Sequence[str] | None = None) -> list[Job]:
    """Build the jobs of a mesh.

    Mixer reported for all proxies until Istio 1.7; since 1.8 there is none, each proxy counts for itself, and a job
    that looks for Mixer would find nothing for ever. The same goes for the injector, which is a part of istiod now.

    Args:
        version: of Istio, such as "1.31".
        only: their names; None for all that this version has.
    """
    names = only if only is not None else (*(MIXER_JOBS if minor(version) < MIXERLESS else ()), *JOBS)
    return [{"job_name": name, **_JOBS[name]} for name in (*MIXER_JOBS, *JOBS) if name in names]


def _pods() -> list[Mapping[str, str]]:
    return [{"role": "pod"}]


def _keep(value: str, *labels: str) -> Relabel:
    return {"source_labels": [f"{_META}{label}" for label in labels], "regex": value, "action": "keep"}


def _drop(value: str, *labels: str) -> Relabel:
    return {**_keep(value, *labels), "action": "drop"}


def _name(target: str, label: str, regex: str = "(.*)") -> Relabel:
    return {"source_labels": [f"{_META}{label}"], "regex": regex, "target_label": target}


_GATEWAY: Final[Relabel] = {
    # By the label of Istio's older charts, the injection template of its gateway chart, or the Gateway API's own label.
    "source_labels": [
        f"{_META}pod_label_istio",
        f"{_META}pod_annotation_inject_istio_io_templates",
        f"{_META}pod_labelpresent_gateway_networking_k8s_io_gateway_name",
    ],
    "regex": r".*gateway.*;.*;.*|.*;(?:.*,)?gateway(?:,.*)?;.*|.*;.*;true",
    "target_label": "__tmp_gateway",
    "replacement": "true",
}
_POD: Final = (_name("namespace", "namespace"), _name("pod", "pod_name"), _name("node", "pod_node_name"))
_ENDED: Final = _drop("Pending|Succeeded|Failed", "pod_phase")
_METRICS: Final = [
    {"source_labels": ["__name__"], "regex": _KEPT, "action": "keep"},
    {"source_labels": ["__name__"], "regex": _BYTES, "action": "drop"},
]


def _proxies(*, gateways: bool) -> Job:
    return {
        "metrics_path": STATS,
        "kubernetes_sd_configs": _pods(),
        "relabel_configs": [
            # http-envoy-prom is :15090, the proxy's own; :15020 is the agent's, with the application's merged in.
            _keep(".*-envoy-prom", "pod_container_port_name"),
            _ENDED,
            _GATEWAY,
            {"source_labels": ["__tmp_gateway"], "regex": "true", "action": "keep" if gateways else "drop"},
            *_POD,
        ],
        "metric_relabel_configs": _METRICS,
    }


def _endpoints(namespace: str, service: str, port: str, **more: Any) -> Job:
    """A component with a Service of its own, by the port's name."""
    labels = ("namespace", "service_name", "endpointslice_port_name")
    return {
        "kubernetes_sd_configs": [{"role": "endpointslice"}],
        **more,
        "relabel_configs": [_keep(f"{namespace};{service};{port}", *labels)],
    }


def _mixer(service: str, port: str, **more: Any) -> Job:
    job = _endpoints("istio-system", service, port, **more)
    # Mixer's time had no EndpointSlices everywhere: they are Kubernetes 1.21's.
    job["kubernetes_sd_configs"] = [{"role": "endpoints", "namespaces": {"names": ["istio-system"]}}]
    labels = ("namespace", "service_name", "endpoint_port_name")
    job["relabel_configs"] = [_keep(f"istio-system;{service};{port}", *labels)]
    return job


def _secured(**more: Any) -> Job:
    return {
        "scheme": "https",
        "tls_config": {"ca_file": f"{ACCOUNT}/ca.crt", **more},
        "authorization": {"credentials_file": f"{ACCOUNT}/token"},
    }


def _nodes(path: str | None = None) -> Job:
    return {
        # A kubelet's certificate is not signed by the cluster's authority everywhere.
        **_secured(insecure_skip_verify=True),
        **({"metrics_path": path} if path else {}),
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": [{"action": "labelmap", "regex": f"{_META}node_label_(.+)"}],
    }


def _annotated(kind: str, *, slow: bool) -> Job:
    """Pods or endpoints that ask for it by the annotations prometheus.io/scrape, scrape-slow, scheme, path, port."""
    mark = f"{kind}_annotation_prometheus_io"
    chosen = [_keep("true", f"{mark}_scrape_slow")]
    if not slow:
        chosen = [_keep("true", f"{mark}_scrape"), _drop("true", f"{mark}_scrape_slow")]
    address = {"regex": r"(.+?)(?::\d+)?;(\d+)", "target_label": "__address__", "replacement": "$1:$2"}
    named = [_name(kind, f"{kind}_name")] if kind == "service" else []
    return {
        **(_SLOW if slow else {}),
        "honor_labels": True,
        "kubernetes_sd_configs": _pods() if kind == "pod" else [{"role": "endpointslice"}],
        "relabel_configs": [
            *chosen,
            _ENDED,
            _name("__scheme__", f"{mark}_scheme", "(https?)"),
            _name("__metrics_path__", f"{mark}_path", "(.+)"),
            {"source_labels": ["__address__", f"{_META}{mark}_port"], **address},
            {"action": "labelmap", "regex": f"{_META}{mark}_param_(.+)", "replacement": "__param_$1"},
            {"action": "labelmap", "regex": f"{_META}{kind}_label_(.+)"},
            *_POD,
            *named,
        ],
        "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": _FROM_PROXIES, "action": "drop"}],
    }


_JOBS: Final[Mapping[str, Job]] = {
    "istio-mesh": _mixer("istio-telemetry", "prometheus"),
    "istio-policy": _mixer("istio-policy", "http-policy-monitoring"),
    "istio-telemetry": _mixer("istio-telemetry", "http-monitoring"),
    "sidecar-injector": _mixer("istio-sidecar-injector", "http-monitoring"),
    "envoy-stats": _proxies(gateways=False),
    "gateways": _proxies(gateways=True),
    "pilot": _endpoints("istio-system", "istiod.*|istio-pilot", "http-monitoring"),
    "prometheus": {"static_configs": [{"targets": ["localhost:9090"]}]},
    "kubernetes-apiservers": _endpoints("default", "kubernetes", "https", **_secured()),
    "kubernetes-nodes": _nodes(),
    "kubernetes-nodes-cadvisor": _nodes("/metrics/cadvisor"),
    "kubernetes-service-endpoints": _annotated("service", slow=False),
    "kubernetes-service-endpoints-slow": _annotated("service", slow=True),
    "prometheus-pushgateway": {
        "honor_labels": True,
        "kubernetes_sd_configs": [{"role": "service"}],
        "relabel_configs": [_keep("pushgateway", "service_annotation_prometheus_io_probe")],
    },
    "kubernetes-services": {
        "metrics_path": "/probe",
        "params": {"module": ["http_2xx"]},
        "honor_labels": True,
        "kubernetes_sd_configs": [{"role": "service"}],
        "relabel_configs": [
            _keep("true", "service_annotation_prometheus_io_probe"),
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"target_label": "__address__", "replacement": "blackbox"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"action": "labelmap", "regex": f"{_META}service_label_(.+)"},
            _name("namespace", "namespace"),
            _name("service", "service_name"),
        ],
    },
    "kubernetes-pods": _annotated("pod", slow=False),
    "kubernetes-pods-slow": _annotated("pod", slow=True),
}
