"""What a stake proves without a margin: its chance is checked against all ways to it, and against the worst drift."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.judge import Counts, Look, Pair
from weighbridge.judge.calibration import chance, proven_worse, proves, whole
from weighbridge.judge.sequential import bets_on_worse, log_sum, staked, starts, turned_worse, worse

SHARES = st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.3, 0.5, 0.75, 0.9])
ALPHAS = st.sampled_from([0.0001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.25])
REQUESTS = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))


def pair(bad: float, good: float, stable_bad: float, stable_good: float) -> Pair:
    return Pair(Counts(good, bad + good), Counts(stable_good, stable_bad + stable_good))


@cache
def stake(share: float, canary: int, stable: int) -> float:
    """Of so many bad answers, in the share of the weight: without anything that makes it smaller."""
    bets = bets_on_worse(share, 0.0)
    odds = share / (1 - share)
    return log_sum(bet.stake(pair(canary, 0, stable, 0), odds) for bet in bets)


def ever(share: float, enough: Callable[[float], bool], failures: int) -> float:
    """How probable it is that the stake is ever enough within a number of bad answers: all of the ways, added up."""
    found, states = 0.0, [1.0]
    for number in range(1, failures + 1):
        states = [a * (1 - share) + b * share for a, b in zip([*states, 0.0], [0.0, *states], strict=True)]
        # More of the canary's is a higher stake: what is below enough has only such below it.
        while states and enough(stake(share, len(states) - 1, number - len(states) + 1)):
            found += states.pop()
    return found


@settings(max_examples=20, deadline=None)
@given(share=SHARES, level=st.floats(0.01, 7))
def test_a_chance_is_not_below_what_happens(share: float, level: float) -> None:
    """Over the first two hundred bad answers, the stake comes so far no more often than its chance says."""
    assert ever(share, lambda found: found >= level, 200) <= chance(level, share) * (1 + 1e-9)


@pytest.mark.parametrize(("share", "level"), [(0.1, 3.9), (0.1, 4.4), (0.3, 4.2), (0.5, 4.0), (0.3, 0.5)])
def test_a_chance_is_not_far_above_what_happens(share: float, level: float) -> None:
    """Over a thousand and a half bad answers, nearly all of the chance is seen to come true."""
    assert chance(level, share) == pytest.approx(ever(share, lambda found: found >= level, 1500), rel=0.01)


@settings(max_examples=30, deadline=None)
@given(share=SHARES, level=st.floats(-5, 80))
def test_a_chance_is_at_most_villes(share: float, level: float) -> None:
    """And at least what one bad answer may carry a stake too far; nothing, or less, is sure to be reached."""
    found = chance(level, share)
    assert min(1.0, share * math.exp(-level)) <= found <= min(1.0, math.exp(-level))
    assert level > 0 or found == 1


@settings(max_examples=30, deadline=None)
@given(share=SHARES, level=st.floats(0, 8), more=st.floats(0, 2))
def test_a_higher_stake_has_a_lower_chance(share: float, level: float, more: float) -> None:
    """But for what the sum leaves open."""
    assert chance(level + more, share) <= chance(level, share) * 1.005


@pytest.mark.parametrize(("bad", "percent"), [((2, 0), 1.645), ((3, 1), 0.634), ((4, 3), 0.837)])
def test_chances_at_a_tenth(bad: tuple[int, int], percent: float) -> None:
    """Of the canary's and stable's bad answers: two of two, three of four, four of seven.

    Two of two alone happen in 1%, three of four in 0.37%; the mixture comes to their stakes in other ways as well.
    """
    assert 100 * chance(stake(0.1, *bad), 0.1) == pytest.approx(percent, abs=0.001)


COUNTS = st.integers(0, 300)


@given(share=SHARES, bad=st.tuples(COUNTS, COUNTS), good=st.tuples(COUNTS, COUNTS))
def test_no_counts_have_more_than_their_bad_answers_say(
    share: float, bad: tuple[int, int], good: tuple[int, int]
) -> None:
    """What was seen of the share, and good answers, only take from the stake of which the chance is known."""
    found = worse(pair(bad[0], good[0], bad[1], good[1]), share, 0.0)
    assert found <= max(0.0, stake(share, *bad)) + 1e-9


@settings(max_examples=12, deadline=None)
@given(share=SHARES, alpha=ALPHAS)
def test_the_part_of_the_first_start_is_not_overspent(share: float, alpha: float) -> None:
    """Looked at after each of sixty bad answers, what proves comes true with the first start's part of alpha."""
    found = ever(share, lambda level: proves(level, share, alpha), 60)
    assert found <= alpha * math.exp(staked(0)) * (1 + 1e-9)


DRIFTS = ((0.0, 0.0), (1.0, 1.0), (0.0, 1.0))
"""Rates of canary and stable: the corners of all those in which the canary is not worse."""

HONEST = [(0.1, 0.01, 14), (0.1, 0.05, 10), (0.3, 0.05, 14), (0.5, 0.05, 12), (0.5, 0.25, 10), (0.8, 0.2, 10)]


@pytest.mark.parametrize(("share", "alpha", "requests"), HONEST)
def test_no_drift_gets_an_innocent_canary_proven_worse(share: float, alpha: float, requests: int) -> None:
    """Looked at after every request, whoever knows all that was and picks both rates gets no more than alpha.

    By dynamic programming over the counts. The probability is linear in each rate, so the corners are the worst.
    """

    @cache
    def reached(a: int, b: int, c: int, d: int) -> float:
        if proven_worse([Look(0, pair(a, b, c, d))], share, 0.0, alpha):
            return 1.0
        if a + b + c + d == requests:
            return 0.0
        after = [reached(a + i, b + j, c + k, d + m) for i, j, k, m in REQUESTS]
        ways = [
            (share * canary, share * (1 - canary), (1 - share) * stable, (1 - share) * (1 - stable))
            for canary, stable in DRIFTS
        ]
        return max(sum(p * q for p, q in zip(way, after, strict=True)) for way in ways)

    assert 0 < reached(0, 0, 0, 0) <= math.exp(staked(0)) * alpha


@pytest.mark.parametrize(("share", "alpha"), [(0.5, 0.25), (0.2, 0.1), (0.1, 0.02)])
def test_no_drift_gets_an_innocent_canary_proven_to_have_turned(share: float, alpha: float) -> None:
    """With a start at every request as well: all histories of six requests, and the worst drift in each."""

    def reached(before: tuple[tuple[int, ...], ...]) -> float:
        if before:
            windows = [(start, before[start:]) for start in starts(len(before))]
            looks = [Look(start, pair(*(sum(kind) for kind in zip(*window, strict=True)))) for start, window in windows]
            if proven_worse(looks, share, 0.0, alpha):
                return 1.0
        if len(before) == 6:
            return 0.0
        after = [reached((*before, request)) for request in REQUESTS]
        ways = [
            (share * canary, share * (1 - canary), (1 - share) * stable, (1 - share) * (1 - stable))
            for canary, stable in DRIFTS
        ]
        return max(sum(p * q for p, q in zip(way, after, strict=True)) for way in ways)

    assert 0 < reached(()) <= alpha


def test_a_part_of_a_bad_answer_is_none() -> None:
    """What Prometheus makes of two answers is more than two and no third; what rounding took from three is three."""
    assert whole(pair(2.9, 97.1, 0.4, 899.6)) == pair(2, 98, 0.4, 899.6)
    assert whole(pair(3 - 1e-10, 97, 0, 900)).canary.bad == pytest.approx(3)
    verdicts = [proven_worse([Look(0, pair(bad, 15 - bad, 0, 135))], 0.1, 0.0, 0.01) for bad in (2, 2.9, 3)]
    assert verdicts == [False, False, True]


def test_three_of_four_bad_answers_are_enough_at_a_tenth() -> None:
    """At alpha 1% and weight 10: three of four prove it, three of five do not, four of seven do."""
    found = {
        (canary, stable): proven_worse([Look(0, pair(canary, 20 - canary, stable, 180 - stable))], 0.1, 0.0, 0.01)
        for canary, stable in ((2, 0), (3, 0), (3, 1), (3, 2), (4, 3), (4, 4))
    }
    assert found == {(2, 0): False, (3, 0): True, (3, 1): True, (3, 2): False, (4, 3): True, (4, 4): False}


def test_a_later_start_proves_by_itself() -> None:
    """By Ville's bound and its part of the stake; what the whole window says has no part in it."""
    calm, bad = pair(0, 1000, 10, 8990), pair(9, 11, 1, 179)
    assert not proven_worse([Look(0, calm)], 0.1, 0.0, 0.01)
    assert proven_worse([Look(0, calm), Look(40, bad)], 0.1, 0.0, 0.01)
    enough = staked(40) + worse(bad, 0.1, 0.0)
    for off, proven in ((1e-6, True), (-1e-6, False)):
        assert proven_worse([Look(0, calm), Look(40, bad)], 0.1, 0.0, math.exp(-enough) * (1 + off)) is proven


def test_several_later_starts_are_one_wager() -> None:
    """Their stakes are added."""
    bad, nothing = pair(6, 14, 1, 179), pair(0, 0, 0, 0)
    sum_of_both = log_sum(staked(start) + worse(bad, 0.1, 0.0) for start in (40, 42))
    looks = [Look(0, nothing), Look(40, bad), Look(42, bad)]
    for off, proven in ((1e-6, True), (-1e-6, False)):
        assert proven_worse(looks, 0.1, 0.0, math.exp(-sum_of_both) * (1 + off)) is proven


@given(bad=st.integers(0, 40), stable_bad=st.integers(0, 40), margin=st.floats(0.001, 0.2), part=st.floats(-1, 1))
def test_with_a_margin_all_starts_are_one_wager(bad: int, stable_bad: int, margin: float, part: float) -> None:
    """By Ville's bound alone, as the stake then depends on the rates."""
    looks = [Look(0, pair(bad, 400, stable_bad, 3600)), Look(3, pair(bad, 40, 0, 360))]
    found = turned_worse(looks, 0.1, margin)
    alpha = math.exp(-found) * (1 + 0.001 * part)
    assert proven_worse(looks, 0.1, margin, alpha) is (found >= -math.log(alpha))


def test_more_is_proven_than_by_ville() -> None:
    """Some counts at weight 10 are proof now that were none: the stake is below 100 and its chance below 1%."""
    level = stake(0.1, 4, 3)
    assert staked(0) + level < math.log(100) - 0.6
    assert proves(level, 0.1, 0.01)


def test_levels_in_between_are_those_of_the_next() -> None:
    """The chance is a step: it changes only where some numbers of bad answers have just that stake."""
    levels = sorted(stake(0.1, canary, stable) for canary in range(2, 7) for stable in range(6))
    near = [(low, high) for low, high in pairwise(levels) if low > 3.5 and high < 5 and high - low > 0.05]
    assert near
    for low, high in near:
        assert chance(low + 0.01, 0.1) <= chance(low, 0.1)
        assert chance(high, 0.1) <= chance(low + 0.01, 0.1) * 1.005
