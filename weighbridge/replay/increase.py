"""PromQL's arithmetic over raw samples, number for number as Prometheus has it. Pure; times are in milliseconds.

`increase` is `extrapolatedRate` of promql/functions.go for floats, `quantile` is `BucketQuantile` of
promql/quantile.go (v3.11). A range is open at its left end, as it is since Prometheus 3.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final, Self

LOOKBACK: Final = 300_000
"""Milliseconds that a sample counts for an instant: Prometheus' default."""

_FAR: Final = 1.1
"""Of the mean distance of two samples: from a boundary further off than that, a series is taken to end within."""

_TINY: Final = 1e-12
_SMALLEST: Final = 2.2250738585072014e-308
"""The smallest normal float."""


@dataclass(frozen=True)
class Counter:
    """The samples of one series.

    Attributes:
        times: of the samples, rising.
        values: of the samples.
        lost: for each sample what was counted before the resets up to it.
    """

    times: Sequence[int]
    values: Sequence[float]
    lost: Sequence[float]

    @classmethod
    def of(cls, times: Sequence[int], values: Sequence[float]) -> Self:
        """From its samples; a value below the one before is a reset."""
        drops = (before if after < before else 0.0 for before, after in pairwise(values))
        return cls(times, values, list(accumulate(drops, initial=0.0)))

    def there(self, at: int) -> bool:
        """Whether an instant sees it; that it went stale meanwhile, samples do not say."""
        newest = bisect_right(self.times, at) - 1
        return newest >= 0 and self.times[newest] > at - LOOKBACK

    def increase(self, start: int, end: int) -> float | None:
        """By how much it grew.

        Args:
            start: of the range, left out.
            end: of the range, taken in.

        Returns:
            None where the range has fewer than two samples.
        """
        first, last = bisect_right(self.times, start), bisect_right(self.times, end) - 1
        if last - first < 1:
            return None
        grown = self.values[last] - self.values[first] + (self.lost[last] - self.lost[first])
        sampled = (self.times[last] - self.times[first]) / 1000
        to_start, to_end = (self.times[first] - start) / 1000, (end - self.times[last]) / 1000
        between = sampled / (last - first)
        if to_start >= between * _FAR:
            to_start = between / 2
        if grown > 0 and self.values[first] >= 0:
            # A counter is never below zero: it may have begun within the range.
            to_start = min(to_start, sampled * (self.values[first] / grown))
        if to_end >= between * _FAR:
            to_end = between / 2
        return grown * ((sampled + to_start + to_end) / sampled)


def quantile(share: float, buckets: Iterable[tuple[float, float]]) -> float:
    """A quantile of a classic histogram.

    Args:
        share: 0..1.
        buckets: upper bound and cumulative count of each, in any order; at least one.

    Returns:
        NaN where there is no infinite bound, only one, or no observation.
    """
    merged: dict[float, float] = {}
    for bound, count in buckets:
        merged[bound] = merged.get(bound, 0.0) + count
    bounds = sorted(merged)
    if bounds[-1] != math.inf or len(bounds) < 2:  # noqa: PLR2004  one finite bound at least
        return math.nan
    counts = _rising([merged[bound] for bound in bounds])
    if counts[-1] == 0:
        return math.nan
    rank = share * counts[-1]
    place = next((i for i, count in enumerate(counts[:-1]) if count >= rank), len(counts) - 1)
    if place == len(counts) - 1:
        return bounds[-2]
    if place == 0 and bounds[0] <= 0:
        return bounds[0]
    low, below = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
    inside = counts[place] - below
    # 0/0 in an empty first bucket, as Go divides.
    return low + (bounds[place] - low) * ((rank - below) / inside if inside else math.nan)


def _rising(counts: Sequence[float]) -> list[float]:
    """Counts that never fall, and do not rise by what is only rounding."""
    found = [counts[0]]
    for count in counts[1:]:
        before = found[-1]
        found.append(before if count < before or _same(before, count) else count)
    return found


def _same(one: float, other: float) -> bool:
    """As Prometheus' util/almost."""
    if one == other:
        return True
    total, apart = abs(one) + abs(other), abs(one - other)
    if 0 in {one, other} or total < _SMALLEST:
        return apart < _TINY * _SMALLEST
    return apart / total < _TINY
