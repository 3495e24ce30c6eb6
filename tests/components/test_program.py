"""The program, `__main__.py`, under the mocks: what it hands to which cluster."""

from __future__ import annotations

import json
import runpy
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from tests.components.clouds import MESH_API, Clouds, alibaba, google, static
from tests.components.recording import PROJECT, Stack, declare, is_secret, revealed

ROOT = Path(__file__).resolve().parents[2]
RELEASE = {"namespace": "test", "port": 9898, "stable": {"image": "a:1"}}


class Servers:
    """Ports that stand for API servers, and the kubeconfig in which each has a context."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._listening = {name: socket.create_server(("127.0.0.1", 0)) for name in names}
        servers = {name: f"http://127.0.0.1:{each.getsockname()[1]}" for name, each in self._listening.items()}
        self.kubeconfig = folder / "kubeconfig"
        content = {
            "clusters": [{"name": name, "cluster": {"server": url}} for name, url in servers.items()],
            "contexts": [{"name": name, "context": {"cluster": name}} for name in servers],
        }
        self.kubeconfig.write_text(yaml.safe_dump(content), encoding="utf-8")

    def cluster(self, context: str, **more: str) -> dict[str, str]:
        """The settings of a cluster."""
        return {"kind": "existing", "kubeconfig": str(self.kubeconfig), "context": context, **more}

    def knocks(self, name: str) -> int:
        """How often somebody has connected to a server since the last time."""
        self._listening[name].setblocking(False)
        found = 0
        while True:
            try:
                self._listening[name].accept()[0].close()
            except BlockingIOError:
                return found
            found += 1

    def close(self) -> None:
        """Close the ports."""
        for each in self._listening.values():
            each.close()


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """Three clusters, and no proxy in between."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Servers(tmp_path, ["home", "eu", "eu-istio", "asia"])
    yield made
    made.close()


def ran(config: dict[str, Any], cloud: Clouds | None = None, *, preview: bool = False) -> Stack:
    """What the program registers with a stack's config."""

    def program() -> None:
        pulumi.runtime.config.set_all_config({f"{PROJECT}:{key}": json.dumps(value) for key, value in config.items()})
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    hook = sys.excepthook
    try:
        return declare(program, {}, cloud=cloud, preview=preview)
    finally:
        sys.excepthook = hook


def test_each_release_goes_to_its_cluster(servers: Servers) -> None:
    """A provider for each cluster in use, the default one under its old name; each is looked for once, others never."""
    eu = servers.cluster("eu", mesh_context="eu-istio")
    stack = ran(
        {
            "cluster": servers.cluster("home"),
            "clusters": {"eu": eu, "asia": servers.cluster("asia")},
            "releases": {"here": RELEASE, "there": RELEASE | {"cluster": "eu"}, "too": RELEASE | {"cluster": "eu"}},
        }
    )
    assert stack.error is None
    contexts = {each.name: each.inputs["context"] for each in stack.of("kubernetes")}
    assert contexts == {
        "cluster-provider": "home",
        "cluster-eu-provider": "eu",
        "cluster-eu-mesh-provider": "eu-istio",
    }
    assert {each.name for each in stack.of("ExistingCluster")} == {"cluster", "cluster-eu"}
    used = {
        release: {each.provider for each in stack.all if each.parent == release and each.type.startswith("kubernetes:")}
        for release in ("here", "there", "too")
    }
    abroad = {"cluster-eu-provider", "cluster-eu-mesh-provider"}
    assert used == {"here": {"cluster-provider"}, "there": abroad, "too": abroad}
    assert [servers.knocks(name) for name in ("home", "eu", "eu-istio", "asia")] == [1, 1, 1, 0]


def test_a_cluster_without_its_context_is_named(servers: Servers) -> None:
    """The line has the entry's own key, and nothing is registered."""
    stack = ran(
        {
            "cluster": servers.cluster("home"),
            "clusters": {"eu": servers.cluster("nowhere")},
            "releases": {"here": RELEASE, "there": RELEASE | {"cluster": "eu"}},
        }
    )
    line = "weighbridge:clusters.eu.context: must be one of home, eu, eu-istio, asia (got 'nowhere')"
    assert (str(stack.error), stack.all) == (line, [])


@pytest.mark.usefixtures("clouded")
@pytest.mark.parametrize("preview", [False, True])
def test_one_stack_makes_the_cluster_and_delivers_to_it(*, preview: bool) -> None:
    """On Google Cloud: the release's objects go to the cluster that the same run makes, once it has nodes."""
    stack = ran({"cluster": google(), "releases": {"podinfo": RELEASE}}, Clouds(), preview=preview)
    assert stack.error is None
    (deployment,) = stack.of("Deployment")
    assert deployment.provider == "cluster-provider"
    assert "cluster-nodes" in stack.waits_for("cluster-provider")


@pytest.mark.usefixtures("clouded")
def test_the_meshs_objects_go_to_the_meshs_own_api_server() -> None:
    """On Alibaba Cloud: workloads to the cluster, routes to ASM's API server, in one run."""
    stack = ran({"cluster": alibaba(), "releases": {"podinfo": RELEASE}}, Clouds())
    assert stack.error is None
    providers = {
        each.type.rpartition(":")[2]: each.provider for each in stack.all if each.type.startswith("kubernetes:")
    }
    assert providers["Deployment"] == "cluster-provider"
    assert providers["VirtualService"] == providers["DestinationRule"] == "cluster-mesh-provider"
    assert revealed(stack["cluster-mesh-provider"].inputs["kubeconfig"]) == static(MESH_API)


@pytest.mark.usefixtures("clouded")
def test_a_platform_stack_and_a_stack_of_services_are_two_programs_in_one() -> None:
    """What the one exports, `cluster` and `clusters`, the other takes by a StackReference; nothing else is agreed on."""
    made = ran({"cluster": alibaba(), "clusters": {"eu": google()}}, Clouds())
    assert made.error is None
    assert is_secret(made.outputs["cluster"]["kubeconfig"])
    platform = {key: revealed(value) for key, value in made.outputs.items()}
    refers = {"kind": "stack", "stack": "acme/weighbridge/platform"}
    services = {
        "cluster": refers,
        "clusters": {"eu": refers | {"cluster": "eu"}},
        "releases": {"here": RELEASE, "there": RELEASE | {"cluster": "eu"}},
    }
    stack = ran(services, Clouds({refers["stack"]: platform}))
    assert stack.error is None
    given = {each.name: revealed(each.inputs["kubeconfig"]) for each in stack.of("kubernetes")}
    assert given["cluster-provider"] == platform["cluster"]["kubeconfig"]
    assert given["cluster-mesh-provider"] == static(MESH_API)
    assert given["cluster-eu-provider"] == given["cluster-eu-mesh-provider"] == platform["clusters"]["eu"]["kubeconfig"]
    used = {each.provider for each in stack.all if each.parent == "there" and each.type.startswith("kubernetes:")}
    assert used == {"cluster-eu-provider", "cluster-eu-mesh-provider"}


def test_a_stack_on_an_existing_cluster_exports_what_it_always_did(servers: Servers) -> None:
    """No output more, so that nothing of an older state changes."""
    assert set(ran({"cluster": servers.cluster("home")}).outputs) == {"releases"}


@pytest.mark.usefixtures("clouded")
def test_a_cloud_without_credentials_is_one_line_and_nothing_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found out before the first resource."""
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    stack = ran({"cluster": alibaba()}, Clouds())
    assert str(stack.error).startswith("weighbridge:cluster: no credentials of Alibaba Cloud were found: ")
    assert stack.all == []


def test_what_people_look_at_is_on_its_cluster(servers: Servers) -> None:
    """Grafana goes to the cluster that the section names, its entrance to that cluster's mesh; nobody else is asked."""
    stack = ran(
        {
            "cluster": servers.cluster("home"),
            "clusters": {"eu": servers.cluster("eu", mesh_context="eu-istio")},
            "observability": {
                "cluster": "eu",
                "prometheus": {"url": "http://prometheus"},
                "grafana": {"entrance": {"host": "grafana.example.com", "gateway": "istio-system/public"}},
            },
            "releases": {"here": RELEASE},
        }
    )
    assert stack.error is None
    made = {each.name: each.provider for each in stack.all if each.parent == "observability"}
    assert made == {
        "observability-namespace": "cluster-eu-provider",
        "observability-dashboards": "cluster-eu-provider",
        "observability-grafana": "cluster-eu-provider",
        "observability-grafana-routes": "cluster-eu-mesh-provider",
    }
    assert {each.provider for each in stack.all if each.parent == "here" and each.type.startswith("kubernetes:")} == {
        "cluster-provider"
    }


OLD_STATE = {
    "pulumi-python:dynamic/weighbridge:StackVerdict::verdict",
    "weighbridge:index:CanaryRelease$kubernetes:apps/v1:Deployment::podinfo-f29e52f901",
    "weighbridge:index:CanaryRelease$kubernetes:core/v1:Service::podinfo-service",
    "weighbridge:index:CanaryRelease$kubernetes:networking.istio.io/v1:DestinationRule::podinfo-destinations",
    "weighbridge:index:CanaryRelease$kubernetes:networking.istio.io/v1:VirtualService::podinfo-routes",
    "weighbridge:index:CanaryRelease$pulumi-python:dynamic/weighbridge:AppliedRoute::podinfo-applied",
    "weighbridge:index:CanaryRelease$pulumi-python:dynamic/weighbridge:MetricGate::podinfo-gate",
    "weighbridge:index:CanaryRelease::podinfo",
    "weighbridge:index:ExistingCluster$pulumi:providers:kubernetes::cluster-mesh-provider",
    "weighbridge:index:ExistingCluster$pulumi:providers:kubernetes::cluster-provider",
    "weighbridge:index:ExistingCluster::cluster",
}
"""What a state held that was written before a stack could make a cluster: stack and project left out of the URNs."""


def test_an_older_state_is_taken_over_as_it_is(servers: Servers) -> None:
    """The same program with the same stack file asks for the same URNs: nothing of an older state is replaced."""
    release = RELEASE | {"stable": {"image": "weighbridge.dev/app:1.0.0"}}
    stack = ran({"cluster": servers.cluster("home", mesh_context="eu-istio"), "releases": {"podinfo": release}})
    assert {each.urn.split("::", 2)[2] for each in stack.all} == OLD_STATE
