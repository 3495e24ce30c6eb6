"""The bounds of a release's metrics, over the whole window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from weighbridge import queries
from weighbridge.checks import own_metrics
from weighbridge.checks.answers import scalar
from weighbridge.checks.traffic import Traffic
from weighbridge.errors import PrometheusError
from weighbridge.judge import Counts, Measurement, Verdict, duration, success_rate, unmeasured
from weighbridge.judge.proof import Proof, Span, proven

SUCCESS: Final = "request-success-rate"
DURATION: Final = "request-duration"

_SHARED: Final = {"hold": Verdict.INSUFFICIENT, "pass": Verdict.PASS, "fail": Verdict.FAIL}


def bounds(traffic: Traffic, *, worse: bool) -> list[Measurement]:
    """Judge each metric that has a bound.

    Args:
        traffic: the requests of both tracks.
        worse: whether the canary is proven worse than stable, so that a fault is its own.
    """
    view, found = traffic.view, []
    for name, bound in view.checks.metrics.items():
        if own_metrics.is_own(bound):
            continue
        measured = _canary(traffic, name, bound)
        judged = measured if worse else _shared(traffic, measured, bound)
        found.append(own_metrics.reported(judged, bound))
    return [*found, *own_metrics.by_ranges(view)]


def _canary(traffic: Traffic, name: str, bound: Mapping[str, Any]) -> Measurement:
    measured = _measured(traffic, traffic.view.live.canary, traffic.pair.canary, name, bound)
    # Flagger's counting of failed checks is a proof of its own kind.
    if bound.get("alpha") is None or traffic.view.checks.threshold > 1 or measured.verdict is Verdict.ERROR:
        return measured
    try:
        if name == SUCCESS:
            allowed, looks = 1 - bound["min"] / 100, traffic.looks
        else:
            allowed, looks = 1 - bound["quantile"], traffic.beyond(1000 * bound["max"], f"{DURATION}.max")
    except PrometheusError as error:
        return unmeasured(name, measured.query, str(error), traffic.view.scope, traffic.pair.canary.total)
    spans = [Span(look.start, look.window, look.pair.canary) for look in looks]
    return proven(measured, Proof(bound["alpha"], spans), allowed)


def _measured(traffic: Traffic, revision: str, counts: Counts, name: str, bound: Mapping[str, Any]) -> Measurement:
    view = traffic.view
    if name == SUCCESS:
        return success_rate(counts, bound["min"], view.scope, traffic.query)
    asked = queries.latency(view.checks.target, revision, bound["quantile"], view.window)
    try:
        value = scalar(view.prometheus.query(asked, view.now))
    except PrometheusError as error:
        # One metric's trouble is its own: what another has proven of the canary still stands.
        return unmeasured(name, asked, str(error), view.scope, counts.total)
    # The settings give seconds, Istio's histogram has milliseconds.
    return duration(value, 1000 * bound["max"], counts.total, view.scope, asked)


def _shared(traffic: Traffic, measured: Measurement, bound: Mapping[str, Any]) -> Measurement:
    """A bound that stable breaks too is not the canary's fault: what it means then is a setting."""
    view, comparison = traffic.view, traffic.view.checks.comparison
    if measured.verdict is not Verdict.FAIL or comparison is None or len(view.revisions) == 1:
        return measured
    stable = _measured(traffic, view.live.stable, traffic.pair.stable, measured.metric, bound)
    if stable.verdict is not Verdict.FAIL:
        return measured
    unit = "%" if measured.metric == SUCCESS else "ms"
    value = "beyond the histogram" if stable.value is None else f"{stable.value:.2f}{unit}"
    line = f"{measured.line}, and so does stable with {value}: not the canary's fault"
    verdict = _SHARED[comparison.shared_failure]
    return replace(measured, verdict=verdict, line=measured.line if verdict is Verdict.FAIL else line)
