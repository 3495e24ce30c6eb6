"""`python leash.py COMMAND...`: a command that ends, with all that it has started, when whoever started it is gone.

The Pulumi CLI would go on after its caller was killed, and its language hosts and providers after the CLI: the next
run would meet a live lock, and a gate that nobody waits for. It must be the first process of a session, and its
standard input a pipe whose other end the caller holds. An interrupt is passed on to the command.

It is run by its path and imports nothing of ours, so that it starts in no time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

GONE = 137


def session() -> list[int]:
    """List the other processes of this session; empty where there is no /proc."""
    own = os.getsid(0)
    members = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(folder.name) != os.getpid() and os.getsid(int(folder.name)) == own:
                members.append(int(folder.name))
    return members


def follow(command: subprocess.Popen[bytes]) -> None:
    """Wait for the end of the standard input, and end everything."""
    while os.read(0, 1024):
        pass
    for process in session() or [command.pid]:
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        command.wait(timeout=5)
    os._exit(GONE)


def main() -> int:
    """Run the command; its exit code is ours."""
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGINT, lambda *_: command.send_signal(signal.SIGINT))
    threading.Thread(target=follow, args=(command,), daemon=True).start()
    return command.wait()


if __name__ == "__main__":
    sys.exit(main())
