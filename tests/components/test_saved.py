"""What the saved state says, read while the engine writes it."""

from __future__ import annotations

import pytest

from components.saved import Saved, whole

WRITTEN: Saved = {"urn:pulumi:dev::weighbridge::pulumi-python:dynamic/gate:MetricGate::podinfo-gate": {"phase": "idle"}}
HALF = RuntimeError("pulumi:pulumi:readStackResourceOutputs returned an error: failed to load checkpoint: EOF")


class Engine:
    """Gives one answer after the other, or fails."""

    def __init__(self, *answers: Saved | Exception) -> None:
        self.answers = list(answers)
        self.paused: list[float] = []

    def __call__(self) -> Saved:
        """The next answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_state_that_is_there_is_read_once() -> None:
    """Nobody waits."""
    engine = Engine(WRITTEN)
    assert whole(engine, engine.paused.append) == WRITTEN
    assert engine.paused == []


def test_a_state_that_is_being_written_is_read_again() -> None:
    """A state in files is written in two parts, beside the program: a half is no state, and no error."""
    engine = Engine(HALF, HALF, WRITTEN)
    assert whole(engine, engine.paused.append) == WRITTEN
    assert engine.paused == [0.1, 0.3]


def test_a_state_that_stays_half_is_an_error() -> None:
    """After three more readings; a state that cannot be read is never taken for an empty one."""
    engine = Engine(*[HALF] * 9)
    with pytest.raises(RuntimeError, match="failed to load checkpoint"):
        whole(engine, engine.paused.append)
    assert engine.paused == [0.1, 0.3, 1.0]


def test_any_other_error_is_told_at_once() -> None:
    """Nothing is asked twice."""
    engine = Engine(RuntimeError("no such stack"), WRITTEN)
    with pytest.raises(RuntimeError, match="no such stack"):
        whole(engine, engine.paused.append)
    assert engine.paused == []
