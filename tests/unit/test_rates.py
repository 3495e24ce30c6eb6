"""The confidence sequence: what it promises is proven on small cases, exactly, not by simulation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.judge.rates import interval

SLACK = 1e-9
"""Of the arithmetic: the statements themselves are exact."""

TOTALS = st.integers(1, 10**6)


@given(total=TOTALS, part=st.floats(0, 1), alpha=st.floats(1e-6, 0.5))
def test_an_interval_holds_the_rate_seen(total: int, part: float, alpha: float) -> None:
    """The rate that was seen lies inside, and both ends are probabilities."""
    bad = round(part * total)
    low, high = interval(bad, total, alpha)
    assert 0 <= low <= bad / total <= high <= 1
    assert low < high


@given(total=TOTALS, part=st.floats(0, 1), alpha=st.floats(1e-4, 0.4))
def test_an_interval_shrinks(total: int, part: float, alpha: float) -> None:
    """Ten times the requests with the same rate leave less room, and so does less certainty."""
    bad = round(part * total)
    low, high = interval(bad, total, alpha)
    more_low, more_high = interval(10 * bad, 10 * total, alpha)
    surer_low, surer_high = interval(bad, total, alpha / 2)
    assert more_high - more_low < high - low + SLACK
    assert surer_low <= low + SLACK
    assert surer_high >= high - SLACK


@pytest.mark.parametrize(("rate", "alpha"), [(0.5, 0.05), (0.1, 0.1), (0.02, 0.2), (0.97, 0.1)])
def test_an_interval_covers_at_every_look(rate: float, alpha: float) -> None:
    """Exactly, by dynamic programming: looked at after each of 300 requests, the true rate is ever outside in at most alpha."""
    inside, missed = {0: 1.0}, 0.0
    for total in range(1, 301):
        after: dict[int, float] = {}
        for bad, chance in inside.items():
            for more, part in ((1, rate), (0, 1 - rate)):
                after[bad + more] = after.get(bad + more, 0.0) + chance * part
        outside = [bad for bad in after if not _covers(bad, total, alpha, rate)]
        missed += sum(after.pop(bad) for bad in outside)
        inside = after
    assert 0 < missed <= alpha


def _covers(bad: int, total: int, alpha: float, rate: float) -> bool:
    low, high = interval(bad, total, alpha)
    return low <= rate <= high


@pytest.mark.parametrize(
    ("bad", "total", "alpha", "low", "high"),
    [
        (0, 0, 0.01, 0, 1),
        (0, 1, 0.01, 0, 0.995),
        (1, 1, 0.01, 0.005, 1),
        (5, 1000, 0.01, 0.0003786, 0.0201443),
        (120, 300, 0.05, 0.305054, 0.500280),
    ],
)
def test_interval(bad: float, total: float, alpha: float, low: float, high: float) -> None:
    """The ends of a few intervals: those of one request by hand, the others by SciPy's beta-binomial and a root finder."""
    assert interval(bad, total, alpha) == pytest.approx((low, high), rel=1e-4)


def test_what_never_happened_may_be_impossible() -> None:
    """Without a bad answer the interval begins at 0, without a good one it ends at 1, and neither is near it only."""
    assert interval(0, 50, 0.01)[0] == 0
    assert interval(50, 50, 0.01)[1] == 1
