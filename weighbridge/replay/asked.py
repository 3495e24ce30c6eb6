"""Asks a server each question once, and remembers what was answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from weighbridge.checks import Asked
from weighbridge.errors import PrometheusError
from weighbridge.measure import Sample

_PROBE = "vector(1)"

Instant = tuple[str, float]
Range = tuple[str, float, float, int]

_Question = TypeVar("_Question", Instant, Range)


@dataclass
class Remembering:
    """What a server answered, by question and time; several gates ask much the same.

    An error is the gate's to judge, and so is remembered like an answer. But a server that does not even answer the
    simplest question has nothing to say of the past.

    Attributes:
        server: that is asked.
        instants: answers to instant queries.
        ranges: answers to range queries.
        broken: why the server cannot be asked; None where it can.
    """

    server: Asked
    instants: dict[Instant, list[Sample] | PrometheusError] = field(default_factory=dict)
    ranges: dict[Range, list[Sample] | PrometheusError] = field(default_factory=dict)
    broken: PrometheusError | None = None

    def query(self, promql: str, at: float) -> list[Sample]:
        """The samples at one Unix time."""
        return self._once(self.instants, (promql, at), lambda: self.server.query(promql, at))

    def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
        """The samples at regular Unix times."""
        return self._once(
            self.ranges, (promql, start, end, step), lambda: self.server.query_range(promql, start, end, step)
        )

    def require(self, at: float) -> None:
        """Insist on a server that answers.

        Raises:
            PrometheusError: it did not, now or during any question before.
        """
        if self.broken is None:
            self._probe(at)
        if self.broken is not None:
            raise self.broken

    def _once(
        self,
        known: dict[_Question, list[Sample] | PrometheusError],
        question: _Question,
        ask: Callable[[], list[Sample]],
    ) -> list[Sample]:
        if self.broken is not None:
            raise self.broken
        if question not in known:
            try:
                known[question] = ask()
            except PrometheusError as error:
                known[question] = error
                self._probe(question[1])
        found = known[question]
        if isinstance(found, PrometheusError):
            raise found
        return found

    def _probe(self, at: float) -> None:
        try:
            self.server.query(_PROBE, at)
        except PrometheusError as error:
            self.broken = error
