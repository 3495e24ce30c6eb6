"""The statistic: what it promises is proven here on small cases, exactly, not by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from weighbridge.judge import Counts, Look, Pair
from weighbridge.judge.sequential import (
    Bet,
    at_least,
    bets_on_not_worse,
    bets_on_worse,
    log_sum,
    not_worse,
    staked,
    starts,
    turned_worse,
    worse,
)

SLACK = 1e-9
"""Of the arithmetic: the statements themselves are exact."""

SHARES = st.floats(0.001, 0.999)
MARGINS = st.floats(0, 0.9)
LIMITS = st.floats(0.0001, 0.99)
COUNTS = st.integers(0, 3000)
Stake = Callable[[Pair], float]


def pair(bad: float, good: float, stable_bad: float, stable_good: float) -> Pair:
    return Pair(Counts(good, bad + good), Counts(stable_good, stable_bad + stable_good))


PAIRS = st.builds(pair, COUNTS, COUNTS, COUNTS, COUNTS)


def rate(counts: Counts) -> float:
    return counts.bad / counts.total if counts.total else 0.0


def expected(bet: Bet, sent: float, taken: float, canary: float, stable: float) -> float:
    """The mean factor of one request: sent to the canary with one probability, taken to be so with another."""
    of_canary = canary * math.exp(bet.bad) + (1 - canary) * math.exp(bet.good)
    return sent * of_canary + (1 - sent) * (1 - stable * taken / (1 - taken) * bet.gap)


@given(share=SHARES, margin=MARGINS, part=st.floats(0, 1))
def test_nothing_is_won_on_the_margin(share: float, margin: float, part: float) -> None:
    """A canary that is worse by exactly the margin gains a wager nothing, whatever stable's rate is."""
    stable = part * (1 - margin)
    for bet in bets_on_worse(share, margin):
        assert expected(bet, share, share, stable + margin, stable) == pytest.approx(1, abs=SLACK)


@given(share=SHARES, limit=LIMITS, part=st.floats(0, 1))
def test_nothing_is_won_on_the_limit(share: float, limit: float, part: float) -> None:
    """A canary that is worse by exactly the limit gains the wager that it is good nothing, whatever stable's rate is."""
    stable = part * (1 - limit)
    for bet in bets_on_not_worse(limit):
        assert expected(bet, share, share, stable + limit, stable) == pytest.approx(1, abs=SLACK)


@given(share=SHARES, margin=MARGINS, canary=st.floats(0, 1), stable=st.floats(0, 1))
def test_a_canary_within_the_margin_loses_the_wager(share: float, margin: float, canary: float, stable: float) -> None:
    """The expected factor of a request is at most 1 when the canary is within the margin, and above 1 beyond it."""
    for bet in bets_on_worse(share, margin):
        found = expected(bet, share, share, canary, stable)
        assert found <= 1 + SLACK if canary - stable <= margin else found >= 1 - SLACK


@given(share=SHARES, limit=LIMITS, part=st.floats(0, 1), beyond=st.floats(0, 1))
def test_a_canary_beyond_the_limit_loses_the_wager(share: float, limit: float, part: float, beyond: float) -> None:
    """The expected factor of the wager on a good canary is at most 1 when it is beyond the limit."""
    stable = part * (1 - limit)
    canary = stable + limit + beyond * (1 - limit - stable)
    assert all(expected(bet, share, share, canary, stable) <= 1 + SLACK for bet in bets_on_not_worse(limit))


@given(share=SHARES, margin=MARGINS, part=st.floats(0, 1), less=st.floats(0, 1))
def test_a_share_taken_too_high_proves_nothing(share: float, margin: float, part: float, less: float) -> None:
    """A canary that gets fewer requests than was taken gains the wager that it is worse nothing."""
    stable = part * (1 - margin)
    for bet in bets_on_worse(share, margin):
        assert expected(bet, less * share, share, stable + margin, stable) <= 1 + SLACK


@given(share=SHARES, limit=LIMITS, part=st.floats(0, 1), less=st.floats(0, 1))
def test_a_share_taken_too_low_proves_nothing(share: float, limit: float, part: float, less: float) -> None:
    """A canary that gets more requests than was taken gains the wager that it is good nothing."""
    stable = part * (1 - limit)
    for bet in bets_on_not_worse(limit):
        assert expected(bet, share, less * share, stable + limit, stable) <= 1 + SLACK


@given(share=SHARES, margin=MARGINS)
def test_the_wagers_are_wagers(share: float, margin: float) -> None:
    """No factor is below zero, bad answers of the canary raise the stake, and all wagers together stake 1."""
    bets = bets_on_worse(share, margin)
    assert sum(math.exp(bet.weight) for bet in bets) == pytest.approx(1)
    for bet in bets:
        assert bet.good <= 0 < bet.bad
        assert 0 < 1 - share / (1 - share) * bet.gap < 1


def test_most_is_bet_on_six_to_one() -> None:
    """The parts of the stake rise up to a ratio of the two rates of about six and fall from there on; none is nothing."""
    parts = [math.exp(bet.weight) for bet in bets_on_worse(0.1, 0.01)]
    top = parts.index(max(parts))
    assert ratios(0.1)[top] == pytest.approx(6, abs=1)
    assert parts[: top + 1] == sorted(parts[: top + 1])
    assert parts[top:] == sorted(parts[top:], reverse=True)
    assert min(parts) > 0.3 / len(parts)


def ratios(share: float) -> list[float]:
    """Of the two rates, on which the wagers without a margin are the best ones: that of their factors."""
    return [math.exp(bet.bad) / (1 - share / (1 - share) * bet.gap) for bet in bets_on_worse(share, 0.0)]


@given(share=SHARES)
def test_without_a_margin_most_is_bet_on_high_ratios(share: float) -> None:
    """The same ratios at any share, from 1.3 to 61 in equal steps of 1 less; their parts rise as the squares do."""
    expected = [1 + 0.3 * 200 ** (place / 11) for place in range(12)]
    assert ratios(share) == pytest.approx(expected, rel=1e-6)
    parts = [math.exp(bet.weight) for bet in bets_on_worse(share, 0.0)]
    assert [part / parts[0] for part in parts] == pytest.approx([(place + 1) ** 2 for place in range(12)])


@given(share=SHARES, more=st.floats(0, 1))
def test_without_a_margin_a_higher_share_lowers_every_factor(share: float, more: float) -> None:
    """So a stake that is reckoned with more than the weight is never above the one of which all is proven."""
    higher = share + more * (0.999 - share)
    for bet, other in zip(bets_on_worse(share, 0.0), bets_on_worse(higher, 0.0), strict=True):
        assert (bet.good, other.good) == (0, 0)
        assert other.bad <= bet.bad + SLACK
        assert higher / (1 - higher) * other.gap >= share / (1 - share) * bet.gap - SLACK


SHARES_SEEN = [
    ("as set", pair(0, 100, 0, 900), 0.1, 0.1),
    ("fewer", pair(0, 50, 0, 950), 0.1, 0.1),
    ("more by less than half a deviation", pair(0, 102, 2, 896), 0.1, 0.1),
    ("more by two of them", pair(3, 197, 0, 1400), 0.1, 0.125 - 0.5 * math.sqrt(0.09 / 1600)),
    ("one of stable", pair(0, 99, 0, 1), 0.1, 0.99 - 0.5 * math.sqrt(0.09 / 100)),
    ("none of stable", pair(5, 0, 0, 0), 0.1, 0.1),
    ("none at all", pair(0, 0, 0, 0), 0.1, 0.1),
]


@pytest.mark.parametrize(("fact", "counts", "share", "found"), SHARES_SEEN, ids=[row[0] for row in SHARES_SEEN])
def test_the_share_to_be_reckoned_with(fact: str, counts: Pair, share: float, found: float) -> None:
    """The weight, unless the canary got more than chance explains."""
    assert at_least(counts, share) == pytest.approx(found), fact


@given(counts=PAIRS, share=SHARES)
def test_the_share_to_be_reckoned_with_is_one(counts: Pair, share: float) -> None:
    """It is never below the weight, nor above what was seen and the weight; and a wager can be laid on it."""
    total = counts.canary.total + counts.stable.total
    seen = counts.canary.total / total if counts.stable.total else 0.0
    assert share <= at_least(counts, share) <= max(share, seen) < 1


@given(limit=LIMITS)
def test_the_wagers_on_a_good_canary_are_wagers(limit: float) -> None:
    """Bad answers of the canary lower the stake, good ones raise it, and all wagers together stake 1."""
    bets = bets_on_not_worse(limit)
    assert sum(math.exp(bet.weight) for bet in bets) == pytest.approx(1)
    assert all(bet.bad < 0 < bet.good and bet.gap < 0 for bet in bets)


REQUESTS = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
"""What a request may come to: bad or good of the canary, bad or good of stable."""


def chances(share: float, stable: float, ahead: float) -> tuple[float, ...]:
    canary = stable + ahead
    return share * canary, share * (1 - canary), (1 - share) * stable, (1 - share) * (1 - stable)


def worst_drift(stake: Stake, share: float, ahead: float, alpha: float, requests: int) -> float:
    """The highest probability that the stake ever reaches 1/alpha, over all ways in which stable's rate may drift.

    By dynamic programming over the counts, with a look after every request. Whoever picks stable's rate may know all
    that has happened; the probability is linear in that rate, so one of its two ends is the worst.
    """
    enough = math.log(1 / alpha)
    ends = [chances(share, stable, ahead) for stable in (0.0, 1 - ahead)]

    @cache
    def reached(a: int, b: int, c: int, d: int) -> float:
        if stake(pair(a, b, c, d)) >= enough:
            return 1.0
        if a + b + c + d == requests:
            return 0.0
        after = [reached(a + i, b + j, c + k, d + m) for i, j, k, m in REQUESTS]
        return max(sum(p * q for p, q in zip(end, after, strict=True)) for end in ends)

    return reached(0, 0, 0, 0)


HONEST = [(0.1, 0.0, 0.01), (0.3, 0.0, 0.05), (0.3, 0.05, 0.05), (0.5, 0.0, 0.05), (0.5, 0.2, 0.1), (0.8, 0.1, 0.1)]


@pytest.mark.parametrize(("share", "margin", "alpha"), HONEST)
def test_no_drift_gets_an_innocent_canary_called_worse(share: float, margin: float, alpha: float) -> None:
    """Looked at after every request, the worst drift there is has a canary on the margin called worse in at most alpha."""
    found = worst_drift(lambda counts: worse(counts, share, margin), share, margin, alpha, 26)
    assert 0 < found <= alpha


@pytest.mark.parametrize(("share", "limit", "beta"), [(0.3, 0.2, 0.1), (0.5, 0.1, 0.2), (0.1, 0.5, 0.05)])
def test_no_drift_gets_a_bad_canary_passed(share: float, limit: float, beta: float) -> None:
    """Looked at after every request, the worst drift there is has a canary on the limit called good in at most beta."""
    found = worst_drift(lambda counts: not_worse(counts, share, limit), share, limit, beta, 26)
    assert 0 < found <= beta


@pytest.mark.parametrize(("share", "margin", "alpha"), [(0.5, 0.0, 0.25), (0.2, 0.0, 0.1), (0.4, 0.1, 0.25)])
def test_no_drift_gets_an_innocent_canary_called_turned_worse(share: float, margin: float, alpha: float) -> None:
    """With a start at every request as well: all histories of seven requests, and the worst drift in each."""
    enough = math.log(1 / alpha)
    ends = [chances(share, stable, margin) for stable in (0.0, 1 - margin)]

    def reached(before: tuple[tuple[int, ...], ...]) -> float:
        if before:
            windows = [(start, before[start:]) for start in starts(len(before))]
            looks = [Look(start, pair(*(sum(kind) for kind in zip(*window, strict=True)))) for start, window in windows]
            if turned_worse(looks, share, margin) >= enough:
                return 1.0
        if len(before) == 7:
            return 0.0
        after = [reached((*before, request)) for request in REQUESTS]
        return max(sum(p * q for p, q in zip(end, after, strict=True)) for end in ends)

    assert 0 < reached(()) <= alpha


NEARLY_ALL_WENT_TO_THE_CANARY = pair(3885, 0, 4, 0)


@example(counts=NEARLY_ALL_WENT_TO_THE_CANARY, share=0.25, part=0.0)
@example(counts=pair(761, 0, 1, 0), share=0.3, part=0.0)
@given(counts=PAIRS, share=SHARES, part=st.floats(0, 1))
def test_no_evidence_without_a_difference_in_the_counts(counts: Pair, share: float, part: float) -> None:
    """Whatever the mesh did with the weight: a canary within the margin in the counts has no evidence against it."""
    assume(counts.stable.total)
    ahead = max(0.0, rate(counts.canary) - rate(counts.stable))
    assume(ahead < 0.99)
    assert worse(counts, share, ahead + part * (0.99 - ahead)) <= SLACK


def test_a_canary_that_is_alone_and_fails_is_worse() -> None:
    """Without a request of stable's, bad answers of the canary are evidence against it; within the margin they are not."""
    assert worse(pair(9, 1, 0, 0), 0.1, 0.0) > math.log(100)
    assert worse(pair(90, 10, 0, 0), 0.1, 0.3) > math.log(100)
    assert worse(pair(1, 99, 0, 0), 0.1, 0.3) <= 0


@given(counts=PAIRS, share=SHARES, part=st.floats(0.001, 1))
def test_no_acquittal_against_the_counts(counts: Pair, share: float, part: float) -> None:
    """Whatever the mesh did with the weight: a canary beyond the limit in the counts has no evidence for it."""
    one, other = sorted((counts.canary, counts.stable), key=rate)
    assume(one.total and other.total and rate(one) < rate(other))
    limit = part * (rate(other) - rate(one))
    assume(limit < 1)
    assert not_worse(Pair(other, one), share, limit) <= SLACK


@given(counts=PAIRS, share=SHARES, margin=MARGINS, limit=LIMITS)
def test_bad_answers_of_the_canary_weigh_against_it(counts: Pair, share: float, margin: float, limit: float) -> None:
    """A good answer of the canary that becomes a bad one never lowers the evidence against it, nor raises that for it."""
    assume(counts.canary.good)
    spoilt = Pair(Counts(counts.canary.good - 1, counts.canary.total), counts.stable)
    assert worse(spoilt, share, margin) >= worse(counts, share, margin) - SLACK
    assert not_worse(spoilt, share, limit) <= not_worse(counts, share, limit) + SLACK


@given(counts=PAIRS, share=SHARES, margin=MARGINS, limit=LIMITS)
def test_bad_answers_of_stable_weigh_for_the_canary(counts: Pair, share: float, margin: float, limit: float) -> None:
    """A good answer of stable that becomes a bad one never raises the evidence against the canary, nor lowers that for it."""
    assume(counts.stable.good)
    spoilt = Pair(counts.canary, Counts(counts.stable.good - 1, counts.stable.total))
    assert worse(spoilt, share, margin) <= worse(counts, share, margin) + SLACK
    assert not_worse(spoilt, share, limit) >= not_worse(counts, share, limit) - SLACK


@given(requests=st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=60), share=SHARES, margin=MARGINS)
def test_the_stake_is_the_product_of_its_factors(requests: list[tuple[int, ...]], share: float, margin: float) -> None:
    """Multiplied up request by request, in whatever order they came, the wagers come to what the totals say."""
    totals = pair(*(sum(kind) for kind in zip(*requests, strict=True)))
    stable = totals.stable.total
    seen = at_least(totals, share)
    stakes = []
    for bet in bets_on_worse(share if margin else seen, margin):
        factors = (math.exp(bet.bad), math.exp(bet.good), max(0.0, 1 - seen / (1 - seen) * bet.gap), 1.0)
        stakes.append(math.exp(bet.weight) * math.prod(factors[request.index(1)] for request in requests))
    within = stable and rate(totals.canary) - rate(totals.stable) <= margin
    expected_stake = min(1.0, sum(stakes)) if within else sum(stakes)
    assert math.exp(worse(totals, share, margin)) == pytest.approx(expected_stake, rel=1e-6, abs=1e-12)


@given(requests=st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=60), share=SHARES, limit=LIMITS)
def test_the_stake_on_a_good_canary_is_the_product_of_its_factors(
    requests: list[tuple[int, ...]], share: float, limit: float
) -> None:
    """As above, with the lower of the two odds."""
    totals = pair(*(sum(kind) for kind in zip(*requests, strict=True)))
    stable = totals.stable.total
    odds = min(share / (1 - share), totals.canary.total / stable if stable else 0.0)
    stakes = []
    for bet in bets_on_not_worse(limit):
        factors = (math.exp(bet.bad), math.exp(bet.good), 1 - odds * bet.gap, 1.0)
        stakes.append(math.exp(bet.weight) * math.prod(factors[request.index(1)] for request in requests))
    assert math.exp(not_worse(totals, share, limit)) == pytest.approx(sum(stakes), rel=1e-6, abs=1e-12)


@given(counts=PAIRS, share=SHARES, margin=MARGINS)
def test_a_single_start_is_a_part_of_the_stake(counts: Pair, share: float, margin: float) -> None:
    """Without other starts the evidence is that of the whole window, less what was kept for them; more starts add."""
    assume(not math.isinf(worse(counts, share, margin)))
    one = turned_worse([Look(0, counts)], share, margin)
    two = turned_worse([Look(0, counts), Look(3, counts)], share, margin)
    assert one < worse(counts, share, margin) < one + math.log(1.25)
    assert one <= two <= worse(counts, share, margin) + SLACK


@given(number=st.integers(1, 3000))
def test_all_starts_together_stake_at_most_one(number: int) -> None:
    """Before any request, the stakes of all starts there may be are at most 1."""
    nothing = pair(0, 0, 0, 0)
    assert turned_worse([Look(start, nothing) for start in range(number)], 0.1, 0.0) <= SLACK


@given(number=st.integers(0, 300))
def test_what_the_starts_so_far_have_not_staked_is_kept_for_later_ones(number: int) -> None:
    """It falls as one over the logarithm of the time, and is 15% before the second start."""
    spent = math.fsum(math.exp(staked(start)) for start in range(number + 1))
    assert 1 - spent == pytest.approx(0.15 / math.log2(number + 2))


def test_a_window_without_words_is_one() -> None:
    """Only a line asks how long it was."""
    nothing = pair(0, 0, 0, 0)
    assert Look(0, nothing) == Look(0, nothing, window=0)


@given(number=st.integers(1, 10**6))
def test_starts_are_few(number: int) -> None:
    """The first start is always among them, none lies after now, and there are about as many as powers of two."""
    found = starts(number)
    assert found[0] == 0
    assert list(found) == sorted(set(found))
    assert found[-1] < number
    assert len(found) <= 2 + math.log2(number)


@given(number=st.integers(2, 10**5), part=st.floats(0, 1))
def test_some_start_is_near_any_turn(number: int, part: float) -> None:
    """Whenever a canary turned bad, some window begins after that and holds at least a quarter of the time since."""
    turn = min(number - 1, int(part * number))
    assert any(start >= turn and number - start >= (number - turn) / 4 for start in starts(number))


@pytest.mark.parametrize(
    ("number", "found"), [(1, (0,)), (2, (0, 1)), (5, (0, 2, 4)), (9, (0, 4, 6, 8)), (17, (0, 8, 12, 14, 16))]
)
def test_starts(number: int, found: tuple[int, ...]) -> None:
    """The starts of a few windows, by hand: for each power of two its last multiple that is as far back."""
    assert starts(number) == found


@given(st.lists(st.floats(-300, 300), max_size=20))
def test_log_sum(logs: list[float]) -> None:
    """The logarithm of a sum, and minus infinity for the sum of nothing."""
    total = math.fsum(math.exp(each) for each in logs)
    assert log_sum(logs) == pytest.approx(math.log(total) if total else -math.inf, abs=SLACK)


def test_log_sum_of_what_is_impossible() -> None:
    """Stakes that were all lost are nothing, and one that was lost adds nothing."""
    assert log_sum([-math.inf, -math.inf]) == -math.inf
    assert log_sum([-math.inf, 1.5]) == 1.5
