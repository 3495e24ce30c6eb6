"""The user's own metrics in a gate's look: what is asked and when, and what the answers do to the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.gates import CHECKS
from weighbridge.checks import Checks, measure
from weighbridge.errors import PrometheusError
from weighbridge.judge import Evidence, Measurement, Verdict
from weighbridge.measure import Sample
from weighbridge.plan import Live, Phase

X, Y = "xxxxxxxxxx", "yyyyyyyyyy"
T0 = 1_800_000_000.0
NAN = math.nan
CONDITIONS = {
    "starting_step": 0.0,
    "initial_delay": 0.0,
    "failure_limit": 0.0,
    "inconclusive_limit": 0.0,
    "consecutive_error_limit": 4.0,
}
QUERY = 'errors{ns="{{ namespace }}",s="{{ release }}",a="{{ stable }}",b=~"{{ canary }}-.*",x="{{ args.x }}"}[{{ interval }}]'
RANGE: dict[str, Any] = {"query": "queue", "args": {}, "max": 5.0, "starting_step": 0.0}
ANALYSIS: dict[str, Any] = {"query": "ratio", "args": {}, "success_condition": "result[0] >= 0.95", **CONDITIONS}


@dataclass
class Answers:
    """A Prometheus with healthy requests, and an answer for each query of the user's own.

    Attributes:
        at: the values of the series of a query at a time, NaN included.
        codes: requests of the canary in each check, by response code.
        asked: the user's own queries, with where they were asked: an end, or start, end and step.
    """

    at: Callable[[str, float], list[float]] = lambda _query, _at: [1.0]
    codes: dict[str, float] = field(default_factory=lambda: {"200": 500.0})
    asked: list[tuple[str, tuple[float, ...]]] = field(default_factory=list)

    def query(self, promql: str, at: float) -> list[Sample]:
        """The value of each series."""
        if promql.startswith("sum by"):
            return self._requests(at)
        self.asked.append((promql, (at,)))
        return self._series(promql, at)

    def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
        """The values of each series at each time."""
        times = [start + step * i for i in range(int((end - start) / step) + 1)]
        if promql.startswith("sum by"):
            return [sample for at in times for sample in self._requests(at)]
        if "istio" in promql:
            return []
        self.asked.append((promql, (start, end, step)))
        return [sample for at in times for sample in self._series(promql, at)]

    def _series(self, promql: str, at: float) -> list[Sample]:
        return [Sample({"series": str(i)}, at, value) for i, value in enumerate(self.at(promql, at))]

    def _requests(self, at: float) -> list[Sample]:
        canary = [_counted(Y, code, at, n) for code, n in self.codes.items()]
        return [*canary, _counted(X, "200", at, 9 * sum(self.codes.values()))]


def _counted(revision: str, code: str, at: float, number: float) -> Sample:
    return Sample({"destination_workload": f"podinfo-{revision}", "response_code": code}, at, number)


def refuse(_promql: str, _at: float) -> list[float]:
    """A Prometheus that cannot be asked."""
    raise PrometheusError("Prometheus at http://p refused: HTTP Status Code 400")


def look(
    answers: Answers, *, checks: Checks = CHECKS, weight: int = 10, after: float = 90.0, **metrics: Any
) -> Evidence:
    """One look at a gate with further metrics."""
    named = {name.replace("_", "-"): settings for name, settings in metrics.items()}
    live = Live(weight, Phase.PROGRESSING, X, Y)
    return measure(replace(checks, metrics={**checks.metrics, **named}), live, T0, T0 + after, answers)


def measured(evidence: Evidence, metric: str) -> Measurement:
    """The measurement of a metric."""
    return next(each for each in evidence.measurements if each.metric == metric)


ANSWERED = [
    ("a range kept", RANGE, lambda *_: [5.0], Verdict.PASS, "queue 5 <= 5 (1m)"),
    ("a range broken", RANGE, lambda *_: [6.0], Verdict.FAIL, "queue 6 > 5 (1m)"),
    ("no series for a range", RANGE, lambda *_: [], Verdict.INSUFFICIENT, "queue has no series yet (1m)"),
    ("two series for a range", RANGE, lambda *_: [1.0, 2.0], Verdict.ERROR, "queue has 2 series where one is judged (1m)"),
    ("a range that cannot be asked", RANGE, refuse, Verdict.ERROR, "queue: Prometheus at http://p refused: HTTP Status Code 400"),
    ("conditions met", ANALYSIS, lambda *_: [0.97], Verdict.PASS, "queue 6 measurements, newest 0.97 (10s)"),
    ("a condition not met", ANALYSIS, lambda *_: [0.9], Verdict.FAIL, "queue 6 of 6 measurements failed, 0 allowed, newest of them 0.9 (10s)"),
    ("no series for conditions", ANALYSIS, lambda *_: [], Verdict.ERROR, "queue 6 errors in a row, 4 allowed: no series (10s)"),
    ("NaN for conditions", ANALYSIS, lambda *_: [NAN], Verdict.ERROR, "queue 6 errors in a row, 4 allowed: 'result[0] >= 0.95' compares with NaN (10s)"),
    ("conditions that cannot be asked", ANALYSIS, refuse, Verdict.ERROR, "queue: Prometheus at http://p refused: HTTP Status Code 400"),
    ("a count that is not reached", {**ANALYSIS, "count": 9.0}, lambda *_: [0.97], Verdict.INSUFFICIENT, "queue 6 of 9 measurements, newest 0.97 (10s)"),
    ("a template that an older version let through", {**RANGE, "query": "{{ pod }}"}, lambda *_: [1.0], Verdict.ERROR, "queue: must name namespace, release, stable, canary, interval or args.NAME where it says '{{ pod }}'"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "settings", "at", "verdict", "line"), ANSWERED, ids=[row[0] for row in ANSWERED])
def test_an_answer(fact: str, settings: dict[str, Any], at: Any, verdict: Verdict, line: str) -> None:
    """Each answer to a query of the user's own has its verdict, its line, and its part in the gate's verdict."""
    evidence = look(Answers(at), queue=settings)
    assert (measured(evidence, "queue").verdict, measured(evidence, "queue").line) == (verdict, line), fact
    assert evidence.verdict is verdict
    if verdict is not Verdict.PASS:
        assert evidence.line == line


@pytest.mark.parametrize(("settings", "at"), [(row[1], row[2]) for row in ANSWERED], ids=[row[0] for row in ANSWERED])
def test_a_dry_run_reports_and_decides_nothing(settings: dict[str, Any], at: Any) -> None:
    """The measurement is in the evidence with its own verdict; the gate's is what it is without it."""
    evidence = look(Answers(at), queue={**settings, "dry_run": True})
    alone = measured(look(Answers(at), queue=settings), "queue")
    assert (evidence.verdict, evidence.line) == (look(Answers()).verdict, look(Answers()).line)
    assert measured(evidence, "queue") == replace(alone, dry_run=True, line=f"dry run: {alone.line}")


def test_a_built_in_metric_may_run_dry() -> None:
    """A success rate that only reports fails nobody, and the other metrics decide."""
    checks = replace(CHECKS, metrics={"request-success-rate": {"min": 99.0, "dry_run": True}})
    for threshold in (1, 3):
        answers = Answers(lambda *_: [1.0], {"500": 500.0})
        evidence = look(answers, checks=replace(checks, threshold=threshold), queue=RANGE)
        assert (evidence.verdict, evidence.line) == (Verdict.PASS, "queue 1 <= 5 (1m)")
        line = "dry run: success rate 0.00% < 99% (n=500, 1m)"
        assert measured(evidence, "request-success-rate").line == line


def test_conditions_may_be_all_that_decides() -> None:
    """Where every bound runs dry, the conditions' verdict is the gate's."""
    checks = replace(CHECKS, metrics={"request-success-rate": {"min": 99.0, "dry_run": True}})
    assert look(Answers(lambda *_: [0.97]), checks=checks, ratio=ANALYSIS).verdict is Verdict.PASS
    assert look(Answers(lambda *_: [0.9]), checks=checks, ratio=ANALYSIS).verdict is Verdict.FAIL


def test_what_a_query_becomes() -> None:
    """Names are those of the release's workloads; a range looks back over the window, conditions over their interval."""
    answers = Answers()
    query = f"sum(rate({QUERY}))"
    look(
        answers,
        queue={**RANGE, "query": query, "args": {"x": 5.0}},
        ratio={**ANALYSIS, "query": query, "args": {"x": "y"}},
    )
    series = f'errors{{ns="test",s="podinfo",a="podinfo-{X}",b=~"podinfo-{Y}-.*",x="'
    assert [asked[0] for asked in answers.asked] == [f'sum(rate({series}5"}}[1m]))', f'sum(rate({series}y"}}[10s]))']


TIMES = [
    ("the gate's interval", {}, (T0 + 40, T0 + 90, 10)),
    ("its own", {"interval": 20.0}, (T0 + 50, T0 + 90, 20)),
    ("after a delay", {"interval": 20.0, "initial_delay": 15.0}, (T0 + 65, T0 + 85, 20)),
    ("one", {"interval": 60.0}, (T0 + 90, T0 + 90, 60)),
]


@pytest.mark.parametrize(("fact", "settings", "span"), TIMES, ids=[row[0] for row in TIMES])
def test_when_measurements_are_taken(fact: str, settings: dict[str, Any], span: tuple[float, ...]) -> None:
    """One query asks for all of them; the first looks back on nothing but time at this weight, after the warm-up."""
    answers = Answers()
    look(answers, ratio={**ANALYSIS, **settings})
    assert [asked[1] for asked in answers.asked] == [span], fact


@pytest.mark.parametrize("after", [90.0, 90.001, 90.5, 90.999])
def test_a_soak_of_six_intervals_has_six_measurements(after: float) -> None:
    """Whatever the fraction of a second at which the gate looks, the soak is long enough for the count that fits it."""
    evidence = look(Answers(lambda *_: [0.97]), after=after, ratio={**ANALYSIS, "count": 6.0})
    assert evidence.verdict is Verdict.PASS


def test_no_time_for_a_measurement_asks_nothing() -> None:
    """Before the first interval is over there is no measurement, and so no pass."""
    answers = Answers()
    evidence = look(answers, ratio={**ANALYSIS, "interval": 61.0, "count": 2.0})
    assert (evidence.verdict, evidence.line) == (Verdict.INSUFFICIENT, "ratio 0 of 2 measurements (1m1s)")
    assert answers.asked == []


def test_a_range_asks_for_no_time_at_another_weight() -> None:
    """A range whose interval is longer than the window waits."""
    answers = Answers()
    evidence = look(answers, queue={**RANGE, "interval": 61.0})
    assert (evidence.verdict, evidence.line) == (Verdict.INSUFFICIENT, "queue needs more time at this weight (1m1s)")
    assert answers.asked == []


def test_of_too_many_measurements_the_newest_are_taken_and_of_a_count_the_first() -> None:
    """Prometheus gives so many points and no more."""
    for count, first, last in ((None, 90_001 - 9999, 90_001), (5.0, 31, 10_030)):
        answers = Answers()
        look(answers, after=90_001.5, ratio={**ANALYSIS, "interval": 1.0, **({"count": count} if count else {})})
        ((_, (start, end, step)),) = answers.asked
        assert (start - T0, end - T0, step, (end - start) / step + 1) == (first, last, 1, 10_000)


def test_a_gap_is_an_error_of_its_own_time() -> None:
    """A time for which Prometheus has nothing is an error, one that is not counted."""
    gap = Answers(lambda _, at: [] if at == T0 + 60 else [0.97])
    evidence = look(gap, ratio={**ANALYSIS, "count": 5.0, "consecutive_error_limit": 1.0})
    assert evidence.verdict is Verdict.PASS
    assert look(gap, ratio={**ANALYSIS, "count": 6.0}).line == "ratio 5 of 6 measurements, newest 0.97 (10s)"


@pytest.mark.parametrize(
    ("query", "condition", "verdict"),
    [
        ("scalar(ratio)", "result >= 0.95", Verdict.PASS),
        ("scalar(ratio)", "result[0] >= 0.95", Verdict.ERROR),
        ("ratio", "result >= 0.95", Verdict.ERROR),
    ],
)
def test_a_scalar_is_a_number_and_a_vector_a_list(query: str, condition: str, verdict: Verdict) -> None:
    """As in Argo; the type is the query's own, and not guessed from how many series there are."""
    settings = {**ANALYSIS, "query": query, "success_condition": condition}
    assert look(Answers(lambda *_: [0.97]), ratio=settings).verdict is verdict


def test_a_range_takes_a_scalar() -> None:
    """A scalar is asked for as a vector of one."""
    answers = Answers()
    evidence = look(answers, queue={**RANGE, "query": "scalar(queue)"})
    assert [asked[0] for asked in answers.asked] == ["vector(scalar(queue))"]
    assert measured(evidence, "queue").query == "vector(scalar(queue))"


@pytest.mark.parametrize(("weight", "asked"), [(10, False), (29, False), (30, True), (100, True)])
@pytest.mark.parametrize("settings", [RANGE, ANALYSIS], ids=["range", "conditions"])
def test_a_metric_is_asked_from_its_step_on(settings: dict[str, Any], weight: int, asked: bool) -> None:
    """Below the weight of its starting step a metric is neither asked nor part of the evidence."""
    answers = Answers()
    evidence = look(answers, weight=weight, queue={**settings, "starting_step": 1.0})
    assert bool(answers.asked) is asked
    assert ("queue" in [each.metric for each in evidence.measurements]) is asked


CHECKED = [
    ("none", lambda *_: [1.0], Verdict.PASS, "success rate 100.00% >= 99% (n=500, 1m)"),
    (
        "too few",
        lambda _, at: [6.0] if at == T0 + 50 else [1.0],
        Verdict.PASS,
        "success rate 100.00% >= 99% (n=500, 1m)",
    ),
    (
        "enough",
        lambda _, at: [6.0] if at <= T0 + 60 else [1.0],
        Verdict.FAIL,
        "3 of 3 failed checks, success rate 100.00% >= 99% (n=500, 1m)",
    ),
]


@pytest.mark.parametrize(("fact", "at", "verdict", "line"), CHECKED, ids=[row[0] for row in CHECKED])
def test_a_broken_range_is_a_failed_check(fact: str, at: Any, verdict: Verdict, line: str) -> None:
    """With a threshold, a range counts as the built-in bounds do: one check an interval."""
    evidence = look(Answers(at), checks=replace(CHECKS, threshold=3), queue=RANGE)
    assert (evidence.verdict, evidence.line) == (verdict, line), fact


def test_a_dry_range_is_no_failed_check() -> None:
    """What cannot fail a release cannot fail it by its checks either."""
    evidence = look(Answers(lambda *_: [6.0]), checks=replace(CHECKS, threshold=3), queue={**RANGE, "dry_run": True})
    assert evidence.verdict is Verdict.PASS


def test_several_series_are_no_failed_check() -> None:
    """A check whose answer is not one number has broken nothing: the failed checks are those of the requests."""
    answers = Answers(lambda *_: [6.0, 7.0], {"500": 5.0, "200": 495.0})
    evidence = look(
        answers, checks=replace(CHECKS, threshold=3, metrics={"request-success-rate": {"min": 99.5}}), queue=RANGE
    )
    assert evidence.line == "6 of 3 failed checks, success rate 99.00% < 99.5% (n=500, 1m)"
    dipping = Answers(lambda *_: [6.0, 7.0] if _[1] < T0 + 90 else [1.0])
    assert look(dipping, checks=replace(CHECKS, threshold=3), queue=RANGE).verdict is Verdict.PASS


def test_a_check_that_cannot_be_asked_is_an_error() -> None:
    """A range that answers for the window and not for the checks is held."""
    evidence = look(
        Answers(lambda _, at: [1.0] if at == T0 + 90 else refuse("", at)),
        checks=replace(CHECKS, threshold=3),
        queue=RANGE,
    )
    assert (evidence.verdict, evidence.line) == (Verdict.ERROR, "Prometheus at http://p refused: HTTP Status Code 400")


def test_a_template_that_is_none_is_no_traceback_among_the_checks() -> None:
    """With failed checks to count, a query that an older version let through is one line, and an error."""
    settings = {**RANGE, "query": "{{ pod }}"}
    evidence = look(Answers(codes={"500": 500.0}), checks=replace(CHECKS, threshold=3), queue=settings)
    assert evidence.verdict is Verdict.ERROR
    assert evidence.line.startswith("queue: 'query' must name namespace, release, ")
