"""The yardstick: Wald's sequential test, which knows both rates beforehand.

Its formula (1945) takes the test to stop on its bound. A test of requests steps over it, by up to what one bad answer
says, so it needs more than the formula gives: the more, the farther apart the two rates are. Both are here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_GONE: Final = 1e-9
"""Probability of a test that has not ended, from which on it is not followed any further."""


_DIGITS: Final = 6
"""Digits after the point that are kept in the data."""


@dataclass(frozen=True)
class Yardstick:
    """What a result is held to, in requests of the canary.

    Attributes:
        formula: expected sample of Wald's test, by his formula.
        exact: of the test itself.
        look: requests of one look.
    """

    formula: float
    exact: float
    look: float

    @classmethod
    def of(cls, null: float, true: float, alpha: float, beta: float, look: float) -> Yardstick:
        """For two rates and two errors, see `wald`."""
        return cls(wald(null, true, alpha, beta), exact(null, true, alpha, beta), look)

    @property
    def limit(self) -> float:
        """What the issue allows, by the formula: twice the sample, and one look."""
        return 2 * self.formula + self.look

    @property
    def exact_limit(self) -> float:
        """The same by the test itself."""
        return 2 * self.exact + self.look

    def rounded(self) -> dict[str, float]:
        """For the data."""
        found = {"formula": self.formula, "exact": self.exact, "limit": self.limit, "exact_limit": self.exact_limit}
        return {name: round(requests, _DIGITS) for name, requests in found.items()}


def wald(null: float, true: float, alpha: float, beta: float) -> float:
    """Expected requests of Wald's sequential test for two known rates under the second of them, by his formula.

    Args:
        null: rate that is allowed.
        true: rate that the requests have.
        alpha: error of rejecting the first.
        beta: error of rejecting the second.
    """
    bad, good = _said(null, true)
    low, high = _bounds(alpha, beta)
    return ((1 - beta) * high + beta * low) / (true * bad + (1 - true) * good)


@lru_cache
def exact(null: float, true: float, alpha: float, beta: float) -> float:
    """The same of the test itself, looked at after each request, worked out over all ways that it may take.

    A bad answer adds log(true/null) to the logarithm of the likelihood ratio, a good one log((1-true)/(1-null)). So
    after n requests that is a function of the number of bad ones alone, and the test goes on while it lies between
    log(beta/(1-alpha)) and log((1-beta)/alpha), Wald's bounds. With a(n, k) the probability that it has not ended by
    the request n and that k of those were bad,

        a(n, k) = (1 - true) a(n-1, k) + true a(n-1, k-1)  where k of n is between the bounds, else 0

    and the expected number of requests is the sum over n = 0, 1, 2 ... of the probability that it goes on after n.
    The sum ends when that is below `_GONE`. From wherever it stands then, the mean of what is left is at most the way
    from bound to bound and one step over it, divided by what a request says on average (Wald's identity): of no digit
    that is shown.

    Args:
        null: as for `wald`.
        true: as for `wald`.
        alpha: as for `wald`.
        beta: as for `wald`.
    """
    bad, good = _said(null, true)
    low, high = _bounds(alpha, beta)
    going, requests, expected = {0: 1.0}, 0, 0.0
    while (alive := sum(going.values())) > _GONE:
        expected += alive
        requests += 1
        after: dict[int, float] = {}
        for count, chance in going.items():
            for more, part in ((0, 1 - true), (1, true)):
                if low < (count + more) * bad + (requests - count - more) * good < high:
                    after[count + more] = after.get(count + more, 0.0) + chance * part
        going = after
    return expected


def _said(null: float, true: float) -> tuple[float, float]:
    """What a bad answer and a good one add to the logarithm of the likelihood ratio."""
    return math.log(true / null), math.log((1 - true) / (1 - null))


def _bounds(alpha: float, beta: float) -> tuple[float, float]:
    return math.log(beta / (1 - alpha)), math.log((1 - beta) / alpha)
