"""The program with a gateway, under the mocks: what it looks for first, and what waits for what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components.clouds import Clouds, alibaba, google
from tests.components.recording import revealed
from tests.components.test_program import RELEASE, ran
from tests.loopback import Loopback
from tests.rendered import GATEWAYS


@pytest.fixture
def cluster(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of a cluster in which there are namespaces, and nothing in them; no proxy in between."""
    server.answer = lambda request: (200 if _is_namespace(request.path) else 404, {})
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "kubeconfig"
    content = {
        "clusters": [{"name": "home", "cluster": {"server": server.url}}],
        "contexts": [{"name": "home", "context": {"cluster": "home", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return {"kind": "existing", "kubeconfig": str(file), "context": "home"}


def _is_namespace(path: str) -> bool:
    return path.rpartition("/")[0] == "/api/v1/namespaces"


def test_releases_come_after_the_way_in(cluster: dict[str, Any]) -> None:
    """A release's first object waits for the mesh's kinds and for its Gateway, and for the chart of either."""
    certificate = {"email": "a@example.com", "acme": "staging", "dns01": {"alibaba": {"secret": "mine"}}}
    gateway = {"install": {}, "hosts": ["a.example.com"], "tls": {"certificate": certificate}}
    stack = ran({"cluster": cluster, "gateway": gateway, "releases": {"podinfo": RELEASE}})
    assert stack.error is None
    before = stack.waits_for("podinfo-destinations")
    assert {"gateway-gateway", "gateway-istiod", "gateway-ingress", "gateway-certificate"} <= before
    assert {each.provider for each in stack.all if each.parent == "gateway"} >= {"cluster-provider"}


@pytest.mark.parametrize(("where", "waits"), [({}, True), ({"cluster": "away"}, False)])
def test_a_measure_waits_for_the_gateway_of_its_own_cluster(
    cluster: dict[str, Any], where: dict[str, Any], *, waits: bool
) -> None:
    """A cluster whose gateway does not come up must not keep another one from being measured."""
    gateway = GATEWAYS["plain"] | where
    stack = ran({"cluster": cluster, "clusters": {"away": cluster}, "gateway": gateway, "prometheus": {"install": {}}})
    assert stack.error is None
    assert ("gateway-gateway" in stack.waits_for("prometheus-server")) is waits


def test_a_name_that_is_taken_ends_the_run_before_it_begins(server: Loopback, cluster: dict[str, Any]) -> None:
    """Nothing is registered, and the line says which object is in the way."""
    server.answer = lambda request: (200 if request.path.endswith("/gateways/public") else 404, {})
    stack = ran({"cluster": cluster, "gateway": GATEWAYS["plain"], "releases": {"podinfo": RELEASE}})
    rule = "weighbridge:gateway: 'name' must lead to names that are free"
    line = f"{rule} (got Gateway istio-system/public, which this stack did not make)"
    assert (str(stack.error), stack.all) == (line, [])


def test_a_gateway_alone_is_a_stack(cluster: dict[str, Any]) -> None:
    """One stack for the mesh, others for the services."""
    stack = ran({"cluster": cluster, "gateway": GATEWAYS["plain"]})
    assert stack.error is None
    assert {each.name for each in stack.all if each.parent == "gateway"} == {"gateway-gateway"}


def test_a_key_pair_comes_from_where_the_settings_say(cluster: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set is one line; one that is reaches the Secret, and no other resource."""
    monkeypatch.setenv("ID", "LTAI-id")
    config = {"cluster": cluster, "gateway": GATEWAYS["alibaba"]}
    stack = ran(config)
    where = "weighbridge:gateway.tls.certificate.dns01.alibaba.access_key_secret"
    assert str(stack.error) == f"{where}: the environment variable SECRET is not set"
    assert not [each for each in stack.all if each.parent == "gateway"]
    monkeypatch.setenv("SECRET", "hunter2")
    stack = ran(config)
    assert stack.error is None
    assert [each.name for each in stack.all if "hunter2" in str(each.inputs)] == ["gateway-credentials"]


def test_a_label_for_a_namespace_that_is_missing_is_one_line(server: Loopback, cluster: dict[str, Any]) -> None:
    """Before anything is registered, as an apply of the label would make the namespace; a chart of the stack may make it."""
    server.answer = lambda _: (404, {})
    gateway = GATEWAYS["plain"] | {"namespaces": {"monitoring": {}}}
    stack = ran({"cluster": cluster, "gateway": gateway})
    rule = "weighbridge:gateway.namespaces: 'monitoring' must be a namespace that is there, unless its 'create' is true"
    assert (str(stack.error), stack.all) == (f"{rule} (got none)", [])
    assert ran({"cluster": cluster, "gateway": gateway, "prometheus": {"install": {}}}).error is None


@pytest.mark.usefixtures("clouded")
def test_the_load_balancer_is_where_the_cluster_is() -> None:
    """Else its region would be the SDK's own choice, and no node of the cluster behind it; records in its account too."""
    gateway = {
        "install": {},
        "hosts": ["a.example.com"],
        "insecure": True,
        "address": {"alibaba": {}},
        "dns": {"alibaba": {"domain": "example.com"}},
    }
    stack = ran({"cluster": alibaba(mesh=None, profile=None), "gateway": gateway}, Clouds())
    assert stack.error is None
    assert stack["cluster-alicloud"].inputs["region"] == "cn-hangzhou"
    made = [*stack.of("ApplicationLoadBalancer"), *stack.of("AlidnsRecord")]
    assert [each.provider for each in made] == ["cluster-alicloud"] * 2
    assert stack["gateway-ingress"].provider == "cluster-provider"


@pytest.mark.usefixtures("clouded")
def test_the_address_is_in_the_clusters_project() -> None:
    """So is the pool of its identities; what another project is named for stays there."""
    certificate = {"email": "a@example.com", "acme": "staging", "dns01": {"google": {"project": "zones-project"}}}
    gateway = {
        "install": {},
        "hosts": ["a.example.com"],
        "tls": {"certificate": certificate},
        "address": {"google": {"region": "europe-west1"}},
    }
    stack = ran({"cluster": google(), "gateway": gateway}, Clouds())
    assert stack.error is None
    assert stack["gateway-address"].inputs["project"] == google()["project"]
    member = "serviceAccount:demo-project.svc.id.goog[cert-manager/cert-manager]"
    assert stack["gateway-dns01-identity"].inputs["member"] == member
    gateway["address"] = {"google": {"region": "europe-west1", "project": "other-project"}}
    stack = ran({"cluster": google(), "gateway": gateway}, Clouds())
    assert stack["gateway-address"].inputs["project"] == "other-project"


@pytest.mark.usefixtures("clouded")
def test_asm_s_gateway_runs_in_the_cluster_that_the_stack_makes() -> None:
    """Nobody knows its ID before the first run: cluster, mesh and gateway are one `up`."""
    gateway = {"asm": {}, "hosts": ["a.example.com"], "insecure": True}
    stack = ran({"cluster": alibaba(), "gateway": gateway}, Clouds())
    assert stack.error is None
    made = stack["gateway-asm"]
    assert (revealed(made.inputs["spec"])["clusterIds"], made.provider) == (["cluster-ack-id"], "cluster-mesh-provider")
