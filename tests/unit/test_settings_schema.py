"""The JSON Schema of the settings, held against what `load` takes and refuses."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.unit.settings_cases import (
    BAD,
    FULL_METRICS,
    FULL_PROMETHEUS,
    FULL_ROUTE,
    FULL_TRAFFIC,
    FULL_WORKLOAD,
    P,
    changed,
)
from weighbridge.settings import Settings, load
from weighbridge.settings.schema import FILE, stack_schema, text


def test_the_committed_schema_is_that_of_the_models() -> None:
    """`python -m weighbridge.settings` writes it; whoever changes a model runs that."""
    assert FILE.read_text(encoding="utf-8") == text()


SCHEMA = jsonschema.Draft202012Validator(stack_schema())


def stack_file(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a stack file with the settings, and what other programs keep there."""
    config = {f"weighbridge:{key}": value for key, value in raw.items()}
    return {"encryptionsalt": "v1:abc", "config": {**config, "kubernetes:context": "dev"}}


def test_the_schema_takes_what_load_takes() -> None:
    """An editor does not underline a stack file that is right."""
    raw = changed(P + "workload", FULL_WORKLOAD)
    raw["releases"]["podinfo"] |= {"weight": "10", "hosts": ["*.example.com"], "gateways": ["istio-system/public"]}
    raw["releases"]["podinfo"] |= {
        "route": FULL_ROUTE,
        "traffic": FULL_TRAFFIC,
        "gate": {"soak": 0, "interval": "1.5s", "metrics": FULL_METRICS},
    }
    raw["prometheus"] = FULL_PROMETHEUS
    assert isinstance(load(raw), Settings)
    assert [error.message for error in SCHEMA.iter_errors(stack_file(raw))] == []


NOT_IN_SCHEMA = {
    "weight off the plan",
    "negative weight",
    "quoted weight off the plan",
    "steps falling",
    "the same step twice",
    "weight without a canary",
    "canary like stable",
    "weight without Prometheus",
    "timeout 0",
    "drain of a second and a half",
    "drain long",
    "interval of nothing",
    "deadline before min_ready",
    "autoscaling downwards",
    "autoscaling beside replicas",
    "autoscaling without a request",
    "autoscaling without the canary's request",
    "cluster without any",
    "two ways to match",
    "empty load balancer",
    "latency alone",
    "metrics empty",
    "address with a port too high",
    "address with half an IPv6 address",
    "bound that is not a number",
    "nothing but dry runs",
    "nothing but dry runs at the first step",
    "a query that is no PromQL",
    "a query that gives a range",
    "a query with an unknown variable",
    "a query without its argument",
    "a query with an open brace",
    "a query with an open quote",
    "an argument that would change the query",
    "a metric that nothing judges",
    "a range and a condition",
    "a range upside down",
    "a count beside a range",
    "a limit beside a range",
    "failures that nothing can exceed",
    "a condition that is none",
    "a condition that would run something",
    "an interval of a second and a half",
    "a starting step past the last",
    "weight of 5001 digits",
    "a name with a colon",
    "half a key pair",
    "a key pair and a token",
    "Google's token in clear",
    "Authorization as text, unseen",
    "a key as text, unseen",
    "a cookie spelt out as text, unseen",
    "a bearer under another name, unseen",
    "a header of HTTP's own",
    "the proxy's credentials",
    "a header twice",
    "two Authorizations",
    "two tenants",
    "a tenant's header without a tenant",
    "a tenant in a credential's header",
    "certificates for plain http",
    "a certificate without its key",
}
"""Rules over several keys, or finer than a pattern: `load` has them, a schema cannot."""


TOLD = [case for case in BAD if case[0] not in NOT_IN_SCHEMA and "newline" not in case[0] and "a number" not in case[0]]


@pytest.mark.parametrize(("where", "value"), [case[1:3] for case in TOLD], ids=[case[0] for case in TOLD])
def test_the_schema_refuses_what_load_refuses(where: str, value: object) -> None:
    """An editor underlines every mistake that a schema can tell; Python's `$`, not an editor's, lets a newline by."""
    assert not SCHEMA.is_valid(stack_file(changed(where, value)))
