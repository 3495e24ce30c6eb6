"""The rules of the policy pack, each with what passes and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from rules import (
    gate_has_a_success_metric,
    gateways_speak_tls,
    weight_is_on_the_plan,
    weights_carry_a_decision,
    weights_follow_the_gate,
)

from tests.policy.stack_cases import GATEWAY, HOST, UNKNOWN, Reports, Resource, Stack, by_hand, gate, gateway, route, to


def lines(rule: Any, args: Resource | Stack) -> list[str]:
    """Return what a rule reports."""
    report = Reports()
    rule(args, report)
    return report.lines


PER_RESOURCE = [weight_is_on_the_plan, gate_has_a_success_metric, weights_carry_a_decision, gateways_speak_tls]


@pytest.mark.parametrize("rule", PER_RESOURCE)
@pytest.mark.parametrize(
    "resource", [gate(), route(), gate(weight=0.0), gateway(), Resource("kubernetes:core/v1:Secret", "x", {})]
)
def test_what_weighbridge_declares_keeps_every_rule(rule: Any, resource: Resource) -> None:
    """Nothing is reported of a release in mid-walk, nor of a resource that no rule is about."""
    assert lines(rule, resource) == []


def steps(*weights: float | None) -> list[dict[str, float | None]]:
    """Return a plan."""
    return [{"weight": weight} for weight in weights]


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"weight": 40.0}, "podinfo: 'weight' must be one of 0, 10, 30, 50, 100 (got 40)"),
        ({"weight": None}, "podinfo: 'weight' must be one of 0, 10, 30, 50, 100 (got None)"),
        ({"steps": steps(10, None)}, "podinfo: 'steps' must rise strictly within 1 to 100 (got 10, None)"),
        ({"weight": 0.0, "steps": []}, "podinfo: 'steps' must rise strictly within 1 to 100 (got none)"),
        ({"steps": steps(10, 10)}, "podinfo: 'steps' must rise strictly within 1 to 100 (got 10, 10)"),
        ({"steps": steps(10, 110)}, "podinfo: 'steps' must rise strictly within 1 to 100 (got 10, 110)"),
        ({"skip": "hurry"}, "podinfo: 'skip' must not be used, steps are taken one by one (got 'hurry')"),
    ],
)
def test_a_weight_off_the_plan_is_refused(keys: dict[str, Any], line: str) -> None:
    """A weight that no step has, steps that do not rise, and a skipped step are each told in one line."""
    assert lines(weight_is_on_the_plan, gate(**keys)) == [line]


def test_a_team_may_let_a_skip_with_a_reason_pass() -> None:
    """`allow_skip` is for those who want the way out."""
    skipping = gate(skip="hurry")
    skipping.config = {"allow_skip": True}
    assert lines(weight_is_on_the_plan, skipping) == []


def checks(**keys: Any) -> dict[str, Any]:
    """Return a gate's checks with some changed."""
    found: dict[str, Any] = gate().given["gate"] | keys
    return {"gate": found}


LATENCY = {"request-duration": {"max": 0.5}}


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (checks(metrics=LATENCY), "podinfo: 'gate.metrics' must hold 'request-success-rate' (got request-duration)"),
        (checks(metrics={}), "podinfo: 'gate.metrics' must hold 'request-success-rate' (got none)"),
        ({"gate": None}, "podinfo: 'gate.metrics' must hold 'request-success-rate' (got none)"),
        (
            checks(metrics={"request-success-rate": {"min": 50.0}}),
            "podinfo: 'request-success-rate.min' must be from 90 to 100 (got 50)",
        ),
        (
            checks(metrics={"request-success-rate": {"min": 101.0}}),
            "podinfo: 'request-success-rate.min' must be from 90 to 100 (got 101)",
        ),
        (
            checks(metrics={"request-success-rate": {"min": 99.0, "dry_run": True}}),
            "podinfo: 'request-success-rate.dry_run' must be false, as it would fail no canary (got true)",
        ),
        (checks(min_requests=0.0), "podinfo: 'gate.min_requests' must be 1 or more (got 0)"),
    ],
)
def test_a_gate_without_a_success_metric_is_refused(keys: dict[str, Any], line: str) -> None:
    """No success rate, one that anything passes or that only reports, and a verdict on nothing are each told."""
    assert line in lines(gate_has_a_success_metric, gate(**keys))


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"min_success_rate": 99.9}, "podinfo: 'request-success-rate.min' must be from 99.9 to 100 (got 99)"),
        ({"min_requests": 500}, "podinfo: 'gate.min_requests' must be 500 or more (got 100)"),
    ],
)
def test_a_team_may_raise_the_bounds(config: dict[str, Any], line: str) -> None:
    """Both bounds are the team's."""
    strict = gate()
    strict.config = config
    assert lines(gate_has_a_success_metric, strict) == [line]


SPLIT = {"hosts": ["other"], "http": [{"route": [to("other", "a", 90), to("other", "b", 10)]}]}
ONE_SUBSET = {"hosts": ["other"], "http": [{"route": [to("other", "a")]}]}
PLAIN = {"hosts": ["other"], "http": [{"route": [to("other")]}]}
TCP_SPLIT = {"hosts": ["other"], "tcp": [{"route": [to("a", None, 50), to("b", None, 50)]}]}


@pytest.mark.parametrize("spec", [SPLIT, ONE_SUBSET, TCP_SPLIT])
@pytest.mark.parametrize("kind", ["v1:VirtualService", "v1beta1:VirtualService", "v1:VirtualServicePatch"])
def test_weights_by_hand_are_refused(spec: dict[str, Any], kind: str) -> None:
    """A VirtualService that divides requests without a decision is told, before it is applied."""
    mine = by_hand(spec, f"kubernetes:networking.istio.io/{kind}")
    line = "mine: weights must come from a gate, and name its decision in 'weighbridge.dev/decision' (got none)"
    assert lines(weights_carry_a_decision, mine) == [line]


@pytest.mark.parametrize("rule", [weights_carry_a_decision])
def test_routes_that_divide_nothing_are_nobodys_business(rule: Any) -> None:
    """A VirtualService with one whole destination needs no gate."""
    assert lines(rule, by_hand(PLAIN)) == []


@pytest.mark.parametrize(
    "resources",
    [
        [gate(), route()],
        [gate(approved_weight=0.0), route(0)],
        [gate(approved_weight=100.0), route(100)],
        [gate(decision=UNKNOWN), route(decision=UNKNOWN)],
        [gate(decision=UNKNOWN), route(decision="d-0")],
        [gate(approved_weight=UNKNOWN), route(30)],
        [gate(), route(), by_hand(PLAIN)],
        [],
    ],
)
def test_routes_that_follow_their_gate_pass(resources: list[Resource]) -> None:
    """Nothing is reported while the routes are the gate's, or where a preview cannot know it yet."""
    assert lines(weights_follow_the_gate, Stack(resources)) == []


PAST = "mine: routes podinfo past its gate, without a decision in 'weighbridge.dev/decision'"


@pytest.mark.parametrize(
    ("resources", "line"),
    [
        ([by_hand(SPLIT)], "mine: weights must come from a gate, and no gate of the stack is for its hosts"),
        (
            [by_hand(SPLIT, decision="x")],
            "mine: weights must come from a gate, and no gate of the stack is for its hosts",
        ),
        ([gate(), by_hand({"hosts": [HOST], "http": [{"route": [to("other")]}]})], PAST),
        ([gate(), by_hand({"hosts": ["podinfo"], "http": [{"route": [to("other")]}]})], PAST),
        ([gate(), by_hand({"hosts": ["a.example"], "http": [{"route": [to("podinfo.test")]}]}, namespace="x")], PAST),
        ([gate(), by_hand({"hosts": ["a.example"], "http": [{"route": [to(HOST, "c")]}]}, namespace="x")], PAST),
        (
            [gate(), route(decision="d-0")],
            "podinfo-routes: 'weighbridge.dev/decision' must be the gate's decision 'd-1' (got 'd-0')",
        ),
        ([gate(), route(60)], "podinfo-routes: 60% leave stable, where the gate approved 10%"),
        ([gate(), route(100)], "podinfo-routes: 100% leave stable, where the gate approved 10%"),
        (
            [gate(), by_hand({"hosts": [HOST], "http": [{"route": [to(HOST)]}]}, decision="d-1")],
            "mine: 100% leave stable, where the gate approved 10%",
        ),
        (
            [gate(), gate(release="b"), by_hand({"hosts": [HOST], "http": [{"route": [to("b")]}]}, decision="d-1")],
            f"mine: must route to one release, not to several (got {HOST}, b.test.svc.cluster.local)",
        ),
    ],
)
def test_every_way_past_a_gate_is_refused(resources: list[Resource], line: str) -> None:
    """Weights by hand, another owner of a release's host, a stale decision, and a weight that no gate approved."""
    assert lines(weights_follow_the_gate, Stack(resources)) == [line]


def test_a_violation_is_filed_under_the_route() -> None:
    """The user sees which resource it is about."""
    report, mine = Reports(), by_hand(SPLIT)
    weights_follow_the_gate(Stack([gate(), mine]), report)
    assert report.urns == [mine.urn]


PLAIN_LINE = "istio-system/public: *.example.com must be served over TLS, plain HTTP may only redirect (got HTTP)"


@pytest.mark.parametrize("section", [{"tls": None, "insecure": True}, {"redirect": False}])
def test_a_gateway_that_serves_plain_http_is_refused(section: dict[str, Any]) -> None:
    """Without TLS at all, and beside it; what settings let through because it was said, a team may still refuse."""
    assert lines(gateways_speak_tls, gateway(**section)) == [PLAIN_LINE]


def test_a_team_may_let_a_gateway_serve_plain_http() -> None:
    """`allow` has its name; another one's helps nothing."""
    plain = gateway(tls=None, insecure=True)
    plain.config = {"allow": ["istio-system/public"]}
    assert lines(gateways_speak_tls, plain) == []
    plain.config = {"allow": ["istio-system/other"]}
    assert lines(gateways_speak_tls, plain) == [PLAIN_LINE]


def test_a_gateway_of_which_a_preview_knows_little_is_let_through() -> None:
    """What is not known yet is judged in the run."""
    assert lines(gateways_speak_tls, Resource(GATEWAY, "g", {"metadata": {"name": "g"}, "spec": UNKNOWN})) == []


def test_a_redirect_that_is_switched_off_is_none() -> None:
    """`httpsRedirect: false` serves plain HTTP as if the key were not there."""
    off = gateway()
    off.given["spec"]["servers"][0]["tls"]["httpsRedirect"] = False
    assert lines(gateways_speak_tls, off) == [PLAIN_LINE]
