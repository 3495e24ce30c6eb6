"""Proof that a rate is beyond a bound: a rule of thumb on few requests is no proof, and neither is one look of many.

The wager of `sequential` without a stable track: the factor of a request is A for a bad answer and B for a good one,
with m A + (1 - m) B = 1 at the allowed rate m. So the stake passes 1/alpha with probability alpha at most while the
true rate is m or less, at any number of looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from weighbridge.durations import format_seconds
from weighbridge.judge.counting import Counts
from weighbridge.judge.sequential import log_sum, staked
from weighbridge.judge.verdict import Measurement, Verdict
from weighbridge.judge.words import percent, plain

SUCCESS: Final = "request-success-rate"

_LEAST: Final = 10
"""Requests without which nothing is proven: Prometheus extrapolates, and makes more of a few than there were."""

_RATIOS: Final = tuple(1.25 * 80 ** (i / 11) for i in range(12))
"""Of the odds of a bad answer to the odds that are allowed: what is bet on, each with the same part of the stake."""


@dataclass(frozen=True)
class Span:
    """One track's counts over a window that ends now.

    Attributes:
        start: as in `sequential.Look`.
        window: seconds.
        counts: of the requests.
    """

    start: int
    window: int
    counts: Counts


@dataclass(frozen=True)
class Proof:
    """What may prove that a bound is broken.

    Attributes:
        alpha: probability of proving it wrongly, at one weight, however often it is looked at.
        spans: windows that end now, the whole one (start 0) first.
    """

    alpha: float
    spans: Sequence[Span]

    def broken(self, allowed: float) -> Span | None:
        """The span that says most of it, where the rate of bad answers is proven to be beyond what is allowed.

        Args:
            allowed: rate, from 0 up to and without 1.

        Returns:
            None where it is not proven.
        """
        stakes = [staked(span.start) + beyond(span.counts, allowed) for span in self.spans]
        if log_sum(stakes) < -math.log(self.alpha):
            return None
        return self.spans[stakes.index(max(stakes))]


def beyond(counts: Counts, allowed: float) -> float:
    """The evidence that a rate of bad answers is beyond what is allowed.

    Args:
        counts: of the requests.
        allowed: rate, from 0 up to and without 1.

    Returns:
        Logarithm of the stake. At or above log(1/alpha) the claim is proven with error alpha.
    """
    if allowed <= 0:
        return math.inf if counts.bad > 0 else 0.0
    stakes = []
    for ratio in _RATIOS:
        bad = ratio / (1 + allowed * (ratio - 1))
        good = (1 - allowed * bad) / (1 - allowed)
        stakes.append(counts.bad * math.log(bad) + counts.good * math.log(good))
    return log_sum(stakes) - math.log(len(_RATIOS))


def proven(measured: Measurement, proof: Proof, allowed: float) -> Measurement:
    """A bound's measurement, whose fail has to be proven.

    Args:
        measured: by the bound alone, over the whole window.
        proof: what may prove that the bound is broken.
        allowed: rate of bad answers that is, from 0 up to and without 1.

    Returns:
        A fail where it is proven, also of what many good answers before would hide. A bound that is broken without a
        proof is `insufficient`: it is not passed, and it is nobody's fault yet.
    """
    span = proof.broken(allowed) if proof.spans[0].counts.total >= _LEAST else None
    if span is not None:
        if measured.verdict is Verdict.FAIL:
            return measured
        rate = 100 * span.counts.bad / span.counts.total
        seen = f"(n={math.floor(span.counts.total)}, {format_seconds(span.window)})"
        line = f"{measured.metric}: {rate:.2f}% of the newest requests broke {measured.bound} {seen}"
        if measured.metric == SUCCESS:
            minimum = 100 * (1 - allowed)
            line = f"success rate {percent(100 - rate, minimum)} < {plain(minimum)}% {seen}"
        return replace(measured, verdict=Verdict.FAIL, line=line)
    if measured.verdict is not Verdict.FAIL:
        return measured
    return replace(measured, verdict=Verdict.INSUFFICIENT, line=f"{measured.line}, not proven yet")
