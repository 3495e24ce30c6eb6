"""How a rehearsal ends when it is cut off, and what the next run finds."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from pathlib import Path

import pytest

from tests.engine.programs import Program, new_program
from weighbridge.engine import choose
from weighbridge.errors import EngineError

TWO = "a = Thing('a')\nThing('b', fifo='never', opts=pulumi.ResourceOptions(depends_on=[a]))"
PATIENCE = 20_000
"""Milliseconds after which a process that should be gone is a failure."""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A project whose second resource waits for ever."""
    os.mkfifo(tmp_path / "never")
    return new_program(tmp_path)


def waiting(run: subprocess.Popen[str]) -> int:
    """Follow a run until its provider waits; the provider's process."""
    assert run.stdout
    for line in run.stdout:
        if line.startswith("waiting"):
            return int(line.split()[1])
    pytest.fail("the provider never waited")


def saved(program: Program) -> list[str]:
    """The names of the resources in the state file."""
    state = json.loads((program.folder / ".weighbridge" / "rehearsal" / "dev.json").read_text())
    return [item["name"] for item in state["resources"]]


def gone(process: int) -> bool:
    """Wait until a process has ended."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(PATIENCE))


def test_a_killed_run_leaves_no_process_and_a_true_state(program: Program) -> None:
    """Kill -9 of the caller ends the run and its providers; the next run repairs and goes on."""
    with program.started(TWO) as run:
        provider = os.pidfd_open(waiting(run))
        run.kill()
    assert gone(provider)
    os.close(provider)
    assert saved(program) == ["small-dev", "a"]
    result = program.up("a = Thing('a')\nThing('b', opts=pulumi.ResourceOptions(depends_on=[a]))")
    assert dict(result.changes) == {"same": 2, "create": 1}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_cleanly(program: Program, number: signal.Signals) -> None:
    """An interrupt ends the run, also one that waits, and what was done is saved."""
    with program.started(TWO) as run:
        provider = os.pidfd_open(waiting(run))
        os.kill(run.pid, number) if number is signal.SIGINT else run.terminate()
        out = run.stdout.read() if run.stdout else ""
    assert gone(provider)
    os.close(provider)
    assert saved(program) == ["small-dev", "a"]
    assert "Traceback" not in out


def test_two_runs_on_one_stack_do_not_meet(program: Program) -> None:
    """The second one changes nothing and says why in one line."""
    with program.started(TWO) as run:
        waiting(run)
        result = program.up()
        run.kill()
    assert len(result.errors) == 1
    assert result.errors[0].startswith("stack 'dev': another run is under way (process ")
    assert dict(result.changes) == {}


def test_an_unreachable_cluster_is_one_line_and_nothing_is_changed(program: Program) -> None:
    """A cluster that does not answer is found out before anything is made."""
    config = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": ""}}],
        "current-context": "c",
    }
    (program.folder / "kubeconfig").write_text(json.dumps(config))
    source = (
        "import pulumi_kubernetes as k8s\n"
        "cluster = k8s.Provider('cluster', kubeconfig='kubeconfig')\n"
        "k8s.core.v1.ConfigMap('c', metadata={'name': 'c'}, opts=pulumi.ResourceOptions(provider=cluster))"
    )
    result = program.up(source)
    assert result.errors == ("the cluster at http://127.0.0.1:1 cannot be reached (connection refused)",)
    assert saved(program) == ["small-dev"]


def test_an_unknown_stack_is_one_line_that_lists_the_known_ones(program: Program) -> None:
    """Nothing is created for a stack that has no file."""
    with pytest.raises(EngineError, match=r"^stack must be one of dev \(got 'nope'; there is no .*\)$"):
        choose(program.folder, "nope", "rehearsal")
    assert not (program.folder / ".weighbridge").exists()
