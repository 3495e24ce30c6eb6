"""A project of its own, with one release on the lab, that a scenario drives by its stack file and an engine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from lab import Lab
from lab.load import Load
from lab.server import Server
from tests.engine.engines import Kind, engine
from weighbridge.engine import Engine, RunResult

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "weighbridge.dev/app"

LONG_SOAK = "25s"
"""Longer than an engine takes to come to its gate, so that a run can be met there."""

ENOUGH_FOR_A_PROOF = 1200
"""Requests of both tracks at weight 10, until a canary of which three in ten fail is proven bad.

The canary's soak alone has some 30 of them (two scrapes' distance at 15 a second), and once in a hundred runs too few
fail to prove anything: the gate then holds, as it should. Of 100 that are counted at least 10 fail, but for once in a
million runs.
"""

_PATIENCE = 60.0
"""Seconds after which a load that does not come is a failure."""

RUN = """
import sys
from pathlib import Path
from weighbridge.engine import choose
choose(Path(sys.argv[1]), 'dev', sys.argv[2]).up(lambda line: print(line, flush=True))
"""


def send(load: Load, more: int) -> None:
    """Wait until so many more requests have been sent."""
    goal, deadline = load.stats().sent + more, time.monotonic() + _PATIENCE
    while load.stats().sent < goal:
        assert time.monotonic() < deadline, f"{load.stats()} never came to {goal}"
        time.sleep(0.05)


@contextmanager
def standstill(server: Server) -> Iterator[None]:
    """A server of the lab that answers nobody for a while, then dies of it and comes back.

    Only its death makes sure of what was sent to it meanwhile: woken up, it would still do it all.
    """
    assert server.pid
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        server.kill()
        server.start()


@dataclass(frozen=True)
class Run:
    """One run, as a person would see it."""

    result: RunResult
    lines: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it ended green."""
        return self.result.ok

    @property
    def text(self) -> str:
        """All that was printed, and the errors."""
        return "\n".join([*self.lines, *self.result.errors])


@dataclass
class Delivery:
    """A release under test, and others in its stack, which its runs deliver too."""

    lab: Lab
    folder: Path
    name: str
    kind: Kind
    engine: Engine
    settings: dict[str, Any] = field(default_factory=dict)
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    """More sections of the stack file, by name."""

    def write(self, **release: Any) -> None:
        """Change the release's settings in the stack file; None takes a key out."""
        for key, value in release.items():
            self.settings.pop(key, None)
            if value is not None:
                self.settings[key] = value
        stack = {
            "config": {
                "weighbridge:cluster": {"kind": "existing", "kubeconfig": str(self.lab.kubeconfig), "context": "lab"},
                "weighbridge:prometheus": {"url": self.lab.prometheus_url, "timeout": "2s", "retries": 1},
                "weighbridge:releases": {self.name: self.settings, **self.others},
                **{f"weighbridge:{name}": section for name, section in self.sections.items()},
            }
        }
        (self.folder / "stacks" / "Pulumi.dev.yaml").write_text(yaml.safe_dump(stack), encoding="utf-8")

    def up(self, *, refresh: bool = False, **release: Any) -> Run:
        """Write the settings that changed, and run."""
        self.write(**release)
        lines: list[str] = []
        return Run(self.engine.up(lines.append, refresh=refresh), tuple(lines))

    def preview(self, **release: Any) -> Run:
        """Write the settings that changed, and preview."""
        self.write(**release)
        lines: list[str] = []
        return Run(self.engine.preview(lines.append), tuple(lines))

    def refresh(self) -> Run:
        """Read what is live into the state."""
        lines: list[str] = []
        return Run(self.engine.refresh(lines.append), tuple(lines))

    def start(self, **release: Any) -> subprocess.Popen[str]:
        """Write the settings that changed, and run in a process group of its own, to be killed."""
        self.write(**release)
        return subprocess.Popen(
            [sys.executable, "-u", "-c", RUN, str(self.folder), self.kind],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def gate(self) -> Mapping[str, Any]:
        """The gate's state, as saved."""
        return self.engine.gates()[self.name]

    @property
    def routes(self) -> dict[str, int]:
        """The weights of the live VirtualService, by revision."""
        live = self.custom("virtualservices")
        routes = live["spec"]["http"][0]["route"]
        return {route["destination"]["subset"]: route.get("weight", 100) for route in routes}

    @property
    def subsets(self) -> set[str]:
        """The subsets of the live DestinationRule."""
        return {subset["name"] for subset in self.custom("destinationrules")["spec"]["subsets"]}

    def other(self, name: str) -> Delivery:
        """One of the others, to look at."""
        return replace(self, name=name, settings=self.others[name], others={})

    def pods(self, revision: str) -> tuple[int, int]:
        """How many a revision's live Deployment wants, and how many are ready."""
        found: Any = client.AppsV1Api(self.client).read_namespaced_deployment(f"{self.name}-{revision}", "test")
        return found.spec.replicas, found.status.ready_replicas or 0

    def scale(self, revision: str, replicas: int) -> None:
        """Set the number of pods as an autoscaler does, without the engine."""
        body = {"spec": {"replicas": replicas}}
        client.AppsV1Api(self.client).patch_namespaced_deployment_scale(f"{self.name}-{revision}", "test", body)

    def custom(self, plural: str) -> dict[str, Any]:
        """A live Istio object of the release."""
        api = client.CustomObjectsApi(self.client)
        found: Any = api.get_namespaced_custom_object("networking.istio.io", "v1", "test", plural, self.name)
        return dict(found)

    @property
    def deployments(self) -> dict[str, str]:
        """The release's live Deployments: revision -> uid."""
        found: Any = client.AppsV1Api(self.client).list_namespaced_deployment("test", label_selector=f"app={self.name}")
        return {item.metadata.labels["version"]: item.metadata.uid for item in found.items}

    @property
    def client(self) -> Any:
        """A client of the lab's API server."""
        return config.new_client_from_config(str(self.lab.kubeconfig), "lab")

    def counts(self) -> dict[str, int]:
        """Requests that the release's processes have counted, by revision."""
        prefix = f"{self.name}-"
        return {
            workload.removeprefix(prefix): number
            for workload, number in self.lab.counts("test").items()
            if workload.startswith(prefix)
        }

    def remove(self) -> None:
        """Take the releases' objects away, without the engine: its state goes with the folder."""
        for name in self.others:
            self.other(name).remove()
        custom = client.CustomObjectsApi(self.client)
        for plural in ("virtualservices", "destinationrules"):
            custom.delete_namespaced_custom_object("networking.istio.io", "v1", "test", plural, self.name)
        client.AppsV1Api(self.client).delete_collection_namespaced_deployment("test", label_selector=f"app={self.name}")
        client.AutoscalingV2Api(self.client).delete_collection_namespaced_horizontal_pod_autoscaler(
            "test", label_selector=f"app={self.name}"
        )
        client.CoreV1Api(self.client).delete_namespaced_service(self.name, "test")

    @contextmanager
    def load(self, rate: int = 150) -> Iterator[Load]:
        """Requests from outside, through the gateway, without retries."""
        # For longer than any scenario: on a slow machine the real engine takes minutes for a walk.
        with self.lab.load(rate=rate, host=f"{self.name}.lab", duration=290) as load:
            yield load


def deliver(lab: Lab, folder: Path, name: str, kind: Kind) -> Delivery:
    """A release that is up, with all traffic on stable."""
    (folder / "stacks").mkdir(parents=True)
    for part in ("__main__.py", "Pulumi.yaml"):
        shutil.copy(ROOT / part, folder / part)
    for part in ("components", "weighbridge", ".venv"):
        (folder / part).symlink_to(ROOT / part)
    settings: dict[str, Any] = {
        "namespace": "test",
        "port": 9898,
        "hosts": [f"{name}.lab"],
        "gateways": ["istio-system/public"],
        "replicas": 2,
        "workload": {"readiness": {"path": "/ready", "period": "1s"}, "drain": "2s"},
        "stable": {"image": f"{IMAGE}:1.0.0"},
        "canary": {"image": f"{IMAGE}:2.0.0"},
        "weight": 0,
        "steps": [10, 30, 50, 100],
        # Of the canary's 15 requests a second at the first step, three seconds' worth is counted at least: 45.
        "gate": {"soak": "4s", "warm_up": "1s", "interval": "1s", "min_requests": 20, "reporter": "source"},
        "route": {"retries": {"attempts": 0}},
    }
    # The file has to be there before an engine is chosen for it.
    (folder / "stacks" / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    delivery = Delivery(lab, folder, name, kind, engine(folder, kind))
    first = delivery.up(**settings)
    assert first.ok, first.text
    return delivery
