"""The stack files that are there to be copied: each loads, with every option that it shows, for program and editor."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from docs.created import registered
from tests.components.recording import Registered, revealed
from tests.unit.test_docs import raw, switched_on
from weighbridge.settings import Settings, load
from weighbridge.settings.cluster import Ack, Gke
from weighbridge.settings.schema import stack_schema

STACKS = Path(__file__).resolve().parents[2] / "stacks"
SCHEMA = jsonschema.Draft202012Validator(stack_schema())
LASTING = {
    "gke": {"cluster-gke", "gateway-address", "gateway-namespace-test", "prometheus-server"},
    "ack-asm": {"cluster-ack", "cluster-asm", "gateway-address", "gateway-namespace-test", "prometheus-server"},
    "existing": {"gateway-namespace-test"},
}
"""What takes other people's work, addresses or measurements with it when it goes; the rest is made anew by an `up`."""
KINDS = {"gke": "gke", "ack-asm": "ack", "existing": "existing"}


def written(name: str) -> str:
    """A stack file's text."""
    return (STACKS / f"Pulumi.{name}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_a_copy_is_right_from_the_first_line_on(name: str, kind: str) -> None:
    """It loads, nothing of it is underlined, and it begins at weight 0."""
    text = written(name)
    document = yaml.safe_load(text)
    settings = load(raw(document))
    assert settings.cluster.kind == kind
    assert {release.weight for release in settings.releases.values()} == {0}
    assert text.startswith("# yaml-language-server: $schema=../weighbridge/settings.schema.json\n")
    assert [error.message for error in SCHEMA.iter_errors(document)] == []


def options(name: str) -> dict[str, Any]:
    """A stack file with every option that it has commented out; a section that is one brings its keys along."""
    text = re.sub(r"^( +)# (network:|kiali: \{.*)$", r"\1\2", written(name), flags=re.MULTILINE)
    document: dict[str, Any] = yaml.safe_load(switched_on(text))
    return document


def test_what_is_commented_out_loads_too() -> None:
    """Each option can be switched on as it stands, and the defaults that are shown are the defaults."""
    for name, kind in (("gke", Gke), ("ack-asm", Ack)):
        cluster = load(raw(options(name))).cluster
        assert isinstance(cluster, kind)
        plain = load(raw(yaml.safe_load(written(name)))).cluster
        assert isinstance(plain, kind)
        assert cluster.network == plain.network, name
        assert cluster.nodes.spot, name
        assert cluster != plain, name


@pytest.mark.parametrize("name", KINDS)
def test_kiali_is_one_line_away(name: str) -> None:
    """It can be switched on as it stands, behind the same Gateway."""
    seen = load(raw(options(name))).observability
    assert seen
    assert set(seen.entrances) == {"observability.grafana.entrance", "observability.kiali.entrance"}


@pytest.mark.parametrize("name", ["gke", "ack-asm"])
def test_what_a_stack_makes_is_protected_and_cheap(name: str) -> None:
    """Nothing vanishes by an edit; two machines, no address and no edition that would be charged unasked."""
    cluster = load(raw(yaml.safe_load(written(name)))).cluster
    assert isinstance(cluster, Gke | Ack)
    assert (cluster.protect, cluster.nodes.count, cluster.nodes.spot) == (True, 2, False)


@functools.cache
def declared(name: str) -> tuple[Registered, ...]:
    """All that the program registers with a stack file; ends in an error where that ends red."""
    return tuple(registered(name))


def read(name: str) -> Settings:
    """A stack file's settings."""
    return load(raw(yaml.safe_load(written(name))))


@pytest.mark.parametrize("name", KINDS)
def test_what_must_not_vanish_is_protected_and_nothing_else(name: str) -> None:
    """Clusters, the mesh, the address that the DNS names, the namespace with the pods, the samples that were measured.

    Records, certificates and the charts without data come back by another run: to protect them would only be in the way.
    """
    assert {each.name for each in declared(name) if each.protected} == LASTING[name]


@pytest.mark.parametrize("name", KINDS)
def test_the_parts_of_a_stack_name_one_another_rightly(name: str) -> None:
    """Release and Grafana are routed on the Gateway that is made, which serves their hosts, in a namespace with sidecars."""
    stack, by_kind = read(name), {each.type.rpartition(":")[2]: each for each in declared(name)}
    made = revealed(by_kind["Gateway"].inputs)
    place = f"{made['metadata']['namespace']}/{made['metadata']['name']}"
    assert stack.gateway
    for route in (each for each in declared(name) if each.type.endswith(":VirtualService")):
        spec = revealed(route.inputs)["spec"]
        assert place in spec["gateways"], route.name
        outside = [host for host in spec["hosts"] if not host.endswith(".svc.cluster.local")]
        assert outside, route.name
        assert all(map(stack.gateway.serves, outside)), route.name
    for release in stack.releases.values():
        assert stack.gateway.namespaces[release.namespace].injection
        assert release.workload.autoscaling
        assert release.gate.comparison
    apex_and_all = {"example.com", "*.example.com"}
    assert set(stack.gateway.hosts) == (apex_and_all if stack.gateway.dns else {"*.example.com"})


@pytest.mark.parametrize("name", KINDS)
def test_each_asks_prometheus_where_it_can_reach_it(name: str) -> None:
    """The gate by the port-forward of the run's machine, whose line says so; Grafana by the Service in the cluster."""
    stack = read(name)
    assert stack.prometheus
    assert stack.observability
    assert stack.prometheus.address == "http://127.0.0.1:9090"
    assert re.search(r"kubectl -n \S+ port-forward service/\S+ 9090:\d+\n", written(name))
    assert "127.0.0.1" not in stack.observability.source(stack.prometheus).url


def test_the_first_run_of_a_made_cluster_waits_for_it() -> None:
    """In a new project there is neither an API nor a workload identity pool before the cluster; nor a cluster's id."""
    by_name = {each.name: each for each in declared("gke")}
    for part in ("gateway-address", "gateway-dns01-identity", "gateway-record-example.com"):
        assert "cluster-provider" in by_name[part].depends_on, part
    gateway = next(each for each in declared("ack-asm") if each.name == "gateway-asm")
    assert revealed(gateway.inputs)["spec"]["clusterIds"] == ["cluster-ack-id"]


def test_no_stack_file_says_a_secret() -> None:
    """What is secret is referred to: a key pair for Alibaba Cloud's DNS is in the stack's own encrypted config."""
    document = yaml.safe_load(written("ack-asm"))
    dns01 = document["config"]["weighbridge:gateway"]["tls"]["certificate"]["dns01"]["alibaba"]
    assert dns01 == {"access_key_id": {"config": "dns-id"}, "access_key_secret": {"config": "dns-secret"}}
