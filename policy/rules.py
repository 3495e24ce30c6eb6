"""The rules, each a plain function of what is judged and of `report`, by which it tells what is wrong.

weight_is_on_the_plan        a gate's weight is 0 or a step's, steps rise, and none is skipped
gate_has_a_success_metric    a gate asks for a success rate, with bounds that mean something
weights_carry_a_decision     a VirtualService that divides requests names the decision it follows
weights_follow_the_gate      ... and that decision is the gate's, and so are the weights
gateways_speak_tls           an Istio Gateway serves nothing over plain HTTP but the way to HTTPS
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Protocol

from reading import (
    DECISION,
    UNKNOWN,
    at,
    full_host,
    is_gate,
    is_gateway,
    is_virtual_service,
    is_weighted,
    items,
    number,
    splits,
)

Report = Callable[..., None]
SUCCESS = "request-success-rate"
PLAIN = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")
"""Protocols of a Gateway's server that anybody on the way can read."""


class Resource(Protocol):
    """A resource in a stack, with its outputs."""

    resource_type: str
    props: Mapping[str, Any]
    urn: str
    name: str


class ResourceArgs(Resource, Protocol):
    """A resource that is about to be declared, with its inputs."""

    def get_config(self) -> Mapping[str, Any]:
        """Return the rule's configuration."""


class StackArgs(Protocol):
    """All resources of a stack."""

    resources: list[Any]

    def get_config(self) -> Mapping[str, Any]:
        """Return the rule's configuration."""


def weight_is_on_the_plan(args: ResourceArgs, report: Report) -> None:
    """Refuse a weight that no step has, steps that do not rise, and a reason to skip one (`allow_skip`)."""
    if not is_gate(args.resource_type):
        return
    release, weight = at(args.props, "release"), at(args.props, "weight")
    steps = [at(step, "weight") for step in items(args.props, "steps")]
    if UNKNOWN in (weight, *steps):
        return
    if not steps or not all(_between(step, 1, 100) for step in steps) or any(b <= a for a, b in pairwise(steps)):
        report(f"{release}: 'steps' must rise strictly within 1 to 100 (got {', '.join(map(number, steps)) or 'none'})")
    if weight not in [0, *steps]:
        allowed = ", ".join(map(number, [0, *steps]))
        report(f"{release}: 'weight' must be one of {allowed} (got {number(weight)})")
    if at(args.props, "skip") and not args.get_config().get("allow_skip", False):
        report(f"{release}: 'skip' must not be used, steps are taken one by one (got {at(args.props, 'skip')!r})")


def gate_has_a_success_metric(args: ResourceArgs, report: Report) -> None:
    """Refuse a gate that would pass a failing canary (`min_success_rate`, percent) or ask too few (`min_requests`)."""
    if not is_gate(args.resource_type):
        return
    config, release = args.get_config(), at(args.props, "release")
    least, requests = config.get("min_success_rate", 90), config.get("min_requests", 1)
    bound = at(args.props, "gate", "metrics", SUCCESS, "min")
    if at(args.props, "gate", "metrics", SUCCESS) is None:
        names = ", ".join(at(args.props, "gate", "metrics") or {}) or "none"
        report(f"{release}: 'gate.metrics' must hold {SUCCESS!r} (got {names})")
    elif bound is not UNKNOWN and not _between(bound, least, 100):
        report(f"{release}: '{SUCCESS}.min' must be from {number(least)} to 100 (got {number(bound)})")
    elif at(args.props, "gate", "metrics", SUCCESS, "dry_run") is True:
        report(f"{release}: '{SUCCESS}.dry_run' must be false, as it would fail no canary (got true)")
    found = at(args.props, "gate", "min_requests")
    if found is not UNKNOWN and not _between(found, requests, float("inf")):
        report(f"{release}: 'gate.min_requests' must be {number(requests)} or more (got {number(found)})")


def weights_carry_a_decision(args: ResourceArgs, report: Report) -> None:
    """Refuse a VirtualService that divides requests without naming the gate's decision: it was written by hand."""
    if not is_virtual_service(args.resource_type) or not any(map(is_weighted, splits(args.props))):
        return
    if not at(args.props, "metadata", "annotations", DECISION):
        report(f"{args.name}: weights must come from a gate, and name its decision in {DECISION!r} (got none)")


def gateways_speak_tls(args: ResourceArgs, report: Report) -> None:
    """Refuse a Gateway that serves over plain HTTP, but for those that are named in `allow` (`namespace/name`)."""
    if not is_gateway(args.resource_type):
        return
    place = f"{at(args.props, 'metadata', 'namespace') or 'default'}/{at(args.props, 'metadata', 'name')}"
    if place in args.get_config().get("allow", []):
        return
    for server in items(args.props, "spec", "servers"):
        protocol = at(server, "port", "protocol")
        if protocol in PLAIN and at(server, "tls", "httpsRedirect") is not True:
            hosts = ", ".join(map(str, items(server, "hosts"))) or "its hosts"
            report(f"{place}: {hosts} must be served over TLS, plain HTTP may only redirect (got {protocol})")


def weights_follow_the_gate(args: StackArgs, report: Report) -> None:
    """Refuse every way past a gate that a VirtualService of the stack can take to a release's requests."""
    gates = {_service(each): each for each in args.resources if is_gate(each.resource_type)}
    for route in args.resources:
        if is_virtual_service(route.resource_type):
            for line in _faults(route, gates):
                report(f"{route.name}: {line}", route.urn)


def _faults(route: Resource, gates: Mapping[str, Resource]) -> list[str]:
    """Return what is wrong with one VirtualService, in words."""
    namespace = at(route.props, "metadata", "namespace")
    hosts = [full_host(host, namespace) for host in items(route.props, "spec", "hosts")]
    parts = [part for split in splits(route.props) for part in split]
    targets = [full_host(at(part, "destination", "host"), namespace) for part in parts]
    touched = list(dict.fromkeys(host for host in (*hosts, *targets) if host in gates))
    if not touched:
        made_up = any(map(is_weighted, splits(route.props)))
        return ["weights must come from a gate, and no gate of the stack is for its hosts"] if made_up else []
    if len(touched) > 1:
        return [f"must route to one release, not to several (got {', '.join(touched)})"]
    gate = gates[touched[0]]
    return _wrong_decision(route, gate) or _wrong_weights(route, gate)


def _wrong_decision(route: Resource, gate: Resource) -> list[str]:
    named, made = at(route.props, "metadata", "annotations", DECISION), at(gate.props, "decision")
    if not named:
        return [f"routes {at(gate.props, 'release')} past its gate, without a decision in {DECISION!r}"]
    if UNKNOWN in (named, made) or made is None or named == made:
        return []
    return [f"{DECISION!r} must be the gate's decision {made!r} (got {named!r})"]


def _wrong_weights(route: Resource, gate: Resource) -> list[str]:
    """Compare what leaves stable on each route with what the gate approved."""
    approved, stable = at(gate.props, "approved_weight"), at(gate.props, "stable_revision")
    if not isinstance(approved, (int, float)) or not isinstance(stable, str):
        return []
    wrong = []
    for split in splits(route.props):
        away = [part for part in split if at(part, "destination", "subset") not in (stable, UNKNOWN)]
        weights = [at(part, "weight") for part in away]
        share = sum(100 if weight is None else weight for weight in weights if weight is not UNKNOWN)
        if away and UNKNOWN not in weights and share not in (0, approved):
            wrong.append(f"{number(share)}% leave stable, where the gate approved {number(approved)}%")
    return wrong


def _service(gate: Resource) -> str:
    host: str = full_host(at(gate.props, "release"), at(gate.props, "namespace"))
    return host


def _between(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and low <= value <= high
