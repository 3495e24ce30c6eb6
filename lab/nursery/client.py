"""The nursery from the side of whoever wants runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from lab.nursery.request import LARGEST, Request
from weighbridge.engine.rehearsal.start import RUN


class Nursery:
    """A process that has the packages; it ends with the one that made it."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "lab.nursery", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def __call__(
        self, module: str, words: Sequence[str], folder: Path, env: Mapping[str, str], /, *, merged: bool
    ) -> Run:
        """Start a run; see `Start`.

        Raises:
            ValueError: it is another module, or its errors are to go elsewhere.
        """
        if (module, merged) != (RUN, True):
            raise ValueError(f"a nursery has only {RUN}, with errors and output in one (got {module})")
        request = Request(tuple(words), str(folder), {**os.environ, **env})
        reply, its_reply = socket.socketpair()
        its_in, leash = os.pipe()
        stdout, its_out = os.pipe()
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], [its_in, its_out, its_reply.fileno()])
        finally:
            its_reply.close()
            os.close(its_in)
            os.close(its_out)
        return Run(os.fdopen(stdout, encoding="utf-8", errors="replace"), os.fdopen(leash, "wb"), reply)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def __enter__(self) -> Self:
        """For as long as runs are wanted."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it; runs that are under way end when their input does."""
        self._control.close()
        self._process.wait()


@dataclass
class Run:
    """One run's process, as `subprocess.Popen` would show it."""

    stdout: IO[str] | None
    _leash: IO[bytes]
    _reply: socket.socket
    _code: int | None = field(default=None)

    def send_signal(self, number: int, /) -> None:
        """Let the nursery send it: that is the parent, and knows whether the process has ended."""
        with contextlib.suppress(OSError):
            self._reply.send(bytes([number]))

    def wait(self) -> int:
        """Wait for its end; minus 9 where the nursery died."""
        if self._code is None:
            told = self._reply.recv(64)
            self._code = int(told) if told else -signal.SIGKILL
        return self._code

    def __enter__(self) -> Self:
        """For as long as it is of use."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Let go of its input, and wait for its end."""
        if self.stdout:
            self.stdout.close()
        self._leash.close()
        self.wait()
        self._reply.close()
