"""What a judgement is: a verdict, what it spans, and the evidence that it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from weighbridge.durations import format_seconds


class Verdict(StrEnum):
    """What the gate says of one measurement, or of all of them."""

    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"
    ERROR = "error"


_WEIGHT_OF_EVIDENCE: Final = (Verdict.FAIL, Verdict.ERROR, Verdict.INSUFFICIENT, Verdict.PASS)
"""A broken bound is proven by its own requests, whatever the other answers were; a pass needs all of them."""


@dataclass(frozen=True)
class Scope:
    """What a measurement spans.

    Attributes:
        window: seconds.
        min_requests: fewer say nothing.
    """

    window: int
    min_requests: int

    def enough(self, total: float) -> bool:
        """Whether so many requests say something."""
        return total >= self.min_requests

    def evidence(self, total: float) -> str:
        """The words for it: `(n=1204, 5m)`."""
        return f"(n={math.floor(total)}, {format_seconds(self.window)})"

    def needed(self, total: float) -> str:
        """The words for too few."""
        return f"{math.floor(total)} of {self.min_requests} requests needed {self.evidence(total)}"


@dataclass(frozen=True)
class Measurement:
    """One metric's answer, as it is kept in the state.

    Attributes:
        metric: its name in the settings.
        query: the PromQL that was run.
        value: in the metric's unit (percent, milliseconds); None where there is none.
        bound: the rule as text, `>= 99%`.
        good: requests within the bound, where the metric counts them.
        total: requests seen in the window.
        window: seconds.
        verdict: of this metric alone.
        line: the words that people read, `success rate 69.17% < 99% (n=1204, 5m)`.
        dry_run: whether it only reports, and has no part in the verdict of all.
    """

    metric: str
    query: str
    value: float | None
    bound: str
    good: float | None
    total: float
    window: int
    verdict: Verdict
    line: str
    dry_run: bool = False


@dataclass(frozen=True)
class Evidence:
    """A verdict and what it rests on.

    Attributes:
        verdict: of all measurements together.
        line: one line that says why.
        measurements: one for each metric that was asked.
        window: seconds; 0 where nothing was measured.
        since: Unix time from which on the weight was judged; 0 where nobody looked.
        looked: Unix time of the look. With the one before, the same look can be taken again.
    """

    verdict: Verdict
    line: str
    measurements: tuple[Measurement, ...] = ()
    window: int = 0
    since: float = field(default=0.0, compare=False)
    looked: float = field(default=0.0, compare=False)


def unmeasured(metric: str, query: str, why: str, scope: Scope, total: float) -> Measurement:
    """A metric that could not be had.

    Args:
        metric: its name.
        query: the PromQL that was run.
        why: one line.
        scope: window and minimum of requests.
        total: requests in the window, as another query gave them.
    """
    return Measurement(metric, query, None, "", None, total, scope.window, Verdict.ERROR, why)


def combine(measurements: Iterable[Measurement], window: int) -> Evidence:
    """The verdict of all metrics: the first that failed speaks; a pass needs every one.

    Args:
        measurements: in the order of the settings, at least one that is no dry run.
        window: seconds.
    """
    kept = tuple(measurements)
    for verdict in _WEIGHT_OF_EVIDENCE:
        lines = [each.line for each in kept if each.verdict is verdict and not each.dry_run]
        if lines:
            return Evidence(verdict, lines[0], kept, window)
    return Evidence(Verdict.ERROR, "no metric is set, so nothing was judged", kept)


def joined(first: Evidence, second: Evidence) -> Evidence:
    """Both evidences as one; where their verdicts weigh the same, the first speaks.

    Args:
        first: of some measurements.
        second: of others, over the same window.
    """
    rank = _WEIGHT_OF_EVIDENCE.index
    speaks = second if rank(second.verdict) < rank(first.verdict) else first
    return Evidence(speaks.verdict, speaks.line, first.measurements + second.measurements, first.window)
