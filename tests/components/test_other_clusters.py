"""Clusters that the stack does not make: one that exists already, and one that another stack made."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.cluster import OUTPUTS, choice
from tests.components.clouds import MESH_API, Clouds, static
from tests.components.recording import Stack, declare, is_secret, revealed
from weighbridge.settings import load

PLATFORM = "acme/platform/prod"
ACK = {"cloud": "alibaba", "kubeconfig": "plugin", "mesh_kubeconfig": static(MESH_API), "vpc_id": "vpc-1"}
GKE = {"cloud": "google", "kubeconfig": "plugin-eu", "project": "demo-project", "name": "demo"}


def made(section: dict[str, Any], outputs: dict[str, Any] | None = None, *, preview: bool = False) -> Stack:
    """The stack of a cluster with this section, beside a platform stack with these outputs; exports the cluster's."""

    def program() -> None:
        cluster = choice.declared(None, load({"cluster": section}).cluster)
        pulumi.export("cluster", dict(cluster.outputs))

    clouds = Clouds({PLATFORM: outputs} if outputs is not None else {})
    return declare(program, {}, preview=preview, cloud=clouds)


def urns(stack: Stack) -> set[str]:
    """What the resources are called in the state."""
    return {each.urn.partition("::")[2].partition("::")[2] for each in stack.all}


def test_an_existing_cluster_is_called_what_it_always_was() -> None:
    """These are the URNs of states from before there were other kinds: another name would replace all on the cluster."""
    assert urns(made({"kind": "existing"})) == {
        "weighbridge:index:ExistingCluster::cluster",
        "weighbridge:index:ExistingCluster$pulumi:providers:kubernetes::cluster-provider",
    }
    assert urns(made({"kind": "existing", "mesh_context": "asm"})) == {
        "weighbridge:index:ExistingCluster::cluster",
        "weighbridge:index:ExistingCluster$pulumi:providers:kubernetes::cluster-provider",
        "weighbridge:index:ExistingCluster$pulumi:providers:kubernetes::cluster-mesh-provider",
    }


def test_an_existing_cluster_is_given_what_it_always_was() -> None:
    """The provider's inputs of those states: a path and a context, so that nothing on the cluster is updated either."""
    stack = made({"kind": "existing", "kubeconfig": "/k", "context": "c"})
    assert stack["cluster-provider"].inputs == {"kubeconfig": "/k", "context": "c"}


@pytest.mark.parametrize("preview", [False, True])
def test_another_stacks_cluster_is_reached(*, preview: bool) -> None:
    """By the kubeconfigs that the platform stack exports, in its preview too; both stay secrets."""
    stack = made({"kind": "stack", "stack": PLATFORM}, {"cluster": ACK}, preview=preview)
    assert stack.error is None
    given = {each.name: each.inputs["kubeconfig"] for each in stack.of("kubernetes")}
    assert all(map(is_secret, given.values()))
    assert {name: revealed(text) for name, text in given.items()} == {
        "cluster-provider": "plugin",
        "cluster-mesh-provider": static(MESH_API),
    }


def test_a_mesh_without_an_api_server_is_in_the_cluster() -> None:
    """Where the platform stack has no kubeconfig for the mesh, the mesh's objects go to the cluster's API server."""
    stack = made({"kind": "stack", "stack": PLATFORM}, {"cluster": GKE})
    assert {revealed(each.inputs["kubeconfig"]) for each in stack.of("kubernetes")} == {"plugin-eu"}


def test_one_of_several_clusters_is_chosen_by_name() -> None:
    """By its key in the platform stack's `clusters`."""
    outputs = {"cluster": ACK, "clusters": {"eu": GKE}}
    stack = made({"kind": "stack", "stack": PLATFORM, "cluster": "eu"}, outputs)
    assert {revealed(each.inputs["kubeconfig"]) for each in stack.of("kubernetes")} == {"plugin-eu"}


def test_its_other_outputs_are_handed_on_as_secrets() -> None:
    """Each by the name that every kind uses; what the platform stack says is for those who may read its secrets."""
    found = made({"kind": "stack", "stack": PLATFORM}, {"cluster": GKE}).outputs["cluster"]
    assert set(found) <= set(OUTPUTS)
    assert all(is_secret(value) for value in found.values())
    assert (revealed(found["project"]), revealed(found["cloud"])) == ("demo-project", "google")


MISSING: list[tuple[str, dict[str, Any] | None, str | None, str]] = [
    ("a stack that never ran", None, None, "the output 'cluster'"),
    ("a stack without a cluster of its own", {"releases": {}}, None, "the output 'cluster'"),
    ("a stack without that cluster", {"clusters": {"us": GKE}}, "eu", "the output 'clusters' with 'eu' in it"),
]


@pytest.mark.parametrize(("fact", "outputs", "name", "what"), MISSING, ids=[row[0] for row in MISSING])
def test_a_stack_without_the_cluster_is_one_line(
    fact: str, outputs: dict[str, Any] | None, name: str | None, what: str
) -> None:
    """It names the stack and the output, and says when it is there; no provider is made."""
    stack = made({"kind": "stack", "stack": PLATFORM} | ({"cluster": name} if name else {}), outputs)
    assert isinstance(stack.error, pulumi.RunError), fact
    line = f"the stack {PLATFORM} must have {what}: it is there after an `up` of a stack whose cluster is gke or ack"
    assert str(stack.error) == line
    assert not stack.of("kubernetes")


def test_names_in_the_state_are_a_contract() -> None:
    """Renames need an alias."""
    assert urns(made({"kind": "stack", "stack": PLATFORM}, {"cluster": GKE})) == {
        "weighbridge:index:StackCluster::cluster",
        "weighbridge:index:StackCluster$pulumi:providers:kubernetes::cluster-provider",
        "weighbridge:index:StackCluster$pulumi:providers:kubernetes::cluster-mesh-provider",
    }
