"""What a stake against a canary proves where no margin is allowed: exactly as much as it is improbable.

Ville's bound, "a stake passes 1/alpha with a probability of at most alpha", gives away what a stake has beyond 1/alpha
when it passes, and a few failures make large steps: half of alpha was never spent. Without a margin nothing need be
given away. There a wager of `sequential` has the factor 1 for every good answer, so the stake is a function of two
whole numbers, the bad answers of the canary and of stable, and moves with each bad answer alone.

Under "the canary is not worse" a bad answer is the canary's with a probability of at most the weight, *whatever came
before and whatever the rates are at that moment*: w p / (w p + (1 - w) q) <= w for p <= q, and so for any lower weight.
Let the bad answers come one by one, each the canary's when a uniform number of its own is below that probability, and
beside it in the second run when it is below w: the second run has at least as many of the canary's in every place, and
the stake rises with those and falls with stable's. (Where the canary got more than the weight, a higher share is
reckoned with, and the stake is lower.) So the stake ever comes as far as x with a probability of at most

    chance(x) = P(the stake ever comes to x, when each bad answer is the canary's with probability w, independently)

which is a number, and depends on w and x alone. Rates may drift as they like, by chance or on purpose, and traffic too.
Looks are some of the moments at which x could be passed, so any number of them is allowed. `chance(x) <= alpha` exactly
when x is at or beyond a fixed number, which makes it an error of at most alpha.

The number is worked out by adding up the ways to x over the bad answers one by one. That ends somewhere: what comes
after is at most what Ville leaves. The stake is a martingale of mean 1 under w, so after any number of bad answers the
stakes that have not passed x have a mean of 1 less those that have, and pass x later with at most that mean over x.

With a margin, good answers move the stake as well, the rates stay in its law, and Ville's bound is all there is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from weighbridge.judge.counting import Counts
from weighbridge.judge.sequential import Look, Pair, bets_on_worse, log_sum, staked, turned_worse, worse

_MOST: Final = 1000
"""Bad answers after which Ville's bound takes over, where it is not so small before that it does not matter."""

_PLENTY: Final = 60.0
"""Logarithm of a stake for which Ville's bound is enough for anybody."""

_REST: Final = 0.002
"""Of the sum so far: so small that it does not matter."""

_GONE: Final = 1e-14
"""Probability of a state that is not followed any further; it is counted as one that comes to x."""

_SAME: Final = 1e-9
"""Logarithm: what rounding may take from a stake."""


def proven_worse(looks: Sequence[Look], share: float, margin: float, alpha: float) -> bool:
    """Whether the canary is proven worse than stable by more than the margin, now or since it turned bad.

    With a margin, all starts are one wager (see `sequential.turned_worse`). Without one, alpha is shared as the stake
    is among the starts: the part of the first is spent exactly, that of all the others by Ville's bound. Prometheus
    makes more of whole bad answers, never less, so for the first start the canary's are rounded down.

    Args:
        looks: as for `turned_worse`.
        share: as for `worse`.
        margin: as for `worse`.
        alpha: probability of saying so of a canary that is not, at any number of looks, between 0 and 1.
    """
    if margin > 0:
        return turned_worse(looks, share, margin) >= -math.log(alpha)
    later = log_sum(staked(look.start) + worse(look.pair, share, margin) for look in looks if look.start)
    if later >= -math.log(alpha):
        return True
    stakes = [worse(whole(look.pair), share, margin) for look in looks if not look.start]
    return any(proves(stake, share, alpha) for stake in stakes)


def proves(stake: float, share: float, alpha: float) -> bool:
    """Whether the stake of the first start is enough, at margin 0.

    Args:
        stake: its logarithm.
        share: as for `worse`.
        alpha: of all starts together.
    """
    spent = staked(0) + math.log(alpha)
    # A bad answer multiplies a stake by less than one over the share: what passes x is below x over the share then. As
    # its mean is 1, the chance of x is above the share over x, which most stakes show to be too much without a sum.
    if stake + spent < math.log(share):
        return False
    return stake + spent >= 0 or chance(stake, share) <= math.exp(spent)


def whole(pair: Pair) -> Pair:
    """The pair with the canary's bad answers rounded down to whole ones."""
    canary = pair.canary
    return Pair(Counts(canary.total - math.floor(canary.bad + _SAME), canary.total), pair.stable)


@lru_cache(maxsize=1024)
def chance(stake: float, share: float) -> float:
    """How probable it is that the stake against a canary that is not worse ever comes so far, at margin 0.

    Args:
        stake: its logarithm.
        share: probability that a request goes to the canary, between 0 and 1.

    Returns:
        An upper bound that is exact but for a part of `_REST`, and never above one over the stake.
    """
    if stake <= 0 or stake > _PLENTY:
        return math.exp(-max(0.0, stake))
    bets = bets_on_worse(share, 0.0)
    stables = [1 - share / (1 - share) * bet.gap for bet in bets]
    instead = [math.exp(bet.bad) / stable for bet, stable in zip(bets, stables, strict=True)]
    # Parts of what is needed: of a stake with `needed` bad answers of the canary and all the others of stable.
    parts = [math.exp(bet.weight - stake + _SAME) for bet in bets]
    # The probabilities of the canary's, from `low` of them on, of the stakes that have not passed.
    alive, low, needed = [1.0], 0, 0
    passed, paid, most = 0.0, 0.0, math.exp(-stake)
    for bad in range(1, _MOST + 1):
        alive = _one_more(alive, share)
        if bad > needed:
            parts = [part * factor for part, factor in zip(parts, stables, strict=True)]
        while (there := sum(parts)) < 1:
            gained = instead if needed < bad else [math.exp(bet.bad) for bet in bets]
            parts = [part * factor for part, factor in zip(parts, gained, strict=True)]
            needed += 1
        for over in alive[needed - low :]:
            passed += over
            paid += over * there
        del alive[needed - low :]
        while alive and alive[0] < _GONE:
            passed += alive.pop(0)
            low += 1
        if most - paid <= _REST * passed:
            break
    return min(passed + max(0.0, most - paid), most)


def _one_more(alive: Sequence[float], share: float) -> list[float]:
    """After one more bad answer: one state more, the last of which had all of them from the canary."""
    return [(1 - share) * stays + share * moves for stays, moves in zip([*alive, 0.0], [0.0, *alive], strict=True)]
