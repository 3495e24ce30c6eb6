"""Proof that a bound is broken: what proves it, what does not, and how often it is wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom

from weighbridge.judge import Counts, Measurement, Scope, Verdict, success_rate
from weighbridge.judge.proof import Proof, Span, beyond, proven
from weighbridge.judge.sequential import starts

ALPHA = 0.01
rates = st.floats(0.0005, 0.5)
few = st.integers(0, 200)


def judged(
    bad: float, total: float, minimum: float = 99.0, newest: tuple[float, float] | None = None
) -> tuple[Verdict, str]:
    whole = Counts(total - bad, total)
    spans = [Span(0, 300, whole)]
    if newest:
        spans.append(Span(4, 60, Counts(newest[1] - newest[0], newest[1])))
    measured = success_rate(whole, minimum, Scope(300, 100), "q")
    found = proven(measured, Proof(ALPHA, spans), 1 - minimum / 100)
    return found.verdict, found.line


PROVEN = [
    ("all good", (0, 500), Verdict.PASS, "success rate 100.00% >= 99% (n=500, 5m)"),
    ("at the bound", (5, 500), Verdict.PASS, "success rate 99.00% >= 99% (n=500, 5m)"),
    ("broken, but two of a hundred are chance", (2, 100), Verdict.INSUFFICIENT, "success rate 98.00% < 99% (n=100, 5m), not proven yet"),
    ("broken beyond doubt", (60, 500), Verdict.FAIL, "success rate 88.00% < 99% (n=500, 5m)"),
    ("everything fails", (100, 100), Verdict.FAIL, "success rate 0.00% < 99% (n=100, 5m)"),
    ("too few, all good", (0, 50), Verdict.INSUFFICIENT, "50 of 100 requests needed (n=50, 5m)"),
    ("too few for a pass, and proven bad", (10, 12), Verdict.FAIL, "success rate 16.67% < 99% (n=12, 5m)"),
    ("ten that all fail are a proof", (10, 10), Verdict.FAIL, "success rate 0.00% < 99% (n=10, 5m)"),
    ("fewer than ten prove nothing", (9, 9), Verdict.INSUFFICIENT, "9 of 100 requests needed (n=9, 5m)"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "counts", "verdict", "line"), PROVEN, ids=[row[0] for row in PROVEN])
def test_proven(fact: str, counts: tuple[float, float], verdict: Verdict, line: str) -> None:
    """A broken bound holds until it is proven, and then it fails."""
    assert judged(*counts) == (verdict, line), fact


def test_days_of_good_answers_do_not_hide_a_sudden_fault() -> None:
    """The whole window keeps the bound; its newest minute is proven to break it, and the line says which."""
    verdict, line = judged(40, 100_000, newest=(40, 80))
    assert (verdict, line) == (
        Verdict.FAIL,
        "success rate 50.00% < 99% (n=80, 1m)",
    )
    assert judged(40, 100_000)[0] is Verdict.PASS


def test_a_duration_s_fault_of_the_newest_requests_is_told_as_a_share() -> None:
    """No quantile is known of some of the requests, so the line says how many of them were too slow, and of which bound."""
    whole, newest = Counts(99_960, 100_000), Counts(40, 80)
    verdict, said = Verdict.PASS, "request duration p99 400ms <= 500ms (n=100000, 5m)"
    measured = Measurement("request-duration", "q", 400.0, "<= 500ms", 99_960, 100_000, 300, verdict, said)
    found = proven(measured, Proof(ALPHA, [Span(0, 300, whole), Span(4, 60, newest)]), 0.01)
    line = "request-duration: 50.00% of the newest requests broke <= 500ms (n=80, 1m)"
    assert (found.verdict, found.line) == (Verdict.FAIL, line)


def test_a_fail_that_is_proven_stays_as_it_was_measured() -> None:
    """The bound's own line is about all requests, and so is the measurement."""
    whole, newest = Counts(440, 500), Counts(10, 70)
    measured = success_rate(whole, 99, Scope(300, 100), "q")
    assert measured.verdict is Verdict.FAIL
    assert proven(measured, Proof(ALPHA, [Span(0, 300, whole), Span(4, 60, newest)]), 0.01) is measured


def test_a_bound_that_allows_nothing_is_broken_by_one() -> None:
    """At 100% a single bad answer is the proof; none is no evidence at all."""
    assert beyond(Counts(99, 100), 0) == math.inf
    assert beyond(Counts(100, 100), 0) == 0


@given(rates, rates)
def test_the_expected_factor_is_one_at_the_bound(allowed: float, rate: float) -> None:
    """A request multiplies the stake by 1 on average where the rate is what is allowed, and by no more below it."""
    bad, good = (math.exp(beyond(counts, allowed)) for counts in (Counts(0, 1), Counts(1, 1)))
    expected = rate * bad + (1 - rate) * good
    assert allowed * bad + (1 - allowed) * good == pytest.approx(1)
    assert rate > allowed or expected <= 1 + 1e-9


def wrongly_proven(allowed: float, requests: int) -> float:
    """The probability that a canary at the allowed rate is ever said to break it, exactly: every path is counted."""
    limit = -math.log(ALPHA)
    alive, caught = {0: 1.0}, 0.0
    for number in range(1, requests + 1):
        step: dict[int, float] = {}
        for bad, chance in alive.items():
            for more, part in ((1, allowed), (0, 1 - allowed)):
                step[bad + more] = step.get(bad + more, 0.0) + chance * part
        over = [bad for bad in step if beyond(Counts(number - bad, number), allowed) >= limit]
        caught += sum(step.pop(bad) for bad in over)
        alive = step
    return caught


@pytest.mark.parametrize("allowed", [0.001, 0.01, 0.1])
def test_a_canary_at_the_bound_is_hardly_ever_called_bad(allowed: float) -> None:
    """Looked at after each of 400 requests it is called bad with a probability below alpha, counted exactly."""
    caught = wrongly_proven(allowed, 400)
    assert 0 < caught <= ALPHA


def test_a_rule_of_thumb_would_be_wrong_far_more_often() -> None:
    """The bound alone calls two bad answers of a hundred a fault: at the allowed rate that is one release in four."""
    assert binom.sf(1, 100, 0.01) > 0.25


@given(few, few, rates)
def test_more_bad_answers_are_more_evidence(bad: int, more: int, allowed: float) -> None:
    """Of as many requests, more bad ones never weaken the proof."""
    assume(more > 0)
    total = bad + more + 50
    assert beyond(Counts(total - bad - more, total), allowed) >= beyond(Counts(total - bad, total), allowed)


@given(st.lists(st.tuples(few, few), min_size=1, max_size=40), rates)
def test_no_span_is_named_that_keeps_the_bound(blocks: list[tuple[int, int]], allowed: float) -> None:
    """The span that a proof speaks of has a rate beyond what is allowed."""
    spans = []
    for start in starts(len(blocks)):
        good, bad = (sum(block[which] for block in blocks[start:]) for which in (0, 1))
        spans.append(Span(start, 60 * (len(blocks) - start), Counts(good, good + bad)))
    found = Proof(ALPHA, spans).broken(allowed)
    assert found is None or found.counts.bad > allowed * found.counts.total
