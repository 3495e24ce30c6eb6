"""Values of Grafana's chart, and the ConfigMap with the dashboard.

The admin's password is in none of them. Either the settings name a Secret, or the chart makes one of its own, once, and
keeps it through upgrades: its template looks the Secret up. The credentials of the data source are a Secret as well;
the pod gets them in its environment, where the data source finds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from weighbridge import dashboards
from weighbridge.sight.entrance import address

if TYPE_CHECKING:
    from weighbridge.settings.observability import Grafana, Source

NAME: Final = "grafana"
PORT: Final = 80
DATA_SOURCE: Final = "weighbridge-prometheus"
DASHBOARDS: Final = "grafana-weighbridge-dashboards"
_FOLDER: Final = "weighbridge"

Values = dict[str, Any]


def dashboard_map(namespace: str) -> dict[str, Any]:
    """The ConfigMap with the dashboard, which Grafana's pod mounts.

    Args:
        namespace: of Grafana.
    """
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": DASHBOARDS, "namespace": namespace, "labels": {"app": NAME}},
        "data": {dashboards.CANARY.name: dashboards.canary()},
    }


def values(asked: Grafana, source: Source) -> Values:
    """Values of the chart grafana.

    Args:
        asked: the settings.
        source: of the data.
    """
    return {
        "fullnameOverride": NAME,
        # It mounts our dashboard, and asks the API server for nothing.
        "rbac": {"create": False},
        "testFramework": {"enabled": False},
        "service": {"port": PORT},
        "datasources": {"datasources.yaml": {"apiVersion": 1, "datasources": [_source(source)]}},
        "dashboardProviders": {"dashboardproviders.yaml": {"apiVersion": 1, "providers": [_provider()]}},
        "dashboardsConfigMaps": {_FOLDER: DASHBOARDS},
        "grafana.ini": _ini(asked),
        "persistence": _storage(asked),
        **({"admin": {"existingSecret": asked.admin_secret}} if asked.admin_secret else {}),
        **_environment(source),
        # A volume that one pod may hold: the new pod would wait for ever beside the old one.
        **({"deploymentStrategy": {"type": "Recreate"}} if asked.storage else {}),
    }


def _source(source: Source) -> Values:
    json: Values = {"httpMethod": "POST"}
    secure: Values = {}
    more: Values = {}
    headers: list[tuple[str, str]] = []
    if source.basic_secret:
        more = {"basicAuth": True, "basicAuthUser": "${PROMETHEUS_USERNAME}"}
        secure["basicAuthPassword"] = "${PROMETHEUS_PASSWORD}"
    if source.bearer_secret:
        headers.append(("Authorization", "Bearer ${PROMETHEUS_TOKEN}"))
    if source.tenant:
        headers.append((source.tenant_header, _literal(source.tenant)))
    for number, (name, value) in enumerate(headers, start=1):
        json[f"httpHeaderName{number}"], secure[f"httpHeaderValue{number}"] = name, value
    return {
        "name": "Prometheus",
        "uid": DATA_SOURCE,
        "type": "prometheus",
        "access": "proxy",
        "url": source.url,
        "isDefault": True,
        "editable": False,
        "jsonData": json,
        **more,
        **({"secureJsonData": secure} if secure else {}),
    }


def _literal(text: str) -> str:
    """Text in which Grafana looks for no variable: what it provisions it reads like a shell does."""
    return text.replace("$", "$$")


def _environment(source: Source) -> Values:
    given = {}
    if source.basic_secret:
        given = {f"PROMETHEUS_{key.upper()}": _key(source.basic_secret, key) for key in ("username", "password")}
    if source.bearer_secret:
        given = {"PROMETHEUS_TOKEN": _key(source.bearer_secret, "token")}
    return {"envValueFrom": given} if given else {}


def _key(secret: str, key: str) -> Values:
    return {"secretKeyRef": {"name": secret, "key": key}}


def _provider() -> Values:
    return {
        "name": _FOLDER,
        "orgId": 1,
        "folder": "Weighbridge",
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": f"/var/lib/grafana/dashboards/{_FOLDER}"},
    }


def _ini(asked: Grafana) -> Values:
    ini: Values = {"analytics": {"reporting_enabled": False, "check_for_updates": False}}
    if asked.entrance:
        root = address(asked.entrance)
        ini["server"] = {"domain": asked.entrance.host, "root_url": root}
        ini["security"] = {"cookie_secure": root.startswith("https:")}
    return ini


def _storage(asked: Grafana) -> Values:
    if asked.storage is None:
        return {"enabled": False}
    chosen = {"storageClassName": asked.storage.class_name} if asked.storage.class_name else {}
    return {"enabled": True, "size": asked.storage.size, **chosen}
