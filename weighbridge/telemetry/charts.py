"""The values of the charts prometheus and prometheus-adapter: what the settings come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from weighbridge.durations import format_seconds
from weighbridge.sight.state_metrics import state_metrics_values
from weighbridge.telemetry import adapter
from weighbridge.telemetry.jobs import jobs

if TYPE_CHECKING:
    from weighbridge.settings.prometheus import Prometheus
    from weighbridge.settings.telemetry import Adapter, Install, RemoteWrite

Values = dict[str, Any]

CHARTS_OWN_JOBS: Final = (
    "prometheus",
    "kubernetes-api-servers",
    "kubernetes-nodes",
    "kubernetes-nodes-cadvisor",
    "kubernetes-service-endpoints",
    "kubernetes-service-endpoints-slow",
    "prometheus-pushgateway",
    "kubernetes-services",
    "kubernetes-pods",
    "kubernetes-pods-slow",
)
"""The jobs that the chart has of its own (`scrapeConfigs` in its values, 29.27). Helm merges mappings key by key, so
each is turned off by its name, and ours stand in a list, which is taken whole."""

WATCHED: Final = (
    "daemonsets",
    "deployments",
    "horizontalpodautoscalers",
    "namespaces",
    "nodes",
    "persistentvolumeclaims",
    "pods",
    "replicasets",
    "services",
    "statefulsets",
)
"""What an installed kube-state-metrics reads beside the releases. The chart gives a right for each kind, and its own
list has Secrets and ConfigMaps, whose content nobody has to be able to read for a dashboard."""

_TOKEN: Final = "/etc/remote-write/token"


def prometheus(given: Prometheus, install: Install, groups: Sequence[Mapping[str, Any]]) -> Values:
    """Build the values of the chart prometheus.

    Args:
        given: the section `prometheus`.
        install: its part `install`.
        groups: of recording and alert rules.
    """
    every = format_seconds(install.scrape_interval)
    recording = [each for each in groups if any("record" in rule for rule in each["rules"])]
    alerting = [each for each in groups if each not in recording]
    return {
        "server": {
            # The address that `install.address` tells, whatever the release is called.
            "fullnameOverride": "prometheus-server",
            "retention": f"{install.retention:.0f}s",
            "global": {"scrape_interval": every, "scrape_timeout": _timeout(install), "evaluation_interval": every},
            "resources": install.resources.model_dump(mode="json"),
            "persistentVolume": _volume(install),
            # A volume that one pod may hold: the new pod would wait for ever beside the old one.
            "strategy": {"type": "Recreate"},
            **_remote(install.remote_write),
        },
        "scrapeConfigs": {name: {"enabled": False} for name in CHARTS_OWN_JOBS},
        "serverFiles": {
            "prometheus.yml": {"scrape_configs": jobs(given.mesh.version, install.jobs)},
            "recording_rules.yml": {"groups": recording} if recording else {},
            "alerting_rules.yml": {"groups": alerting} if alerting else {},
        },
        "alertmanager": {"enabled": install.alertmanager},
        "kube-state-metrics": {
            "enabled": install.kube_state_metrics,
            **({"collectors": list(WATCHED), **state_metrics_values()} if install.kube_state_metrics else {}),
        },
        "prometheus-node-exporter": {"enabled": install.node_exporter},
        "prometheus-pushgateway": {"enabled": install.pushgateway},
    }


def prometheus_adapter(asked: Adapter, address: str) -> Values:
    """Build the values of the chart prometheus-adapter.

    Args:
        asked: the part `adapter` of the settings.
        address: of Prometheus, as seen from the cluster.
    """
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {
        "prometheus": {"url": f"{parts.scheme}://{parts.hostname}", "port": port, "path": parts.path},
        "replicas": asked.replicas,
        # The chart's own rules list every container's series, at each relist.
        "rules": {"default": False, "custom": adapter.rules(asked.window)},
    }


def _timeout(install: Install) -> str:
    return format_seconds(min(10.0, install.scrape_interval))


def _volume(install: Install) -> Values:
    if install.storage is None:
        return {"enabled": False}
    chosen = {"storageClass": install.storage.class_name} if install.storage.class_name else {}
    return {"enabled": True, "size": install.storage.size, **chosen}


def _remote(write: RemoteWrite | None) -> Values:
    if write is None:
        return {}
    if write.secret is None:
        return {"remoteWrite": [{"url": write.url}]}
    mount = {"name": "remote-write", "mountPath": _TOKEN.rpartition("/")[0], "secretName": write.secret}
    return {
        "remoteWrite": [{"url": write.url, "authorization": {"credentials_file": _TOKEN}}],
        "extraSecretMounts": [{**mount, "readOnly": True}],
    }
