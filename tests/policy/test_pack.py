"""The pack as Pulumi's engine meets it: a process that says its port and answers over gRPC."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from tests.policy.stack_cases import UNKNOWN, Resource, by_hand, gate, route, to

POLICY = Path(__file__).parents[2] / "policy"
NAMES = [
    "weight-is-on-the-plan",
    "gate-has-a-success-metric",
    "weights-carry-a-decision",
    "gateways-speak-tls",
    "weights-follow-the-gate",
]


@pytest.fixture(scope="module")
def pack() -> Iterator[Any]:
    """Return a client of the running pack, started from its own folder as the engine does."""
    with subprocess.Popen([sys.executable, "-u", str(POLICY)], cwd=POLICY, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
        server.kill()


def struct(given: dict[str, Any]) -> struct_pb2.Struct:
    """Return properties as they travel."""
    return json_format.ParseDict(given, struct_pb2.Struct())


def analyze(pack: Any, resource: Resource) -> list[tuple[str, str]]:
    """Return which policies find what in one resource."""
    request = analyzer_pb2.AnalyzeRequest(
        type=resource.resource_type, name=resource.name, urn=resource.urn, properties=struct(resource.given)
    )
    return said(pack.Analyze(request))


def analyze_stack(pack: Any, *resources: Resource) -> list[tuple[str, str]]:
    """Return which policies find what in a stack."""
    all_ = [
        analyzer_pb2.AnalyzerResource(
            type=each.resource_type, name=each.name, urn=each.urn, properties=struct(each.given)
        )
        for each in resources
    ]
    return said(pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=all_)))


def said(response: Any) -> list[tuple[str, str]]:
    """Return policy and line of each violation; all of them stop the run."""
    assert all(each.enforcementLevel == analyzer_pb2.MANDATORY for each in response.diagnostics)
    return [(each.policyName, each.message.splitlines()[-1]) for each in response.diagnostics]


def test_the_pack_loads_from_its_own_folder_and_names_its_policies(pack: Any) -> None:
    """It needs nothing of the project; every policy is mandatory, and those with bounds say how to set them."""
    info = pack.GetAnalyzerInfo(empty_pb2.Empty())
    assert [policy.name for policy in info.policies] == NAMES
    assert {policy.enforcementLevel for policy in info.policies} == {analyzer_pb2.MANDATORY}
    assert [sorted(policy.configSchema.properties) for policy in info.policies] == [
        ["allow_skip"],
        ["min_requests", "min_success_rate"],
        [],
        ["allow"],
        [],
    ]


def test_a_release_passes_and_a_weight_off_the_plan_does_not(pack: Any) -> None:
    """The engine's own numbers, which are floats, are judged."""
    assert analyze(pack, gate()) == []
    line = "podinfo: 'weight' must be one of 0, 10, 30, 50, 100 (got 40)"
    assert analyze(pack, gate(weight=40.0)) == [("weight-is-on-the-plan", line)]


def test_a_stack_passes_in_preview_and_after_and_weights_by_hand_do_not(pack: Any) -> None:
    """A decision that a preview cannot know yet is no violation, and is not told as one that could not be judged."""
    assert analyze_stack(pack, gate(), route()) == []
    assert analyze(pack, route(decision=UNKNOWN)) == []
    assert analyze_stack(pack, gate(decision=UNKNOWN), route(decision=UNKNOWN)) == []
    mine = by_hand({"hosts": ["a"], "http": [{"route": [to("a", "x", 50), to("a", "y", 50)]}]})
    found = analyze(pack, mine) + analyze_stack(pack, gate(), route(), mine)
    assert [policy for policy, _ in found] == ["weights-carry-a-decision", "weights-follow-the-gate"]


def test_bounds_and_levels_can_be_configured(pack: Any) -> None:
    """A team's configuration reaches the rule."""
    bounds = analyzer_pb2.PolicyConfig(
        enforcementLevel=analyzer_pb2.MANDATORY, properties=struct({"min_success_rate": 99.5})
    )
    off = analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.DISABLED)
    config = {"gate-has-a-success-metric": bounds, "weight-is-on-the-plan": off}
    pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=config))
    line = "podinfo: 'request-success-rate.min' must be from 99.5 to 100 (got 99)"
    assert analyze(pack, gate(weight=40.0)) == [("gate-has-a-success-metric", line)]
