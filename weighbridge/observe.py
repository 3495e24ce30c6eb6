"""What moves: the share of traffic that the canary gets, success and latency of both tracks, a moment ago.

For people who watch. It decides nothing, and a figure that Prometheus does not give is None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from weighbridge import queries
from weighbridge.checks import Asked, counted
from weighbridge.errors import PrometheusError
from weighbridge.judge import Counts

SHORTEST: Final = 5
LONGEST: Final = 60
"""Seconds that a figure spans: short enough to follow a step, and long enough to hold a few scrapes."""

_QUANTILE: Final = 0.99


@dataclass(frozen=True)
class Track:
    """One track's figures.

    Attributes:
        requests: a second.
        success: percent of requests answered well.
        p99: milliseconds.
    """

    requests: float | None = None
    success: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Observation:
    """Both tracks of a release at one time.

    Attributes:
        share: percent of all requests that reached the canary.
        stable: its figures.
        canary: its figures.
    """

    share: float | None = None
    stable: Track = Track()
    canary: Track = Track()


@dataclass(frozen=True)
class Window:
    """When is looked, and how far back.

    Attributes:
        now: Unix time, seconds.
        seconds: back from there.
    """

    now: float
    seconds: int

    @classmethod
    def of(cls, interval: float, now: float) -> Window:
        """A few of the gate's intervals, which follow the scrapes."""
        return cls(now, int(min(LONGEST, max(SHORTEST, 3 * interval))))


def observe(prometheus: Asked, target: queries.Target, stable: str, canary: str, window: Window) -> Observation:
    """Look at both tracks.

    Args:
        prometheus: is asked.
        target: whose series.
        stable: revision.
        canary: revision; "" where no candidate has traffic.
        window: when, and how far back.

    Returns:
        The figures; those that could not be had are None.
    """
    revisions = [stable, canary] if canary else [stable]
    try:
        samples = prometheus.query(queries.counts(target, revisions, window.seconds), window.now)
        counts = {revision: counted(samples, target.workload(revision)) for revision in revisions}
        tracks = {
            revision: _track(found, _p99(prometheus, target, revision, window), window)
            for revision, found in counts.items()
        }
    except PrometheusError:
        return Observation()
    total = sum(found.total for found in counts.values())
    share = 100 * counts[canary].total / total if canary and total else None
    return Observation(share, tracks[stable], tracks.get(canary, Track()))


def _track(counts: Counts, p99: float | None, window: Window) -> Track:
    success = 100 * counts.good / counts.total if counts.total else None
    return Track(counts.total / window.seconds, success, p99)


def _p99(prometheus: Asked, target: queries.Target, revision: str, window: Window) -> float | None:
    samples = prometheus.query(queries.latency(target, revision, _QUANTILE, window.seconds), window.now)
    return samples[0].value if len(samples) == 1 and math.isfinite(samples[0].value) else None
