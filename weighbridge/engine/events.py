"""The real engine's events -> lines as they come, what has changed, and what went wrong."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from weighbridge.cloud.refusals import refusal
from weighbridge.engine.plain import strip_control
from weighbridge.engine.protocol import Line

SIGNS = {"create": "+", "update": "~", "create-replacement": "±", "delete": "-"}
NOISE = ("using pulumi-resource-", "using pulumi-language-")
"""What the CLI says of plugins on PATH, at every run."""

CUT_OFF = "Attempting to deploy or update resources with"
"""How the CLI begins ten lines about what a killed run has left."""

MANDATORY = {"mandatory", "remediate"}


class Report:
    """Collects the events of one run. The API swallows what a handler raises, so receiving only puts them aside."""

    def __init__(self, on_line: Line) -> None:
        self.errors: list[str] = []
        self.changes: dict[str, int] = {}
        self._on_line = on_line
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._inside_traceback = False

    def __call__(self, event: Any) -> None:
        """Receive an event."""
        self._events.put(event)

    def follow(self, operate: Callable[[], object], interrupt: Callable[[], None]) -> None:
        """Run an operation beside this thread, and tell here what it says.

        Raises:
            KeyboardInterrupt: interrupted, and the operation has ended.
            Exception: whatever the operation raised.
        """
        failures: list[BaseException] = []
        worker = threading.Thread(target=self._operate, args=(operate, failures), daemon=True)
        worker.start()
        try:
            self._drain()
        except BaseException:
            interrupt()
            self._drain()
            raise
        if failures:
            raise failures[0]

    def _operate(self, operate: Callable[[], object], failures: list[BaseException]) -> None:
        try:
            operate()
        except BaseException as error:  # noqa: BLE001  raised again in the thread that follows
            failures.append(error)
        finally:
            self._events.put(None)

    def _drain(self) -> None:
        while (event := self._events.get()) is not None:
            self._tell(event)

    def _tell(self, event: Any) -> None:
        if event.diagnostic_event:
            self._diagnostic(event.diagnostic_event)
        elif event.policy_event:
            self._policy(event.policy_event)
        elif event.res_outputs_event:
            self._step(event.res_outputs_event.metadata)
        elif event.summary_event:
            self.changes = {_text(kind): int(count) for kind, count in event.summary_event.resource_changes.items()}

    def _diagnostic(self, said: Any) -> None:
        severity = _text(said.severity)
        message = strip_control(said.message).rstrip()
        if severity == "error":
            told = refusal(message)
            # Whose refusal it is stands in the event alone: a program makes a dozen of a cloud's resources.
            self.errors.append(f"{said.urn.rpartition('::')[2]}: {told}" if told and said.urn else told or message)
        elif message.startswith(CUT_OFF):
            self._on_line("warning: the last run was cut off; what it was doing then is done again")
        elif severity != "debug" and not said.ephemeral and not message.startswith(NOISE):
            prefix = "warning: " if severity == "warning" else ""
            for line in filter(self._is_for_people, message.splitlines()):
                self._on_line(f"{prefix}{line}")

    def _is_for_people(self, line: str) -> bool:
        """Leave out tracebacks: the engine interrupts a program after a failure, and its runner prints where."""
        if line.startswith("Traceback (most recent call last)"):
            self._inside_traceback = True
        elif self._inside_traceback and line and not line.startswith((" ", "During handling", "KeyboardInterrupt")):
            self._inside_traceback = False
        return bool(line.strip()) and not self._inside_traceback

    def _policy(self, broken: Any) -> None:
        message = " ".join(strip_control(broken.message).split())
        line = f"policy {broken.policy_name}: {message}"
        if broken.enforcement_level in MANDATORY:
            self.errors.append(line)
        else:
            self._on_line(f"warning: {line}")

    def _step(self, step: Any) -> None:
        state = step.new or step.old
        sign = SIGNS.get(_text(step.op))
        if sign and state and state.custom and not step.type.startswith("pulumi:providers:"):
            self._on_line(f"{sign} {step.type.rpartition(':')[2]} {step.urn.rpartition('::')[2]}")


def _text(value: Any) -> str:
    """Read an enumeration of the API as its text."""
    return str(getattr(value, "value", value))
