"""A lab in the background, for developers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import Lab
from lab.server import Server, ServerSpec


def run_lab(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command of `python -m lab`, with its labs' state in a directory of this test's own."""
    env = {**os.environ, "XDG_STATE_HOME": str(state)}
    return subprocess.run([sys.executable, "-m", "lab", *words], env=env, capture_output=True, text=True, check=False)


def test_a_second_lab_comes_up_beside_the_first_and_goes_down_again(lab: Lab, tmp_path: Path) -> None:
    """It has every port for itself; its status, its shell and its end do not touch the lab that runs here."""
    pids = {name: server.pid for name, server in lab.servers.items()}
    up = run_lab(tmp_path, "up", "--name", "second")
    try:
        assert up.returncode == 0, up.stderr
        status = run_lab(tmp_path, "status", "--name", "second")
        assert [line.split()[-1] for line in status.stdout.splitlines()] == ["ready"] * len(lab.servers)
        again = run_lab(tmp_path, "up", "--name", "second")
        assert (again.returncode, again.stderr) == (1, "lab: the lab 'second' runs already\n")
        shell = run_lab(tmp_path, "shell", "--name", "second", "--", "sh", "-c", "echo $KUBECONFIG; exit 3")
        assert shell.returncode == 3
        assert shell.stdout.strip() == str(tmp_path / "weighbridge/lab/second/run/kubeconfig")
    finally:
        down = run_lab(tmp_path, "down", "--name", "second")
    assert down.stdout == "the lab 'second' is down\n"
    assert {name: server.pid for name, server in lab.servers.items()} == pids
    assert all(server.is_ready() for server in lab.servers.values())


@pytest.mark.parametrize("command", ["status", "shell", "down"])
def test_a_lab_that_does_not_run_is_one_line(tmp_path: Path, command: str) -> None:
    """With the command that starts it."""
    done = run_lab(tmp_path, command, "--name", "absent")
    said = "lab: no lab 'absent' runs: start it with `python -m lab up --name absent`\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_name_that_could_be_a_path_is_refused(tmp_path: Path) -> None:
    """One line with the rule and the name."""
    done = run_lab(tmp_path, "up", "--name", "../x")
    said = "lab: '--name' must be lower case letters, digits and inner dashes (got '../x')\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_lab_outside_of_a_namespace_is_one_line(tmp_path: Path) -> None:
    """Nothing is started on the machine's own network."""
    code = "import pathlib, sys, lab\ntry: lab.Lab.start(pathlib.Path(sys.argv[1]))\nexcept lab.LabError as e: print(e)"
    env = {name: value for name, value in os.environ.items() if name != "WEIGHBRIDGE_NAMESPACE"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "a lab starts inside a namespace only: run this under `python -m lab ns -- ...`\n"


def test_a_server_that_ends_at_once_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """The error names the server and its log, and has its last words."""
    spec = ServerSpec("broken", ("sh", "-c", "echo no such flag; exit 2"), "http://127.0.0.1:1/")
    with pytest.raises(Exception, match=r"^broken ended before it was ready; .*/broken\.log ends: no such flag$"):
        Server(spec, tmp_path).start()
