"""CanaryRelease, ExistingCluster and the stack's verdict: what they register, by meaning, with the real providers."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

import pulumi
import pytest

from components import saved
from components.cluster.existing import ExistingCluster, ExistingClusterArgs
from components.gate import StackVerdict
from components.release import CanaryRelease, CanaryReleaseArgs
from tests.components.recording import SECRET, Registered, Stack, declare, urn_of
from tests.components.wire import LONG, Resource
from tests.loopback import Figures, Loopback
from weighbridge import workload
from weighbridge.settings import load
from weighbridge.state import timestamp

STABLE, CANARY, NEXT = ({"image": f"ghcr.io/stefanprodan/podinfo:6.7.{patch}"} for patch in range(3))
PODINFO: dict[str, Any] = {
    "namespace": "test",
    "port": 9898,
    "stable": STABLE,
    "canary": CANARY,
    "hosts": ["p.example"],
    # The server knows the canary's requests only.
    "gate": {"share_tolerance": 100},
}
ISTIO = {"VirtualService", "DestinationRule"}


class Program:
    """The program's middle, run after run on one saved state: a cluster, releases, a verdict."""

    def __init__(self, prometheus: str) -> None:
        self._prometheus = prometheus
        self._dynamic: dict[str, Resource] = {}
        self._outputs: dict[str, dict[str, Any]] = {}
        self.releases: dict[str, dict[str, Any]] = {"podinfo": dict(PODINFO)}

    def up(self, *, preview: bool = False, red: bool = False, **podinfo: Any) -> Stack:
        """A run with changed settings of `podinfo`, which has to end green or red."""
        self.releases["podinfo"] |= podinfo
        # A preview must not be remembered, so it works on a copy.
        dynamic = json_copy(self._dynamic) if preview else self._dynamic
        stack = declare(self._declare, dynamic, preview=preview)
        assert bool(stack.error) == red, stack.error
        if not preview:
            self._outputs = {urn_of(each): dict(each.outputs) for each in stack.all}
        return stack

    def aged(self) -> Program:
        """The same program, when the live weights have been live for long enough."""
        for each in self._dynamic.values():
            for key, value in (("at", time.time() - LONG), ("applied_at", timestamp(time.time() - LONG))):
                if key in each.outputs:
                    each.outputs[key] = value
        self._outputs = {
            urn: self._dynamic[urn.rpartition("::")[2]].outputs if urn.rpartition("::")[2] in self._dynamic else outputs
            for urn, outputs in self._outputs.items()
        }
        return self

    def revision(self, track: str) -> str:
        """The revision that a track of `podinfo` has now."""
        release = load(self._raw).releases["podinfo"]
        return workload.revision(release, getattr(release, track))

    @property
    def _raw(self) -> dict[str, Any]:
        return {
            "cluster": {"kind": "existing"},
            "prometheus": {"url": self._prometheus, "retries": 0},
            "releases": self.releases,
        }

    def _declare(self) -> None:
        settings = load(self._raw)
        args = ExistingClusterArgs("kube.yaml", "dev", "mesh.yaml", "mesh")
        cluster = ExistingCluster("cluster", args)
        releases = {
            name: CanaryRelease(
                name,
                CanaryReleaseArgs(
                    release, settings.prometheus, saved.release(self._outputs, name), cluster.mesh_provider
                ),
                pulumi.ResourceOptions(provider=cluster.provider),
            )
            for name, release in settings.releases.items()
        }
        StackVerdict(
            "verdict",
            {name: {"phase": each.status["phase"], "reason": each.status["reason"]} for name, each in releases.items()},
            pulumi.ResourceOptions(depends_on=list(releases.values())),
        )


def json_copy(dynamic: dict[str, Resource]) -> dict[str, Resource]:
    return {
        name: Resource(each.provider, each.id, dict(each.inputs), dict(each.outputs)) for name, each in dynamic.items()
    }


@pytest.fixture
def program(server: Loopback, figures: Figures) -> Program:
    """A program that has not run yet, whose gates ask the server."""
    del figures
    return Program(server.url)


def named(resources: list[Registered]) -> set[str]:
    return {each.name for each in resources}


def subsets(stack: Stack) -> set[str]:
    """The subsets that the DestinationRule has."""
    return {each["name"] for each in stack["podinfo-destinations"].inputs["spec"]["subsets"]}


def weights(stack: Stack) -> dict[str, int]:
    """What the VirtualService gives to each subset."""
    (http,) = stack["podinfo-routes"].inputs["spec"]["http"]
    return {each["destination"]["subset"]: each["weight"] for each in http["route"]}


def test_at_weight_0_only_stable_has_a_workload(program: Program) -> None:
    """A canary that is set but not wanted yet costs no pod."""
    stack = program.up(weight=0)
    assert named(stack.of("Deployment")) == {f"podinfo-{program.revision('stable')}"}
    assert weights(stack) == {program.revision("stable"): 100}


def test_at_a_weight_both_tracks_have_one(program: Program) -> None:
    """Stable and canary run side by side, each named by its revision, resource and object alike."""
    stack = program.up(weight=10)
    stable, canary = program.revision("stable"), program.revision("canary")
    workloads = {each.name: each.inputs["metadata"]["name"] for each in stack.of("Deployment")}
    assert workloads == {name: name for name in (f"podinfo-{stable}", f"podinfo-{canary}")}
    assert weights(stack) == {stable: 90, canary: 10}


def test_a_promotion_is_no_second_rollout(program: Program) -> None:
    """The promoted stack declares the canary's Deployment under the same name with the same inputs, and no other."""
    program.releases["podinfo"]["steps"] = [10]
    program.up(weight=0)
    name = f"podinfo-{program.revision('canary')}"
    before = program.up(weight=10)[name]
    promoted = program.aged().up(weight=0, stable=CANARY)
    assert named(promoted.of("Deployment")) == {name}
    assert promoted[name].inputs == before.inputs
    assert weights(promoted) == {program.revision("stable"): 100}
    assert promoted["podinfo-gate"].outputs["phase"] == "promoted"


def test_an_autoscaler_stands_between_its_workload_and_the_gate(program: Program) -> None:
    """Each revision has one, and later runs leave the number of its pods alone; without one they do not."""
    cpu = {"resources": {"requests": {"cpu": "100m"}}}
    fixed = program.up(weight=10, workload=cpu)
    assert {each.ignores for each in fixed.of("Deployment")} == {()}
    stack = program.up(workload={**cpu, "autoscaling": {"min": 2, "max": 3}})
    for track in ("stable", "canary"):
        name = f"podinfo-{program.revision(track)}"
        deployment, autoscaler = stack[name], stack[f"{name}-autoscaler"]
        assert deployment.ignores == ("spec.replicas",)
        assert deployment.inputs["spec"]["replicas"] == autoscaler.inputs["spec"]["minReplicas"] == 2
        assert autoscaler.inputs["metadata"] == deployment.inputs["metadata"]
        assert autoscaler.inputs["spec"]["scaleTargetRef"]["name"] == deployment.inputs["metadata"]["name"]
        assert (autoscaler.type.rpartition(":")[2], autoscaler.parent) == ("HorizontalPodAutoscaler", "podinfo")
        assert name in autoscaler.depends_on
        assert {name, autoscaler.name} <= stack["podinfo-gate"].depends_on


def test_the_order_of_a_release(program: Program) -> None:
    """Subsets, workloads, gate, routes, the record that they were applied, and the verdict: each waits for the last."""
    stack = program.up(weight=10)
    workloads = named(stack.of("Deployment"))
    assert len(workloads) == 2
    for each in workloads:
        assert "podinfo-destinations" in stack.waits_for(each)
    assert workloads | {"podinfo-service"} <= stack["podinfo-gate"].depends_on
    assert {"podinfo-gate", "podinfo-destinations", "podinfo-service"} <= stack["podinfo-routes"].depends_on
    assert "podinfo-routes" in stack["podinfo-applied"].depends_on
    assert "podinfo-applied" in stack.waits_for("verdict")
    order = [each.name for each in stack.all]
    assert order.index("podinfo-gate") < order.index("podinfo-routes") < order.index("podinfo-applied")
    assert order[-1] == "verdict"


def test_no_ones_edit_of_the_routes_blocks_their_way_back(program: Program) -> None:
    """The mesh's objects are written even where somebody else wrote to them since: a conflict is no reason to stop."""
    stack = program.up(weight=10)
    for name in ("podinfo-destinations", "podinfo-routes"):
        assert stack[name].inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"


def test_nothing_of_a_release_is_routed_before_its_gate(program: Program) -> None:
    """The gate itself waits for nothing that carries traffic."""
    stack = program.up(weight=10)
    assert not {"podinfo-routes", "podinfo-applied", "verdict"} & stack.waits_for("podinfo-gate")


WALK: list[tuple[str, dict[str, Any]]] = [
    ("start", {"weight": 10}),
    ("advance", {"weight": 30}),
    ("another revision", {"weight": 10, "canary": NEXT}),
    ("way back", {"weight": 0}),
    ("back again", {"weight": 10, "canary": CANARY}),
    ("stable replaced", {"weight": 0, "stable": NEXT, "reason": "an emergency"}),
]


def test_no_route_ever_names_a_subset_that_is_not_there(program: Program) -> None:
    """In every run the DestinationRule has each subset that the old and the new VirtualService name."""
    before = weights(program.up(weight=0))
    for fact, change in WALK:
        stack = program.aged().up(**change)
        after = weights(stack)
        assert set(before) | set(after) <= subsets(stack), fact
        before = after


def test_a_roll_back_finds_its_subsets(program: Program, figures: Figures) -> None:
    """The run that takes traffic back still has the canary's subset, which the live routes name until then."""
    program.up(weight=0)
    before = weights(program.up(weight=10))
    figures.codes = {"500": 400.0}
    stack = program.aged().up(weight=30, red=True)
    assert weights(stack) == {program.revision("stable"): 100}
    assert set(before) <= subsets(stack)


def test_the_routes_carry_the_decision(program: Program) -> None:
    """The VirtualService is annotated with the gate's decision, and the record of its application has the same."""
    stack = program.up(weight=10)
    decision = stack["podinfo-gate"].outputs["decision"]
    annotations = stack["podinfo-routes"].inputs["metadata"]["annotations"]
    assert annotations["weighbridge.dev/decision"] == decision
    assert stack["podinfo-applied"].outputs["decision"] == decision


def told(stack: Stack) -> dict[str, str]:
    """What the routes' annotations tell of the gate."""
    prefix = "weighbridge.dev/"
    annotations = stack["podinfo-routes"].inputs["metadata"]["annotations"]
    return {key.removeprefix(prefix): value for key, value in annotations.items() if key.startswith(prefix)}


def test_the_routes_tell_the_gates_state(program: Program, figures: Figures) -> None:
    """Weight, wish, phase, time of the approval and both revisions, as text, and the same again while nothing changes."""
    assert told(program.up(weight=0)).items() >= {"weight": "0", "phase": "idle", "canary-revision": ""}.items()
    stack = program.up(weight=10)
    outputs = stack["podinfo-gate"].outputs
    approved = str(int(datetime.fromisoformat(outputs["applied_at"]).timestamp()))
    assert told(stack) == {
        "decision": outputs["decision"],
        "weight": "10",
        "wanted-weight": "10",
        "phase": "progressing",
        "changed": approved,
        "stable-revision": program.revision("stable"),
        "canary-revision": program.revision("canary"),
    }
    assert told(program.up()) == told(stack)
    figures.codes = {"200": 3.0}
    held = told(program.aged().up(weight=30, red=True))
    assert (held["weight"], held["wanted-weight"], held["phase"]) == ("10", "30", "waiting")
    figures.codes = {"500": 400.0}
    failed = told(program.aged().up(red=True))
    assert (failed["weight"], failed["phase"], failed["canary-revision"]) == ("0", "failed", "")
    assert int(failed["changed"]) >= int(approved)


def test_the_next_gate_is_told_what_was_applied(program: Program) -> None:
    """The saved record comes back as an input of the gate: decision and time."""
    first = program.up(weight=0)
    assert first["podinfo-gate"].inputs["applied"] == {}
    second = program.up(weight=10)
    record = first["podinfo-applied"].outputs
    assert second["podinfo-gate"].inputs["applied"] == {"decision": record["decision"], "at": record["at"]}


@pytest.mark.parametrize(
    "extra", [{}, {"skip": "a reason"}, {"reason": "another"}, {"stable": {**STABLE, "drain": "3s"}}]
)
def test_the_gate_has_no_null_among_its_inputs(program: Program, extra: dict[str, Any]) -> None:
    """The engine drops a null on its way into the state and would see a change in each run."""
    stack = program.up(weight=10, **extra)
    assert "null" not in json.dumps(stack["podinfo-gate"].inputs)
    # And so the same program again is no change of the gate.
    before = dict(stack["podinfo-gate"].outputs)
    assert program.up()["podinfo-gate"].outputs == before


def test_no_input_is_a_secret(program: Program) -> None:
    """State, preview and evidence are readable, the pickled provider too; there is no secret that could be shown."""
    stack = program.up(weight=10, stable={**STABLE, "env": {"PASSWORD": "hunter2"}})
    for each in stack.all:
        assert SECRET not in json.dumps(dict(each.inputs))
    assert "hunter2" not in json.dumps([dict(each.inputs) for each in stack.of("MetricGate")])


def test_the_mesh_has_its_own_provider(program: Program) -> None:
    """Istio's objects go to the mesh's API server, and nothing else does."""
    stack = program.up(weight=10)
    kubernetes = [each for each in stack.all if each.type.startswith("kubernetes:")]
    at_mesh = {each.type.rpartition(":")[2] for each in kubernetes if each.provider == "cluster-mesh-provider"}
    at_cluster = {each.type.rpartition(":")[2] for each in kubernetes if each.provider == "cluster-provider"}
    assert (at_mesh, at_cluster) == (ISTIO, {"Deployment", "Service"})
    assert {each.inputs.get("kubeconfig") for each in stack.of("kubernetes")} == {"kube.yaml", "mesh.yaml"}


def test_a_cluster_without_a_mesh_of_its_own_has_one_provider() -> None:
    """Where the mesh lives in the cluster, both names mean one provider."""
    found: list[ExistingCluster] = []
    stack = declare(lambda: found.append(ExistingCluster("cluster", ExistingClusterArgs("kube.yaml"))), {})
    assert found[0].provider is found[0].mesh_provider
    assert len(stack.of("kubernetes")) == 1


def test_children_belong_to_their_release_and_bear_its_name(program: Program) -> None:
    """Every child's parent is the component, and its name begins with the component's."""
    stack = program.up(weight=10)
    children = [each for each in stack.all if each.parent == "podinfo"]
    assert {each.type.rpartition(":")[2] for each in children} == {
        *("Service", "Deployment", "MetricGate", "AppliedRoute"),
        *ISTIO,
    }
    assert all(each.name.startswith("podinfo-") for each in children)
    assert [(each.name, each.parent) for each in stack.of("CanaryRelease")] == [("podinfo", "")]


def test_objects_are_where_the_release_is(program: Program) -> None:
    """Namespace and name of every object are the release's, set and not left to a random suffix."""
    for each in program.up(weight=10).all:
        if each.type.startswith("kubernetes:"):
            metadata = each.inputs["metadata"]
            assert metadata["namespace"] == "test"
            assert metadata["name"].startswith("podinfo")


def test_two_releases_stand_side_by_side(program: Program) -> None:
    """Each has its own gate and routes, none waits for the other, and one verdict waits for both."""
    program.releases["backend"] = {**PODINFO, "hosts": [], "namespace": "prod", "weight": 0}
    stack = program.up(weight=10)
    assert stack["podinfo-gate"].outputs["approved_weight"] == 10
    assert stack["backend-gate"].outputs["approved_weight"] == 0
    assert not any(name.startswith("backend") for name in stack.waits_for("podinfo-applied"))
    assert {"podinfo-applied", "backend-applied"} <= stack.waits_for("verdict")
    (verdict,) = stack.of("StackVerdict")
    assert set(verdict.inputs["releases"]) == {"podinfo", "backend"}
    # The pods of two releases with one template are not one revision: the label `app` is part of it.
    assert not named(stack.of("Deployment")) & {"backend-" + program.revision("stable")}


def test_a_held_release_does_not_keep_another_from_its_routes(program: Program, figures: Figures) -> None:
    """The verdict is red after all routes were applied, with the line of the one that was held."""
    program.releases["backend"] = {**PODINFO, "hosts": [], "weight": 0}
    program.up(weight=0)
    program.up(weight=10)
    figures.codes = {"200": 3.0}
    program.releases["backend"]["weight"] = 10
    stack = program.aged().up(weight=30, red=True)
    backend = stack["backend-applied"].outputs["decision"]
    assert (stack["podinfo-gate"].outputs["phase"], backend) == ("waiting", stack["backend-gate"].outputs["decision"])
    assert str(stack.error).splitlines()[-1].startswith("podinfo 10 -> 30: hold, 3 of 100 requests needed")
    assert "backend" not in str(stack.error)


def test_a_preview_has_weights_and_no_unknown_route(program: Program) -> None:
    """The wanted weights are in the previewed routes; only the decision is not known yet."""
    program.up(weight=0)
    stack = program.up(preview=True, weight=10)
    assert weights(stack) == {program.revision("stable"): 90, program.revision("canary"): 10}
    assert "decision" not in json.dumps(stack["podinfo-routes"].inputs["spec"])
