"""Between which ends a rate lies: a confidence sequence, to be read at as many looks as one likes."""

from __future__ import annotations

import math
from collections.abc import Callable


def interval(bad: float, total: float, alpha: float) -> tuple[float, float]:
    """Between which the rate lies, at every look at once: a confidence sequence.

    Robbins' mixture (1970) with Jeffreys' prior: the rates p for which the beta-binomial likelihood of the counts is
    less than 1/alpha times the likelihood under p.

    Args:
        bad: events.
        total: requests.
        alpha: probability that the rate ever lies outside.

    Returns:
        Lower and upper end, each from 0 to 1.
    """
    if total <= 0:
        return 0.0, 1.0
    good = max(0.0, total - bad)
    mixture = _log_beta(bad + 0.5, good + 0.5) - _log_beta(0.5, 0.5)

    def outside(rate: float) -> bool:
        return mixture - _log_power(rate, bad) - _log_power(1 - rate, good) >= -math.log(alpha)

    middle = bad / total
    return _edge(0.0, middle, outside), _edge(1.0, middle, outside)


def _edge(end: float, middle: float, outside: Callable[[float], bool]) -> float:
    if not outside(end):
        return end
    inner = middle
    for _ in range(50):
        half = (end + inner) / 2
        end, inner = (half, inner) if outside(half) else (end, half)
    return inner


def _log_power(rate: float, count: float) -> float:
    """Nothing that did not happen has a part, not even where it was held impossible."""
    if count <= 0:
        return 0.0
    return count * math.log(rate) if rate > 0 else -math.inf


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
