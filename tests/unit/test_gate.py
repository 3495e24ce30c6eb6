"""The gate: what it measures, how long it waits, and what state each verdict leaves.

Time and Prometheus are fakes of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests import gates
from weighbridge.checks import Checks, measure
from weighbridge.decision import Turn, settle
from weighbridge.errors import PrometheusError
from weighbridge.gate import Clock, Gate
from weighbridge.judge import Evidence, Verdict
from weighbridge.measure import Sample
from weighbridge.plan import Live, Move, MoveKind, Phase, Wanted, decide
from weighbridge.state import GateState, timestamp

X, Y = "xxxxxxxxxx", "yyyyyyyyyy"
T0 = 1_800_000_000.0
METRICS = {"request-success-rate": {"min": 99.0}, "request-duration": {"max": 0.5, "quantile": 0.99}}
CHECKS = replace(gates.CHECKS, metrics=METRICS)
LIVE = Live(10, Phase.PROGRESSING, X, Y)
ADVANCE = Move(MoveKind.ADVANCE, 10, 30, judged=True)


@dataclass
class Answers:
    """A Prometheus with given counts of the canary by response code and a given P99; stable has nine times as many."""

    codes: dict[str, float] = field(default_factory=lambda: {"200": 500.0})
    p99: float | None = 12.0
    broken: bool = False
    asked: list[tuple[str, float]] = field(default_factory=list)
    ranges: dict[float, dict[str, float]] = field(default_factory=dict)

    def query(self, promql: str, at: float) -> list[Sample]:
        """The canned answer."""
        self.asked.append((promql, at))
        if self.broken:
            raise PrometheusError("Prometheus at http://p cannot be reached")
        if promql.startswith("histogram_quantile"):
            return [] if self.p99 is None else [Sample({}, at, self.p99)]
        return _samples(self.codes, at) + _samples({"200": 9 * sum(self.codes.values())}, at, X)

    def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
        """The canned counts of each check."""
        del start, end, step
        if not promql.startswith("sum by"):
            return []
        return [sample for at, codes in self.ranges.items() for sample in _samples(codes, at)]


def _samples(codes: dict[str, float], at: float, revision: str = Y) -> list[Sample]:
    labels = {"destination_workload": f"podinfo-{revision}"}
    return [Sample(labels | {"response_code": code}, at, n) for code, n in codes.items()]


@dataclass
class Hands:
    """A clock that moves only when somebody sleeps."""

    now: float

    @property
    def clock(self) -> Clock:
        """As the gate takes it."""
        return Clock(lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


MEASURED = [
    ("all good", Answers(), Verdict.PASS, "success rate 100.00% >= 99% (n=500, 1m)"),
    ("at the bound", Answers({"200": 990, "500": 10}), Verdict.PASS, "success rate 99.00% >= 99% (n=1000, 1m)"),
    ("below", Answers({"200": 833, "503": 371}), Verdict.FAIL, "success rate 69.19% < 99% (n=1204, 1m)"),
    ("just below", Answers({"200": 98999, "500": 1001}), Verdict.FAIL, "success rate 98.999% < 99% (n=100000, 1m)"),
    ("nothing but failures", Answers({"500": 400}), Verdict.FAIL, "success rate 0.00% < 99% (n=400, 1m)"),
    ("broken connections", Answers({"200": 100, "0": 100}), Verdict.FAIL, "success rate 50.00% < 99% (n=200, 1m)"),
    ("not found is not the server's fault", Answers({"404": 500}), Verdict.PASS, "success rate 100.00% >= 99% (n=500, 1m)"),
    ("too little traffic", Answers({"200": 12}), Verdict.INSUFFICIENT, "12 of 100 requests needed (n=12, 1m)"),
    ("too little traffic, all bad", Answers({"500": 99}), Verdict.INSUFFICIENT, "99 of 100 requests needed (n=99, 1m)"),
    ("silence", Answers({}, None), Verdict.INSUFFICIENT, "0 of 100 requests needed (n=0, 1m)"),
    ("slow", Answers(p99=1515.0), Verdict.FAIL, "request duration 1.515s > 500ms (n=500, 1m)"),
    ("no histogram", Answers(p99=None), Verdict.INSUFFICIENT, "no request duration measured yet (n=500, 1m)"),
    ("an empty histogram", Answers(p99=float("nan")), Verdict.INSUFFICIENT, "no request duration measured yet (n=500, 1m)"),
    (
        "slower than the histogram",
        Answers(p99=float("inf")),
        Verdict.FAIL,
        "request duration is beyond the histogram's last bucket, allowed <= 500ms (n=500, 1m)",
    ),
    ("dead", Answers(broken=True), Verdict.ERROR, "Prometheus at http://p cannot be reached"),
    (
        "not a number",
        Answers({"200": float("nan")}),
        Verdict.ERROR,
        f"Prometheus gave a count that is none: podinfo-{Y} has nan requests with code 200",
    ),
    (
        "below zero",
        Answers({"200": -1.0}),
        Verdict.ERROR,
        f"Prometheus gave a count that is none: podinfo-{Y} has -1.0 requests with code 200",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "answers", "verdict", "line"), MEASURED, ids=[row[0] for row in MEASURED])
def test_measure(fact: str, answers: Answers, verdict: Verdict, line: str) -> None:
    """Each answer of Prometheus has its verdict and its line; none but enough good requests is a pass."""
    evidence = measure(CHECKS, LIVE, T0, T0 + 90, answers)
    assert (evidence.verdict, evidence.line) == (verdict, line), fact


def test_the_window_lies_inside_the_time_at_the_weight() -> None:
    """What is asked spans [since + warm_up, now] and not a second more."""
    answers = Answers()
    measure(CHECKS, LIVE, T0, T0 + 77.9, answers)
    assert all("[47s]" in promql and at == T0 + 77.9 for promql, at in answers.asked)


def test_warming_up_asks_nothing() -> None:
    """Within the warm-up there is no window, so Prometheus is not asked and the answer is insufficient."""
    answers = Answers()
    evidence = measure(CHECKS, LIVE, T0, T0 + 29, answers)
    assert (evidence.verdict, answers.asked) == (Verdict.INSUFFICIENT, [])


def _soak(checks: Checks, answers: Answers, start: float) -> tuple[Evidence, float, list[str]]:
    hands = Hands(T0 + start)
    lines: list[str] = []
    evidence = Gate("podinfo", checks, answers, hands.clock, lines.append).soak(LIVE, ADVANCE, T0)
    return evidence, hands.now - T0, lines


def test_a_gate_whose_soak_has_passed_decides_with_one_round() -> None:
    """Time already spent counts: one round of queries, no waiting, no line of progress."""
    answers = Answers()
    evidence, now, lines = _soak(CHECKS, answers, 500)
    assert (evidence.verdict, now, lines, len(answers.asked)) == (Verdict.PASS, 500, [], 2)


def test_a_gate_waits_for_the_rest_of_its_soak() -> None:
    """A pass comes when warm-up and soak are over, with a line of progress an interval until then."""
    evidence, now, lines = _soak(CHECKS, Answers(), 65)
    assert (evidence.verdict, now) == (Verdict.PASS, 90)
    assert lines[0] == "podinfo 10 -> 30: soaking, 25s left, success rate 100.00% >= 99% (n=500, 35s)"
    assert len(lines) == 3


def test_a_fail_comes_early() -> None:
    """A canary that is proven bad is not left live for the rest of the soak."""
    evidence, now, _ = _soak(CHECKS, Answers({"500": 300}), 40)
    assert (evidence.verdict, now) == (Verdict.FAIL, 40)


def test_without_wait_the_gate_says_how_long_is_missing() -> None:
    """`wait: false` holds at once."""
    evidence, now, lines = _soak(replace(CHECKS, wait=False), Answers(), 65)
    assert (evidence.verdict, now, lines) == (Verdict.INSUFFICIENT, 65, [])
    assert evidence.line == "soak has 25s left, success rate 100.00% >= 99% (n=500, 35s)"


def test_a_step_may_have_its_own_soak() -> None:
    """The soak of the live step counts, not that of the one to come."""
    _, now, _ = _soak(replace(CHECKS, soak={10: 200.0, 30: 1.0}), Answers(), 0)
    assert now == 230


def test_too_little_traffic_holds_when_the_soak_is_over() -> None:
    """Silence is not a pass, however long it lasts."""
    evidence, now, _ = _soak(CHECKS, Answers({}, None), 0)
    assert (evidence.verdict, now) == (Verdict.INSUFFICIENT, 90)


GOOD, BAD = {"200": 100.0}, {"500": 100.0}
THRESHOLDS = [
    ("two failed checks of three are not enough", {1.0: BAD, 2.0: BAD, 3.0: GOOD}, Verdict.PASS),
    ("the newest check failed, so it does not pass yet", {1.0: GOOD, 2.0: GOOD, 3.0: BAD}, Verdict.INSUFFICIENT),
    ("three failed checks fail", {1.0: BAD, 2.0: BAD, 3.0: BAD}, Verdict.FAIL),
    ("three failed checks fail, in whatever order", {1.0: BAD, 2.0: BAD, 3.0: GOOD, 4.0: BAD}, Verdict.FAIL),
]


@pytest.mark.parametrize(("fact", "ranges", "verdict"), THRESHOLDS, ids=[row[0] for row in THRESHOLDS])
def test_threshold(fact: str, ranges: dict[float, dict[str, float]], verdict: Verdict) -> None:
    """With a threshold, failed checks are counted as Flagger counts them."""
    answers = Answers({"200": 300, "500": 100}, ranges=ranges)
    assert measure(replace(CHECKS, threshold=3), LIVE, T0, T0 + 90, answers).verdict is verdict, fact


def test_failed_checks_on_too_little_traffic_are_no_fail() -> None:
    """Two failed requests stay two requests, however many checks they fail."""
    answers = Answers({"500": 2}, ranges={1.0: {"500": 1.0}, 2.0: {"500": 1.0}})
    assert measure(replace(CHECKS, threshold=2), LIVE, T0, T0 + 90, answers).verdict is Verdict.INSUFFICIENT


def test_a_check_that_is_no_number_is_an_error() -> None:
    """NaN among the checks is an error, and does not end the gate."""
    answers = Answers(ranges={1.0: {"200": float("nan")}})
    assert measure(replace(CHECKS, threshold=2), LIVE, T0, T0 + 90, answers).verdict is Verdict.ERROR


class _NoHistogram(Answers):
    def query(self, promql: str, at: float) -> list[Sample]:
        if promql.startswith("histogram_quantile"):
            raise PrometheusError("Prometheus at http://p refused")
        return super().query(promql, at)


NO_HISTOGRAM = [({"500": 400.0}, Verdict.FAIL), ({"200": 400.0}, Verdict.ERROR)]


@pytest.mark.parametrize(("codes", "verdict"), NO_HISTOGRAM)
def test_one_metrics_trouble_does_not_hide_another_ones_fail(codes: dict[str, float], verdict: Verdict) -> None:
    """A success rate that is proven bad fails, though the duration cannot be had; a good one does not pass then."""
    assert measure(CHECKS, LIVE, T0, T0 + 90, _NoHistogram(codes)).verdict is verdict


def state(weight: int = 10, **more: Any) -> GateState:
    base = GateState(weight, Phase.PROGRESSING, "", timestamp(T0), "d0", X, Y if weight else "")
    return replace(base, **more)


def run(before: GateState | None, wanted: Wanted, verdict: Verdict | None = None, *, back: bool = True) -> GateState:
    move = decide("podinfo", before.live if before else None, wanted)
    evidence = Evidence(verdict, "because (n=1, 1s)") if move.judged and verdict else None
    return settle(before, Turn("podinfo", wanted, move, back, T0 + 1), evidence)


def want(weight: int, stable: str = X, canary: str = Y, retry: int = 0) -> Wanted:
    return Wanted(weight, stable, canary, (10, 30, 50, 100), retry=retry)


def test_pass_approves() -> None:
    """A pass makes the wanted weight the approved one, and the clock of the new weight starts."""
    after = run(state(), want(30), Verdict.PASS)
    assert (after.approved_weight, after.phase, after.applied_at) == (30, Phase.PROGRESSING, timestamp(T0 + 1))
    assert after.decision != "d0"
    assert after.reason == "podinfo 10 -> 30: pass, because (n=1, 1s)"


def test_fail_takes_the_traffic_back() -> None:
    """A fail leaves weight 0, phase failed and the revision's name, in the same run."""
    after = run(state(), want(30), Verdict.FAIL)
    assert (after.approved_weight, after.phase, after.failed_revision) == (0, Phase.FAILED, Y)
    assert (after.stable_revision, after.canary_revision, after.previous_revisions) == (X, "", (Y,))
    assert after.reason == "podinfo 10 -> 0: rolled back, because (n=1, 1s)"


def test_fail_may_hold() -> None:
    """With `on_failure: hold` the weight stays, red."""
    after = run(state(), want(30), Verdict.FAIL, back=False)
    assert (after.approved_weight, after.phase, after.decision) == (10, Phase.FAILED, "d0")


@pytest.mark.parametrize("verdict", [Verdict.INSUFFICIENT, Verdict.ERROR])
def test_no_verdict_holds(verdict: Verdict) -> None:
    """Too little data and a Prometheus in trouble hold: weight, decision and time at the weight stay."""
    after = run(state(), want(30), verdict)
    assert (after.approved_weight, after.phase) == (10, Phase.WAITING)
    assert (after.decision, after.applied_at) == ("d0", timestamp(T0))


def test_promotion_swaps_the_roles() -> None:
    """A promotion makes the canary's revision stable; the old one stays a subset for this run."""
    after = run(state(100), want(0, stable=Y), Verdict.PASS)
    assert (after.phase, after.stable_revision, after.canary_revision) == (Phase.PROMOTED, Y, "")
    assert (after.passed_revision, after.previous_revisions) == (Y, (X,))


@pytest.mark.parametrize("verdict", [Verdict.INSUFFICIENT, Verdict.ERROR])
def test_a_held_promotion_leaves_the_roles(verdict: Verdict) -> None:
    """Until the last step has its verdict the canary keeps the traffic and stable stays what it was."""
    after = run(state(100), want(0, stable=Y), verdict)
    assert (after.stable_revision, after.canary_revision, after.approved_weight) == (X, Y, 100)


def test_a_failed_promotion_goes_back_to_stable() -> None:
    """A canary that fails at its last step loses all traffic to the revision that stable was."""
    after = run(state(100), want(0, stable=Y), Verdict.FAIL)
    assert (after.stable_revision, after.approved_weight, after.failed_revision) == (X, 0, Y)


def test_a_failed_revision_stays_failed() -> None:
    """The next run with the same wish changes nothing and stays red."""
    once = run(state(), want(30), Verdict.FAIL)
    again = run(once, want(30))
    assert (again.approved_weight, again.phase, again.decision) == (0, Phase.FAILED, once.decision)


def test_a_retry_forgets_the_failure() -> None:
    """Raising `retry` starts the same revision again, and it is no longer marked as failed."""
    once = run(state(), want(30), Verdict.FAIL)
    again = run(once, want(10, retry=1))
    assert (again.approved_weight, again.phase, again.failed_revision) == (10, Phase.PROGRESSING, "")
    assert run(again, want(30, retry=1), Verdict.PASS).approved_weight == 30


def test_a_held_failure_that_is_lowered_stays_red() -> None:
    """Lowering a failed canary takes its traffic down, and does not call it well."""
    held = run(state(30), want(50), Verdict.FAIL, back=False)
    lowered = run(held, want(10))
    assert (lowered.approved_weight, lowered.phase) == (10, Phase.FAILED)


def test_taking_a_wish_back_ends_a_hold() -> None:
    """Back at the live weight, the run is green again and the time at the weight goes on counting."""
    held = run(state(), want(30), Verdict.ERROR)
    calm = run(held, want(10))
    assert (calm.phase, calm.decision, calm.applied_at) == (Phase.PROGRESSING, "d0", timestamp(T0))


def test_history_keeps_each_decision() -> None:
    """Every decision is in the history with its line, the newest last."""
    after = run(run(state(), want(30), Verdict.INSUFFICIENT), want(30), Verdict.PASS)
    assert [(e["from"], e["to"], e["verdict"]) for e in after.history] == [(10, 10, "insufficient"), (10, 30, "pass")]


def test_state_survives_pulumis_floats() -> None:
    """Numbers come back from the engine as floats, and the state is the same."""
    before = run(state(), want(30), Verdict.PASS)

    def floats(value: object) -> object:
        if isinstance(value, dict):
            return {key: floats(each) for key, each in value.items()}
        if isinstance(value, list):
            return [floats(each) for each in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    written: Any = floats(before.outputs())
    assert GateState.read(written) == before
