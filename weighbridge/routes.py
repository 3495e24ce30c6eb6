"""Weights as Istio objects: VirtualService and DestinationRule, as plain dicts.

A subset is a revision and bears its name. The DestinationRule holds every subset that the old and the new
VirtualService name, so that no request meets a subset that is not there, whichever of the two is applied first.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weighbridge.settings.release import Release

DECISION = "weighbridge.dev/decision"
"""Annotation with the id of the gate's decision by which the weights were written."""

WEIGHT = "weighbridge.dev/weight"
"""Annotation with the percent that the gate approved."""

WANTED = "weighbridge.dev/wanted-weight"
"""Annotation with the percent that the stack file asks for."""

PHASE = "weighbridge.dev/phase"
"""Annotation with where the release is: see `weighbridge.plan.Phase`."""

CHANGED = "weighbridge.dev/changed"
"""Annotation with the Unix time, whole seconds, at which the weight was approved: the decision's own time."""

STABLE_REVISION = "weighbridge.dev/stable-revision"
"""Annotation with the revision that has the rest of the traffic."""

CANARY_REVISION = "weighbridge.dev/canary-revision"
"""Annotation with the revision that has the weight; "" where none has."""

MESH = "mesh"
"""Istio's name for all the sidecars."""

_API = "networking.istio.io/v1"


@dataclass(frozen=True)
class Roles:
    """Which revision plays which part, and how much of the traffic the canary gets.

    Attributes:
        stable: the revision that gets what the canary does not.
        canary: the candidate's revision, or None.
        weight: percent of the requests for the canary, 0 to 100.
        previous: revisions that the live routes named before this move.
    """

    stable: str
    canary: str | None
    weight: int
    previous: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 100:  # noqa: PLR2004  percent
            raise ValueError(f"'weight' must be from 0 to 100 (got {self.weight})")
        if self.weight and self.canary is None:
            raise ValueError(f"'weight' must be 0 while there is no canary (got {self.weight})")


def subsets(roles: Roles) -> tuple[str, ...]:
    """Return every revision that a route names or named a moment ago, sorted."""
    return tuple(sorted({roles.stable, *roles.previous} | ({roles.canary} if roles.canary else set())))


def service_host(release: Release) -> str:
    """Return the full name of the release's Service in the mesh."""
    return f"{release.name}.{release.namespace}.svc.cluster.local"


def destination_rule(release: Release, roles: Roles) -> dict[str, Any]:
    """Build the DestinationRule: one subset per revision, and the release's traffic policy over all of them."""
    policy = release.traffic.for_istio()
    mode = policy.pop("tlsMode", None)
    policy |= {"tls": {"mode": mode}} if mode else {}
    spec: dict[str, Any] = {
        "host": service_host(release),
        "subsets": [{"name": revision, "labels": {"version": revision}} for revision in subsets(roles)],
    }
    return _object("DestinationRule", release, {}, spec | ({"trafficPolicy": policy} if policy else {}))


def virtual_service(release: Release, roles: Roles, decision: str) -> dict[str, Any]:
    """Build the VirtualService with the weights of the roles.

    The weights are on one route, `primary`. When the release gives `route.match`, they hold for the requests that
    match. What does not match is routed by a second route, `rest`, to stable alone and unchanged, as if there were
    no canary, but only inside the mesh, where nobody else owns the Service's name and a request without a route
    would be a 404. On a gateway it is left to the host's other VirtualServices.

    Args:
        release: names, hosts, gateways and route options.
        roles: revisions and the canary's weight.
        decision: id of the gate's decision, kept as an annotation.
    """
    primary = {"name": "primary", **release.route.for_istio(), "route": _destinations(release, roles)}
    rest = {
        "name": "rest",
        "match": [{"gateways": [MESH]}],
        "route": [_destination(release, roles.stable, 100)],
    }
    spec = {
        "hosts": list(dict.fromkeys((service_host(release), *release.hosts))),
        "gateways": [MESH, *release.gateways],
        "http": [primary, rest] if release.route.match else [primary],
    }
    return _object("VirtualService", release, {DECISION: decision}, spec)


def whole(number: float) -> str:
    """Write a number that is whole, and comes back from the state as a float, as an annotation has it."""
    return str(int(number))


def unix_time(moment: str) -> str:
    """Write a moment of the gate's (ISO 8601) as whole seconds of Unix time: Kubernetes' annotations are text."""
    return whole(dt.datetime.fromisoformat(moment).timestamp())


def _destinations(release: Release, roles: Roles) -> list[dict[str, Any]]:
    """Return one destination where one revision gets everything, else stable's and the canary's."""
    if roles.canary is None or roles.weight == 0 or roles.canary == roles.stable:
        return [_destination(release, roles.stable, 100)]
    canary = _destination(release, roles.canary, roles.weight)
    rest = 100 - roles.weight
    return [_destination(release, roles.stable, rest), canary] if rest else [canary]


def _destination(release: Release, revision: str, weight: int) -> dict[str, Any]:
    return {"destination": {"host": service_host(release), "subset": revision}, "weight": weight}


def _object(kind: str, release: Release, annotations: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": release.name, "namespace": release.namespace, "labels": {"app": release.name}}
    return {
        "apiVersion": _API,
        "kind": kind,
        "metadata": metadata | ({"annotations": annotations} if annotations else {}),
        "spec": spec,
    }
