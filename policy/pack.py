"""The rules as Pulumi's policies: their names, what they say of themselves, and their configuration."""

from __future__ import annotations

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ResourceValidationPolicy,
    StackValidationPolicy,
)
from rules import (
    gate_has_a_success_metric,
    gateways_speak_tls,
    weight_is_on_the_plan,
    weights_carry_a_decision,
    weights_follow_the_gate,
)

NAME = "weighbridge"
LEVEL = EnforcementLevel.MANDATORY

POLICIES: list[Policy] = [
    ResourceValidationPolicy(
        name="weight-is-on-the-plan",
        description="A release's weight is 0 or that of a step, and no step is skipped.",
        validate=weight_is_on_the_plan,
        enforcement_level=LEVEL,
        config_schema=PolicyConfigSchema(
            properties={
                "allow_skip": {"type": "boolean", "default": False, "description": "Let `skip` with a reason pass."},
            },
        ),
    ),
    ResourceValidationPolicy(
        name="gate-has-a-success-metric",
        description="A gate asks for the success rate, with a bound that a failing canary cannot pass.",
        validate=gate_has_a_success_metric,
        enforcement_level=LEVEL,
        config_schema=PolicyConfigSchema(
            properties={
                "min_success_rate": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 100,
                    "default": 90,
                    "description": "Percent; the lowest bound that a gate may have.",
                },
                "min_requests": {
                    "type": "number",
                    "minimum": 1,
                    "default": 1,
                    "description": "The fewest requests that a gate may judge by.",
                },
            },
        ),
    ),
    ResourceValidationPolicy(
        name="weights-carry-a-decision",
        description="A VirtualService that divides requests names the gate's decision that it follows.",
        validate=weights_carry_a_decision,
        enforcement_level=LEVEL,
    ),
    ResourceValidationPolicy(
        name="gateways-speak-tls",
        description="An Istio Gateway serves nothing over plain HTTP but the way to HTTPS.",
        validate=gateways_speak_tls,
        enforcement_level=LEVEL,
        config_schema=PolicyConfigSchema(
            properties={
                "allow": {
                    "type": "array",
                    "items": {"type": "string"},
                    "default": [],
                    "description": "Gateways that may serve plain HTTP, each as `namespace/name`.",
                },
            },
        ),
    ),
    StackValidationPolicy(
        name="weights-follow-the-gate",
        description="Nothing in the stack writes weights past a gate.",
        validate=weights_follow_the_gate,
        enforcement_level=LEVEL,
    ),
]
