"""One server of the lab: a frozen description, and the process that runs by it."""

import http.client
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lab.errors import LabError

POLL = 0.05
"""Seconds between two looks at a server that is starting: its readiness is an HTTP answer, not an event."""
STOP_WITHIN = 5.0
"""Seconds that a server gets between SIGTERM and SIGKILL."""
LOG_TAIL = 5
"""Lines of a log that an error shows."""


@dataclass(frozen=True)
class ServerSpec:
    """What to run, and the address that answers 200 once it is ready (`within` is in seconds)."""

    name: str
    argv: tuple[str, ...]
    ready: str
    env: Mapping[str, str] = field(default_factory=dict)
    within: float = 60.0


class Server:
    """The process of one server; it can be killed, stopped and started again."""

    def __init__(self, spec: ServerSpec, logs: Path) -> None:
        self.spec = spec
        self.log = logs / f"{spec.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, or None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def spawn(self) -> None:
        """Start the process and do not wait for it."""
        if self.pid is not None:
            return
        with self.log.open("ab") as log:
            # A session of its own: a Ctrl-C at the terminal is for the lab, which then ends its servers in order.
            self._process = subprocess.Popen(
                self.spec.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.log.parent), **self.spec.env},
                cwd=self.log.parent,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start the process and wait until it is ready.

        Raises:
            LabError: when it ends, or is not ready in time; with the end of its log.
        """
        self.spawn()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until the server answers that it is ready; errors as in `start`."""
        deadline = time.monotonic() + self.spec.within
        while not self.is_ready():
            if self.pid is None:
                raise LabError(f"{self.spec.name} ended before it was ready; {self._last_words()}")
            if time.monotonic() > deadline:
                raise LabError(f"{self.spec.name} was not ready after {self.spec.within:.0f} s; {self._last_words()}")
            time.sleep(POLL)

    def is_ready(self) -> bool:
        """Ask once, for a second at most."""
        address = urlsplit(self.spec.ready)
        host, port = str(address.hostname), int(address.port or 0)
        connection = (
            http.client.HTTPSConnection(host, port, timeout=1, context=_unverified())
            if address.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=1)
        )
        try:
            connection.request("GET", address.path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """End the process: SIGTERM, then SIGKILL when it takes too long."""
        self.end()
        self.wait_ended()

    def end(self) -> None:
        """Send SIGTERM and do not wait."""
        if self._process and self.pid is not None:
            self._process.send_signal(signal.SIGTERM)

    def wait_ended(self) -> None:
        """Wait for the end that `end` asked for, and enforce it."""
        if not self._process:
            return
        try:
            self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process with SIGKILL, as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL:]
        return f"{self.log} ends: " + " | ".join(line.strip()[:300] for line in lines)


def _unverified() -> ssl.SSLContext:
    # Asked whether it answers, often before its certificate can be read; nothing secret is sent.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
