"""Starts the dynamic provider host and passes on what its providers print."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Self

from weighbridge.engine.protocol import Line
from weighbridge.engine.rehearsal.start import PROVIDERS, Start
from weighbridge.errors import EngineError


class ProviderHost:
    """Pulumi's own process for dynamic providers. It is started early, as it takes its time to import the SDK."""

    def __init__(self, folder: Path, project: str, say: Line, start: Start) -> None:
        # As the real engine starts it: in the project's folder, with the project's name in the environment.
        self._process = start(PROVIDERS, (), folder, {"PULUMI_PROJECT": project}, merged=False)
        self._say = say
        self._lock = threading.Lock()
        self._port = ""

    def address(self) -> str:
        """Wait until the host listens.

        Raises:
            EngineError: it ended instead.
        """
        with self._lock:
            if not self._port and self._process.stdout is not None:
                self._port = self._process.stdout.readline().strip()
                threading.Thread(target=self._pass_on, daemon=True).start()
            if not self._port.isdigit():
                raise EngineError(f"the host of the dynamic providers did not start (got {self._port!r})")
            return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the host; a provider in the middle of something ends with it."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _pass_on(self) -> None:
        for line in self._process.stdout or ():
            self._say(line.rstrip("\r\n"))
