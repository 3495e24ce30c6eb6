"""Judgement: counts and bounds in, a verdict with its evidence out. Pure.

A verdict is never guessed. `pass` needs enough requests and every bound kept; `fail` needs enough requests and
a bound broken; whatever else there is, is `insufficient` (ask again later) or `error` (the answer made no sense).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from weighbridge.durations import format_seconds


class Verdict(StrEnum):
    """What the gate says of one measurement, or of all of them."""

    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient"
    ERROR = "error"


_SECOND: Final = 1000
"""Milliseconds."""

_WEIGHT_OF_EVIDENCE: Final = (Verdict.FAIL, Verdict.ERROR, Verdict.INSUFFICIENT, Verdict.PASS)
"""A broken bound is proven by its own requests, whatever the other answers were; a pass needs all of them."""


@dataclass(frozen=True)
class Counts:
    """Requests over a window.

    Attributes:
        good: those that were answered well; Prometheus extrapolates, so it need not be whole.
        total: all of them.
    """

    good: float
    total: float


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


@dataclass(frozen=True)
class Evidence:
    """A verdict and what it rests on.

    Attributes:
        verdict: of all measurements together.
        line: one line that says why.
        measurements: one for each metric that was asked.
        window: seconds; 0 where nothing was measured.
    """

    verdict: Verdict
    line: str
    measurements: tuple[Measurement, ...] = ()
    window: int = 0


def count(samples: Mapping[tuple[str, str], float], workload: str) -> Counts:
    """The requests of one workload that were answered well, and all.

    Well means not 5xx, as Flagger's `request-success-rate` has it (pkg/metrics/observers/istio.go). A request that
    got no answer at all (Istio's code 0: the connection broke) was not answered well.

    Args:
        samples: requests by (workload, response code).
        workload: whose.

    Raises:
        ValueError: a count is not a finite number, or is below zero, or says nothing of the response.
    """
    good = total = 0.0
    for (name, code), value in samples.items():
        if not math.isfinite(value) or value < 0:
            msg = f"{name} has {value} requests with code {code}"
            raise ValueError(msg)
        if not code:
            msg = f"{name} has requests without a response code"
            raise ValueError(msg)
        if name == workload:
            total += value
            good += 0.0 if code.startswith("5") or code == "0" else value
    return Counts(good, total)


def success_rate(counts: Counts, minimum: float, scope: Scope, query: str) -> Measurement:
    """Judge the share of requests that were answered well.

    Args:
        counts: of the canary over the window.
        minimum: percent, 0..100; reaching it is enough.
        scope: window and minimum of requests.
        query: the PromQL that gave the counts.
    """
    value = 100 * counts.good / counts.total if counts.total else None
    if value is None or not scope.enough(counts.total):
        verdict, line = Verdict.INSUFFICIENT, scope.needed(counts.total)
    else:
        verdict = Verdict.PASS if value >= minimum else Verdict.FAIL
        sign = ">=" if verdict is Verdict.PASS else "<"
        line = f"success rate {_percent(value, minimum)} {sign} {_plain(minimum)}% {scope.evidence(counts.total)}"
    return Measurement(
        "request-success-rate",
        query,
        value,
        f">= {_plain(minimum)}%",
        counts.good,
        counts.total,
        scope.window,
        verdict,
        line,
    )


def duration(milliseconds: float | None, maximum: float, total: float, scope: Scope, query: str) -> Measurement:
    """Judge a quantile of the request duration.

    Args:
        milliseconds: the quantile; None or NaN where no request has been measured.
        maximum: milliseconds; reaching it is still allowed, as in Flagger's threshold range.
        total: requests in the window.
        scope: window and minimum of requests.
        query: the PromQL that gave the quantile.
    """
    bound = f"<= {_milliseconds(maximum)}"
    verdict, line = _judge_duration(milliseconds, maximum, total, scope)
    value = milliseconds if milliseconds is not None and math.isfinite(milliseconds) else None
    return Measurement("request-duration", query, value, bound, None, total, scope.window, verdict, line)


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


def _judge_duration(milliseconds: float | None, maximum: float, total: float, scope: Scope) -> tuple[Verdict, str]:
    if milliseconds is not None and milliseconds < 0:
        return Verdict.ERROR, f"request duration is below zero {scope.evidence(total)}"
    if not scope.enough(total):
        return Verdict.INSUFFICIENT, scope.needed(total)
    if milliseconds is None or math.isnan(milliseconds):
        return Verdict.INSUFFICIENT, f"no request duration measured yet {scope.evidence(total)}"
    if milliseconds == math.inf:
        # The quantile fell into the last bucket, whose bound is infinite: slower than the histogram can tell.
        allowed = f"allowed <= {_milliseconds(maximum)}"
        return (
            Verdict.FAIL,
            f"request duration is beyond the histogram's last bucket, {allowed} {scope.evidence(total)}",
        )
    verdict = Verdict.PASS if milliseconds <= maximum else Verdict.FAIL
    sign = "<=" if verdict is Verdict.PASS else ">"
    shown = _apart(milliseconds, maximum)
    return verdict, f"request duration {shown} {sign} {_milliseconds(maximum)} {scope.evidence(total)}"


def combine(measurements: Iterable[Measurement], window: int) -> Evidence:
    """The verdict of all metrics: the first that failed speaks; a pass needs every one.

    Args:
        measurements: in the order of the settings, at least one.
        window: seconds.
    """
    kept = tuple(measurements)
    if not kept:
        return Evidence(Verdict.ERROR, "no metric is set, so nothing was judged")
    for verdict in _WEIGHT_OF_EVIDENCE:
        lines = [each.line for each in kept if each.verdict is verdict]
        if lines:
            return Evidence(verdict, lines[0], kept, window)
    raise AssertionError(kept)


def _percent(value: float, bound: float) -> str:
    """A percentage with the two decimals people expect, and more where rounding would hide which side it is on."""
    for digits in range(2, 7):
        shown = f"{value:.{digits}f}"
        if (float(shown) >= bound) == (value >= bound):
            return f"{shown}%"
    return f"{value!r}%"


def _plain(number: float) -> str:
    """A setting's number as it was written: 99, 99.5, 99.99999."""
    return f"{number:.12g}"


def _apart(value: float, bound: float) -> str:
    """A duration with as many digits as show on which side of its bound it is."""
    for digits in range(1, 7):
        shown = _milliseconds(value, digits)
        if value == bound or shown != _milliseconds(bound, digits):
            return shown
    return f"{value!r}ms"


def _milliseconds(value: float, digits: int = 1) -> str:
    """As Flagger writes it: `12.5ms`, `500ms`, `1.515s`."""
    if value >= _SECOND:
        return f"{value / _SECOND:.{digits + 2}f}".rstrip("0").rstrip(".") + "s"
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + "ms"
