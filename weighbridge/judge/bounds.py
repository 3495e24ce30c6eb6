"""Bounds: a share of good requests and a quantile of the duration, each against the number that it has to keep."""

from __future__ import annotations

import math

from weighbridge.judge.counting import Counts
from weighbridge.judge.verdict import Measurement, Scope, Verdict
from weighbridge.judge.words import apart, milliseconds, percent, plain


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
        line = f"success rate {percent(value, minimum)} {sign} {plain(minimum)}% {scope.evidence(counts.total)}"
    return Measurement(
        "request-success-rate",
        query,
        value,
        f">= {plain(minimum)}%",
        counts.good,
        counts.total,
        scope.window,
        verdict,
        line,
    )


def duration(value: float | None, maximum: float, total: float, scope: Scope, query: str) -> Measurement:
    """Judge a quantile of the request duration.

    Args:
        value: the quantile in milliseconds; None or NaN where no request has been measured.
        maximum: milliseconds; reaching it is still allowed, as in Flagger's threshold range.
        total: requests in the window.
        scope: window and minimum of requests.
        query: the PromQL that gave the quantile.
    """
    verdict, line = _judge_duration(value, maximum, total, scope)
    known = value if value is not None and math.isfinite(value) else None
    bound = f"<= {milliseconds(maximum)}"
    return Measurement("request-duration", query, known, bound, None, total, scope.window, verdict, line)


def _judge_duration(value: float | None, maximum: float, total: float, scope: Scope) -> tuple[Verdict, str]:
    if value is not None and value < 0:
        return Verdict.ERROR, f"request duration is below zero {scope.evidence(total)}"
    if not scope.enough(total):
        return Verdict.INSUFFICIENT, scope.needed(total)
    if value is None or math.isnan(value):
        return Verdict.INSUFFICIENT, f"no request duration measured yet {scope.evidence(total)}"
    if value == math.inf:
        # The quantile fell into the last bucket, whose bound is infinite: slower than the histogram can tell.
        allowed = f"allowed <= {milliseconds(maximum)}"
        return (
            Verdict.FAIL,
            f"request duration is beyond the histogram's last bucket, {allowed} {scope.evidence(total)}",
        )
    verdict = Verdict.PASS if value <= maximum else Verdict.FAIL
    sign = "<=" if verdict is Verdict.PASS else ">"
    shown = apart(value, maximum)
    return verdict, f"request duration {shown} {sign} {milliseconds(maximum)} {scope.evidence(total)}"
