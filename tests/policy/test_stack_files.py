"""The stack files that are there to be copied, as the whole program declares them, before the rules of the pack."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from rules import (
    gate_has_a_success_metric,
    gateways_speak_tls,
    weight_is_on_the_plan,
    weights_carry_a_decision,
    weights_follow_the_gate,
)

from docs.created import PICTURED, registered
from tests.components.recording import revealed
from tests.policy.stack_cases import GATE, GATEWAY, ROUTE, Reports, Resource, Stack

PER_RESOURCE: list[Any] = [
    weight_is_on_the_plan,
    gate_has_a_success_metric,
    weights_carry_a_decision,
    gateways_speak_tls,
]


@functools.cache
def declared(stack: str) -> list[Resource]:
    """A stack's resources as a policy sees them: with what they became beside what was asked for."""
    return [
        Resource(each.type, each.name, {**revealed(each.inputs), **revealed(dict(each.outputs))})
        for each in registered(stack)
    ]


@pytest.mark.parametrize("stack", PICTURED)
def test_no_rule_has_anything_against_it(stack: str) -> None:
    """A copy of it passes the pack as it stands, and what the rules are about is there."""
    resources = declared(stack)
    report = Reports()
    for resource in resources:
        for rule in PER_RESOURCE:
            rule(resource, report)
    over_all: Any = weights_follow_the_gate
    over_all(Stack(resources), report)
    assert report.lines == []
    assert {GATE, ROUTE, GATEWAY} <= {each.resource_type for each in resources}


@pytest.mark.parametrize("stack", PICTURED)
def test_a_rule_would_see_what_is_wrong_with_it(stack: str) -> None:
    """The same resources with plain HTTP on the Gateway are refused: what was shown to the rules is what they read."""
    report = Reports()
    speak_tls: Any = gateways_speak_tls
    for each in declared(stack):
        if each.resource_type == GATEWAY:
            servers: list[dict[str, Any]] = [{"hosts": ["*"], "port": {"protocol": "HTTP"}}]
            speak_tls(Resource(each.resource_type, each.name, each.given | {"spec": {"servers": servers}}), report)
    assert report.lines == ["istio-system/public: * must be served over TLS, plain HTTP may only redirect (got HTTP)"]
