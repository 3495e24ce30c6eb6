"""The application's faults and counts, and how it ends; no cluster needed."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab import counts
from lab.faults import Faults, write_dial

ADDRESS = "127.0.0.1:18080"


@contextmanager
def running(directory: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """The application as a process, serving."""
    own = {
        "POD_IP": "127.0.0.1",
        "PORT": "18080",
        "COUNTS_DIRECTORY": str(directory / "counts" / "app"),
        "DIAL_FILE": str(directory / "dial.json"),
    }
    with subprocess.Popen([sys.executable, "-m", "lab.app"], env={**os.environ, **own, **env}) as process:
        try:
            while not _serves():
                assert process.poll() is None
            yield process
        finally:
            process.kill()


def _serves() -> bool:
    try:
        ask("/live")
    except ConnectionError:
        return False
    return True


def ask(path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    """One request: the status and the answer."""
    connection = http.client.HTTPConnection(ADDRESS, timeout=10)
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body))
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if text.startswith("{") else text
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("tag", "faults"),
    [
        ("2.0.0", Faults()),
        ("2.0.0-errors30", Faults(error_rate=0.3)),
        ("2.0.0-latency800", Faults(latency=0.8)),
        ("2.0.0-errors5-latency10", Faults(error_rate=0.05, latency=0.01)),
        ("2.0.0-notready", Faults(ready=False)),
        ("2.0.0-crash", Faults(crash=True)),
        ("2.0.0-crashfree", Faults()),
    ],
)
def test_a_tags_suffixes_are_faults(tag: str, faults: Faults) -> None:
    """Errors in percent, latency in milliseconds; a word that only begins like a fault is none."""
    assert Faults().tagged(tag) == faults


def test_the_dial_overrides_the_environment_which_overrides_the_tag(tmp_path: Path) -> None:
    """Each says only what it sets."""
    dial = tmp_path / "dials" / "dial.json"
    write_dial(dial, {"latency": 0.5})
    write_dial(dial, {"ready": False})
    faults = Faults.of("weighbridge.dev/app:1-errors30-latency800", {"ERROR_RATE": "0.1", "READY": "true"}, dial)
    assert faults == Faults(error_rate=0.1, latency=0.5, ready=False)


def test_a_fault_that_is_none_is_named() -> None:
    """One line with the rule and what it got."""
    with pytest.raises(ValueError, match=r"a fault must be one of error_rate, latency, ready, crash \(got 'lag'\)"):
        Faults().changed({"lag": 1})


def test_every_answer_is_counted_and_the_labs_own_paths_are_not(tmp_path: Path) -> None:
    """Any path counts, errors as failed; /ready, /live, /counts and /faults do not."""
    with running(tmp_path, IMAGE="weighbridge.dev/app:1.2.3", POD_NAME="me"):
        assert ask("/any/path?at=all", "POST") == (200, {"version": "1.2.3", "pod": "me"})
        assert ask("/ready")[0] == 200
        assert ask("/faults", "POST", {"error_rate": 1, "ready": False})[0] == 200
        assert ask("/ready")[0] == 503
        assert ask("/")[0] == 500
        assert ask("/faults", "POST", {"lag": 1})[0] == 400
        assert ask("/counts") == (200, {"answered": 2, "failed": 1})


def test_counts_outlive_kill_9(tmp_path: Path) -> None:
    """What a process answered is still counted when it is killed, and its successor adds to it."""
    for _ in range(2):
        with running(tmp_path, ERROR_RATE="1") as process:
            for _ in range(5):
                ask("/")
            process.kill()
            process.wait()
    assert counts.read(tmp_path / "counts") == {"app": counts.Tally(10, 10)}


def test_requests_in_flight_are_finished_after_sigterm(tmp_path: Path) -> None:
    """A request that was taken before SIGTERM is answered; then the process ends by itself with 0."""
    answers: list[int] = []
    with running(tmp_path, LATENCY_MS="700") as process:
        slow = threading.Thread(target=lambda: answers.append(ask("/")[0]))
        slow.start()
        # The kernel has taken the connection; the answer comes 700 ms later.
        while "127.0.0.1:18080" not in _established():
            pass
        process.send_signal(signal.SIGTERM)
        slow.join()
        assert process.wait(5) == 0
    assert answers == [200]


def _established() -> set[str]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    port = f"{18080:04X}"
    return {ADDRESS for row in rows if row[3] == "01" and row[1].endswith(f":{port}")}
