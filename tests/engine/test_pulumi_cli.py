"""The real engine on a small program: what it saves, and how a run that is cut off is taken over."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.programs import PROVIDERS, gate_program
from weighbridge.engine import RunResult, choose, missing

PATIENCE = 30_000
"""Milliseconds after which a process that should be gone is a failure."""

RUN = """
import sys
from pathlib import Path
from weighbridge.engine import choose
try:
    print(choose(Path(sys.argv[1]), 'dev', 'pulumi').up(lambda line: print(line, flush=True)))
except KeyboardInterrupt:
    print('interrupted', flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project on this environment's Python; where the CLI is missing the test says so by name."""
    if why := missing():
        pytest.skip(f"{request.node.name} did not run on the real engine: {why}")
    options = f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}"
    (tmp_path / "Pulumi.yaml").write_text(f"name: small\n{options}\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.dev.yaml").write_text("config:\n  small:weight: 10  # ten\n")
    (tmp_path / "things.py").write_text(PROVIDERS)
    os.mkfifo(tmp_path / "never")
    return tmp_path


def up(folder: Path, source: str, lines: list[str] | None = None) -> RunResult:
    """Write the program and run it."""
    (folder / "__main__.py").write_text(f"import pulumi\nfrom things import Thing, MetricGate\n{source}\n")
    return choose(folder, "dev", "pulumi").up((lines if lines is not None else []).append)


def cut_off(folder: Path, *, kill: bool) -> tuple[str, bool]:
    """End a run in which a provider waits; what it still said, and whether the provider ended too."""
    source = "import pulumi\nfrom things import Thing\nThing('a', fifo='never')\n"
    (folder / "__main__.py").write_text(source)
    with subprocess.Popen([sys.executable, "-c", RUN, str(folder)], stdout=subprocess.PIPE, encoding="utf-8") as run:
        assert run.stdout
        waiting = next(line for line in run.stdout if line.startswith("waiting"))
        provider = os.pidfd_open(int(waiting.split()[1]))
        if kill:
            run.kill()
        else:
            run.send_signal(2)
            # The real engine lets what is under way come to its end.
            (folder / "never").write_text("")
        said = run.stdout.read()
    poll = select.poll()
    poll.register(provider, select.POLLIN)
    ended = bool(poll.poll(PATIENCE))
    os.close(provider)
    return said, ended


def test_the_state_is_read_back(folder: Path) -> None:
    """Changes, outputs, gates; secrets are hidden, and the stack file is as it was, comment and all."""
    source = (
        f"{gate_program()}\npulumi.export('made', gate.made)\npulumi.export('key', pulumi.Output.secret('hunter2'))"
    )
    lines: list[str] = []
    assert dict(up(folder, source, lines).changes) == {"create": 2}
    assert lines[0].startswith("engine: pulumi ")
    assert "+ MetricGate podinfo-gate" in lines
    engine = choose(folder, "dev", "pulumi")
    assert engine.outputs() == {"made": "here", "key": "[secret]"}
    assert engine.gates()["podinfo"]["size"] == 10
    assert (folder / "stacks" / "Pulumi.dev.yaml").read_text() == "config:\n  small:weight: 10  # ten\n"
    assert dict(up(folder, source).changes) == {"same": 2}
    assert engine.destroy(lines.append).ok


def test_an_error_is_one_line(folder: Path) -> None:
    """Neither a provider's traceback nor the program's reaches the user."""
    lines: list[str] = []
    result = up(folder, "a = Thing('a', broken=True)\nThing('b', size=a.doubled)", lines)
    assert result.errors == ("RuntimeError: it broke",)
    assert not [line for line in lines if "Traceback" in line or 'File "' in line]


def test_an_interrupted_run_ends_cleanly(folder: Path) -> None:
    """What is under way comes to its end, nothing new is started, and nothing is left running."""
    said, ended = cut_off(folder, kill=False)
    assert "interrupted" in said
    assert ended
    assert up(folder, "Thing('a')").ok


def test_a_killed_run_is_taken_over(folder: Path) -> None:
    """Its processes end with it, its lock is recognised as a dead one's, and the stack file is put back."""
    _, ended = cut_off(folder, kill=True)
    assert ended
    lines: list[str] = []
    assert up(folder, "Thing('a')", lines).ok
    assert [line for line in lines if line.startswith("engine: took over from process ")]
    assert (folder / "stacks" / "Pulumi.dev.yaml").read_text() == "config:\n  small:weight: 10  # ten\n"
