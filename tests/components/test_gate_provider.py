"""The gate's table ("The gate, exactly"), row by row, on the provider as Pulumi's host calls it."""

from __future__ import annotations

import base64
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from pulumi import dynamic
from pulumi.dynamic.dynamic import serialize_provider

from components.gate import AppliedRouteProvider, Halted, MetricGateProvider, StackVerdictProvider
from tests.components.wire import GATE, LONG, Delivery, X, Y, Z, hosted
from tests.loopback import Figures, Loopback
from weighbridge.errors import Refused


def told(call: Callable[[], object]) -> str:
    """The text by which a call is refused, as the user reads it."""
    with pytest.raises(Refused) as refused:
        call()
    return str(refused.value)


def test_the_first_run_puts_all_traffic_on_stable(delivery: Delivery, server: Loopback) -> None:
    """Without a canary's weight the first run asks nobody, and its state is complete and named."""
    state = delivery.up()
    assert (state["approved_weight"], state["phase"], state["stable_revision"]) == (0, "idle", X)
    assert delivery.gate.id == "test/podinfo"
    assert server.seen == []


def test_numbers_arrive_as_floats_and_come_out_whole(delivery: Delivery) -> None:
    """What a run reads of the wire's floats is what it would have read of whole numbers."""
    state = delivery.at(10).up(weight=30)
    assert state["approved_weight"] == 30
    assert state["reason"].startswith("podinfo 10 -> 30: pass, success rate 100.00% >= 99% (n=500, ")


@pytest.mark.parametrize(("live", "wanted"), [(50, 30), (50, 0), (10, 0)])
def test_a_way_back_needs_no_prometheus(delivery: Delivery, server: Loopback, live: int, wanted: int) -> None:
    """A wish below the live weight is approved at once, with Prometheus answering nothing but 500."""
    delivery.at(live)
    server.give((500, {}))
    server.seen.clear()
    state = delivery.up(weight=wanted)
    assert (state["approved_weight"], server.seen) == (wanted, [])
    assert state["phase"] == ("progressing" if wanted else "idle")


def test_the_live_weight_is_kept(delivery: Delivery, server: Loopback) -> None:
    """A wish for what is live is no change, and asks nobody."""
    delivery.at(30)
    before = dict(delivery.gate.outputs)
    server.seen.clear()
    # One run takes the reason of the skipped step out of the outputs; from then on there is nothing to do.
    delivery.up()
    assert not delivery.gate.diff(delivery.gate.check(delivery.inputs))
    assert delivery.gate.outputs["decision"] == before["decision"]
    assert server.seen == []


def test_new_settings_of_the_gate_reach_the_outputs(delivery: Delivery) -> None:
    """`read` sees outputs only, so a bound that changes at the same weight is saved by the next run."""
    delivery.at(10)
    tighter = {**GATE, "min_requests": 7}
    assert delivery.up(gate=tighter)["gate"]["min_requests"] == 7
    assert delivery.gate.outputs["approved_weight"] == 10


def test_a_new_revision_starts_again_at_the_first_step(delivery: Delivery, server: Loopback) -> None:
    """In mid-release it takes the old candidate's place at the first step, unmeasured; the old one stays a subset."""
    delivery.at(50)
    server.seen.clear()
    state = delivery.up(weight=10, revision=Z)
    assert (state["approved_weight"], state["canary_revision"], state["previous_revisions"]) == (10, Z, [Y])
    assert server.seen == []


def test_a_new_revision_gets_no_more_than_the_first_step(delivery: Delivery) -> None:
    """Anything higher is refused by `diff`, which a preview calls too."""
    delivery.at(50)
    line = "podinfo: 'weight' must be 0 or the first step, 10, as the revision is new (got 50)"
    assert told(lambda: delivery.preview(weight=50, revision=Z)) == line


def test_a_step_cannot_be_left_out(delivery: Delivery) -> None:
    """What is not the next step is refused by `diff` in one line, with the rule and the value."""
    delivery.at(10)
    line = "podinfo: 'weight' must be the next step, 30, unless 'skip' says why (got 50)"
    assert told(lambda: delivery.preview(weight=50)) == line
    assert told(lambda: delivery.up(weight=50)) == line


def test_a_step_left_out_for_a_reason_is_judged_and_remembered(delivery: Delivery) -> None:
    """`skip` allows it, Prometheus still has to agree, and the reason is in the history."""
    state = delivery.at(10).up(weight=50, skip="a hotfix")
    assert state["approved_weight"] == 50
    newest = state["history"][-1]
    assert (newest["override"], newest["label"], newest["verdict"]) == ("a hotfix", "advance 10 -> 50", "pass")


def test_the_first_step_is_not_judged(delivery: Delivery, server: Loopback) -> None:
    """From 0 there is no traffic to measure, so nobody is asked."""
    delivery.up()
    state = delivery.up(weight=10)
    assert (state["approved_weight"], state["phase"], server.seen) == (10, "progressing", [])
    assert state["reason"] == "podinfo 0 -> 10: started, ready and not measured yet"


def test_a_pass_approves_with_its_evidence(delivery: Delivery) -> None:
    """Query, value, bound, counts, window and verdict of every metric are in the outputs."""
    state = delivery.at(10).up(weight=30)
    assert (state["approved_weight"], state["phase"]) == (30, "progressing")
    rate, duration, share = state["measurements"]
    assert (rate["value"], rate["bound"], rate["good"], rate["total"]) == (100, ">= 99%", 500, 500)
    assert (duration["value"], duration["bound"], duration["verdict"]) == (12, "<= 500ms", "pass")
    assert (share["metric"], share["bound"], share["verdict"]) == ("traffic-share", "10% +- 100", "pass")
    assert rate["window"] == pytest.approx(LONG - GATE["warm_up"], abs=2)
    assert f'destination_workload=~"podinfo-{Y}|podinfo-{X}"' in rate["query"]


def test_a_fail_takes_the_traffic_back(delivery: Delivery, figures: Figures) -> None:
    """The update does not raise: weight 0, phase failed and the revision's name reach the state, with the reason."""
    figures.codes = {"200": 833, "503": 371}
    state = delivery.at(10).up(weight=30)
    assert (state["approved_weight"], state["phase"], state["failed_revision"]) == (0, "failed", Y)
    assert state["reason"].startswith("podinfo 10 -> 0: rolled back, success rate 69.19% < 99% (n=1204, ")
    assert (state["canary_revision"], state["previous_revisions"]) == ("", [Y])


def test_a_fail_may_hold(delivery: Delivery, figures: Figures) -> None:
    """With `on_failure: hold` the weight stays, phase failed."""
    figures.codes = {"500": 400}
    state = delivery.at(10, gate={**GATE, "on_failure": "hold"}).up(weight=30)
    assert (state["approved_weight"], state["phase"], state["canary_revision"]) == (10, "failed", Y)


HELD: list[tuple[str, tuple[int, object], dict[str, float], str]] = [
    ("too few", (200, None), {"200": 12.0}, "podinfo 10 -> 30: hold, 12 of 100 requests needed (n=12, "),
    ("silence", (200, None), {}, "podinfo 10 -> 30: hold, 0 of 100 requests needed (n=0, "),
    ("down", (503, {}), {}, "podinfo 10 -> 30: hold, Prometheus at {url} refused: HTTP Status Code 503"),
    ("nonsense", (200, b"<html>"), {}, "podinfo 10 -> 30: hold, Prometheus at {url} gave an answer that is not JSON"),
    ("NaN", (200, None), {"200": float("nan")}, "podinfo 10 -> 30: hold, Prometheus gave a count that is none: "),
    ("below zero", (200, None), {"200": -5.0}, "podinfo 10 -> 30: hold, Prometheus gave a count that is none: "),
    ("infinite", (200, None), {"200": float("inf")}, "podinfo 10 -> 30: hold, Prometheus gave a count that is none: "),
]


@pytest.mark.parametrize(("fact", "answer", "codes", "line"), HELD, ids=[row[0] for row in HELD])
def test_no_verdict_holds(
    delivery: Delivery,
    server: Loopback,
    figures: Figures,
    fact: str,
    answer: tuple[int, object],
    codes: dict[str, float],
    line: str,
) -> None:
    """Too little data and a Prometheus in trouble: the weight stays, phase waiting, the line says why, no raise."""
    delivery.at(10)
    figures.codes = codes
    if answer[1] is not None:
        server.give(answer)
    decision = delivery.gate.outputs["decision"]
    state = delivery.up(weight=30)
    assert (state["approved_weight"], state["phase"], state["decision"]) == (10, "waiting", decision), fact
    assert state["reason"].startswith(line.format(url=server.url))
    assert "\n" not in state["reason"]
    # And again: red until somebody does something, or until there is an answer.
    assert delivery.up()["phase"] == "waiting"
    server.answer = Figures()
    assert delivery.up()["approved_weight"] == 30


def test_a_gate_that_may_not_wait_says_how_long_is_missing(delivery: Delivery) -> None:
    """`wait: false` holds at once, with the rest of the soak in the line."""
    state = delivery.at(10).aged(45).up(weight=30)
    assert state["phase"] == "waiting"
    assert state["reason"].startswith("podinfo 10 -> 30: hold, soak has 4")
    assert "success rate 100.00% >= 99% (n=500, 1" in state["reason"]


def test_a_gate_waits_for_the_rest_of_its_soak(delivery: Delivery, capsys: pytest.CaptureFixture[str]) -> None:
    """With `wait` the run goes on until the soak is over, a line of progress an interval, and then decides."""
    waiting = {**GATE, "wait": True, "interval": 0.2, "soak": 1.0, "warm_up": 0.0}
    delivery.at(10, gate=waiting).aged(0.6)
    capsys.readouterr()
    state = delivery.up(weight=30)
    lines = capsys.readouterr().out.splitlines()
    assert state["approved_weight"] == 30
    assert sum(line.startswith("podinfo 10 -> 30: soaking, 1s left, ") for line in lines) >= 2
    assert lines[-1] == state["reason"]


def test_a_failed_revision_stays_at_0_until_it_or_retry_changes(delivery: Delivery, figures: Figures) -> None:
    """The same wish is no change and stays red; a raised `retry`, or a new revision, starts again at the first step."""
    figures.codes = {"500": 400}
    delivery.at(10).up(weight=30)
    assert delivery.up()["phase"] == "failed"
    assert delivery.up(weight=10)["approved_weight"] == 0
    again = delivery.up(retry=1)
    assert (again["approved_weight"], again["phase"], again["failed_revision"]) == (10, "progressing", "")
    other = delivery.up(revision=Z)
    assert (other["approved_weight"], other["canary_revision"]) == (10, Z)


def test_promotion_makes_the_canary_stable(delivery: Delivery) -> None:
    """After the last step has passed, stable becomes the canary's revision; the old one stays a subset for the run."""
    state = delivery.at(100).up(weight=0, stable_revision=Y)
    assert (state["phase"], state["stable_revision"], state["canary_revision"]) == ("promoted", Y, "")
    assert (state["approved_weight"], state["passed_revision"], state["previous_revisions"]) == (0, Y, [X])


def test_a_held_promotion_leaves_the_roles(delivery: Delivery, figures: Figures) -> None:
    """Without a verdict on the last step the canary keeps the traffic, whatever the inputs say of stable."""
    delivery.at(100)
    figures.codes = {}
    state = delivery.up(weight=0, stable_revision=Y)
    assert (state["approved_weight"], state["stable_revision"], state["canary_revision"]) == (100, X, Y)
    assert state["phase"] == "waiting"


def test_stable_changes_to_what_has_passed_or_with_a_reason(delivery: Delivery) -> None:
    """Any other image of stable is refused by `diff`; a reason allows it and is in the history."""
    delivery.at(10)
    line = (
        f"podinfo: 'stable' must stay {X} or become the canary that passed its last step, "
        f"unless 'reason' says why (got {Z})"
    )
    assert told(lambda: delivery.preview(weight=0, stable_revision=Z)) == line
    state = delivery.up(weight=0, stable_revision=Z, reason_given="an emergency")
    assert (state["stable_revision"], state["approved_weight"]) == (Z, 0)
    assert state["history"][-1]["override"] == "an emergency"


CHECKS = [
    ("off the plan", {"weight": 40}, "'weight' must be one of 0, 10, 30, 50, 100 (got 40)"),
    ("nothing to release", {"weight": 10, "revision": X}, "'weight' must be 0 while nothing is released (got 10)"),
]


@pytest.mark.parametrize(("fact", "wish", "line"), CHECKS, ids=[row[0] for row in CHECKS])
def test_what_needs_no_state_is_refused_by_check(
    delivery: Delivery, fact: str, wish: dict[str, Any], line: str
) -> None:
    """A check's failure is one line about `weight`."""
    with pytest.raises(AssertionError, match="must be"):
        delivery.preview(**wish)
    assert delivery.gate.failures == [line], fact


def test_a_preview_shows_the_wanted_weight(delivery: Delivery) -> None:
    """The checked inputs echo weight and revision, so that the routes of a preview have numbers and not unknowns."""
    shown = delivery.at(10).preview(weight=30)
    assert (shown["approved_weight"], shown["canary_revision"]) == (30, Y)


def test_a_run_that_was_cut_off_holds(delivery: Delivery, server: Loopback) -> None:
    """Killed between gate and routes, the next step waits: the weight that was approved may never have been live."""
    delivery.at(10).up(weight=30, killed=True)
    server.seen.clear()
    state = delivery.up(weight=50)
    assert (state["approved_weight"], state["phase"], server.seen) == (30, "waiting", [])
    assert state["reason"] == (
        "podinfo 30 -> 50: hold, the route at 30% was not confirmed, a run was cut off; it is applied now"
    )
    # That run has applied the routes, so the next one measures from there.
    assert delivery.aged().up()["approved_weight"] == 50


def test_the_window_begins_when_the_routes_were_applied(delivery: Delivery) -> None:
    """Not when the gate approved: what lay between did not have the weight yet."""
    state = delivery.at(10).aged(200).up(weight=30)
    assert state["measurements"][0]["window"] == pytest.approx(200 - GATE["warm_up"], abs=2)


def test_a_refresh_that_finds_a_fail_takes_the_traffic_back(delivery: Delivery, figures: Figures) -> None:
    """`read` gives approved_weight 0 and phase failed, and the run after it keeps that; other outputs stay."""
    delivery.at(30)
    figures.codes = {"200": 300, "500": 100}
    state = delivery.gate.refresh()
    assert (state["approved_weight"], state["phase"], state["failed_revision"]) == (0, "failed", Y)
    assert state["reason"].startswith("podinfo 30 -> 0: rolled back, success rate 75.00% < 99% (n=400, ")
    assert (state["gate"]["min_requests"], state["namespace"]) == (100, "test")
    assert delivery.up()["approved_weight"] == 0


def test_a_refresh_that_may_only_hold_turns_red(delivery: Delivery, figures: Figures) -> None:
    """`on_failure: hold` leaves the weight, on a schedule as in a run, and a schedule does not stay green over it."""
    delivery.at(30, gate={**GATE, "on_failure": "hold"})
    figures.codes = {"500": 400}
    before = dict(delivery.gate.outputs)
    state = delivery.gate.refresh()
    assert (state["approved_weight"], state["decision"]) == (30, before["decision"])
    assert (state["phase"], state["failed_revision"]) == ("failed", Y)


@pytest.mark.parametrize(
    "answer", [None, (200, b"<html>"), (503, {}), (200, {"status": "error"})], ids=["good", "nonsense", "down", "error"]
)
def test_a_refresh_without_a_fail_changes_nothing(
    delivery: Delivery, server: Loopback, answer: tuple[int, object] | None
) -> None:
    """Pass, insufficient and error leave the saved outputs as they are, to the letter."""
    delivery.at(30)
    if answer:
        server.give(answer)
    before = dict(delivery.gate.outputs)
    assert delivery.gate.refresh() == before


def test_a_refresh_at_0_asks_nobody(delivery: Delivery, server: Loopback) -> None:
    """Where no canary has traffic there is nothing to judge."""
    delivery.up()
    before = dict(delivery.gate.outputs)
    assert (delivery.gate.refresh(), server.seen) == (before, [])


PROVIDERS: list[type[dynamic.ResourceProvider]] = [MetricGateProvider, AppliedRouteProvider, StackVerdictProvider]


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_provider_is_saved_by_reference(kind: type[dynamic.ResourceProvider]) -> None:
    """What is in every state is the module's path and the class's name, no code: an edit causes no diff."""
    pickled = base64.b64decode(serialize_provider(kind()))
    assert len(pickled) < 120
    assert b"components.gate" in pickled
    assert kind.__name__.encode() in pickled
    assert not kind.serialize_as_secret_always


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            Refused("podinfo: 'weight' must be 0 (got 3)"),
            "weighbridge.errors.Refused: podinfo: 'weight' must be 0 (got 3)",
        ),
        (Halted("a 10 -> 30: hold, x"), "Halted: a 10 -> 30: hold, x"),
    ],
)
def test_an_error_is_shown_without_its_frames(error: Exception, text: str) -> None:
    """Once a provider is configured, the traceback that Pulumi shows is the error's own line and nothing else."""
    assert not hasattr(sys, "tracebacklimit")
    hosted(MetricGateProvider())
    try:
        raise error
    except (Refused, Halted):
        shown = traceback.format_exc()
    assert shown == f"{text}\n"
