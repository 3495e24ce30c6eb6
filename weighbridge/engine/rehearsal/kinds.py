"""What a rehearsal can operate on: one small protocol, with a room for each kind of resource."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from weighbridge.engine.rehearsal.goal import Goal, StepFailed
from weighbridge.engine.rehearsal.state import Record
from weighbridge.engine.rehearsal.values import Properties


class Change(Enum):
    """What a resource's new inputs ask for."""

    SAME = "same"
    UPDATE = "update"
    REPLACE = "replace"
    REPLACE_DELETING_FIRST = "replace, deleting first"


@dataclass(frozen=True)
class Made:
    """What an operation left behind."""

    id: str
    outputs: Properties


@dataclass(frozen=True)
class Reading:
    """What is live now; `inputs` None keeps those of the state."""

    id: str
    outputs: Properties
    inputs: Properties | None = None
    drifted: bool = False


class NotReady(StepFailed):
    """The object exists, so it has to be remembered, but it did not become ready."""

    def __init__(self, line: str, made: Made) -> None:
        super().__init__(line)
        self.made = made


class Kind(Protocol):
    """Operates on the resources of one kind; every method may raise `StepFailed`."""

    def check(self, goal: Goal, old: Record | None) -> Properties:
        """Validate the inputs and complete them."""

    def diff(self, goal: Goal, old: Record, inputs: Properties) -> Change:
        """Say what the new inputs ask for."""

    def preview(self, goal: Goal, old: Record | None, inputs: Properties) -> Made:
        """Say what the outputs would be, as far as that can be known."""

    def create(self, goal: Goal, inputs: Properties) -> Made:
        """Bring the resource into being."""

    def update(self, goal: Goal, old: Record, inputs: Properties) -> Made:
        """Change it in place."""

    def delete(self, old: Record) -> None:
        """Take it away, and come back when it is gone."""

    def read(self, old: Record) -> Reading | None:
        """Look at what is live; None when it is gone."""


class Bookkeeping:
    """Components, providers and the stack: they exist in the state alone."""

    def check(self, goal: Goal, old: Record | None) -> Properties:
        """Complete and validate the inputs."""
        del old
        return goal.inputs

    def diff(self, goal: Goal, old: Record, inputs: Properties) -> Change:
        """Compare the inputs with those of the state."""
        del goal
        return Change.SAME if old.inputs == inputs else Change.UPDATE

    def preview(self, goal: Goal, old: Record | None, inputs: Properties) -> Made:
        """Foresee the outputs."""
        return Made(old.id if old else self._id(goal), inputs if goal.custom else {})

    def create(self, goal: Goal, inputs: Properties) -> Made:
        """Bring it into being."""
        return Made(self._id(goal), inputs if goal.custom else {})

    def update(self, goal: Goal, old: Record, inputs: Properties) -> Made:
        """Change it in place."""
        return Made(old.id, inputs if goal.custom else {})

    def delete(self, old: Record) -> None:
        """Nothing stands behind it."""

    def read(self, old: Record) -> Reading | None:
        """Look at what is live."""
        return Reading(old.id, old.outputs)

    @staticmethod
    def _id(goal: Goal) -> str:
        # The real engine gives a random id; a name reads better in a state file and is as unique.
        return goal.name if goal.custom else ""
