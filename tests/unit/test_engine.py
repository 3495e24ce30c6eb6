"""Finding the engine, cleaning its errors, and keeping its state: without an engine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from weighbridge.engine import backend
from weighbridge.engine.found import find
from weighbridge.engine.plain import error_lines, gate_states, strip_control
from weighbridge.errors import EngineError

TRACEBACK = """\
Traceback (most recent call last):
  File "/x/dynamic/__main__.py", line 122, in wrapper
    return fn(self, request, context)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^
weighbridge.errors.Refused: podinfo: 'weight' must be the next step, 30 (got 77)
"""

NO_CHART = (
    "error: kubernetes:helm.sh/v3:Release resource 'gateway-base': property chart value "
    "{oci://ghcr.io/istio/release/charts/base} has a problem: failed to pull chart: failed to do request: "
    'Head "https://ghcr.io/v2/": refused; check the chart name and repository configuration.'
)
"""In the words of pulumi-kubernetes' provider/pkg/provider/helm_release.go (Check) and of the engine around them."""


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ([TRACEBACK], ("podinfo: 'weight' must be the next step, 30 (got 77)",)),
        ([f"error: {TRACEBACK}", "update failed"], ("podinfo: 'weight' must be the next step, 30 (got 77)",)),
        (["Halted: podinfo 10 -> 0: rolled back, x\nother 10 -> 30: hold, y"],
         ("podinfo 10 -> 0: rolled back, x", "other 10 -> 30: hold, y")),
        (["error: a:b:C resource 'g': property weight value {10} has a problem: podinfo: no"], ("podinfo: no",)),
        ([NO_CHART], ('gateway-base: the chart cannot be fetched: failed to do request: Head "https://ghcr.io/v2/": refused',)),
        (["Traceback (most recent call last):\n  File \"a\", line 1\nKeyError: 'x'"], ("KeyError: 'x'",)),
        (["\x1b[31merror: \x1b[0mstack is locked", "stack is locked"], ("stack is locked",)),
        (["1 error occurred:\n\t* the server refused x: y\n\n"], ("the server refused x: y",)),
        (["update failed", "error: program exited with non-zero exit code: 1"], ()),
    ],
)  # fmt: skip
def test_an_error_becomes_its_one_line(said: list[str], lines: tuple[str, ...]) -> None:
    """Frames, prefixes, repetitions and what every red run says are left out."""
    assert error_lines(said) == lines


def test_control_characters_are_dropped_and_tabs_kept() -> None:
    """Colours of a terminal and Pulumi's own colour tags."""
    assert strip_control("\x1b[1;31mred\x1b[0m <{%reset%}>a\tb\x07") == "red a\tb"


def test_gates_are_found_by_type_and_name() -> None:
    """Release -> outputs, without the pickled provider."""
    found = gate_states([("t:MetricGate", "podinfo-gate", {"phase": "idle", "__provider": "x"}), ("t:X", "x-gate", {})])
    assert found == {"podinfo": {"phase": "idle"}}


def executable(path: Path) -> None:
    """An empty program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_a_cli_on_path_with_its_plugin_is_taken(tmp_path: Path) -> None:
    """Nothing is fetched."""
    executable(tmp_path / "bin" / "pulumi")
    executable(tmp_path / "bin" / "pulumi-resource-kubernetes")
    cli = find(home=tmp_path / "home", path=str(tmp_path / "bin"), stamp=tmp_path / "stamp")
    assert cli.root == tmp_path
    assert cli.why == f"Pulumi CLI at {tmp_path / 'bin' / 'pulumi'}"


def test_a_cli_in_pulumis_own_folder_is_taken(tmp_path: Path) -> None:
    """Where its installer puts it, plugins too."""
    executable(tmp_path / "bin" / "pulumi")
    (tmp_path / "plugins" / "resource-kubernetes-v4.34.2").mkdir(parents=True)
    assert find(home=tmp_path, path="/nonexistent", stamp=tmp_path / "stamp").root == tmp_path


def test_a_try_in_vain_is_remembered_for_a_while(tmp_path: Path) -> None:
    """A fresh stamp answers at once, in one line, and nothing is left behind."""
    (tmp_path / "stamp").touch()
    with pytest.raises(EngineError, match=r"^no Pulumi CLI on PATH, and its download cannot be reached$"):
        find(home=tmp_path / "home", path="/nonexistent", stamp=tmp_path / "stamp")
    assert not (tmp_path / "home").exists()


def test_state_and_passphrase_are_the_owners_alone(tmp_path: Path) -> None:
    """A folder of mode 0700, and in it a passphrase that is made once."""
    first = backend.settings(tmp_path, {}, tmp_path / "home")
    state = tmp_path / ".weighbridge" / "state"
    assert first["PULUMI_BACKEND_URL"] == f"file://{state}"
    assert state.stat().st_mode & 0o777 == 0o700
    passphrase = Path(first["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert passphrase.stat().st_mode & 0o777 == 0o600
    text = passphrase.read_text()
    assert backend.settings(tmp_path, {}, tmp_path / "home") == first
    assert passphrase.read_text() == text


def test_the_users_own_backend_and_login_come_first(tmp_path: Path) -> None:
    """Then nothing is made here."""
    (tmp_path / "credentials.json").write_text(json.dumps({"current": "https://api.pulumi.com"}))
    assert "PULUMI_BACKEND_URL" not in backend.settings(tmp_path / "p", {}, tmp_path)
    assert "PULUMI_BACKEND_URL" not in backend.settings(
        tmp_path / "p", {"PULUMI_BACKEND_URL": "s3://x"}, tmp_path / "n"
    )
    assert not (tmp_path / "p").exists()


def test_the_lock_of_a_dead_process_is_told_from_a_live_one(tmp_path: Path) -> None:
    """By its process number, on this machine; of another machine nobody can tell."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "p" / "s"
    folder.mkdir(parents=True)
    here = socket.gethostname()
    for name, pid, host in (("a", dead.pid, here), ("b", os.getpid(), here), ("c", dead.pid, f"{here}-other")):
        (folder / f"{name}.json").write_text(json.dumps({"pid": pid, "hostname": host, "username": "u"}))
    (folder / "d.json").write_text("half")
    assert [lock.alive for lock in backend.locks(f"file://{tmp_path}", "p", "s")] == [False, True, True]
    assert backend.locks("https://api.pulumi.com", "p", "s") == []


def test_a_stack_file_is_as_it_was_after_the_engine_has_salted_it(tmp_path: Path) -> None:
    """The salt and the quotes that the engine writes go again; an edit by a hand stays."""
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text("config:\n  a:b: 10  # ten\n")
    with backend.Unchanged(path, tmp_path / "kept"):
        path.write_text('config:\n  a:b: "10"\nencryptionsalt: v1:x\n')
    assert path.read_text() == "config:\n  a:b: 10  # ten\n"
    with backend.Unchanged(path, tmp_path / "kept"):
        path.write_text('config:\n  a:b: "30"\nencryptionsalt: v1:x\n')
    assert "30" in path.read_text()


def test_a_killed_runs_salt_is_taken_out_by_the_next_run(tmp_path: Path) -> None:
    """What the file was is kept beside it until a run has ended."""
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text("config:\n  a:b: 10  # ten\n")
    backend.Unchanged(path, tmp_path / "kept").__enter__()
    path.write_text('config:\n  a:b: "10"\nencryptionsalt: v1:x\n')
    with backend.Unchanged(path, tmp_path / "kept"):
        assert path.read_text() == "config:\n  a:b: 10  # ten\n"
    assert not (tmp_path / "kept").exists()
