"""A rehearsal from the nursery is what a rehearsal in a process of its own is."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.nursery import Nursery
from tests.engine.programs import Program, gate_program, new_program
from weighbridge.engine.rehearsal import Rehearsal
from weighbridge.engine.rehearsal.start import RUN, Start, started


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """One of this module's own, which compiles as Python does by itself, whatever this environment says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        started_so = Nursery()
    with started_so as made:
        yield made


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A project of the test's own."""
    return new_program(tmp_path)


def test_a_run_is_what_it_is_in_a_process_of_its_own(
    nursery: Nursery, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder, its arguments, its environment, its session and its lines are the same; so is the result."""
    program.write(
        "import os, sys\n"
        "print(os.getcwd(), sys.argv, os.environ['SAID'], os.getpid() == os.getsid(0), __name__, flush=True)\n"
        "print('to the errors', file=sys.stderr, flush=True)\n"
        f"{gate_program()}"
    )
    monkeypatch.setenv("SAID", "only just now")
    starts: tuple[Start, Start] = (nursery, started)
    said: tuple[list[str], list[str]] = ([], [])
    results = [
        Rehearsal(program.folder, "dev", start=start).preview(lines.append)
        for start, lines in zip(starts, said, strict=True)
    ]
    assert said[0] == said[1]
    assert str(program.folder) in said[0][1]
    assert results[0] == results[1]
    assert results[0].ok


def test_the_program_is_read_anew_in_each_run(nursery: Nursery, program: Program) -> None:
    """A module of the project's that was changed between two runs is so in the second, even within a second."""
    for word in ("one", "two"):
        module = program.folder / "words.py"
        module.write_text(f"WORD = {word!r}\n")
        os.utime(module, (1_800_000_000, 1_800_000_000))
        program.write("import words\npulumi.export('word', words.WORD)")
        engine = Rehearsal(program.folder, "dev", start=nursery)
        assert engine.up(lambda _: None).ok
        assert engine.outputs() == {"word": word}


@pytest.mark.parametrize(("code", "told"), [("os._exit(7)", 7), ("os.kill(os.getpid(), 9)", -9)])
def test_the_end_is_told(nursery: Nursery, program: Program, code: str, told: int) -> None:
    """The exit code, or minus the signal; the result says so, as there is no other."""
    program.write(f"import os\n{code}")
    result = Rehearsal(program.folder, "dev", start=nursery).preview(lambda _: None)
    assert result.errors == (f"preview: the rehearsal's process ended by itself ({told})",)


def test_a_signal_reaches_the_run_and_no_other(nursery: Nursery, program: Program, tmp_path: Path) -> None:
    """Two wait; the one that is interrupted ends, says so, and the other still waits."""
    words = ["preview", "--project", str(program.folder), "--stack", "dev"]
    program.write("import threading\nprint('waiting', flush=True)\nthreading.Event().wait()")
    with (
        nursery(RUN, [*words, "--result", str(tmp_path / "1")], program.folder, {}, merged=True) as first,
        nursery(RUN, [*words, "--result", str(tmp_path / "2")], program.folder, {}, merged=True) as second,
    ):
        assert first.stdout
        assert second.stdout
        assert (first.stdout.readline(), second.stdout.readline()) == ("waiting\n", "waiting\n")
        first.send_signal(signal.SIGINT)
        assert first.wait() == 1
        assert "interrupted" in (tmp_path / "1").read_text()
        assert not select.select([second.stdout], [], [], 0.2)[0]
    assert not (tmp_path / "2").exists()


def test_a_run_ends_with_whoever_wanted_it(program: Program) -> None:
    """Killed at once, it leaves neither the nursery, nor the run, nor its providers."""
    program.write("import threading\nprint('waiting', flush=True)\nthreading.Event().wait()")
    script = (
        "import sys; from pathlib import Path; from lab.nursery import Nursery\n"
        "from weighbridge.engine.rehearsal import Rehearsal\n"
        "nursery = Nursery()\n"
        "Rehearsal(Path(sys.argv[1]), 'dev', start=nursery).preview(lambda line: print(line, flush=True))\n"
    )
    command = [sys.executable, "-c", script, str(program.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True) as owner:
        assert owner.stdout
        while "waiting" not in owner.stdout.readline():
            assert owner.poll() is None
        family = psutil.Process(owner.pid).children(recursive=True)
        # The nursery, the run and the run's dynamic providers.
        assert len(family) == 3
        ends = [os.pidfd_open(each.pid) for each in family]
        owner.kill()
        for end in ends:
            assert select.select([end], [], [], 10)[0], "something outlived its owner"
            os.close(end)


def test_a_nursery_that_dies_is_a_run_that_was_killed(program: Program) -> None:
    """Whoever waits is told, and the run ends when it is let go of."""
    program.write("import threading\nprint('waiting', flush=True)\nthreading.Event().wait()")
    words = ["preview", "--project", str(program.folder), "--stack", "dev", "--result", str(program.folder / "r")]
    with Nursery() as made, made(RUN, words, program.folder, {}, merged=True) as run:
        assert run.stdout
        assert run.stdout.readline() == "waiting\n"
        (child,) = psutil.Process(made.pid).children()
        end = os.pidfd_open(child.pid)
        os.kill(made.pid, signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
    assert select.select([end], [], [], 10)[0]
    os.close(end)


def test_a_nursery_has_rehearsals_alone(nursery: Nursery, tmp_path: Path) -> None:
    """Another module is refused, and nothing is started."""
    with pytest.raises(
        ValueError, match=r"^a nursery has only weighbridge\.engine\.rehearsal, .* \(got antigravity\)$"
    ):
        nursery("antigravity", [], tmp_path, {}, merged=True)
