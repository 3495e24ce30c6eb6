"""What the saved state says, read while the engine writes it."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

from components import saved

URN = "urn:pulumi:dev::weighbridge::pulumi-python:dynamic/gate:MetricGate::podinfo-gate"
WRITTEN = {URN: {"outputs": {"phase": "idle"}}}
HALF = RuntimeError("pulumi:pulumi:readStackResourceOutputs returned an error: failed to load checkpoint: EOF")


class Engine(pulumi.runtime.Mocks):
    """An engine that gives one answer after the other, or fails."""

    def __init__(self, answers: list[dict[str, Any] | Exception]) -> None:
        self.answers = answers

    def call(self, args: MockCallArgs) -> Any:
        """The next answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"name": args.args["stackName"], "outputs": answer}

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Nothing is declared here."""
        raise AssertionError(args)


@pytest.fixture
def paused() -> list[float]:
    """Seconds that were waited."""
    return []


def read(answers: list[dict[str, Any] | Exception], paused: list[float]) -> Any:
    """The saved outputs, from an engine with such answers."""
    pulumi.runtime.set_mocks(Engine(answers))
    return saved.resource_outputs(paused.append)


def test_the_outputs_are_by_urn(paused: list[float]) -> None:
    """At once, and those of no other stack."""
    assert read([WRITTEN], paused) == {URN: {"phase": "idle"}}
    assert paused == []


def test_a_state_that_is_being_written_is_read_again(paused: list[float]) -> None:
    """A state in files is written in two parts, beside the program: a half is no state, and no error."""
    assert read([HALF, HALF, WRITTEN], paused) == {URN: {"phase": "idle"}}
    assert paused == [0.1, 0.3]


def test_a_state_that_stays_half_is_an_error(paused: list[float]) -> None:
    """After three more readings; a state that cannot be read is never taken for an empty one."""
    with pytest.raises(Exception, match="failed to load checkpoint"):
        read([HALF] * 9, paused)
    assert paused == [0.1, 0.3, 1.0]


def test_any_other_error_is_told_at_once(paused: list[float]) -> None:
    """Nothing is asked twice."""
    with pytest.raises(Exception, match="no such stack"):
        read([RuntimeError("no such stack"), WRITTEN], paused)
    assert paused == []
