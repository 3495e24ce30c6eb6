"""Values of Kiali's chart. Credentials of Prometheus are named by their Secret (`secret:NAME:KEY`), and mounted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from weighbridge.settings.observability import Kiali, Observability, Source

NAME: Final = "kiali"
PORT: Final = 20001

Values = dict[str, Any]


def values(asked: Kiali, around: Observability, source: Source) -> Values:
    """Values of the chart kiali-server.

    Args:
        asked: the settings.
        around: the section that they stand in.
        source: of the data.
    """
    return {
        "auth": {"strategy": asked.auth},
        "deployment": {
            "instance_name": NAME,
            "view_only_mode": asked.view_only,
            "ingress": {"enabled": False},
            # The chart's default asks the registry at each start, for a tag that does not move.
            "image_pull_policy": "IfNotPresent",
        },
        "external_services": {
            "istio": {"root_namespace": around.mesh_namespace},
            "prometheus": {"url": source.url, **_way_in(source)},
            "grafana": {"enabled": False},
            "tracing": {"enabled": False},
        },
        "server": {"port": PORT, "web_root": "/", **_seen_as(asked)},
    }


def _way_in(source: Source) -> Values:
    auth: Values = {}
    if source.basic_secret:
        user, password = (f"secret:{source.basic_secret}:{key}" for key in ("username", "password"))
        auth = {"auth": {"type": "basic", "username": user, "password": password}}
    if source.bearer_secret:
        auth = {"auth": {"type": "bearer", "token": f"secret:{source.bearer_secret}:token"}}
    return auth | ({"custom_headers": {source.tenant_header: source.tenant}} if source.tenant else {})


def _seen_as(asked: Kiali) -> Values:
    if asked.entrance is None:
        return {}
    scheme, port = ("http", "80") if asked.entrance.insecure else ("https", str(asked.entrance.port))
    return {"web_fqdn": asked.entrance.host, "web_schema": scheme, "web_port": port}
