"""One look at a weight: all that is asked of it, in one round of queries."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from weighbridge import queries
from weighbridge.checks.against import against_stable
from weighbridge.checks.answers import Asked
from weighbridge.checks.bounds import bounds
from weighbridge.checks.failed_checks import by_threshold
from weighbridge.checks.inputs import Checks
from weighbridge.checks.own_metrics import by_conditions
from weighbridge.checks.traffic import Traffic
from weighbridge.checks.view import View
from weighbridge.durations import format_seconds
from weighbridge.errors import PrometheusError
from weighbridge.judge import Evidence, Measurement, Verdict, combine, joined, traffic_share
from weighbridge.plan import Live

_GRAIN = 60
"""In how many parts a window is cut to see from when on there are series."""


def measure(checks: Checks, live: Live, since: float, now: float, prometheus: Asked) -> Evidence:
    """Judge a canary on the time at its weight: one round of queries over [since + warm_up, now].

    Args:
        checks: what is checked.
        live: the revisions and the weight that the mesh has.
        since: Unix time at which the mesh had the weight.
        now: Unix time of the window's end.
        prometheus: is asked.

    Returns:
        The evidence; a Prometheus that gives no usable answer makes it an `error`, never a verdict.
    """
    window = int(now - since - checks.warm_up)
    if window < 1:
        left = format_seconds(max(1, round(1 + checks.warm_up - (now - since))))
        return Evidence(Verdict.INSUFFICIENT, f"warming up, {left} left", since=since, looked=now)
    view = View(checks, live, window, now, prometheus)
    try:
        evidence = _judged(_remembered(view))
    except PrometheusError as error:
        evidence = Evidence(Verdict.ERROR, str(error))
    return replace(evidence, since=since, looked=now)


def _judged(view: View) -> Evidence:
    traffic = Traffic.ask(view)
    against = against_stable(traffic)
    worse = any(each.verdict is Verdict.FAIL for each in against)
    bounded = bounds(traffic, worse=worse)
    others = [*against, *by_conditions(view), *_share(traffic)]
    kept, other = (combine(_binding(each), view.window) for each in (bounded, others))
    if view.checks.threshold > 1:
        kept = by_threshold(view, kept)
    parts = [each for each in (kept, other) if each.measurements] or [kept]
    evidence = joined(*parts) if len(parts) > 1 else parts[0]
    dry = [each for each in (*bounded, *others) if each.dry_run]
    return replace(evidence, measurements=(*evidence.measurements, *dry))


def _binding(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Those that have a part in the verdict."""
    return [each for each in measurements if not each.dry_run]


def _share(traffic: Traffic) -> list[Measurement]:
    view, pair = traffic.view, traffic.pair
    if len(view.revisions) == 1:
        return []
    return [traffic_share(pair, view.live.weight, view.checks.share_tolerance, view.scope, traffic.query)]


def _remembered(view: View) -> View:
    """The view of what Prometheus remembers: one that was started anew without its data knows less than the window."""
    first = _first_series(view)
    gap = 0 if first is None else round(first - (view.now - view.window))
    return view.shortened(gap) if gap > min(_QUIET, view.window // 4) else view


def _first_series(view: View) -> float | None:
    """Unix time at which the window has series for the first time, exact to a second; None where it has none."""
    asked = queries.remembered(view.checks.target, view.revisions)
    span, end = view.window, view.now
    while True:
        # Counted back from the end, which is asked as well: there the newest series are.
        step = max(1, span // _GRAIN)
        begin = end - math.ceil(span / step) * step
        first = min((each.at for each in view.prometheus.query_range(asked, begin, end, step)), default=None)
        if first is None or step == 1 or first - begin < 1:
            return first
        span, end = step, first


_QUIET = 15
"""Seconds: a usual scrape interval. A series begins with its first scrape, and a quiet service lets it wait."""
