"""Runs the program once with nothing behind it, to find what a rehearsal cannot make before anything is touched."""

from __future__ import annotations

import contextlib
import contextvars
import threading
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import resource_pb2

from weighbridge.engine.rehearsal.goal import STACK, StepFailed, read_goal
from weighbridge.engine.rehearsal.monitor import Log, Monitor
from weighbridge.engine.rehearsal.program import Program, execute
from weighbridge.engine.rehearsal.run import Kinds, Run
from weighbridge.engine.rehearsal.values import from_struct, to_struct


class Scout(Monitor):
    """Answers each registration with its inputs, as the first preview of anything does, and notes what is beyond it."""

    def __init__(self, run: Run, kinds: Kinds, program: Program) -> None:
        super().__init__(run, program.folder, program.project, program.stack)
        self.beyond: list[str] = []
        self._kinds = kinds
        self._program = program
        self._one_by_one = threading.Lock()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the protocol's name
        """Note what a rehearsal cannot make."""
        urn = self.make_urn(request.parent, request.type, request.name)
        try:
            goal = read_goal(request, self._program.stack, self._program.project)
            if goal.type != STACK:
                self._kinds.of(goal)
        except StepFailed as failed:
            self._note(failed)
        # No id: what hangs on one is unknown, and so is not looked at.
        return resource_pb2.RegisterResourceResponse(urn=urn, id="", object=to_struct(from_struct(request.object)))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Nothing is kept."""
        del request
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Note it, and answer with what was asked."""
        self._note(StepFailed(f"{request.name}: reading a '{request.type}' needs the real Pulumi engine"))
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=to_struct(from_struct(request.properties)))

    def _noted(self, answer: Any) -> Any:
        """Let a failure end the program here: the run itself tells of it again."""
        return answer()

    def _note(self, failed: StepFailed) -> None:
        with self._one_by_one:
            self.beyond.append(str(failed))


def refuse_what_is_beyond(run: Run, kinds: Kinds, program: Program) -> None:
    """Insist that a rehearsal can make all that the program asks for.

    Raises:
        StepFailed: it cannot; the line names the first resource, and how many more there are.
    """
    scout = Scout(run, kinds, program)
    # What the program itself raises is told by the run, which it ends as well.
    with contextlib.suppress(StepFailed):
        # In a context of its own: Pulumi keeps what a program has set in context variables.
        contextvars.copy_context().run(execute, program, scout, Log(_silent), preview=True)
    if scout.beyond:
        first, *more = dict.fromkeys(scout.beyond)
        raise StepFailed(first + (f"; and so do {len(more)} more" if more else ""))


def _silent(line: str) -> None:
    del line
