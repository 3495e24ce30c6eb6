"""The CLI as a process that can be interrupted: the Automation API's own keeps its process to itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error

LEASH = str(Path(__file__).with_name("leash.py"))


class Command(PulumiCommand):
    """Runs `pulumi` in a session of its own, so that an interrupt reaches it once and not twice."""

    def __init__(self, root: Path) -> None:
        super().__init__(root=str(root))
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run a command to its end.

        Raises:
            CommandError: it failed.
        """
        # The plugins that were installed with the CLI are beside it.
        path = f"{Path(self.command).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        env = os.environ | {**additional_env, "PULUMI_AUTOMATION_API": "true", "PATH": path}
        command = [self.command, "--non-interactive", *args]
        with (
            _leash() as leash,
            subprocess.Popen(
                [sys.executable, "-I", "-S", LEASH, *command],
                cwd=cwd,
                env=env,
                stdin=leash,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            ) as process,
        ):
            with self._lock:
                self._process = process
            out, err = process.communicate()
        for text, tell in ((out, on_output), (err, on_error)):
            if tell is not None:
                for line in text.splitlines():
                    tell(line)
        result = CommandResult(stdout=out, stderr=err, code=process.returncode)
        if process.returncode:
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Ask the command that is running to end: what is under way is let to its end, nothing new is started."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)


@contextmanager
def _leash() -> Iterator[int]:
    """Give the reading end of a pipe that ends with this process, or with the command's own end."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)
