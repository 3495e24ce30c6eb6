"""The statistic: evidence that may be looked at as often as one likes, from nothing but counts.

A wager on each request, in the sense of Shafer (2021), "Testing by betting", and Ramdas, Grunwald, Vovk and Shafer
(2023), "Game-theoretic statistics and safe anytime-valid inference". A stake of 1 is multiplied by

    A  for a bad answer of the canary        B  for a good one
    C  for a bad answer of stable            1  for a good one

With w the probability that the mesh sends a request to the canary, and m the margin, the factors are tied by

    m A + (1 - m) B = 1         and         (1 - w) (1 - C) = w (A - B)

so that the expected factor of a request is exactly 1 when the canary's rate is stable's plus m, *whatever stable's
rate is*: it may drift with the hour of the day from request to request, and the wager gains nothing. It is below 1 for
a better canary. So the stake passes 1/alpha with a probability of at most alpha, however often it is looked at (Ville
1939), and a canary that is worse makes it grow exponentially. Only A is free: a mixture over A bets on all sizes of the
effect at once. A product of factors is a function of the totals, so it does not matter how a window was cut.

The mesh has to choose by chance for each request. C falls with w, and without a margin A does as well, so a w too high
only makes the stake smaller: where the canary got more of the counted requests than w by half a standard deviation,
what is above that takes its place. And unless the canary's rate in the counts themselves is above stable's by more than
m, the stake is held at 1. What is proven for every number of looks is proven for a mesh that sends the canary no more
than w; for one that sends more, it was only simulated (bench/judge.py), and `share` says so. Requests that are not
routed one by one, such as sessions that stay with a track, or retries, are outside of what is proven.

Turner, Ly and Grunwald (2021), "Generic E-variables for exact sequential k-sample tests that allow for optional
stopping", whose blocks need rates that were estimated before, is the relative of this: there the factors follow the
estimate, here they are fixed, and stable's good answers are left out. That costs little where failures are rare; and a
wager on them would win whenever the mesh sends the canary less than w, without a single failure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from weighbridge.judge.counting import Counts

_FROM_THE_START: Final = 0.85
"""Of the stake, what bets on a canary that is bad from the first request on; the rest bets on one that turns bad."""

CHANCE: Final = 0.5
"""Of a standard deviation: so much more than the weight the canary may get before the wagers reckon with it."""

_PASS_BETS: Final = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.96)
"""A of the wager that the canary is good: about its rate over the rate that has to be ruled out."""


@dataclass(frozen=True)
class Pair:
    """Both tracks over the same window.

    Attributes:
        canary: its counts.
        stable: its counts.
    """

    canary: Counts
    stable: Counts


@dataclass(frozen=True)
class Look:
    """A window that ends now.

    Attributes:
        start: which of the window's regular starts it begins at, 0 for the first; they are fixed beforehand.
        pair: the counts from there on.
        window: seconds, for the words.
    """

    start: int
    pair: Pair
    window: int = 0


@dataclass(frozen=True)
class Bet:
    """One wager: its factors depend on the odds with which a request goes to the canary.

    Attributes:
        weight: logarithm of its part of the stake.
        bad: logarithm of the factor of a bad answer of the canary.
        good: of a good one.
        gap: the first factor less the second; a bad answer of stable has the factor 1 - odds * gap.
    """

    weight: float
    bad: float
    good: float
    gap: float

    def stake(self, pair: Pair, odds: float) -> float:
        """The logarithm of what the wager has come to."""
        gained = _times(pair.canary.bad, self.bad) + _times(pair.canary.good, self.good)
        return self.weight + gained + _times(pair.stable.bad, _log(1 - odds * self.gap))


def worse(pair: Pair, share: float, margin: float) -> float:
    """The evidence that the canary is worse than stable by more than the margin.

    Args:
        pair: the counts.
        share: probability that a request goes to the canary, between 0 and 1; see `at_least`.
        margin: difference of the two rates of bad answers that is allowed, 0 up to and without 1.

    Returns:
        Logarithm of the stake. At or above log(1/alpha) the claim is proven with error alpha.
    """
    seen = at_least(pair, share)
    # Without a margin all factors fall with the share, not stable's alone: the wagers are made for what was seen.
    bets = bets_on_worse(share if margin else seen, margin)
    found = log_sum(bet.stake(pair, seen / (1 - seen)) for bet in bets)
    return found if _ahead(pair) > margin else min(found, 0.0)


def at_least(pair: Pair, share: float) -> float:
    """The share to be reckoned with: what the canary got of the counted requests, less chance, where that is more.

    Args:
        pair: the counts.
        share: probability that a request goes to the canary, between 0 and 1.

    Returns:
        The share itself unless the canary got more by half a standard deviation; then what is above that.
    """
    total = pair.canary.total + pair.stable.total
    if pair.stable.total <= 0:
        return share
    return max(share, pair.canary.total / total - CHANCE * math.sqrt(share * (1 - share) / total))


def not_worse(pair: Pair, share: float, limit: float) -> float:
    """The evidence that the canary is worse than stable by less than a limit.

    Args:
        pair: the counts.
        share: probability that a request goes to the canary, between 0 and 1; the counts' own where that is lower.
        limit: difference of the two rates of bad answers that has to be ruled out, between 0 and 1.

    Returns:
        Logarithm of the stake. At or above log(1/beta) the claim is proven with error beta.
    """
    odds = min(share / (1 - share), _odds(pair))
    return log_sum(bet.stake(pair, odds) for bet in bets_on_not_worse(limit))


def turned_worse(looks: Sequence[Look], share: float, margin: float) -> float:
    """As `worse`, for a canary that may have been good for a long time before.

    Each start has a stake of its own, fixed before anything was seen, and all of them together are 1: so the sum is a
    wager as well. The idea is the e-detector's (Shin, Ramdas and Rinaldo 2024). Any of the starts may be left out.

    Args:
        looks: windows that end now, the one with start 0 among them, at most one for each start.
        share: as for `worse`.
        margin: as for `worse`.
    """
    return log_sum(staked(look.start) + worse(look.pair, share, margin) for look in looks)


def staked(start: int) -> float:
    """The logarithm of what is staked on a start, 0 for the first.

    All of them together are 1, as each later one has what is between two neighbours of 1/log2: they fall little faster
    than one over the start, so that hours of good answers are no shelter.
    """
    if start == 0:
        return math.log(_FROM_THE_START)
    return math.log(1 - _FROM_THE_START) + math.log(1 / math.log2(start + 1) - 1 / math.log2(start + 2))


def starts(number: int) -> tuple[int, ...]:
    """Which starts to look at, of those up to now: the first, and about one for each power of two before now.

    Args:
        number: of regular starts that have passed, at least 1.
    """
    found, span = {0}, 1
    while span < number:
        found.add((number - span) // span * span)
        span *= 2
    return tuple(sorted(found))


@lru_cache(maxsize=256)
def bets_on_worse(share: float, margin: float) -> tuple[Bet, ...]:
    """The wagers on a worse canary, one for each ratio of the two rates.

    With a margin most of the stake is around six to one. Without one it rises with the ratio: high ratios are found by
    few failures, each of which is a large step, and low ones have time. Chosen from some that were simulated at weight
    10 (bench/judge.py). They decide how soon, never how surely.
    """
    ratios = [1 + 0.3 * 200 ** (i / 11) for i in range(12)]
    around = _normal([math.log((ratio - 1) / 5) for ratio in ratios])
    weights = [0.7 * weight + 0.3 / len(ratios) for weight in around]
    if not margin:
        squares = [(i + 1) ** 2 for i in range(len(ratios))]
        weights = [square / sum(squares) for square in squares]
    most = 1 + (1 - margin) * (1 - share) / share
    most = min(most, 1 / margin) if margin > 0 else most
    found = []
    for ratio, weight in zip(ratios, weights, strict=True):
        bad = 1 + (most - 1) * share * (ratio - 1) / (1 + share * (ratio - 1))
        found.append(_bet(weight, bad, margin))
    return tuple(found)


@lru_cache(maxsize=256)
def bets_on_not_worse(limit: float) -> tuple[Bet, ...]:
    """The wagers on a canary that is good enough: one for each part of the limit that it may use up."""
    return tuple(_bet(1 / len(_PASS_BETS), bad, limit) for bad in _PASS_BETS)


def log_sum(logs: Iterable[float]) -> float:
    """The logarithm of a sum of numbers that are given as logarithms."""
    kept = list(logs)
    top = max(kept, default=-math.inf)
    if math.isinf(top):
        return top
    return top + math.log(sum(math.exp(each - top) for each in kept))


def _bet(weight: float, bad: float, margin: float) -> Bet:
    good = (1 - margin * bad) / (1 - margin)
    return Bet(math.log(weight), _log(bad), _log(good), bad - good)


def _ahead(pair: Pair) -> float:
    """By how much the canary's rate of bad answers is above stable's, in the counts; no requests had none."""
    canary, stable = (each.bad / each.total if each.total > 0 else 0.0 for each in (pair.canary, pair.stable))
    return canary - stable


def _odds(pair: Pair) -> float:
    """Of a counted request to be the canary's; only stable's bad answers ask for them, and here may be none."""
    return pair.canary.total / pair.stable.total if pair.stable.total > 0 else 0.0


def _normal(distances: Sequence[float]) -> list[float]:
    heights = [math.exp(-(each**2) / 2) for each in distances]
    return [height / sum(heights) for height in heights]


def _log(number: float) -> float:
    return math.log(number) if number > 0 else -math.inf


def _times(count: float, log: float) -> float:
    """Nothing that did not happen has a part, not even where it was held impossible."""
    return count * log if count > 0 else 0.0
