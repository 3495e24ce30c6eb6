"""The weight itself is verified: the share of requests that the canary really got, against the weight set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from weighbridge.judge.rates import interval
from weighbridge.judge.sequential import Pair
from weighbridge.judge.verdict import Measurement, Scope, Verdict

METRIC: Final = "traffic-share"

_ALPHA: Final = 0.001
"""Probability that a mesh that took the weight is ever said not to have; an alarm here is an error, not a verdict."""

_PART: Final = 0.2
_LEAST: Final = 1.0
"""Percent: the share may be off by a fifth of the smaller track's weight, or by a point."""


@dataclass(frozen=True)
class Share:
    """Which part of the requests the canary gets.

    Attributes:
        weight: set, 0..1.
        seen: observed, 0..1; None where there was no request.
        low: lower end of the confidence sequence, 0..1.
        high: its upper end.
    """

    weight: float
    seen: float | None
    low: float
    high: float

    @classmethod
    def of(cls, pair: Pair, weight: int) -> Share:
        """From counts.

        Args:
            pair: of both tracks.
            weight: percent.
        """
        total = pair.canary.total + pair.stable.total
        low, high = interval(pair.canary.total, total, _ALPHA)
        return cls(weight / 100, pair.canary.total / total if total > 0 else None, low, high)

    @property
    def to_bet_on(self) -> float:
        """The weight, unless the mesh is proven to send more: then wagers that are laid on the weight prove nothing."""
        return self.seen if self.seen is not None and self.low > self.weight else self.weight


def traffic_share(pair: Pair, weight: int, tolerance: float | None, scope: Scope, query: str) -> Measurement:
    """Judge whether the mesh took the weight. It is an error when it did not, and never a fail: no canary's fault.

    Args:
        pair: of both tracks over the window.
        weight: that was set, percent.
        tolerance: points by which the share may be off; None for a fifth of the smaller track's weight, at least one.
        scope: window and minimum of requests.
        query: the PromQL that gave the counts.
    """
    share = Share.of(pair, weight)
    allowed = max(_LEAST, _PART * min(weight, 100 - weight)) if tolerance is None else tolerance
    total = pair.canary.total + pair.stable.total
    value = None if share.seen is None else 100 * share.seen
    shown = "none of no requests" if value is None else f"{value:.2f}%"
    off = 100 * share.low > weight + allowed or 100 * share.high < weight - allowed
    line = f"the canary gets {shown}, {weight}% is set {scope.evidence(total)}"
    if off:
        line = f"the mesh did not take the weight: {line}"
    verdict = Verdict.ERROR if off else Verdict.INSUFFICIENT if value is None else Verdict.PASS
    bound = f"{weight}% +- {allowed:g}"
    return Measurement(METRIC, query, value, bound, pair.canary.total, total, scope.window, verdict, line)
