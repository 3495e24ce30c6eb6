"""The objects of Google's managed collection (monitoring.googleapis.com/v1): what is scraped, and alert rules.

https://github.com/GoogleCloudPlatform/prometheus-engine/blob/main/doc/api.md. Its collectors run on each node and know
no scrape_configs: the mesh's proxies and istiod are named by ClusterPodMonitoring objects. Nodes, cAdvisor and the
cluster's own state are Google's to collect, by the cluster's settings. Rules are ClusterRules: they see every namespace
of this cluster, and neither other clusters' nor, as GlobalRules would, the whole project's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from weighbridge.durations import format_seconds
from weighbridge.telemetry.jobs import STATS

Object = dict[str, Any]

API: Final = "monitoring.googleapis.com/v1"
_ASKED: Final = "istio_requests_total|istio_request_duration_milliseconds_(?:bucket|sum|count)"


def monitorings(interval: float) -> list[Object]:
    """Build what the collectors scrape.

    Google bills by the sample, so of the proxies it is only what the gate asks.

    Args:
        interval: seconds between two scrapes.
    """
    only = [{"sourceLabels": ["__name__"], "regex": _ASKED, "action": "keep"}]
    proxies = {"port": "http-envoy-prom", "path": STATS, "metricRelabeling": only}
    return [
        # Every proxy carries it, a gateway's as well as a sidecar: each is one container with that port.
        _monitoring("weighbridge-envoy-stats", {}, proxies, interval),
        _monitoring("weighbridge-istiod", {"matchLabels": {"app": "istiod"}}, {"port": 15014}, interval),
    ]


def rules(groups: Sequence[Mapping[str, Any]]) -> Object:
    """Build the alert rules.

    Args:
        groups: as a rule file has them.
    """
    return {
        "apiVersion": API,
        "kind": "ClusterRules",
        "metadata": {"name": "weighbridge"},
        "spec": {"groups": [dict(group) for group in groups]},
    }


def _monitoring(name: str, selector: Object, endpoint: Object, interval: float) -> Object:
    return {
        "apiVersion": API,
        "kind": "ClusterPodMonitoring",
        "metadata": {"name": name},
        "spec": {
            "selector": selector,
            "endpoints": [{**endpoint, "interval": format_seconds(interval)}],
            "targetLabels": {"metadata": ["pod", "node", "namespace"]},
        },
    }
