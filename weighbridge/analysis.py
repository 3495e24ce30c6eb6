"""Judgement of the user's own metrics: a range as Flagger has it, or conditions and limits as Argo Rollouts has them.

Pure. What a query gave is a float (a scalar), or a list of floats (a vector: one for each series). Nothing is guessed:
a vector without series is no data for a range, and an error for conditions, whatever the conditions say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from weighbridge.conditions import Condition
from weighbridge.durations import format_seconds
from weighbridge.evaluate import Result
from weighbridge.judge import Measurement, Verdict
from weighbridge.judge.words import plain


@dataclass(frozen=True)
class Asked:
    """What was asked.

    Attributes:
        name: of the metric.
        query: the PromQL that was run.
        span: seconds that one answer looks back over.
    """

    name: str
    query: str
    span: float

    def measured(self, value: float | None, bound: str, verdict: Verdict, words: str) -> Measurement:
        """The measurement; it counts no requests."""
        kept = value if value is not None and math.isfinite(value) else None
        line = f"{self.name} {words} ({format_seconds(self.span)})"
        return Measurement(self.name, self.query, kept, bound, None, 0.0, math.ceil(self.span), verdict, line)


@dataclass(frozen=True)
class Range:
    """Flagger's `thresholdRange`: both ends are still allowed.

    Attributes:
        low: None for none.
        high: None for none.
    """

    low: float | None
    high: float | None

    def broken_by(self, value: float) -> bool:
        """Whether a number is outside; NaN is not."""
        return (self.low is not None and value < self.low) or (self.high is not None and value > self.high)

    @property
    def text(self) -> str:
        """`>= 1 and <= 5`."""
        ends = ((">=", self.low), ("<=", self.high))
        return " and ".join(f"{sign} {plain(end)}" for sign, end in ends if end is not None)


def judge_range(values: Sequence[float], allowed: Range, asked: Asked) -> Measurement:
    """Judge one answer by a range (pkg/controller/scheduler_metrics.go, runMetricChecks).

    Flagger takes the last of several series, and whatever else has no number for no values; here several are an error.

    Args:
        values: of each series; one for a scalar.
        allowed: the range.
        asked: see there.
    """
    if len(values) > 1:
        words = f"has {len(values)} series where one is judged"
        return asked.measured(None, allowed.text, Verdict.ERROR, words)
    if not values or math.isnan(values[0]):
        words = "has no value yet, it is NaN" if values else "has no series yet"
        return asked.measured(None, allowed.text, Verdict.INSUFFICIENT, words)
    value = values[0]
    if math.isinf(value):
        return asked.measured(None, allowed.text, Verdict.ERROR, "is infinite")
    verdict, words = Verdict.PASS, allowed.text
    if allowed.low is not None and value < allowed.low:
        verdict, words = Verdict.FAIL, f"< {plain(allowed.low)}"
    elif allowed.high is not None and value > allowed.high:
        verdict, words = Verdict.FAIL, f"> {plain(allowed.high)}"
    return asked.measured(value, allowed.text, verdict, f"{_beside(value, allowed)} {words}")


class Outcome(StrEnum):
    """What one measurement of an analysis came to: Argo's completed phases."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True)
class Taken:
    """One measurement of an analysis.

    Attributes:
        outcome: what it came to.
        shown: the value, or why there is none.
        value: where it is one number.
    """

    outcome: Outcome
    shown: str
    value: float | None = None


@dataclass(frozen=True)
class Analysis:
    """Argo's analysis template (pkg/apis/rollouts/v1alpha1/analysis_types.go, Metric).

    Attributes:
        success: condition of a successful measurement; None for none.
        failure: condition of a failed one; None for none.
        count: measurements that it takes; None for as many as there are.
        failure_limit: failed ones that are allowed.
        inconclusive_limit: inconclusive ones that are allowed.
        consecutive_error_limit: errors in a row that are allowed.
    """

    success: Condition | None
    failure: Condition | None
    count: int | None = None
    failure_limit: int = 0
    inconclusive_limit: int = 0
    consecutive_error_limit: int = 4

    @property
    def text(self) -> str:
        """The conditions, as the evidence keeps them."""
        failure = f"not {self.failure.text}" if self.failure else ""
        return ", ".join(filter(None, (self.success.text if self.success else "", failure)))


def outcome(*, success: bool | None, failure: bool | None) -> Outcome:
    """What a measurement comes to (utils/evaluate/evaluate.go, EvaluateResult).

    Args:
        success: whether the success condition holds; None where there is none.
        failure: whether the failure condition holds; None where there is none.
    """
    if failure or (failure is None and success is False):
        return Outcome.FAILED
    if success or success is None:
        return Outcome.SUCCESSFUL
    return Outcome.INCONCLUSIVE


def take(result: Result, analysis: Analysis) -> Taken:
    """One measurement (metricproviders/prometheus/prometheus.go, processResponse).

    Args:
        result: what the query gave.
        analysis: whose conditions are asked.
    """
    if isinstance(result, list) and not result:
        return Taken(Outcome.ERROR, "no series")
    try:
        success, failure = (each.holds(result) if each else None for each in (analysis.success, analysis.failure))
    except ValueError as error:
        return Taken(Outcome.ERROR, str(error))
    value = result if isinstance(result, float) else result[0] if len(result) == 1 else None
    return Taken(outcome(success=success, failure=failure), _shown(result), value)


def judge_analysis(results: Mapping[float, Result], analysis: Analysis, asked: Asked) -> Measurement:
    """Judge a sequence of answers.

    Args:
        results: by time, one for each measurement that was due; a time for which Prometheus has nothing (a gap) has an
            empty list, and is an error like any other vector without series.
        analysis: conditions and limits.
        asked: see there.
    """
    taken = [take(results[at], analysis) for at in sorted(results)]
    counted = _counted(taken, analysis.count)
    verdict, words = _assess(counted, analysis)
    value = next((each.value for each in reversed(counted) if each.outcome is not Outcome.ERROR), None)
    return asked.measured(value, analysis.text, verdict, words)


def _counted(taken: Sequence[Taken], count: int | None) -> list[Taken]:
    """The measurements up to the one that completes the count, errors left out (analysis.go, runMeasurements)."""
    found: list[Taken] = []
    done = 0
    for each in taken:
        if count is not None and done >= count:
            break
        found.append(each)
        done += each.outcome is not Outcome.ERROR
    return found


def _assess(taken: Sequence[Taken], analysis: Analysis) -> tuple[Verdict, str]:
    """The limits (analysis/analysis.go, assessMetricStatus and assessMetricFailureInconclusiveOrError).

    Argo ends an analysis at the first limit that is passed. A gate asks again, so errors that are over are over; and a
    proven failure counts more than an error, as everywhere in the gate.
    """
    number = {kind: [each for each in taken if each.outcome is kind] for kind in Outcome}
    done = len(taken) - len(number[Outcome.ERROR])
    of = f"{done} of {analysis.count}" if analysis.count else f"{done}"
    for kind, verdict, limit in (
        (Outcome.FAILED, Verdict.FAIL, analysis.failure_limit),
        (Outcome.INCONCLUSIVE, Verdict.INSUFFICIENT, analysis.inconclusive_limit),
    ):
        if len(number[kind]) > limit:
            words = f"{len(number[kind])} of {done} measurements {kind}, {limit} allowed"
            return verdict, f"{words}, newest of them {number[kind][-1].shown}"
    errors = len(list(takewhile(lambda each: each.outcome is Outcome.ERROR, reversed(taken))))
    if errors > analysis.consecutive_error_limit:
        allowed = analysis.consecutive_error_limit
        return Verdict.ERROR, f"{errors} errors in a row, {allowed} allowed: {taken[-1].shown}"
    if not taken:
        return Verdict.INSUFFICIENT, f"{of} measurements"
    newest = taken[-1].outcome
    words = f"{of} measurements, newest {'' if newest is Outcome.SUCCESSFUL else f'{newest}: '}{taken[-1].shown}"
    # Argo completes a count of tolerated failures and inconclusive ones as successful; here one has to have succeeded.
    complete = done >= analysis.count if analysis.count else newest is Outcome.SUCCESSFUL
    return Verdict.PASS if complete and number[Outcome.SUCCESSFUL] else Verdict.INSUFFICIENT, words


_MANY = 3


def _shown(result: Result) -> str:
    """`0.97`, or `[0.97, 1.2, 3, ...]`."""
    if isinstance(result, float):
        return f"{result:.6g}".replace("nan", "NaN")
    if len(result) == 1:
        return _shown(result[0])
    return f"[{', '.join(_shown(each) for each in result[:_MANY])}{', ...' if len(result) > _MANY else ''}]"


def _beside(value: float, allowed: Range) -> str:
    """A number with as many digits as show on which side of its bounds it is."""
    for digits in range(6, 17):
        shown = f"{value:.{digits}g}"
        if allowed.broken_by(float(shown)) is allowed.broken_by(value):
            return shown
    return repr(value)
