"""Prometheus, and the rules that turn the gateway Envoy's statistics into the series that Istio's own Envoy reports.

An Envoy cluster of Istio's is named `outbound|PORT|SUBSET|SERVICE.NAMESPACE.svc.cluster.local`. A release's subset is
its revision and its workload is `SERVICE-REVISION`, so that the workload can be told from the cluster's name.
"""

import json
from pathlib import Path
from typing import Any

from lab.build import Servers
from lab.mesh import ADMIN_PORT
from lab.server import ServerSpec
from lab.state_metrics import PORT as STATE_METRICS_PORT

URL = "http://127.0.0.1:9090"
_KUBELET_PORT = 10248
_CLUSTER = r"outbound\|\d+\|([^|]*)\|([^.]+)\.([^.]+)\.svc\.cluster\.local"
_CONSTANT = {
    "reporter": "source",
    "source_app": "istio-ingressgateway",
    "source_workload": "istio-ingressgateway",
    "source_workload_namespace": "istio-system",
    "request_protocol": "http",
    "connection_security_policy": "unknown",
}
_FROM_CLUSTER = {
    "destination_version": "$1",
    "destination_app": "$2",
    "destination_service": "$2.$3.svc.cluster.local",
    "destination_service_name": "$2",
    "destination_service_namespace": "$3",
    "destination_workload_namespace": "$3",
}


def prometheus(servers: Servers, directory: Path) -> ServerSpec:
    """Prometheus, scraping the gateway every second."""
    config = directory / "prometheus.json"
    config.write_text(json.dumps(_config(), indent=1), encoding="utf-8")
    return ServerSpec(
        name="prometheus",
        argv=(
            str(servers.path("prometheus")),
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'prometheus'}",
            "--storage.tsdb.retention.time=1d",
            "--web.listen-address=127.0.0.1:9090",
            "--log.level=warn",
        ),
        ready=f"{URL}/-/ready",
    )


def _config() -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [
            {
                "job_name": "gateway",
                "metrics_path": "/stats/prometheus",
                "static_configs": [{"targets": [f"127.0.0.1:{ADMIN_PORT}"]}],
                "metric_relabel_configs": _relabelling(),
            },
            # Its `namespace` is the release's: the target's own label must not take its place.
            {
                "job_name": "kube-state-metrics",
                "honor_labels": True,
                "static_configs": [{"targets": [f"127.0.0.1:{STATE_METRICS_PORT}"]}],
            },
            {
                "job_name": "kubernetes-nodes-cadvisor",
                "metrics_path": "/metrics/cadvisor",
                "static_configs": [{"targets": [f"127.0.0.1:{_KUBELET_PORT}"]}],
            },
        ],
    }


def _relabelling() -> list[dict[str, Any]]:
    name, cluster = ["__name__"], ["cluster_name"]
    wanted = "envoy_cluster_upstream_rq(_time_(bucket|sum|count))?"
    return [
        {"source_labels": [*name, *cluster], "regex": f"{wanted};{_CLUSTER}", "action": "keep"},
        *(
            {"source_labels": cluster, "regex": _CLUSTER, "target_label": label, "replacement": value}
            for label, value in _FROM_CLUSTER.items()
        ),
        *({"target_label": label, "replacement": value} for label, value in _CONSTANT.items()),
        # Without a subset the workload is not known: the service's name stands for it.
        {"source_labels": cluster, "regex": _CLUSTER, "target_label": "destination_workload", "replacement": "$2"},
        {
            "source_labels": cluster,
            "regex": r"outbound\|\d+\|([^|]+)\|([^.]+)\..+",
            "target_label": "destination_workload",
            "replacement": "$2-$1",
        },
        {
            "source_labels": name,
            "regex": "envoy_cluster_upstream_rq",
            "target_label": "__name__",
            "replacement": "istio_requests_total",
        },
        {
            "source_labels": name,
            "regex": "envoy_cluster_upstream_rq_time_(.+)",
            "target_label": "__name__",
            "replacement": "istio_request_duration_milliseconds_$1",
        },
        {"regex": "cluster_name|job|instance", "action": "labeldrop"},
    ]
