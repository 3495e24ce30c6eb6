"""Rehearsals without the seconds that their imports take: each run is a fork of a process that has the packages.

A `weighbridge.engine.rehearsal.start.Start`, for whoever runs many: the tests and the demo. A run finds what it finds
in a process of its own: the project's folder, the environment, a session, a leash. What is imported ahead is other
people's code and the library, never a project's program or components, which are read anew in each run.

    nursery ── fork ── run ── fork ── dynamic providers
       │                 ^
       └── control ──────┴── exit code and signals: one socket for each run
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn, Self

AHEAD = (
    "pulumi.dynamic",
    "pulumi.runtime.mocks",
    "pulumi_kubernetes.apiextensions",
    "pulumi_kubernetes.apps.v1",
    "pulumi_kubernetes.autoscaling.v2",
    "pulumi_kubernetes.core.v1",
    "pulumi_kubernetes.helm.v3",
    "kubernetes",
    "weighbridge.cloud.early",
    "weighbridge.engine.rehearsal.session",
    "weighbridge.settings",
)
"""What each run imports."""

RUN, PROVIDERS = "weighbridge.engine.rehearsal", "weighbridge.engine.rehearsal.provider_process"
_LARGEST = 1 << 16
"""Bytes of a request, its environment included."""
_FILES = 1 << 12
"""File numbers that a child closes: more than this process ever opens."""


class Nursery:
    """The process, from the side of whoever wants runs; one for each process that wants them."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * _LARGEST)
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
        """Start a run; see `Start`."""
        if (module, merged) != (RUN, True):
            raise ValueError(f"only {RUN} with its errors merged (got {module})")
        reply, theirs = socket.socketpair()
        (ours_in, its_in), (ours_out, its_out) = reversed(os.pipe()), os.pipe()
        request = {"words": list(words), "folder": str(folder), "env": {**os.environ, **env}}
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], [its_in, its_out, theirs.fileno()])
        finally:
            theirs.close()
            os.close(its_in)
            os.close(its_out)
        return Run(os.fdopen(ours_out, encoding="utf-8", errors="replace"), os.fdopen(ours_in, "wb"), reply)

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
    _leash: Any
    _reply: socket.socket
    _code: int | None = field(default=None)

    def send_signal(self, number: int, /) -> None:
        """Let the nursery send it, which knows whether the process has ended."""
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


def serve(control: socket.socket) -> None:
    """Fork runs until nobody holds the other end."""
    for name in AHEAD:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    replies: dict[int, socket.socket] = {}
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker)
    with selectors.DefaultSelector() as events:
        events.register(control, selectors.EVENT_READ)
        events.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.fileobj is control:
                    message, files, _, _ = socket.recv_fds(control, _LARGEST * 4, 3)
                    if not message:
                        return
                    pid, reply = _born(json.loads(message), files)
                    replies[pid] = reply
                    events.register(reply, selectors.EVENT_READ, pid)
                elif key.fileobj == woken:
                    os.read(woken, 1024)
                    for pid, code in _ended():
                        reply = replies.pop(pid)
                        with contextlib.suppress(KeyError):
                            events.unregister(reply)
                        with contextlib.suppress(OSError), reply:
                            reply.send(str(code).encode())
                else:
                    _pass_signals(events, key.fileobj, key.data, replies)


def _pass_signals(events: selectors.BaseSelector, reply: Any, pid: int, replies: Mapping[int, object]) -> None:
    if pid not in replies:
        return
    numbers = reply.recv(16)
    if not numbers:
        events.unregister(reply)
    for number in numbers:
        os.kill(pid, number)


def _ended() -> list[tuple[int, int]]:
    found = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            found.append((pid, os.waitstatus_to_exitcode(status)))
    return found


def _born(request: Mapping[str, Any], files: Sequence[int]) -> tuple[int, socket.socket]:
    """Fork a run: its process id, and the socket by which its end is told."""
    its_in, its_out, reply = files
    pid = os.fork()
    if pid == 0:
        os.environ.clear()
        os.environ.update(request["env"])
        _become(lambda: _run(request["words"]), Path(request["folder"]), (its_in, its_out, its_out))
    os.close(its_in)
    os.close(its_out)
    return pid, socket.socket(fileno=reply)


def _run(words: Sequence[str]) -> int:
    main = importlib.import_module(f"{RUN}.__main__").main
    return int(main(words, start=_providers))


class _Child:
    """The process of the dynamic providers, a child of the run."""

    def __init__(self, pid: int, stdout: IO[str], leash: int) -> None:
        self.stdout: IO[str] | None = stdout
        self._pid, self._leash = pid, leash
        self._code: int | None = None

    def send_signal(self, number: int, /) -> None:
        if self._code is None:
            os.kill(self._pid, number)

    def wait(self) -> int:
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._leash)
        self.wait()


def _providers(module: str, words: Sequence[str], folder: Path, env: Mapping[str, str], /, *, merged: bool) -> _Child:
    if (module, words, merged) != (PROVIDERS, (), False):
        raise ValueError(f"only {PROVIDERS} with errors of its own (got {module})")
    (leash, its_in), (ours, its_out) = reversed(os.pipe()), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.environ.update(env)
        main = importlib.import_module(PROVIDERS).main
        _become(lambda: main() or 0, folder, (its_in, its_out, 2))
    os.close(its_in)
    os.close(its_out)
    return _Child(pid, os.fdopen(ours, encoding="utf-8", errors="replace"), leash)


def _become(main: Callable[[], int], folder: Path, streams: tuple[int, int, int]) -> NoReturn:
    """In the fork: have the streams, the folder and the signals of a new process, and end with its code."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for stream, file in enumerate(streams):
            os.dup2(file, stream)
        os.closerange(3, _FILES)
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        code = main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001  told as a new process would tell it
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
