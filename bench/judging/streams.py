"""Simulated requests: what both tracks of many releases counted between two looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

CANARY_BAD, CANARY_GOOD, STABLE_BAD, STABLE_GOOD = range(4)

Rate = Callable[[float], float]
"""Of the seconds since the weight was set."""


def always(rate: float) -> Rate:
    """One that does not change."""
    return lambda _seconds: rate


def _usual(_seconds: float) -> float:
    return 1.0


@dataclass(frozen=True)
class Traffic:
    """What users send, and what becomes of it.

    Attributes:
        per_minute: the canary's requests, at the weight that is set.
        canary: its rate of bad answers, 0..1.
        stable: the same of stable.
        volume: by how much there is more or less traffic than that.
        share: of the requests that the mesh really sends to the canary, 0..1.
        weight: that is set, percent.
    """

    per_minute: float
    canary: Rate
    stable: Rate
    volume: Rate = _usual
    share: float = 0.1
    weight: int = 10

    def means(self, since: float, until: float) -> Array:
        """How many requests of the four kinds are to be expected between two times in seconds."""
        middle = (since + until) / 2
        total = self.per_minute / (self.weight / 100) * (until - since) / 60 * self.volume(middle)
        canary, stable = self.canary(middle), self.stable(middle)
        sent, kept = self.share * total, (1 - self.share) * total
        return np.array([sent * canary, sent * (1 - canary), kept * stable, kept * (1 - stable)])


class Stream:
    """The requests of many releases, by Poisson's law: each comes by itself, and is routed and answered by chance."""

    def __init__(self, traffic: Traffic, gap: float, seed: int) -> None:
        self._traffic, self._gap = traffic, gap
        self._random = np.random.default_rng(seed)

    def between(self, look: int, releases: int) -> Array:
        """What is counted between a look and the one before it, of the four kinds in each release."""
        means = self._traffic.means((look - 1) * self._gap, look * self._gap)
        return np.stack([self._random.poisson(mean, releases) for mean in means]).astype(np.float64)
