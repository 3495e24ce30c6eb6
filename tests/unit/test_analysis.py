"""The user's own metrics judged: Flagger's ranges, Argo Rollouts' conditions and limits, and the words for them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.analysis import Analysis, Asked, Outcome, Range, Taken, judge_analysis, judge_range, outcome, take
from weighbridge.conditions import read
from weighbridge.evaluate import Result
from weighbridge.judge import Measurement, Verdict

NAN, INF = math.nan, math.inf
ASKED = Asked("ratio", "sum(x)", 300)
S, F, I, E = Outcome.SUCCESSFUL, Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.ERROR  # noqa: E741  the table's letters

RANGES = [
    ("kept", [0.97], 0.95, None, Verdict.PASS, "ratio 0.97 >= 0.95 (5m)"),
    ("reached below", [0.95], 0.95, None, Verdict.PASS, "ratio 0.95 >= 0.95 (5m)"),
    ("reached above", [5.0], None, 5.0, Verdict.PASS, "ratio 5 <= 5 (5m)"),
    ("both kept", [3.0], 1.0, 5.0, Verdict.PASS, "ratio 3 >= 1 and <= 5 (5m)"),
    ("too low", [0.9], 0.95, None, Verdict.FAIL, "ratio 0.9 < 0.95 (5m)"),
    ("too high", [6.5], 1.0, 5.0, Verdict.FAIL, "ratio 6.5 > 5 (5m)"),
    ("too low of both", [0.5], 1.0, 5.0, Verdict.FAIL, "ratio 0.5 < 1 (5m)"),
    ("just too low", [0.9499999], 0.95, None, Verdict.FAIL, "ratio 0.9499999 < 0.95 (5m)"),
    ("just high enough", [0.9500001], 0.95, None, Verdict.PASS, "ratio 0.95 >= 0.95 (5m)"),
    ("below zero", [-2.0], -3.0, -1.0, Verdict.PASS, "ratio -2 >= -3 and <= -1 (5m)"),
    ("no series", [], 1.0, None, Verdict.INSUFFICIENT, "ratio has no series yet (5m)"),
    ("NaN", [NAN], 1.0, None, Verdict.INSUFFICIENT, "ratio has no value yet, it is NaN (5m)"),
    ("infinite", [INF], 1.0, None, Verdict.ERROR, "ratio is infinite (5m)"),
    ("infinite below", [-INF], None, 1.0, Verdict.ERROR, "ratio is infinite (5m)"),
    ("two series", [1.0, 2.0], 0.0, None, Verdict.ERROR, "ratio has 2 series where one is judged (5m)"),
    ("several series", [1.0, 2.0, 3.0], 0.0, None, Verdict.ERROR, "ratio has 3 series where one is judged (5m)"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "values", "low", "high", "verdict", "line"), RANGES, ids=[row[0] for row in RANGES])
def test_a_range(
    fact: str, values: list[float], low: float | None, high: float | None, verdict: Verdict, line: str
) -> None:
    """One number is judged as Flagger judges it; what is not one number is judged by nobody."""
    found = judge_range(values, Range(low, high), ASKED)
    assert (found.verdict, found.line) == (verdict, line), fact
    assert (found.value is not None) is (verdict in {Verdict.PASS, Verdict.FAIL})
    assert found.bound == Range(low, high).text


# Argo's table: utils/evaluate/evaluate.go, EvaluateResult; each row names its test in evaluate_test.go.
OUTCOMES = [
    ("TestEvaluateResultWithSuccess", True, False, S),
    ("TestEvaluateResultWithFailure", True, True, F),
    ("TestEvaluateResultInconclusive", False, False, I),
    ("a failure condition alone, not met", None, False, S),
    ("a failure condition alone, met", None, True, F),
    ("a success condition alone, met", True, None, S),
    ("a success condition alone, not met", False, None, F),
    ("both, only the failure met", False, True, F),
]


@pytest.mark.parametrize(("fact", "success", "failure", "comes_to"), OUTCOMES, ids=[row[0] for row in OUTCOMES])
def test_what_conditions_come_to(fact: str, success: bool | None, failure: bool | None, comes_to: Outcome) -> None:
    """Both conditions together make a measurement's outcome as in Argo."""
    assert outcome(success=success, failure=failure) is comes_to, fact


TAKEN: list[tuple[str, Result, str | None, str | None, Taken]] = [
    ("one series", [0.97], "result[0] >= 0.95", None, Taken(S, "0.97", 0.97)),
    ("a scalar", 0.97, "result >= 0.95", None, Taken(S, "0.97", 0.97)),
    ("a failed one", [0.8], "result[0] >= 0.95", None, Taken(F, "0.8", 0.8)),
    ("between both", [0.92], "result[0] >= 0.95", "result[0] < 0.9", Taken(I, "0.92", 0.92)),
    ("three series", [1.0, 2.0, 3.0], "len(result) == 3", None, Taken(S, "[1, 2, 3]")),
    ("several series", [1.0, 2.0, 3.0, 4.0], "len(result) == 4", None, Taken(S, "[1, 2, 3, ...]")),
    ("no series", [], "result[0] >= 0.95", None, Taken(E, "no series")),
    ("no series, whatever the condition says", [], "len(result) == 0 || true", None, Taken(E, "no series")),
    ("no series, not failed", [], None, "result[0] > 1", Taken(E, "no series")),
    ("NaN", [NAN], "result[0] >= 0.95", None, Taken(E, "'result[0] >= 0.95' compares with NaN")),
    ("NaN that is asked for", [NAN], "isNaN(result[0])", None, Taken(S, "NaN", NAN)),
    ("no truth", [1.0], "result[0]", None, Taken(E, "'result[0]' is neither true nor false")),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "result", "success", "failure", "taken"), TAKEN, ids=[row[0] for row in TAKEN])
def test_one_measurement(fact: str, result: Result, success: str | None, failure: str | None, taken: Taken) -> None:
    """A measurement has its outcome and what was seen; a vector without series is an error, never a pass or a fail."""
    analysis = Analysis(read(success) if success else None, read(failure) if failure else None)
    assert repr(take(result, analysis)) == repr(taken), fact


ANSWERS: dict[Outcome, Result] = {S: [2.0], F: [0.0], I: [1.0], E: []}
BOTH = (read("result[0] > 1"), read("result[0] < 1"))


def judged(outcomes: list[Outcome], **limits: int | None) -> Measurement:
    """The judgement of a sequence of measurements, a minute apart."""
    analysis = Analysis(*BOTH, **limits)  # type: ignore[arg-type]
    return judge_analysis({60.0 * at: ANSWERS[each] for at, each in enumerate(outcomes)}, analysis, ASKED)


# pkg analysis, analysis.go: assessMetricFailureInconclusiveOrError (limits), assessMetricStatus (count),
# runMeasurements (what counts); analysis_types.go: EffectiveCount, the defaults; defaults.go: DefaultConsecutiveErrorLimit.
LIMITS = [
    ("failed > failureLimit, 0 by default", [S, F], {}, Verdict.FAIL, "1 of 2 measurements failed, 0 allowed, newest of them 0"),
    ("failed = failureLimit", [F, S], {"failure_limit": 1}, Verdict.PASS, "2 measurements, newest 2"),
    ("failed > failureLimit", [F, S, F], {"failure_limit": 1}, Verdict.FAIL, "2 of 3 measurements failed, 1 allowed, newest of them 0"),
    ("inconclusive > inconclusiveLimit, 0 by default", [S, I, S], {}, Verdict.INSUFFICIENT, "1 of 3 measurements inconclusive, 0 allowed, newest of them 1"),
    ("inconclusive = inconclusiveLimit", [I, S], {"inconclusive_limit": 1}, Verdict.PASS, "2 measurements, newest 2"),
    ("consecutiveErrors > consecutiveErrorLimit, 4 by default", [S, E, E, E, E, E], {}, Verdict.ERROR, "5 errors in a row, 4 allowed: no series"),
    ("consecutiveErrors = consecutiveErrorLimit", [S, E, E, E, E], {}, Verdict.INSUFFICIENT, "1 measurements, newest error: no series"),
    ("consecutiveErrorLimit 0", [S, E], {"consecutive_error_limit": 0}, Verdict.ERROR, "1 errors in a row, 0 allowed: no series"),
    ("a success ends a row of errors", [E, E, E, S, E, E, E, S], {}, Verdict.PASS, "2 measurements, newest 2"),
    ("a failure ends a row of errors", [E, E, E, F, E, E, S], {"failure_limit": 1}, Verdict.PASS, "2 measurements, newest 2"),
    ("count reached", [S, S, S], {"count": 3}, Verdict.PASS, "3 of 3 measurements, newest 2"),
    ("count not reached", [S, S], {"count": 3}, Verdict.INSUFFICIENT, "2 of 3 measurements, newest 2"),
    ("an error does not count", [S, E, S], {"count": 3}, Verdict.INSUFFICIENT, "2 of 3 measurements, newest 2"),
    ("an error is made up for", [S, E, S, S], {"count": 3}, Verdict.PASS, "3 of 3 measurements, newest 2"),
    ("nothing is measured once count is reached", [S, S, F, E, E, E, E, E], {"count": 2}, Verdict.PASS, "2 of 2 measurements, newest 2"),
    ("a count with tolerated failures", [S, F, S, F], {"count": 4, "failure_limit": 2}, Verdict.PASS, "4 of 4 measurements, newest failed: 0"),
    ("failures are seen before count is reached", [F], {"count": 5}, Verdict.FAIL, "1 of 1 measurements failed, 0 allowed, newest of them 0"),
    ("no measurement: Pending", [], {"count": 5}, Verdict.INSUFFICIENT, "0 of 5 measurements"),
    ("no measurement without a count", [], {}, Verdict.INSUFFICIENT, "0 measurements"),
    # where a gate that asks again, and guesses nothing, differs from a controller that ends at the first limit
    ("errors that are over are over", [E, E, E, E, E, E, S], {}, Verdict.PASS, "1 measurements, newest 2"),
    ("a failure is proven whatever the errors", [F, E, E, E, E, E], {}, Verdict.FAIL, "1 of 1 measurements failed, 0 allowed, newest of them 0"),
    ("a failure is proven whatever is inconclusive", [I, F], {}, Verdict.FAIL, "1 of 2 measurements failed, 0 allowed, newest of them 0"),
    ("no pass without a success", [F, I], {"count": 2, "failure_limit": 1, "inconclusive_limit": 1}, Verdict.INSUFFICIENT, "2 of 2 measurements, newest inconclusive: 1"),
    ("without a count the newest decides", [S, F], {"failure_limit": 1}, Verdict.INSUFFICIENT, "2 measurements, newest failed: 0"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "outcomes", "limits", "verdict", "words"), LIMITS, ids=[row[0] for row in LIMITS])
def test_limits(fact: str, outcomes: list[Outcome], limits: dict[str, int], verdict: Verdict, words: str) -> None:
    """Counts and limits are Argo's, and an analysis that is not over is not passed."""
    found = judged(outcomes, **limits)
    assert (found.verdict, found.line) == (verdict, f"ratio {words} (5m)"), fact


def test_the_evidence_keeps_what_was_asked() -> None:
    """Query, conditions and the newest value are in the measurement."""
    found = judged([S, I, E], inconclusive_limit=1)
    assert (found.metric, found.query, found.value) == ("ratio", "sum(x)", 1.0)
    assert found.bound == "result[0] > 1, not result[0] < 1"
    assert (found.good, found.total, found.window) == (None, 0.0, 300)


def test_a_value_that_is_no_number_is_not_kept() -> None:
    """The state is JSON, which has no NaN: a measurement that asks for NaN may pass, and keeps no value."""
    found = judge_analysis({0.0: [NAN]}, Analysis(read("isNaN(result[0])"), None), ASKED)
    assert (found.verdict, found.value) == (Verdict.PASS, None)


def test_the_evidence_names_the_conditions_that_there_are() -> None:
    """One condition alone, the other alone, and both."""
    success, failure = BOTH
    texts = [Analysis(success, None).text, Analysis(None, failure).text, Analysis(success, failure).text]
    assert texts == ["result[0] > 1", "not result[0] < 1", "result[0] > 1, not result[0] < 1"]


def test_the_words_of_an_outcome() -> None:
    """They are Argo's phases, in the case of our verdicts."""
    assert [str(each) for each in Outcome] == ["successful", "failed", "inconclusive", "error"]


RANK = {Verdict.FAIL: 0, Verdict.ERROR: 1, Verdict.INSUFFICIENT: 1, Verdict.PASS: 2}
SEQUENCES = st.lists(st.sampled_from(list(Outcome)), max_size=12)
SOME = st.fixed_dictionaries(
    {
        "count": st.none() | st.integers(1, 8),
        "failure_limit": st.integers(0, 3),
        "inconclusive_limit": st.integers(0, 3),
        "consecutive_error_limit": st.integers(0, 4),
    }
)


@given(SEQUENCES, SOME, st.data())
def test_more_failed_measurements_never_better_a_verdict(
    outcomes: list[Outcome], limits: dict[str, int], data: st.DataObject
) -> None:
    """A success that turns into a failure leaves the verdict as it was, or makes it worse."""
    worse = [F if each is S and data.draw(st.booleans()) else each for each in outcomes]
    assert RANK[judged(worse, **limits).verdict] <= RANK[judged(outcomes, **limits).verdict]


@given(SEQUENCES, SOME)
def test_a_further_failure_never_betters_an_analysis_without_a_count(
    outcomes: list[Outcome], limits: dict[str, int]
) -> None:
    """Where no count ends the analysis, one more failed measurement cannot help."""
    limits = {**limits, "count": None}  # type: ignore[dict-item]
    assert RANK[judged([*outcomes, F], **limits).verdict] <= RANK[judged(outcomes, **limits).verdict]


@given(SEQUENCES, SOME)
def test_no_pass_without_a_success_and_all_that_count(outcomes: list[Outcome], limits: dict[str, int]) -> None:
    """A pass has a successful measurement, the whole count, and every limit kept."""
    found = judged(outcomes, **limits)
    if found.verdict is Verdict.PASS:
        assert S in outcomes
        assert sum(each is not E for each in outcomes) >= (limits["count"] or 1)
    if outcomes.count(F) <= limits["failure_limit"]:
        assert found.verdict is not Verdict.FAIL


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_shown_number_is_on_the_side_of_its_verdict(value: float, one: float, other: float) -> None:
    """The number in the line is rounded to no other side of the bound than the verdict's; only a number has a verdict."""
    low, high = sorted((one, other))
    found = judge_range([value], Range(low, high), ASKED)
    if not math.isfinite(value):
        assert found.verdict in {Verdict.ERROR, Verdict.INSUFFICIENT}
        return
    shown = float(found.line.split()[1])
    assert found.verdict is (Verdict.PASS if low <= value <= high else Verdict.FAIL)
    assert (low <= shown <= high) is (found.verdict is Verdict.PASS)
    assert found.line.isprintable()
