"""One operation on one stack: the lock, the state, the program, and how it ended."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from weighbridge.engine.plain import error_lines
from weighbridge.engine.project import read_config
from weighbridge.engine.protocol import Line, RunResult
from weighbridge.engine.rehearsal.goal import StepFailed
from weighbridge.engine.rehearsal.lock import run_lock
from weighbridge.engine.rehearsal.monitor import Log, Monitor, Rooms
from weighbridge.engine.rehearsal.program import Program, execute
from weighbridge.engine.rehearsal.provider_host import ProviderHost
from weighbridge.engine.rehearsal.run import Run
from weighbridge.engine.rehearsal.scout import refuse_what_is_beyond
from weighbridge.engine.rehearsal.state import Checkpoint, state_path

INTERRUPTED = "interrupted; what was done so far is saved"
GRACE = 2.0
"""Seconds that an interrupted run gives to operations under way. A waiting gate has nothing to lose."""


@dataclass(frozen=True)
class Session:
    """What is to be done: `operation` is preview, up, refresh or destroy."""

    folder: Path
    project: str
    stack: str
    operation: str
    refresh: bool
    say: Line

    def run(self, host: ProviderHost) -> RunResult:
        """Do it.

        Raises:
            WeighbridgeError: it could not start, and nothing was changed.
        """
        program = Program(self.folder, self.project, self.stack, read_config(self.folder, self.stack))
        path = state_path(self.folder, self.stack)
        preview = self.operation == "preview"
        with nullcontext() if preview else run_lock(path.with_suffix(".lock"), self.stack):
            checkpoint = Checkpoint(path, saved=not preview)
            rooms = Rooms(checkpoint, host, program.config)
            run = Run(checkpoint, rooms, self.say, preview=preview)
            self._to_its_end(run, rooms, program)
            return RunResult(not run.errors, dict(run.changes), error_lines(run.errors))

    def _to_its_end(self, run: Run, rooms: Rooms, program: Program) -> None:
        try:
            if self.operation == "up":
                refuse_what_is_beyond(run, rooms, program)
            self._operate(run, program)
        except KeyboardInterrupt:
            run.fail(StepFailed(INTERRUPTED))
            run.idle(GRACE)
        except StepFailed as failed:
            run.fail(failed)
            # What is under way is let to its end, as the real engine lets it.
            run.idle()

    def _operate(self, run: Run, program: Program) -> None:
        if self.operation == "refresh" or self.refresh:
            run.refresh()
        if self.refresh:
            # What counts is what the run itself then does.
            run.changes.clear()
        if self.operation == "destroy":
            run.sweep(everything=True)
            run.checkpoint.outputs = {} if not run.errors else run.checkpoint.outputs
            run.checkpoint.save()
        if self.operation in {"preview", "up"} and not run.errors:
            self._program(run, program)

    def _program(self, run: Run, program: Program) -> None:
        monitor = Monitor(run, self.folder, self.project, self.stack)
        execute(program, monitor, Log(self.say), preview=run.preview)
        if not run.errors:
            run.sweep()
        if not run.errors:
            run.checkpoint.outputs = monitor.outputs
            run.checkpoint.save()
