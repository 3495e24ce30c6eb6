"""The rehearsal as an engine: starts its process, passes its lines on, and reads its state."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weighbridge.engine.plain import gate_states, strip_control
from weighbridge.engine.project import read_config, require_stack
from weighbridge.engine.protocol import Line, RunResult
from weighbridge.engine.rehearsal.start import RUN, Process, Start, started
from weighbridge.engine.rehearsal.state import Checkpoint, state_path
from weighbridge.engine.rehearsal.values import Properties, integral, is_secret, rebuilt
from weighbridge.errors import EngineError, SettingsError

HIDDEN = "[secret]"


class Rehearsal:
    """Rehearses one stack of a project."""

    name = "rehearsal"

    def __init__(self, project: Path, stack: str, why: str = "asked for", start: Start = started) -> None:
        """Find the stack.

        Args:
            project: the folder that holds Pulumi.yaml.
            stack: the name of one of its stacks.
            why: the rehearsal was taken.
            start: gives the process of a run.

        Raises:
            EngineError: the project has no such stack.
        """
        require_stack(project, stack)
        self.reason = f"engine: rehearsal ({why})"
        self._project = project.resolve()
        self._stack = stack
        self._start = start

    def preview(self, on_line: Line) -> RunResult:
        """Run the program with nothing but checks, diffs and dry runs behind it."""
        return self._run("preview", on_line)

    def up(self, on_line: Line, *, refresh: bool = False) -> RunResult:
        """Run the program."""
        return self._run("up", on_line, *(["--refresh"] if refresh else []))

    def refresh(self, on_line: Line) -> RunResult:
        """Read what is live into the state file."""
        return self._run("refresh", on_line)

    def destroy(self, on_line: Line) -> RunResult:
        """Delete all that the state file holds; the program is not needed for it."""
        return self._run("destroy", on_line)

    def outputs(self) -> Mapping[str, object]:
        """Give the outputs of the last green run."""
        return _shown(self._state().outputs)

    def gates(self) -> Mapping[str, Mapping[str, object]]:
        """Give release -> gate state."""
        return gate_states(
            (record.type, record.name, _shown(record.outputs)) for record in self._state().records.values()
        )

    def secret(self, key: str) -> str | None:
        """Give a value of the config."""
        try:
            return read_config(self._project, self._stack, namespace=key.partition(":")[0]).get(key)
        except SettingsError as error:
            raise EngineError(str(error)) from None

    def _state(self) -> Checkpoint:
        return Checkpoint(state_path(self._project, self._stack), saved=False)

    def _run(self, operation: str, on_line: Line, *options: str) -> RunResult:
        on_line(self.reason)
        with tempfile.TemporaryDirectory(prefix="weighbridge-") as folder:
            result = Path(folder) / "result.json"
            where = ["--project", str(self._project), "--stack", self._stack, "--result", str(result)]
            code = self._follow([operation, *where, *options], on_line)
            if not result.exists():
                return RunResult(ok=False, errors=(f"{operation}: the rehearsal's process ended by itself ({code})",))
            document = json.loads(result.read_text(encoding="utf-8"))
        return RunResult(document["ok"], document["changes"], tuple(document["errors"]))

    def _follow(self, words: list[str], on_line: Line) -> int:
        """Start a run and pass its lines on; an interrupt is handed down once, and the run's end awaited."""
        with self._start(RUN, words, self._project, {}, merged=True) as process:
            try:
                _pass_on(process, on_line)
            except BaseException:
                process.send_signal(signal.SIGINT)
                _pass_on(process, on_line)
                raise
            return process.wait()


def _pass_on(process: Process, on_line: Line) -> None:
    for line in process.stdout or ():
        on_line(strip_control(line.rstrip("\r\n")))


def _shown(properties: Properties) -> dict[str, object]:
    """Hide secrets, and give whole numbers as such."""
    return {key: _value(value) for key, value in properties.items()}


def _value(value: Any) -> Any:
    return HIDDEN if is_secret(value) else integral(rebuilt(value, _value))
