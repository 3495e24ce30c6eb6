"""CanaryRelease: DestinationRule -> workloads -> gate -> VirtualService -> the record that it was applied.

The DestinationRule comes first: a proxy that hears of a route before it has the route's subset answers 503, and the
mesh takes its time with each. So a new subset is there while its pods still come up, which takes longer by far, and an
old one stays until a later run finds that no route names it any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscaler
from pulumi_kubernetes.core.v1 import Service

from components.gate import AppliedRoute, MetricGate
from components.saved import SavedRelease
from weighbridge import routes, workload
from weighbridge.goal import checked, wanted
from weighbridge.settings import Prometheus, Release, Track

_TOLD = 15
"""Seconds from a Deployment's progress deadline until the controller has said so, with room."""


_ONE_OWNER = {"pulumi.com/patchForce": "true"}
"""Whoever edited the routes by hand owns what they changed, and the API server would refuse to have it changed back: a
conflict must not block the way back of the traffic."""


@dataclass(frozen=True)
class CanaryReleaseArgs:
    """What a release is made from.

    Attributes:
        release: its settings.
        prometheus: that its gate asks; None where no gate has to ask yet.
        saved: what the saved state says of it.
        mesh_provider: of the API server that has the mesh's objects; None where it is the cluster's.
    """

    release: Release
    prometheus: Prometheus | None
    saved: SavedRelease
    mesh_provider: pulumi.ProviderResource | None = None


class CanaryRelease(pulumi.ComponentResource):
    """One service, delivered step by step.

    Stable and canary are roles: pointers to immutable workloads that are named by revision. A workload that no role
    points at any more leaves the program, so the engine deletes it last, and only in a run that ends green.

    Attributes:
        status: phase, live weight and the line that says why; for exports and for the stack's verdict.
    """

    status: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, args: CanaryReleaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the release.

        Args:
            name: of the release, and of its Kubernetes objects.
            args: see `CanaryReleaseArgs`.
            opts: Pulumi's options, with the cluster's provider.
        """
        super().__init__("weighbridge:index:CanaryRelease", name, None, opts)
        release = args.release
        service = _service(name, release, self)
        rule = _destination_rule(name, args, self)
        workloads: list[pulumi.Resource] = []
        for track in _tracks(release):
            workloads += _workload(name, release, track, self, depends_on=[rule])
        gate = _gate(name, args, self, depends_on=[service, *workloads])
        route = _virtual_service(name, args, gate, self, depends_on=[rule, service])
        AppliedRoute(
            f"{name}-applied",
            {
                "release": name,
                "decision": gate.decision,
                "revisions": [gate.stable_revision, gate.canary_revision],
            },
            pulumi.ResourceOptions(parent=self, depends_on=[route]),
        )
        self.status = pulumi.Output.all(
            phase=gate.phase, weight=gate.approved_weight, wanted=release.weight, reason=gate.reason
        )
        self.register_outputs({"status": self.status})


def _tracks(release: Release) -> Sequence[Track]:
    """The tracks that need a workload: a canary only while it is wanted to have traffic."""
    if release.canary is None or release.weight == 0:
        return [release.stable]
    return [release.stable, release.canary]


def _service(name: str, release: Release, parent: pulumi.Resource) -> Service:
    spec = workload.service(release)
    # Pulumi would wait for endpoints, but its pods come after it; readiness is awaited at the Deployments.
    metadata: Any = {**spec["metadata"], "annotations": {"pulumi.com/skipAwait": "true"}}
    opts = pulumi.ResourceOptions(parent=parent)
    return Service(f"{name}-service", opts, metadata=metadata, spec=spec["spec"])


def _workload(
    name: str, release: Release, track: Track, parent: pulumi.Resource, depends_on: Sequence[pulumi.Resource]
) -> list[pulumi.Resource]:
    """The Deployment of a track's revision, and its autoscaler where one is asked for."""
    spec, scaler = workload.deployment(release, track), workload.autoscaler(release, track)
    # The resource bears the revision's name as well: a role that moves on to another revision renames nothing.
    logical = f"{name}-{workload.revision(release, track)}"
    deployment = Deployment(
        logical,
        metadata=spec["metadata"],
        spec=spec["spec"],
        # The engine awaits as many pods as it makes it with, the autoscaler's least; from then on they are its own.
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(depends_on),
            ignore_changes=["spec.replicas"] if scaler else None,
            custom_timeouts=_patience(release),
        ),
    )
    if scaler is None:
        return [deployment]
    opts = pulumi.ResourceOptions(parent=parent, depends_on=[deployment])
    made = HorizontalPodAutoscaler(f"{logical}-autoscaler", metadata=scaler["metadata"], spec=scaler["spec"], opts=opts)
    return [deployment, made]


def _patience(release: Release) -> pulumi.CustomTimeouts:
    """The engine waits ten minutes for a Deployment, whatever its own deadline; it gets that and time to be told."""
    seconds = f"{int(release.workload.progress_deadline) + _TOLD}s"
    return pulumi.CustomTimeouts(create=seconds, update=seconds)


def _gate(
    name: str, args: CanaryReleaseArgs, parent: pulumi.Resource, depends_on: Sequence[pulumi.Resource]
) -> MetricGate:
    release, goal = args.release, wanted(args.release)
    props = {
        **checked(release),
        "release": name,
        "revision": goal.canary,
        "stable_revision": goal.stable,
        "weight": goal.weight,
        "retry": goal.retry,
        "applied": {key: each for key, each in args.saved.applied.items() if key != "revisions"},
        # What is not given is left out: the engine drops a null on its way into the state, and sees a change for ever.
        **({"skip": goal.skip} if goal.skip else {}),
        **({"reason_given": goal.reason} if goal.reason else {}),
        **({"prometheus": args.prometheus.inputs()} if args.prometheus else {}),
    }
    return MetricGate(f"{name}-gate", props, pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on)))


def _roles(gate: MetricGate) -> pulumi.Output[routes.Roles]:
    return pulumi.Output.all(
        gate.stable_revision, gate.canary_revision, gate.approved_weight, gate.previous_revisions
    ).apply(lambda all_: routes.Roles(all_[0], all_[1] or None, int(all_[2]), tuple(all_[3])))


def _mesh_options(
    args: CanaryReleaseArgs, parent: pulumi.Resource, depends_on: Sequence[pulumi.Resource]
) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(parent=parent, provider=args.mesh_provider, depends_on=list(depends_on))


def _destination_rule(name: str, args: CanaryReleaseArgs, parent: pulumi.Resource) -> CustomResource:
    """Every subset that the live routes name, and every one that this run's may name."""
    goal, state = wanted(args.release), args.saved.state
    candidate = goal.canary if goal.weight else None
    named = (state.stable_revision, state.canary_revision, *state.previous_revisions) if state else ()
    # What was last applied, besides: after runs that were cut off the live routes can be older than any decision.
    named = (*named, *args.saved.applied.get("revisions", ()))
    roles = routes.Roles(goal.stable, candidate, goal.weight, tuple(revision for revision in named if revision))
    rule = routes.destination_rule(args.release, roles)
    return CustomResource(
        f"{name}-destinations",
        api_version=rule["apiVersion"],
        kind=rule["kind"],
        metadata={**rule["metadata"], "annotations": _ONE_OWNER},
        spec=rule["spec"],
        opts=_mesh_options(args, parent, []),
    )


def _told(release: Release, gate: MetricGate) -> dict[str, pulumi.Input[str]]:
    """What the routes say of the gate's state, for `kubectl` and for the metrics of the releases."""
    return {
        routes.DECISION: gate.decision,
        routes.WEIGHT: gate.approved_weight.apply(routes.whole),
        routes.WANTED: routes.whole(release.weight),
        routes.PHASE: gate.phase,
        routes.CHANGED: gate.applied_at.apply(routes.unix_time),
        routes.STABLE_REVISION: gate.stable_revision,
        routes.CANARY_REVISION: gate.canary_revision,
    }


def _virtual_service(
    name: str,
    args: CanaryReleaseArgs,
    gate: MetricGate,
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource],
) -> CustomResource:
    fixed = routes.virtual_service(args.release, routes.Roles("", None, 0), "")
    return CustomResource(
        f"{name}-routes",
        api_version=fixed["apiVersion"],
        kind=fixed["kind"],
        # The decision is not known in a preview, the weights are: so they do not hang on one another.
        metadata={**fixed["metadata"], "annotations": {**_ONE_OWNER, **_told(args.release, gate)}},
        spec=_roles(gate).apply(lambda roles: routes.virtual_service(args.release, roles, "")["spec"]),
        opts=_mesh_options(args, parent, depends_on),
    )
