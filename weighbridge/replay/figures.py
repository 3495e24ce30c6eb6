"""What a picture of a replay shows: rates, and the rates of good answers with where they surely lie. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from weighbridge import queries
from weighbridge.checks import Asked, Checks, counted
from weighbridge.errors import PrometheusError
from weighbridge.judge import Counts
from weighbridge.judge.rates import interval
from weighbridge.observe import Window
from weighbridge.replay.spans import Span

_POINTS = 80
"""Times at which a span is looked at, at most about."""


@dataclass(frozen=True)
class Band:
    """Percent of a track's requests that were answered well since the warm-up, and between which ends it surely lies.

    Attributes:
        success: percent.
        low: percent; None where nothing is compared.
        high: percent.
    """

    success: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Point:
    """One time.

    Attributes:
        at: Unix time.
        rates: requests a second of canary and stable.
        bands: of canary and stable; None before the warm-up is over, or without requests.
    """

    at: float
    rates: tuple[float, float]
    bands: tuple[Band | None, Band | None]


def points(gates: Sequence[Checks], spans: Sequence[Span], asked: Asked) -> list[list[Point]]:
    """The points of each span; a time for which there is no usable answer is left out.

    Args:
        gates: the first one's view is drawn, with the ends that the first that compares would see.
        spans: oldest first.
        asked: answers for that time.
    """
    alpha = next((each.comparison.alpha for each in gates if each.comparison), None)
    return [list(_points(gates[0], alpha, span, asked)) for span in spans]


def _points(checks: Checks, alpha: float | None, span: Span, asked: Asked) -> Iterator[Point]:
    step = max(1, round((span.until - span.since) / _POINTS))
    back = max(step, Window.of(checks.interval, 0.0).seconds)
    at = span.since + step
    while at <= span.until:
        try:
            short = _counts(checks, span, back, at, asked)
            whole = _counts(checks, span, int(at - span.since - checks.warm_up), at, asked)
        except PrometheusError:
            short = None
        if short is not None:
            rates = (short[0].total / back, short[1].total / back)
            yield Point(at, rates, (_band(whole, 0, alpha), _band(whole, 1, alpha)))
        at = round(at + step, 3)


def _counts(checks: Checks, span: Span, window: int, at: float, asked: Asked) -> tuple[Counts, Counts] | None:
    if window < 1:
        return None
    samples = asked.query(queries.counts(checks.target, span.workloads, window), at)
    return counted(samples, span.canary), counted(samples, span.stable)


def _band(counts: tuple[Counts, Counts] | None, track: int, alpha: float | None) -> Band | None:
    if counts is None or not counts[track].total:
        return None
    found = counts[track]
    success = 100 * found.good / found.total
    if alpha is None:
        return Band(success)
    low, high = interval(found.bad, found.total, alpha)
    return Band(success, 100 * (1 - high), 100 * (1 - low))
