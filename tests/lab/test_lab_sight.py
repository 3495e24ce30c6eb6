"""What is rendered for people to look at, on the lab: the API server takes it as it is, and the gateway lets them in."""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import Mapping
from typing import Any

import pytest

from lab import Lab
from lab.api import Api, ApiError
from lab.mesh import GATEWAY_PORT
from lab.state_metrics import expose
from tests.lab.conftest import Application
from tests.unit.settings_cases import good
from weighbridge.settings import load
from weighbridge.settings.observability import Entrance
from weighbridge.sight import entrance, grafana, state_metrics

_STRICT = {"fieldValidation": "Strict", "dryRun": "All"}
_PATHS = {
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "VirtualService": "/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
}


def seen(**more: Any) -> Entrance:
    """An entrance as the settings read it."""
    given = {"host": "grafana.lab", "gateway": "istio-system/public", **more}
    section = load(good() | {"observability": {"grafana": {"entrance": given}}}).observability
    assert section
    assert section.grafana
    assert section.grafana.entrance
    return section.grafana.entrance


def create(lab: Lab, body: Mapping[str, Any], **query: str) -> None:
    """Create an object, or ask whether it could be."""

    async def ask() -> None:
        async with Api(lab.kubeconfig) as api:
            path = _PATHS[body["kind"]].format(namespace=body["metadata"].get("namespace"))
            await api._request("POST", path, body, query=query)

    asyncio.run(ask())


ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "kube-state-metrics"},
    "rules": state_metrics.rules(),
}
RENDERED = [
    grafana.dashboard_map("test"),
    entrance.virtual_service("grafana", "test", 80, seen()),
    entrance.virtual_service("kiali", "test", 20001, seen(insecure=True)),
    ROLE,
]


@pytest.mark.parametrize("body", RENDERED, ids=lambda body: f"{body['kind']} {body['metadata']['name']}")
def test_the_api_server_takes_what_is_rendered(lab: Lab, body: dict[str, Any]) -> None:
    """Real API server, real CRDs, no field that it does not know."""
    create(lab, body, **_STRICT)


def test_the_api_server_would_not_take_anything(lab: Lab) -> None:
    """A field that Istio does not have is refused, so the test before says something."""
    body = entrance.virtual_service("grafana", "test", 80, seen())
    body["spec"]["http"][0]["weigth"] = 5
    with pytest.raises(ApiError, match="unknown field"):
        create(lab, body, **_STRICT)


def status(host: str) -> int:
    """What the gateway answers for a host on its port without TLS."""
    connection = http.client.HTTPConnection("127.0.0.1", GATEWAY_PORT, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def until(host: str, wanted: int) -> None:
    """Ask the gateway until it answers so: the mesh takes a moment from the API server to the proxy."""
    deadline = time.monotonic() + 30
    while (got := status(host)) != wanted:
        assert time.monotonic() < deadline, f"{host} still answers {got}"
        time.sleep(0.1)


def test_a_port_without_tls_lets_nobody_in(app: Application) -> None:
    """On a real gateway: the route answers on the port that it is for and on no other, unless `insecure` says so."""
    app.await_ready(app.deploy("1.0.0"))
    app.expose()
    ways: dict[str, dict[str, Any]] = {"tls": {}, "port": {"port": GATEWAY_PORT}, "open": {"insecure": True}}
    for name, more in ways.items():
        asked = seen(host=f"{app.name}-{name}.lab", **more)
        body = entrance.virtual_service(app.name, "test", 9898, asked)
        app.create("VirtualService", f"{app.name}-{name}", spec=body["spec"])
    # The last one to be made answers: so those before it are in force as well.
    until(f"{app.name}-open.lab", 200)
    assert status(f"{app.name}-port.lab") == 200
    assert status(f"{app.name}-tls.lab") == 404


def test_the_stand_in_makes_nothing_of_a_strangers_route() -> None:
    """Without our annotations there is no series; with odd ones there is none that is no number."""
    stranger = {"metadata": {"name": "x", "namespace": "test"}}
    odd = {"metadata": {"name": "y", "namespace": "test", "annotations": {"weighbridge.dev/weight": "many"}}}
    text = expose(state_metrics.custom_resource_state(), {"VirtualService": [stranger, odd]})
    assert [line for line in text.splitlines() if not line.startswith("#")] == []
