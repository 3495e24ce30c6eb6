"""Metrics of the user's own: their queries filled in and asked, and the answers handed to `weighbridge.analysis`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from weighbridge import conditions, promql, template
from weighbridge.analysis import Analysis, Asked, Range, judge_analysis, judge_range
from weighbridge.checks.view import View
from weighbridge.errors import PrometheusError
from weighbridge.evaluate import Result
from weighbridge.judge import Measurement, Verdict, unmeasured
from weighbridge.measure import Sample

MOST: Final = 10_000
"""Measurements that are looked at; Prometheus gives at most 11,000 points of a series."""

Settings = Mapping[str, Any]
"""One metric, as the gate's inputs have it."""


def is_own(settings: Settings) -> bool:
    """Whether a metric is one of the user's own."""
    return "query" in settings


def reported(measured: Measurement, settings: Settings) -> Measurement:
    """A measurement, marked where the settings ask for a dry run."""
    if not settings.get("dry_run"):
        return measured
    return replace(measured, dry_run=True, line=f"dry run: {measured.line}")


def by_ranges(view: View) -> list[Measurement]:
    """Judge the metrics with a range, each over the whole window.

    Args:
        view: the look.
    """
    return [
        reported(_ranged(view, name, settings), settings)
        for name, settings in view.checks.metrics.items()
        if is_own(settings) and not _has_conditions(settings) and _begun(view, settings)
    ]


def broken_checks(view: View, span: tuple[float, float, int]) -> set[float]:
    """The times of the checks, one an interval, at which a range was broken that is no dry run.

    Args:
        view: the look.
        span: Unix times of the first check and of the end, and the seconds between two.

    Raises:
        PrometheusError: there is no usable answer.
    """
    broken: set[float] = set()
    for name, settings in view.checks.metrics.items():
        if (
            is_own(settings)
            and not _has_conditions(settings)
            and _begun(view, settings)
            and not settings.get("dry_run")
        ):
            try:
                broken |= _broken(view, settings, span)
            except ValueError as error:
                raise PrometheusError(f"{name}: 'query' {error}") from None
    return broken


def by_conditions(view: View) -> list[Measurement]:
    """Judge the metrics with conditions, each by measurements at its interval since the warm-up.

    A measurement looks back over its interval, so the first is taken when one has passed: before that is another
    weight's time.

    Args:
        view: the look.
    """
    return [
        reported(_analysed(view, name, settings), settings)
        for name, settings in view.checks.metrics.items()
        if _has_conditions(settings) and _begun(view, settings)
    ]


def _has_conditions(settings: Settings) -> bool:
    return bool(settings.get("success_condition") or settings.get("failure_condition"))


def _begun(view: View, settings: Settings) -> bool:
    """Whether a metric is asked at the live weight already."""
    step = sum(weight <= view.live.weight for weight in view.checks.steps) - 1
    return step >= int(settings.get("starting_step") or 0)


def _filled_in(view: View, settings: Settings, interval: float) -> str:
    """A metric's query with its variables filled in.

    Args:
        view: the look.
        settings: of the metric.
        interval: seconds.

    Raises:
        ValueError: it cannot be.
    """
    target, live = view.checks.target, view.live
    variables = template.Variables(
        namespace=target.namespace,
        release=target.release,
        stable=view.workload(live.stable),
        canary=view.workload(live.canary),
        interval=interval,
        args=settings.get("args") or {},
    )
    return template.render(settings["query"], variables)


def _ranged(view: View, name: str, settings: Settings) -> Measurement:
    span = float(settings.get("interval") or view.window)
    try:
        asked = Asked(name, promql.as_vector(_filled_in(view, settings, span)), span)
        if span > view.window:
            # Further back is another weight's time.
            return asked.measured(None, _range(settings).text, Verdict.INSUFFICIENT, "needs more time at this weight")
        values = [sample.value for sample in view.prometheus.query(asked.query, view.now)]
    except (PrometheusError, ValueError) as error:
        return unmeasured(name, settings["query"], f"{name}: {error}", view.scope, 0.0)
    return judge_range(values, _range(settings), asked)


def _broken(view: View, settings: Settings, span: tuple[float, float, int]) -> set[float]:
    query = promql.as_vector(_filled_in(view, settings, float(settings.get("interval") or span[2])))
    by_time: dict[float, list[float]] = {}
    for sample in view.prometheus.query_range(query, *span):
        by_time.setdefault(sample.at, []).append(sample.value)
    # Several series at a time are an error of the whole window's measurement.
    return {at for at, values in by_time.items() if len(values) == 1 and _range(settings).broken_by(values[0])}


def _analysed(view: View, name: str, settings: Settings) -> Measurement:
    step = int(settings.get("interval") or view.step)
    analysis = _analysis(settings)
    try:
        asked = Asked(name, _filled_in(view, settings, step), step)
        times = _times(view, step, float(settings.get("initial_delay") or 0), newest=analysis.count is None)
        scalar = promql.is_scalar(asked.query)
        found = view.prometheus.query_range(asked.query, times[0], times[-1], step) if times else []
    except (PrometheusError, ValueError) as error:
        return unmeasured(name, settings["query"], f"{name}: {error}", view.scope, 0.0)
    return judge_analysis(_at_times(times, step, found, scalar=scalar), analysis, asked)


def _times(view: View, step: int, delay: float, *, newest: bool) -> Sequence[float]:
    """When measurements are taken: Unix times in whole seconds; where there are too many, the newest or the first."""
    # Rounded down at both ends, a window of five intervals holds five measurements.
    end = math.floor(view.now)
    times = range(end - view.window + math.ceil(delay) + step, end + 1, step)
    return [float(at) for at in (times[-MOST:] if newest else times[:MOST])]


def _at_times(times: Sequence[float], step: int, samples: Sequence[Sample], *, scalar: bool) -> Mapping[float, Result]:
    """The answers by the time for which they were asked; a time that Prometheus has nothing for has an empty list."""
    values: dict[float, list[float]] = {at: [] for at in times}
    for sample in samples:
        at = times[0] + step * round((sample.at - times[0]) / step)
        if at in values:
            values[at].append(sample.value)
    return {at: found[0] if scalar and found else found for at, found in values.items()}


def _range(settings: Settings) -> Range:
    low, high = settings.get("min"), settings.get("max")
    return Range(None if low is None else float(low), None if high is None else float(high))


def _analysis(settings: Settings) -> Analysis:
    success, failure = (settings.get(f"{kind}_condition") for kind in ("success", "failure"))
    count = settings.get("count")
    return Analysis(
        success=conditions.read(success) if success else None,
        failure=conditions.read(failure) if failure else None,
        count=None if count is None else int(count),
        failure_limit=int(settings["failure_limit"]),
        inconclusive_limit=int(settings["inconclusive_limit"]),
        consecutive_error_limit=int(settings["consecutive_error_limit"]),
    )
