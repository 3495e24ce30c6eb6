"""Canary against stable: what a verdict needs, what it may not depend on, and the words of its line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from weighbridge.judge import Allowed, Counts, Look, Measurement, Pair, Question, Scope, Verdict, compare, compare_shape
from weighbridge.judge.sequential import log_sum, not_worse, starts, turned_worse

RANK = {Verdict.FAIL: 0, Verdict.INSUFFICIENT: 1, Verdict.PASS: 2}
"""Worse to better."""

QUESTION = Question("errors-against-stable", "errors", "q")
SCOPE = Scope(window=300, min_requests=100)
DEFAULT = Allowed(margin=1, detect=1, alpha=0.01, beta=0.05)

COUNTS = st.one_of(st.integers(0, 40), st.integers(0, 20_000))
WEIGHTS = st.integers(1, 99)
CHANCES = st.floats(0.0001, 0.5)
ALLOWED = st.builds(Allowed, st.floats(0, 49), st.floats(0.01, 50), CHANCES, CHANCES, st.integers(1, 3))
SCOPES = st.builds(Scope, st.just(300), st.integers(1, 2000))


def pair(bad: float, good: float, stable_bad: float, stable_good: float) -> Pair:
    return Pair(Counts(good, bad + good), Counts(stable_good, stable_bad + stable_good))


PAIRS = st.builds(pair, COUNTS, COUNTS, COUNTS, COUNTS)


def looks(scrapes: Sequence[Pair]) -> list[Look]:
    """The looks that the gate takes, from what was counted between each two of the regular starts."""
    return [Look(start, _sum(scrapes[start:])) for start in starts(len(scrapes))]


def _sum(pairs: Sequence[Pair]) -> Pair:
    def total(counts: Sequence[Counts]) -> Counts:
        return Counts(sum(each.good for each in counts), sum(each.total for each in counts))

    return Pair(total([each.canary for each in pairs]), total([each.stable for each in pairs]))


SCRAPES = st.lists(PAIRS, min_size=1, max_size=12)


def judged(windows: Sequence[Look], weight: int = 10, allowed: Allowed = DEFAULT, scope: Scope = SCOPE) -> Measurement:
    return compare(windows, weight, allowed, QUESTION, scope)


def whole(bad: float, good: float, stable_bad: float, stable_good: float) -> list[Look]:
    return [Look(0, pair(bad, good, stable_bad, stable_good))]


def points_worse(counts: Pair) -> float:
    return 100 * (counts.canary.bad / counts.canary.total - counts.stable.bad / counts.stable.total)


@given(scrapes=SCRAPES, weight=WEIGHTS, allowed=ALLOWED, scope=SCOPES)
def test_a_pass_needs_evidence(scrapes: list[Pair], weight: int, allowed: Allowed, scope: Scope) -> None:
    """No counts at all make a pass without the minimum of requests, requests of stable, and a rate below the limit."""
    windows = looks(scrapes)
    counts = windows[0].pair
    if judged(windows, weight, allowed, scope).verdict is Verdict.PASS:
        assert counts.canary.total >= scope.min_requests
        assert counts.stable.total >= 10
        assert points_worse(counts) < allowed.margin + allowed.detect


@given(scrapes=SCRAPES, weight=WEIGHTS, allowed=ALLOWED)
def test_a_fail_needs_evidence(scrapes: list[Pair], weight: int, allowed: Allowed) -> None:
    """No counts at all make a fail unless the canary is worse by more than the margin in one of the windows."""
    windows = looks(scrapes)
    if judged(windows, weight, allowed).verdict is Verdict.FAIL:
        assert windows[0].pair.stable.total >= 10
        compared = [look.pair for look in windows if look.pair.canary.total]
        assert any(not each.stable.total or points_worse(each) > allowed.margin for each in compared)


@given(bad=st.integers(0, 300), good=st.integers(100, 20_000), allowed=ALLOWED, weight=WEIGHTS, part=st.floats(0, 1))
def test_a_canary_beyond_the_limit_never_passes(
    bad: int, good: int, allowed: Allowed, weight: int, part: float
) -> None:
    """Worse by margin and detect together in the counts: no share of traffic and no settings make that a pass."""
    rate = bad / (bad + good)
    most = rate - (allowed.margin + allowed.detect) / 100
    assume(most >= 0)
    stable = round(1 + part * 100_000)
    spoilt = math.floor(most * stable)
    counts = whole(bad, good, spoilt, stable - spoilt)
    assert judged(counts, weight, allowed).verdict is not Verdict.PASS


@given(weight=WEIGHTS, allowed=ALLOWED, scope=SCOPES, stable_bad=COUNTS, stable_good=COUNTS)
def test_silence_is_insufficient(
    weight: int, allowed: Allowed, scope: Scope, stable_bad: int, stable_good: int
) -> None:
    """Without a request of the canary there is no verdict, whatever stable does."""
    assert judged(whole(0, 0, stable_bad, stable_good), weight, allowed, scope).verdict is Verdict.INSUFFICIENT


@given(bad=COUNTS, good=COUNTS, stable=st.integers(0, 9), weight=WEIGHTS, allowed=ALLOWED)
def test_without_stable_nothing_is_compared(bad: int, good: int, stable: int, weight: int, allowed: Allowed) -> None:
    """Fewer than ten requests of stable are no measure for the canary."""
    assert judged(whole(bad, good, 0, stable), weight, allowed).verdict is Verdict.INSUFFICIENT


@given(scrapes=SCRAPES, weight=WEIGHTS, allowed=ALLOWED, at=st.integers(0, 11), share=st.floats(0, 1))
def test_more_bad_answers_of_the_canary_never_better_a_verdict(
    scrapes: list[Pair], weight: int, allowed: Allowed, at: int, share: float
) -> None:
    """Whenever good answers of the canary had been bad ones, the verdict would be the same or worse."""
    at %= len(scrapes)
    canary = scrapes[at].canary
    spoilt = replace(scrapes[at], canary=Counts(canary.good - math.ceil(share * canary.good), canary.total))
    worse = looks([*scrapes[:at], spoilt, *scrapes[at + 1 :]])
    assert _rank(worse, weight, allowed) <= _rank(looks(scrapes), weight, allowed)


@given(scrapes=SCRAPES, weight=WEIGHTS, allowed=ALLOWED, at=st.integers(0, 11), share=st.floats(0, 1))
def test_more_bad_answers_of_stable_never_worsen_a_verdict(
    scrapes: list[Pair], weight: int, allowed: Allowed, at: int, share: float
) -> None:
    """Whenever good answers of stable had been bad ones, the verdict on the canary would be the same or better."""
    at %= len(scrapes)
    stable = scrapes[at].stable
    spoilt = replace(scrapes[at], stable=Counts(stable.good - math.ceil(share * stable.good), stable.total))
    better = looks([*scrapes[:at], spoilt, *scrapes[at + 1 :]])
    assert _rank(better, weight, allowed) >= _rank(looks(scrapes), weight, allowed)


def _rank(windows: Sequence[Look], weight: int, allowed: Allowed) -> int:
    return RANK[judged(windows, weight, allowed).verdict]


def _with_more(counts: Pair, more: int) -> Pair:
    return Pair(Counts(counts.canary.good, counts.canary.total + more), counts.stable)


@given(counts=PAIRS, more=st.integers(1, 500), weight=WEIGHTS, allowed=ALLOWED)
def test_further_bad_answers_take_no_fail_back(counts: Pair, more: int, weight: int, allowed: Allowed) -> None:
    """Requests that come on top and are all bad leave a fail a fail, as long as the mesh sends no more than was set."""
    assume(counts.canary.total + more <= weight / (100 - weight) * counts.stable.total)
    if judged([Look(0, counts)], weight, allowed).verdict is Verdict.FAIL:
        assert judged([Look(0, _with_more(counts, more))], weight, allowed).verdict is Verdict.FAIL


@given(counts=PAIRS, more=st.integers(1, 500), weight=WEIGHTS, allowed=ALLOWED, scope=SCOPES)
def test_further_bad_answers_make_no_pass(counts: Pair, more: int, weight: int, allowed: Allowed, scope: Scope) -> None:
    """Where stable answers well, bad requests on top never help; where it fails as much, they may show just that."""
    assume(scope.enough(counts.canary.total))
    calm = replace(counts, stable=Counts(counts.stable.total, counts.stable.total))
    before, after = (judged([Look(0, each)], weight, allowed, scope).verdict for each in (calm, _with_more(calm, more)))
    assert RANK[after] <= RANK[before]


def test_more_of_two_tracks_that_fail_alike_shows_that_they_are_alike() -> None:
    """Nearly all fails on both tracks; more requests of the canary that fail too are what a pass was short of."""
    counts, allowed = pair(1700, 0, 1700, 0), replace(DEFAULT, margin=0, detect=10)
    verdicts = [judged([Look(0, each)], 62, allowed).verdict for each in (counts, _with_more(counts, 600))]
    assert verdicts == [Verdict.INSUFFICIENT, Verdict.PASS]


@given(
    scrapes=st.lists(st.lists(PAIRS, min_size=1, max_size=4), min_size=1, max_size=6), weight=WEIGHTS, allowed=ALLOWED
)
def test_the_verdict_does_not_depend_on_the_scrapes(scrapes: list[list[Pair]], weight: int, allowed: Allowed) -> None:
    """However many scrapes there were between two regular starts, and in whatever order, the measurement is the same."""
    once = looks([_sum(between) for between in scrapes])
    often = [
        Look(start, _sum([each for between in scrapes[start:] for each in reversed(between)]))
        for start in starts(len(scrapes))
    ]
    assert judged(often, weight, allowed) == judged(once, weight, allowed)


@given(scrapes=SCRAPES, weight=WEIGHTS, allowed=ALLOWED)
def test_later_starts_only_find_more(scrapes: list[Pair], weight: int, allowed: Allowed) -> None:
    """A look from later starts on turns no verdict into a better one."""
    windows = looks(scrapes)
    assert _rank(windows, weight, allowed) <= _rank(windows[:1], weight, allowed)


@given(counts=PAIRS, weight=WEIGHTS, allowed=ALLOWED)
def test_tests_share_the_error(counts: Pair, weight: int, allowed: Allowed) -> None:
    """A comparison that is one of several asks for as much evidence as one with its part of alpha."""
    alone = replace(allowed, alpha=allowed.alpha / allowed.tests, tests=1)
    one, other = (judged([Look(0, counts)], weight, each).verdict for each in (allowed, alone))
    assert one is other


@given(counts=PAIRS, weight=WEIGHTS, seen=st.integers(1, 100_000))
def test_a_mesh_off_its_weight_proves_nothing(counts: Pair, weight: int, seen: int) -> None:
    """While both tracks fail alike, no share of the traffic makes the canary worse than stable, nor a point better."""
    failing = pair(seen, seen, counts.stable.total, counts.stable.total)
    strict = replace(DEFAULT, margin=0)
    assert judged([Look(0, failing)], weight, strict).verdict is not Verdict.FAIL


# The intervals are those of SciPy's beta-binomial and a root finder.
LINES = [
    (
        "the line of the design",
        whole(20, 4980, 135, 44865),
        Verdict.PASS,
        "errors: canary 0.40% [0.13, 0.91] vs stable 0.30% [0.20, 0.43], allowed +1.0 (n=5000, 5m)",
    ),
    (
        "proven worse",
        whole(30, 570, 27, 5373),
        Verdict.FAIL,
        "errors: canary 5.0% [2.2, 9.4] vs stable 0.5% [0.2, 1.0], allowed +1.0 (n=600, 5m)",
    ),
    (
        "worse before there are enough",
        whole(12, 48, 3, 537),
        Verdict.FAIL,
        "errors: canary 20.0% [5.9, 42.6] vs stable 0.6% [0.0, 2.9], allowed +1.0 (n=60, 5m)",
    ),
    (
        "too few",
        whole(0, 60, 3, 537),
        Verdict.INSUFFICIENT,
        "errors: canary 0.0% [0.0, 11.3] vs stable 0.6% [0.0, 2.9], allowed +1.0, 60 of 100 requests needed (n=60, 5m)",
    ),
    (
        "undecided, and how much is missing",
        whole(0, 120, 5, 1075),
        Verdict.INSUFFICIENT,
        "errors: canary 0.0% [0.0, 6.1] vs stable 0.5% [0.0, 1.9], allowed +1.0, undecided, about 65 more requests needed (n=120, 5m)",
    ),
    (
        "undecided, and nobody can say how much is missing",
        whole(4, 196, 9, 1791),
        Verdict.INSUFFICIENT,
        "errors: canary 2.0% [0.1, 8.4] vs stable 0.5% [0.1, 1.5], allowed +1.0, undecided (n=200, 5m)",
    ),
    (
        "silence",
        whole(0, 0, 0, 0),
        Verdict.INSUFFICIENT,
        "errors: canary - vs stable -, allowed +1.0, 0 of 10 requests of stable needed (n=0, 5m)",
    ),
    (
        "nothing of the canary",
        whole(0, 0, 1, 899),
        Verdict.INSUFFICIENT,
        "errors: canary - vs stable 0.1% [0.0, 1.3], allowed +1.0, 0 of 100 requests needed (n=0, 5m)",
    ),
]


@pytest.mark.parametrize(("fact", "windows", "verdict", "line"), LINES, ids=[row[0] for row in LINES])
def test_lines(fact: str, windows: list[Look], verdict: Verdict, line: str) -> None:
    """Each outcome has its words."""
    found = judged(windows)
    assert (found.verdict, found.line) == (verdict, line), fact


def test_how_much_is_missing_is_said_as_soon_as_anything_is_known() -> None:
    """Few good answers tell little, and how many more it takes; none tell nothing."""
    few = judged(whole(0, 40, 2, 358), scope=Scope(300, 20))
    none = judged(whole(0, 0, 0, 50), scope=Scope(300, 0))
    assert few.line.endswith("undecided, about 168 more requests needed (n=40, 5m)")
    assert none.line.endswith("undecided (n=0, 5m)")


def test_a_measurement_keeps_what_it_rests_on() -> None:
    """Value, bound, counts, window and query are in it, for the state."""
    found = judged(whole(30, 570, 27, 5373))
    assert (found.metric, found.query, found.value, found.bound) == ("errors-against-stable", "q", 5.0, "<= stable + 1")
    assert (found.good, found.total, found.window) == (570, 600, 300)
    assert judged(whole(0, 0, 0, 50)).value is None


def test_small_rates_have_more_digits() -> None:
    """Two rates that are both below a percent for sure are told apart by two decimals."""
    line = judged(whole(8, 9992, 40, 89960)).line
    assert line.startswith("errors: canary 0.08% [0.01, 0.27] vs stable 0.04% [0.02, 0.08], allowed +1.0")


def test_a_canary_that_turns_bad_is_caught() -> None:
    """After hours of good answers, minutes of bad ones are enough, which the whole window alone would not show."""
    hours = [pair(0, 60, 3, 537) for _ in range(3000)]
    minutes = [pair(6, 54, 3, 537) for _ in range(5)]
    windows = looks(hours + minutes)
    assert judged(windows[:1]).verdict is not Verdict.FAIL
    assert judged(windows).verdict is Verdict.FAIL


def test_the_edges_of_the_weight() -> None:
    """At a weight of 0 or 100 one track has no business to have traffic; what it has is compared all the same."""
    bad, good = whole(60, 40, 0, 1000), whole(1, 2000, 5, 10_000)
    assert [judged(bad, weight).verdict for weight in (0, 100)] == [Verdict.FAIL, Verdict.INSUFFICIENT]
    assert [judged(good, weight).verdict for weight in (0, 100)] == [Verdict.PASS, Verdict.PASS]


def shaped(buckets: Sequence[Sequence[Look]], allowed: Allowed = DEFAULT, weight: int = 10) -> Measurement:
    return compare_shape(buckets, weight, allowed, replace(QUESTION, subject="duration"), SCOPE)


SHAPES = [
    (
        "no bound differs",
        [whole(5, 495, 45, 4455), whole(1, 499, 9, 4491)],
        Verdict.PASS,
        "duration: not found slower than stable at any bound (n=500, 5m)",
    ),
    (
        "one bound differs",
        [whole(5, 495, 45, 4455), whole(80, 420, 90, 4410)],
        Verdict.FAIL,
        "duration: slower than stable by more than 1 points at some bound (n=500, 5m)",
    ),
    ("too few", [whole(1, 59, 9, 531)], Verdict.INSUFFICIENT, "duration: 60 of 100 requests needed (n=60, 5m)"),
    (
        "too few of stable",
        [whole(1, 499, 0, 9)],
        Verdict.INSUFFICIENT,
        "duration: 9 of 10 requests of stable needed (n=500, 5m)",
    ),
]


@pytest.mark.parametrize(("fact", "buckets", "verdict", "line"), SHAPES, ids=[row[0] for row in SHAPES])
def test_shapes(fact: str, buckets: list[list[Look]], verdict: Verdict, line: str) -> None:
    """Each outcome of comparing whole histograms has its words."""
    found = shaped(buckets)
    assert (found.verdict, found.line) == (verdict, line), fact


def test_a_shape_keeps_what_it_rests_on() -> None:
    """The first bound's share of slow requests and its counts, for the state; without requests there is no share."""
    words = "duration: not found slower than stable at any bound (n=500, 5m)"
    found = shaped([whole(5, 495, 45, 4455), whole(1, 499, 9, 4491)])
    assert found == Measurement("errors-against-stable", "q", 1.0, "<= stable + 1", 495, 500, 300, Verdict.PASS, words)
    assert shaped([whole(0, 0, 9, 4491)]).value is None


@pytest.mark.parametrize("off", [1e-6, -1e-6])
@pytest.mark.parametrize("tests", [1, 2])
def test_the_error_is_spent_to_the_last_bit(off: float, tests: int) -> None:
    """Points are hundredths: with the evidence at the allowed rates, alpha and beta decide, shared by the tests."""
    bad, good = whole(80, 520, 27, 5373), whole(20, 980, 90, 8910)
    against = turned_worse(bad, 0.1, 0.05)
    slower = log_sum([against, turned_worse(good, 0.1, 0.05)]) - math.log(2)
    for_it = not_worse(good[0].pair, 0.1, 0.08)
    base = replace(DEFAULT, margin=5, detect=3, tests=tests)
    fails, slow = (replace(base, alpha=math.exp(-each) * tests * (1 + off)) for each in (against, slower))
    passes = replace(base, alpha=1e-12, beta=math.exp(-for_it) * (1 + off))
    assert (judged(bad, allowed=fails).verdict is Verdict.FAIL) is (off > 0)
    assert (shaped([bad, good], slow).verdict is Verdict.FAIL) is (off > 0)
    assert (judged(good, allowed=passes).verdict is Verdict.PASS) is (off > 0)


def test_ten_requests_of_stable_are_enough_to_compare_with() -> None:
    """Both comparisons need ten, and no more than ten."""
    bad = whole(100, 0, 0, 10)
    assert [judged(bad).verdict, shaped([bad]).verdict] == [Verdict.FAIL, Verdict.FAIL]
    good = whole(0, 400, 0, 10)
    assert shaped([good]).verdict is Verdict.PASS
    assert "of stable needed" not in judged(good).line


def test_a_comparison_is_alone_unless_it_is_said() -> None:
    """It has all of alpha then."""
    assert Allowed(1, 1, 0.01, 0.05) == Allowed(1, 1, 0.01, 0.05, tests=1)


@given(counts=PAIRS, weight=WEIGHTS, allowed=ALLOWED)
def test_a_histogram_of_one_bound_fails_as_that_bound(counts: Pair, weight: int, allowed: Allowed) -> None:
    """With one bound, the shape is slower when that bound's comparison fails, and only then."""
    windows = [Look(0, counts)]
    shape = compare_shape([windows], weight, allowed, QUESTION, SCOPE).verdict
    assert (shape is Verdict.FAIL) == (judged(windows, weight, allowed).verdict is Verdict.FAIL)


@given(counts=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 4500)), min_size=1, max_size=8), weight=WEIGHTS)
def test_a_shape_fails_for_a_reason(counts: list[tuple[int, int]], weight: int) -> None:
    """The shape fails only if the canary is slower by more than the margin at some bound, in the counts."""
    buckets = [whole(slow, 500 - slow, stable, 4500 - stable) for slow, stable in counts]
    if shaped(buckets, weight=weight).verdict is Verdict.FAIL:
        assert any(points_worse(windows[0].pair) > DEFAULT.margin for windows in buckets)
