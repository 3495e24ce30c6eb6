"""The demo: a good release is walked to its promotion, a bad one is caught, under load all the while.

It is made of the `weighbridge` command. What is here only starts the lab, gives load, and tells at the end what
happened, from the gate's own history and from what the application's processes counted.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lab.lab import Lab
from lab.load import LoadStats

ROOT = Path(__file__).resolve().parents[1]
RELEASE = "podinfo"
RATE = 200
"""Requests a second, from outside, through the gateway, without retries."""

GOOD, BAD = "weighbridge.dev/app:2.0.0", "weighbridge.dev/app:3.0.0-errors30"
DONE, ROLLED_BACK = 0, 3
"""Exit codes of `weighbridge` that the demo expects."""


def run() -> int:
    """Run the demo inside a namespace.

    Returns:
        0 when the good release was promoted, the bad one rolled back, and no request lost; else 1.
    """
    started = time.monotonic()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="weighbridge-demo-") as folder:
        console.print("demo: starting a mesh on this machine: API server, etcd, istiod, Envoy, Prometheus")
        with Lab.start(Path(folder) / "lab") as lab:
            console.print(f"demo: the mesh is up after {time.monotonic() - started:.0f}s")
            weighbridge = _Weighbridge(_project(Path(folder) / "project"), lab, console)
            codes = [weighbridge("up")]
            console.print(f"demo: {RATE} requests a second from here on")
            with lab.load(rate=RATE, host=f"{RELEASE}.lab") as load:
                console.rule("a good candidate: 10 -> 30 -> 50 -> 100 -> promoted")
                codes += [weighbridge("set-image", RELEASE, GOOD), weighbridge("run", RELEASE)]
                console.rule("a bad candidate: 30% of its answers are 5xx")
                codes += [weighbridge("set-image", RELEASE, BAD), weighbridge("run", RELEASE)]
                stats = load.stats()
            console.rule("what happened")
            _tell(console, weighbridge.gate(), lab.counts("test"), stats)
    as_it_should = codes == [DONE, DONE, DONE, DONE, ROLLED_BACK] and stats.lost == 0
    outcome = "all as it should be" if as_it_should else f"NOT as it should be: exit codes {codes}, lost {stats.lost}"
    console.print(f"demo: {outcome}, in {time.monotonic() - started:.0f}s")
    return 0 if as_it_should else 1


class _Weighbridge:
    """The command, on the demo's own copy of the project."""

    def __init__(self, project: Path, lab: Lab, console: Console) -> None:
        self._command = [sys.executable, "-m", "weighbridge"]
        self._options = ["--project", str(project), "--stack", "lab"]
        self._environment = os.environ | {"KUBECONFIG": str(lab.kubeconfig), "PYTHONPATH": str(ROOT)}
        self._console = console

    def __call__(self, *words: str) -> int:
        """Run it as a person would, and give its exit code."""
        self._console.print(f"[bold]$ weighbridge {' '.join(words)}[/bold]")
        return subprocess.run([*self._command, *words, *self._options], env=self._environment, check=False).returncode

    def gate(self) -> Mapping[str, Any]:
        """What the gate's state says at the end."""
        words = [*self._command, "status", "--json", *self._options]
        told = subprocess.run(words, env=self._environment, check=True, capture_output=True, text=True).stdout
        gate: Mapping[str, Any] = json.loads(told)["gates"][RELEASE]
        return gate


def _project(folder: Path) -> Path:
    """A project of the demo's own, so that its edits leave this checkout alone."""
    (folder / "stacks").mkdir(parents=True)
    for part in ("__main__.py", "Pulumi.yaml", "stacks/Pulumi.lab.yaml"):
        shutil.copy(ROOT / part, folder / part)
    for part in ("components", "weighbridge", ".venv"):
        (folder / part).symlink_to(ROOT / part)
    return folder


def _tell(console: Console, gate: Mapping[str, Any], counts: Mapping[str, int], stats: LoadStats) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("when", "weight", "revision", "the gate's line"):
        table.add_column(column, no_wrap=column != "the gate's line")
    history: Sequence[Mapping[str, Any]] = gate["history"]
    for each in history:
        when = str(each["at"])[11:19]
        table.add_row(when, f"{each['from']} -> {each['to']}", str(each["revision"]), str(each["line"]))
    console.print(table)
    console.print()
    answered = ", ".join(f"{workload} {number}" for workload, number in sorted(counts.items()))
    console.print(f"answered, as the application's processes counted: {answered}")
    statuses = ", ".join(f"{number} x {status}" for status, number in sorted(stats.by_status.items()))
    console.print(f"seen by the caller: {stats.sent} requests, {statuses}; lost {stats.lost}")
