"""`python -m lab.nursery FILE`: imports what each run imports, and forks one for each request on the socket FILE."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterator

from lab.nursery.fork import forked, providers
from lab.nursery.request import LARGEST, Request
from weighbridge.engine.rehearsal.start import RUN

AHEAD = (
    "kubernetes",
    "pulumi.dynamic",
    "pulumi.runtime.mocks",
    "pulumi_kubernetes.apiextensions",
    "pulumi_kubernetes.apps.v1",
    "pulumi_kubernetes.autoscaling.v2",
    "pulumi_kubernetes.core.v1",
    "pulumi_kubernetes.helm.v3",
    "weighbridge.cloud.early",
    "weighbridge.engine.rehearsal.session",
    "weighbridge.settings",
)
"""What each run imports."""


class Births:
    """The runs that are under way."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._replies: dict[int, socket.socket] = {}
        self._events = selectors.DefaultSelector()
        self._events.register(control, selectors.EVENT_READ)
        # The end of a child wakes the selector by a byte in a pipe.
        self._woken, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker)
        self._events.register(self._woken, selectors.EVENT_READ)

    def serve(self) -> None:
        """Go on until nobody holds the other end."""
        while True:
            for key, _ in self._events.select():
                if key.fileobj is self._control:
                    message, files, _, _ = socket.recv_fds(self._control, LARGEST, 3)
                    if not message:
                        return
                    self._give_birth(Request(*json.loads(message)), *files)
                elif key.fileobj == self._woken:
                    os.read(self._woken, 1024)
                    self._tell_ends()
                else:
                    self._pass_signals(key.data)

    def _give_birth(self, request: Request, its_in: int, its_out: int, reply: int) -> None:
        def run() -> int:
            # A compiled file is told from a newer source by its second: here two runs may come within one.
            sys.dont_write_bytecode = True
            os.environ.clear()
            os.environ.update(request.env)
            main = importlib.import_module(f"{RUN}.__main__").main
            return int(main(request.words, start=providers))

        pid = forked(run, request.folder, (its_in, its_out, its_out))
        os.close(its_in)
        os.close(its_out)
        self._replies[pid] = socket.socket(fileno=reply)
        self._events.register(self._replies[pid], selectors.EVENT_READ, pid)

    def _pass_signals(self, pid: int) -> None:
        # Its end may have been told in the same round.
        if pid in self._replies:
            numbers = self._replies[pid].recv(16)
            if not numbers:
                self._events.unregister(self._replies[pid])
            for number in numbers:
                os.kill(pid, number)

    def _tell_ends(self) -> None:
        for pid, code in _ended():
            with self._replies.pop(pid) as reply:
                with contextlib.suppress(KeyError):
                    self._events.unregister(reply)
                with contextlib.suppress(OSError):
                    reply.send(str(code).encode())


def _ended() -> Iterator[tuple[int, int]]:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def main() -> None:
    """Serve."""
    for name in AHEAD:
        importlib.import_module(name)
    # What is there now is shared with the children, for as long as nobody's reference counts are looked through.
    gc.collect()
    gc.freeze()
    Births(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
