"""How the processes of a run are started: each on a leash, which is its standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Protocol, Self

RUN: Final = "weighbridge.engine.rehearsal"
PROVIDERS: Final = "weighbridge.engine.rehearsal.provider_process"
"""The modules that are started: a run, and the dynamic providers of one."""


class Process(Protocol):
    """What is needed of `subprocess.Popen`. The process ends when nobody holds its standard input any more."""

    @property
    def stdout(self) -> IO[str] | None:
        """What it prints."""

    def send_signal(self, number: int, /) -> None:
        """Send it a signal; nothing where it has ended."""

    def wait(self) -> int:
        """Wait for its end: the exit code, minus n for signal n."""

    def __enter__(self) -> Self:
        """For as long as it is of use."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Let go of its input, and wait for its end."""


class Start(Protocol):
    """Starts a process that runs a module."""

    def __call__(
        self, module: str, words: Sequence[str], folder: Path, env: Mapping[str, str], /, *, merged: bool
    ) -> Process:
        """Start it in a session of its own: a terminal's Ctrl-C would reach it twice.

        Args:
            module: as `python -m` takes it.
            words: that follow it.
            folder: where it works, and where it finds modules first.
            env: what is in its environment besides what is in this one.
            merged: its errors go where its output goes; else where those of this process go.
        """


def started(module: str, words: Sequence[str], folder: Path, env: Mapping[str, str], /, *, merged: bool) -> Process:
    """Start a fresh Python: what `Start` says."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", module, *words],
        cwd=folder,
        env=os.environ | env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else None,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
