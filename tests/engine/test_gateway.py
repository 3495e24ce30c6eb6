"""A gateway on a mesh that is there: from the stack file to a request over TLS, and back."""

from __future__ import annotations

import base64
import http.client
import itertools
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from lab import Lab
from tests.engine.delivery import Delivery
from tests.ways_in import Authority

_numbers = itertools.count(1)
_WITHIN = 20.0


@dataclass
class Shop:
    """A release behind a gateway of its own, on ports of its own, of the lab's mesh."""

    delivery: Delivery
    authority: Authority
    number: int

    @property
    def host(self) -> str:
        """The release's name."""
        return f"shop.g{self.number}.lab"

    @property
    def ports(self) -> dict[str, int]:
        """The gateway's."""
        return {"http": 8100 + self.number, "https": 8400 + self.number}

    @property
    def gateway(self) -> dict[str, Any]:
        """The section of the stack file."""
        return {
            "adopt": {},
            "name": f"shop{self.number}",
            "hosts": [f"*.g{self.number}.lab"],
            "ports": self.ports,
            "tls": {"secret": f"shop{self.number}"},
            "namespaces": {"test": {}},
        }

    def plain(self, path: str = "/") -> tuple[int, str | None]:
        """Ask over plain HTTP: the status, and where else to go."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=5)
        connection.request("GET", path, headers={"Host": self.host})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location")

    def secure(self, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, host: str | None = None) -> int:
        """Ask over TLS, as a client who trusts the authority and insists on the host's name: the status."""
        context = ssl.create_default_context(cafile=str(self.authority.path))
        context.maximum_version = newest
        with (
            socket.create_connection(("127.0.0.1", self.ports["https"]), timeout=5) as raw,
            context.wrap_socket(raw, server_hostname=host or self.host) as wrapped,
        ):
            wrapped.sendall(f"GET / HTTP/1.1\r\nHost: {host or self.host}\r\nConnection: close\r\n\r\n".encode())
            return int(wrapped.recv(4096).split()[1])

    def until_served(self) -> None:
        """Ask until the gateway has its listener, its certificate and its route: istiod tells nobody else of a push."""
        deadline = time.monotonic() + _WITHIN
        while True:
            try:
                if self.secure() == http.client.OK:
                    return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{error}, for {_WITHIN:g} s") from error
            time.sleep(0.05)

    def live(self, name: str) -> bool:
        """Whether there is a Gateway."""
        api: Any = client.CustomObjectsApi(self.delivery.client)
        found = api.list_namespaced_custom_object("networking.istio.io", "v1", "istio-system", "gateways")
        return name in {each["metadata"]["name"] for each in found["items"]}

    def labels(self) -> dict[str, str]:
        """The namespace's."""
        core: Any = client.CoreV1Api(self.delivery.client)
        return dict(core.read_namespace("test").metadata.labels)


@pytest.fixture
def shop(delivery: Delivery, lab: Lab, tmp_path: Path) -> Iterator[Shop]:
    """A shop whose certificate is there and whose gateway is not yet."""
    del lab
    made = Shop(delivery, Authority(tmp_path), next(_numbers))
    pair = made.authority.issue(made.host)
    parts = {"tls.crt": pair.certificate, "tls.key": pair.key}
    core: Any = client.CoreV1Api(delivery.client)
    body = {
        "metadata": {"name": f"shop{made.number}"},
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(path.read_bytes()).decode() for key, path in parts.items()},
    }
    core.create_namespaced_secret("istio-system", body)
    yield made
    delivery.sections.clear()
    assert delivery.up(gateways=["istio-system/public"], hosts=[f"{delivery.name}.lab"]).ok
    core.delete_namespaced_secret(f"shop{made.number}", "istio-system")


def opened(shop: Shop, **gateway: Any) -> None:
    """Bring the gateway up, and wait until it serves."""
    shop.delivery.sections["gateway"] = shop.gateway | gateway
    run = shop.delivery.up(gateways=[f"istio-system/shop{shop.number}"], hosts=[shop.host])
    assert run.ok, run.text
    shop.until_served()


def test_a_request_comes_in_over_tls_and_plain_http_is_sent_there(shop: Shop) -> None:
    """The given certificate is served by name, plain HTTP gets a 301 to HTTPS, and a second run changes nothing."""
    opened(shop)
    assert shop.plain("/basket?a=1") == (301, f"https://{shop.host}/basket?a=1")
    assert shop.secure(ssl.TLSVersion.TLSv1_2) == http.client.OK
    assert set(shop.delivery.up().result.changes) == {"same"}
    assert shop.delivery.engine.outputs()["gateway"] == {"name": f"istio-system/shop{shop.number}", "address": None}


def test_an_old_tls_is_refused_where_the_settings_say_so(shop: Shop) -> None:
    """With `min_version` 1.3 a client that speaks no more than 1.2 gets no answer."""
    opened(shop, tls={"secret": f"shop{shop.number}", "min_version": "1.3"})
    with pytest.raises(ssl.SSLError):
        shop.secure(ssl.TLSVersion.TLSv1_2)


def test_both_serve_where_no_redirect_is_wanted(shop: Shop) -> None:
    """`redirect: false` leaves plain HTTP as it is."""
    opened(shop, redirect=False)
    assert shop.plain() == (200, None)


def test_a_host_that_no_one_serves_gets_no_certificate(shop: Shop) -> None:
    """The Gateway's hosts are all that it answers for: a foreign name's handshake is not answered."""
    opened(shop)
    with pytest.raises(OSError, match=r"reset|EOF|closed|alert"):
        shop.secure(host="shop.elsewhere.lab")


def test_a_gateway_that_goes_leaves_the_namespace_as_it_was(shop: Shop) -> None:
    """Its label goes, and the Gateway; the namespace, which is somebody else's, stays with all that is in it."""
    assert "istio-injection" not in shop.labels()
    opened(shop)
    assert shop.labels()["istio-injection"] == "enabled"
    del shop.delivery.sections["gateway"]
    assert shop.delivery.up(gateways=["istio-system/public"], hosts=[f"{shop.delivery.name}.lab"]).ok
    assert "istio-injection" not in shop.labels()
    assert not shop.live(f"shop{shop.number}")
    assert shop.delivery.deployments


def test_somebody_else_s_gateway_is_not_taken_over(shop: Shop) -> None:
    """One line names it and the setting, and nothing is touched."""
    shop.delivery.sections["gateway"] = shop.gateway | {"name": "public", "hosts": ["*.lab"]}
    run = shop.delivery.up()
    rule = "weighbridge:gateway: 'name' must lead to names that are free"
    line = f"{rule} (got Gateway istio-system/public, which this stack did not make)"
    assert (run.ok, run.result.errors, set(run.result.changes)) == (False, (line,), {"same"})
    assert "istio-injection" not in shop.labels()


def test_a_namespace_that_is_not_there_is_not_made_up(shop: Shop) -> None:
    """A label needs a namespace: the line names it, and none is created."""
    shop.delivery.sections["gateway"] = shop.gateway | {"namespaces": {"nowhere": {}}}
    run = shop.delivery.up()
    rule = "weighbridge:gateway.namespaces: 'nowhere' must be a namespace that is there, unless its 'create' is true"
    assert (run.ok, run.result.errors, set(run.result.changes)) == (False, (f"{rule} (got none)",), {"same"})
    core: Any = client.CoreV1Api(shop.delivery.client)
    assert "nowhere" not in {each.metadata.name for each in core.list_namespace().items}


def test_a_rehearsal_says_that_it_installs_no_chart_before_it_touches_anything(shop: Shop) -> None:
    """The line names the first chart and the engine that can; neither the release nor the namespace is touched."""
    if shop.delivery.kind != "rehearsal":
        pytest.skip("the real engine can")
    before = shop.delivery.custom("virtualservices")["metadata"]["resourceVersion"]
    shop.delivery.sections["gateway"] = {"install": {"namespace": "mesh"}, "hosts": ["*"], "insecure": True}
    run = shop.delivery.up(weight=10)
    rule = "a Helm release needs the real Pulumi engine (`--engine pulumi`), as a rehearsal makes Kubernetes objects"
    assert run.result.errors == (f"gateway-base: {rule}; and so do 2 more",)
    assert run.result.changes == {}
    assert shop.delivery.custom("virtualservices")["metadata"]["resourceVersion"] == before
    assert len(shop.delivery.deployments) == 1
    shop.delivery.write(weight=0)


def test_a_chart_that_cannot_be_fetched_is_one_line_in_the_preview_already(shop: Shop) -> None:
    """The lab's namespace leads nowhere: the line names the release, and nothing has been changed."""
    if shop.delivery.kind != "pulumi":
        pytest.skip("only the real engine fetches charts")
    shop.delivery.sections["gateway"] = {"install": {"namespace": "mesh"}, "hosts": ["*"], "insecure": True}
    before = shop.delivery.custom("virtualservices")["metadata"]["resourceVersion"]
    for run in (shop.delivery.preview(), shop.delivery.up()):
        assert not run.ok
        (line,) = run.result.errors
        assert line.startswith("gateway-base: the chart cannot be fetched: "), run.text
    assert shop.delivery.custom("virtualservices")["metadata"]["resourceVersion"] == before
