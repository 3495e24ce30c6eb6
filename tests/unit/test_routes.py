"""Routes: where the weights end up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.settings_cases import FULL_ROUTE, FULL_TRAFFIC, good
from weighbridge.routes import DECISION, Roles, destination_rule, subsets, virtual_service
from weighbridge.settings import Release, load

HOST = "podinfo.test.svc.cluster.local"
REVISION = st.text("0123456789abcdef", min_size=10, max_size=10)


def release(**keys: Any) -> Release:
    """Return the good release with some keys set."""
    raw = good()
    raw["releases"]["podinfo"] |= keys
    return load(raw).releases["podinfo"]


@st.composite
def moves(draw: st.DrawFn) -> Roles:
    """Return any roles that there can be."""
    canary = draw(st.none() | REVISION)
    weight = draw(st.integers(0, 100)) if canary else 0
    return Roles(draw(REVISION), canary, weight, tuple(draw(st.lists(REVISION, max_size=3))))


RELEASES = st.sampled_from([release(), release(route=FULL_ROUTE), release(hosts=["a.example"], gateways=["a/b"])])


def destinations(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the destinations of each route."""
    return [route["route"] for route in spec["http"]]


@given(RELEASES, moves())
def test_weights_always_sum_to_100(one: Release, roles: Roles) -> None:
    """Whatever the move is, each route's destinations share all of its requests, and none has nothing."""
    for split in destinations(virtual_service(one, roles, "d")["spec"]):
        assert sum(part["weight"] for part in split) == 100
        assert all(part["weight"] > 0 for part in split)


@given(RELEASES, moves())
def test_no_route_names_a_subset_that_is_not_there(one: Release, roles: Roles) -> None:
    """The DestinationRule has every subset of the new routes, and of those before the move."""
    named = {
        part["destination"]["subset"]
        for split in destinations(virtual_service(one, roles, "d")["spec"])
        for part in split
    }
    defined = [subset["name"] for subset in destination_rule(one, roles)["spec"]["subsets"]]
    assert named | set(roles.previous) <= set(defined)
    assert defined == sorted(set(defined)) == list(subsets(roles))


@given(RELEASES, moves())
def test_the_canary_gets_its_weight_and_nothing_else(one: Release, roles: Roles) -> None:
    """What the canary does not get is stable's; a revision that was routed before gets nothing."""
    primary = destinations(virtual_service(one, roles, "d")["spec"])[0]
    shares = {part["destination"]["subset"]: part["weight"] for part in primary}
    assert set(shares) <= {roles.stable, roles.canary}
    if roles.canary and roles.canary != roles.stable:
        assert shares.get(roles.canary, 0) == roles.weight


@pytest.mark.parametrize(
    ("weight", "shares"),
    [(0, [("s", 100)]), (1, [("s", 99), ("c", 1)]), (99, [("s", 1), ("c", 99)]), (100, [("c", 100)])],
)
def test_at_both_ends_there_is_one_destination(weight: int, shares: list[tuple[str, int]]) -> None:
    """At 0 only stable is routed, at 100 only the canary."""
    found = destinations(virtual_service(release(), Roles("s", "c", weight), "d")["spec"])
    assert found == [[{"destination": {"host": HOST, "subset": name}, "weight": share} for name, share in shares]]


def test_a_promoted_revision_is_one_destination() -> None:
    """When the canary's revision is stable's, there is nothing to weigh."""
    assert len(destinations(virtual_service(release(), Roles("s", "s", 30), "d")["spec"])[0]) == 1


def test_the_virtual_service_of_a_plain_release() -> None:
    """One named route, on the mesh and the gateways, with the decision that it follows."""
    plain = release(hosts=["podinfo.example.com"], gateways=["istio-system/public"])
    assert virtual_service(plain, Roles("s", None, 0), "d-1") == {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {
            "name": "podinfo",
            "namespace": "test",
            "labels": {"app": "podinfo"},
            "annotations": {DECISION: "d-1"},
        },
        "spec": {
            "hosts": [HOST, "podinfo.example.com"],
            "gateways": ["mesh", "istio-system/public"],
            "http": [{"name": "primary", "route": [{"destination": {"host": HOST, "subset": "s"}, "weight": 100}]}],
        },
    }


def test_route_options_have_istios_spelling_and_names_of_headers_stay() -> None:
    """Keys become camelCase and durations protobuf's, but a header is the user's own word."""
    primary = virtual_service(release(route=FULL_ROUTE), Roles("s", None, 0), "d")["spec"]["http"][0]
    del primary["route"]
    assert primary == {
        "name": "primary",
        "match": [{"uri": {"prefix": "/api"}, "headers": {"x-user": {"exact": "a"}}, "ignoreUriCase": True}],
        "rewrite": {"uri": "/"},
        "retries": {"attempts": 3, "perTryTimeout": "1.5s", "retryOn": "5xx,reset"},
        "timeout": "10s",
        "corsPolicy": {"allowOrigins": [{"exact": "https://a.example"}], "allowMethods": ["GET"], "maxAge": "3600s"},
        "headers": {
            "request": {"set": {"x_Some-Header": "1"}, "remove": ["x-b"]},
            "response": {"add": {"x-c": "2"}},
        },
    }


def test_what_does_not_match_stays_with_stable_inside_the_mesh() -> None:
    """A match must not turn the Service's other requests into 404s, nor take a gateway's from other routes."""
    matched = release(route={"match": [{"uri": {"prefix": "/api"}}]})
    rest = virtual_service(matched, Roles("s", "c", 30), "d")["spec"]["http"][1]
    assert rest == {
        "name": "rest",
        "match": [{"gateways": ["mesh"]}],
        "route": [{"destination": {"host": HOST, "subset": "s"}, "weight": 100}],
    }


def test_the_traffic_policy_has_istios_spelling() -> None:
    """Every traffic setting arrives in the DestinationRule, and none makes no policy at all."""
    rule = destination_rule(release(traffic=FULL_TRAFFIC), Roles("s", "c", 30))
    assert rule["spec"] == {
        "host": HOST,
        "subsets": [{"name": "c", "labels": {"version": "c"}}, {"name": "s", "labels": {"version": "s"}}],
        "trafficPolicy": {
            "connectionPool": {
                "tcp": {
                    "maxConnections": 100,
                    "connectTimeout": "0.03s",
                    "tcpKeepalive": {"time": "7200s", "probes": 3},
                },
                "http": {"http1MaxPendingRequests": 10, "http2MaxRequests": 100, "h2UpgradePolicy": "UPGRADE"},
            },
            "loadBalancer": {"consistentHash": {"httpCookie": {"name": "user", "ttl": "0s"}}},
            "outlierDetection": {"consecutive5xxErrors": 7, "interval": "300s", "baseEjectionTime": "900s"},
            "tls": {"mode": "ISTIO_MUTUAL"},
        },
    }
    assert "trafficPolicy" not in destination_rule(release(), Roles("s", None, 0))["spec"]


@pytest.mark.parametrize(
    ("canary", "weight", "line"),
    [
        ("c", 101, "'weight' must be from 0 to 100 (got 101)"),
        ("c", -1, "'weight' must be from 0 to 100 (got -1)"),
        (None, 10, "'weight' must be 0 while there is no canary (got 10)"),
    ],
)
def test_roles_that_cannot_be_are_refused(canary: str | None, weight: int, line: str) -> None:
    """A weight is a percentage, and somebody has to have it."""
    with pytest.raises(ValueError, match="weight") as caught:
        Roles("s", canary, weight)
    assert str(caught.value) == line
