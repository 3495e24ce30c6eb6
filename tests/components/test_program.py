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

from tests.components.recording import PROJECT, Stack, declare

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


def ran(config: dict[str, Any]) -> Stack:
    """What the program registers with a stack's config."""

    def program() -> None:
        pulumi.runtime.config.set_all_config({f"{PROJECT}:{key}": json.dumps(value) for key, value in config.items()})
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    hook = sys.excepthook
    try:
        return declare(program, {})
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
