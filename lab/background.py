"""A lab in the background, by name: bring it up, look at it, enter it, take it down.

The holder, a process outside of the namespace, locks the lab's directory for as long as it lives: the lock tells
whether a lab runs, whatever process ids have become since.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from lab import build, counts, namespace
from lab.errors import LabError
from lab.server import Server, ServerSpec

START_WITHIN, STOP_WITHIN = 60.0, 20.0
_POLL = 0.1
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Place:
    """Where the files of the lab of one name are."""

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise LabError(f"'--name' must be lower case letters, digits and inner dashes (got {self.name!r})")

    @property
    def directory(self) -> Path:
        """The lab's own directory; it is used again by the next lab of this name."""
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        return state / "weighbridge" / "lab" / self.name

    @property
    def run(self) -> Path:
        """What the running lab keeps here: a new directory for each `up`."""
        return self.directory / "run"

    @property
    def log(self) -> Path:
        """What the holder and the supervisor wrote."""
        return self.directory / "lab.log"

    @property
    def processes(self) -> Path:
        """The ids of the holder and of the namespace's first process, as JSON; there while it comes up or runs."""
        return self.directory / "processes.json"

    @property
    def ready(self) -> Path:
        """The addresses that tell whether a server is ready, as JSON; there once the lab has come up."""
        return self.directory / "servers.json"


def up(place: Place) -> None:
    """Start a lab in the background and wait until it is ready.

    Raises:
        LabError: when it runs already, or does not come up; with what it said last.
    """
    build.require()
    if is_up(place):
        raise LabError(f"the lab {place.name!r} runs already")
    place.directory.mkdir(parents=True, exist_ok=True)
    for stale in (place.ready, place.processes, place.log):
        stale.unlink(missing_ok=True)
    with place.log.open("wb") as log:
        holder = subprocess.Popen(
            [sys.executable, "-m", "lab", "hold", "--name", place.name],
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_WITHIN
    while not place.ready.exists():
        if holder.poll() is not None or time.monotonic() > deadline:
            holder.terminate()
            said = place.log.read_text(encoding="utf-8").strip().splitlines()
            raise LabError(f"the lab {place.name!r} did not come up: {said[-1] if said else 'it said nothing'}")
        time.sleep(_POLL)


def down(place: Place) -> None:
    """End a lab.

    Raises:
        LabError: when none of that name runs.
    """
    _require_up(place)
    holder = json.loads(place.processes.read_text(encoding="utf-8"))["holder"]
    os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN
    while is_up(place):
        if time.monotonic() > deadline:
            os.kill(holder, signal.SIGKILL)
        time.sleep(_POLL)


def shell(place: Place, command: Sequence[str]) -> int:
    """Run a command, or the user's shell, inside of the lab, with KUBECONFIG set; returns its exit code.

    Raises:
        LabError: when no lab of that name runs.
    """
    _require_up(place)
    namespace.enter(json.loads(place.processes.read_text(encoding="utf-8"))["first"])
    child = os.fork()
    if child == 0:
        os.environ.update({"KUBECONFIG": str(place.run / "kubeconfig"), "WEIGHBRIDGE_LAB": str(place.run)})
        namespace.execute(command or [os.environ.get("SHELL", "/bin/sh")])
    return namespace.wait_for(child)


def status(place: Place) -> list[tuple[str, str]]:
    """The rows of a table: each server with its state, then each workload with the requests that it has answered."""
    _require_up(place)
    namespace.enter(json.loads(place.processes.read_text(encoding="utf-8"))["first"])
    servers = json.loads(place.ready.read_text(encoding="utf-8"))
    rows = [(name, "ready" if _answers(name, address) else "not ready") for name, address in servers.items()]
    for space in sorted((place.run / "counts").glob("*")):
        rows += [(f"{space.name}/{name}", f"{tally.answered} requests") for name, tally in counts.read(space).items()]
    return rows


def is_up(place: Place) -> bool:
    """Whether a lab of this name runs, or comes up, or goes down."""
    if not place.directory.exists():
        return False
    with _lock_file(place) as file:
        return not _locked(file)


def hold(place: Place) -> int:
    """Be the process outside of the namespace: lock the directory, make the namespace, wait for its end."""
    with _lock_file(place) as file:
        if not _locked(file):
            raise LabError(f"the lab {place.name!r} runs already")

        def note(first: int) -> None:
            place.processes.write_text(json.dumps({"holder": os.getpid(), "first": first}), encoding="utf-8")

        return namespace.run([sys.executable, "-m", "lab", "supervise", "--name", place.name], started=note)


def supervise(place: Place) -> None:
    """Be the process inside of the namespace: start the lab and wait for SIGTERM."""
    from lab.lab import Lab  # noqa: PLC0415  half a second of imports that the other commands do not need

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    shutil.rmtree(place.run, ignore_errors=True)
    with Lab.start(place.run) as lab:
        partial = place.ready.with_suffix(".partial")
        partial.write_text(
            json.dumps({name: server.spec.ready for name, server in lab.servers.items()}), encoding="utf-8"
        )
        partial.replace(place.ready)
        ended.wait()


def _require_up(place: Place) -> None:
    if not is_up(place) or not place.ready.exists():
        raise LabError(f"no lab {place.name!r} runs: start it with `python -m lab up --name {place.name}`")


def _answers(name: str, address: str) -> bool:
    return Server(ServerSpec(name, (), address), Path("/")).is_ready()


def _lock_file(place: Place) -> TextIO:
    return (place.directory / "lock").open("a", encoding="utf-8")


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
