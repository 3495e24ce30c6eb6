"""The SDK's own test monitor, with live operations behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.mocks import MockCallArgs, MockEngine, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2

from weighbridge.engine.protocol import Line
from weighbridge.engine.rehearsal.dynamic import PREFIX as DYNAMIC
from weighbridge.engine.rehearsal.dynamic import Dynamic
from weighbridge.engine.rehearsal.goal import STACK, Goal, StepFailed, make_urn, read_goal
from weighbridge.engine.rehearsal.kinds import Bookkeeping, Kind
from weighbridge.engine.rehearsal.objects import PREFIX as KUBERNETES
from weighbridge.engine.rehearsal.objects import PROVIDER, Clusters, Objects
from weighbridge.engine.rehearsal.provider_host import ProviderHost
from weighbridge.engine.rehearsal.run import Run
from weighbridge.engine.rehearsal.state import Checkpoint, Record, state_path
from weighbridge.engine.rehearsal.values import Properties, from_struct, to_struct

STACK_RESOURCES = "pulumi:pulumi:readStackResourceOutputs"


HELM = "kubernetes:helm.sh/"
_HELM_RULE = "a Helm release needs the real Pulumi engine (`--engine pulumi`), as a rehearsal makes Kubernetes objects"


class Rooms:
    """Finds the kind of a resource by its type token."""

    def __init__(self, checkpoint: Checkpoint, host: ProviderHost, config: dict[str, str]) -> None:
        ambient = {key.removeprefix(KUBERNETES): value for key, value in config.items() if key.startswith(KUBERNETES)}
        clusters = Clusters(checkpoint.records, ambient)
        self._bookkeeping = Bookkeeping()
        self._rooms: tuple[tuple[str, Kind], ...] = (
            (DYNAMIC, Dynamic(host, config)),
            (PROVIDER, clusters),
            (KUBERNETES, Objects(clusters)),
            ("pulumi:providers:", self._bookkeeping),
        )

    def of(self, resource: Goal | Record) -> Kind:
        """Give the room; raises `StepFailed` for a type that only the real engine can do."""
        if not resource.custom:
            return self._bookkeeping
        if resource.type.startswith(HELM):
            raise StepFailed(f"{resource.name}: {_HELM_RULE}")
        for prefix, room in self._rooms:
            if resource.type.startswith(prefix):
                return room
        raise StepFailed(f"{resource.name}: resources of type '{resource.type}' need the real Pulumi engine")


class _NoMocks(Mocks):
    """The monitor answers by itself; nothing is made up."""

    def call(self, args: MockCallArgs) -> Any:
        raise StepFailed(f"function '{args.token}' needs the real Pulumi engine")

    def new_resource(self, args: MockResourceArgs) -> Any:
        raise StepFailed(f"{args.name}: reading a '{args.typ}' needs the real Pulumi engine")


class Monitor(MockMonitor):
    """Turns what the program registers into steps of a run."""

    def __init__(self, run: Run, project_dir: Path, project: str, stack: str) -> None:
        super().__init__(_NoMocks())
        self._run = run
        self._folder = project_dir
        self._project = project
        self._stack = stack
        self.outputs: Properties = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Name a resource as the real engine does."""
        return make_urn(self._stack, self._project, parent, type_, name)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the protocol's name
        """Bring one resource to what the program asks for."""
        goal = self._noted(lambda: read_goal(request, self._stack, self._project))
        made = self._run.register(goal)
        return resource_pb2.RegisterResourceResponse(urn=goal.urn, id=made.id, object=to_struct(made.outputs))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep a component's outputs with it, and the stack's until the run is green."""
        outputs = from_struct(request.outputs)
        if f"::{STACK}::" in request.urn:
            self.outputs = outputs
        else:
            self._run.describe(request.urn, outputs)
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Refuse in one line."""
        return self._noted(
            lambda: super(Monitor, self).ReadResource(request)  # type: ignore[no-untyped-call]
        )

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Answer what the engine itself answers: the resources of a stack, as its state has them."""
        if request.tok != STACK_RESOURCES:
            return self._noted(
                lambda: super(Monitor, self).Invoke(request)  # type: ignore[no-untyped-call]
            )
        name = str(from_struct(request.args).get("stackName", ""))
        result = {"name": name, "outputs": self._noted(lambda: self._resources(name.rpartition("/")[2]))}
        return resource_pb2.ResourceInvokeResponse(**{"return": to_struct(result)})

    def _resources(self, stack: str) -> Properties:
        path = state_path(self._folder, stack)
        if stack != self._stack and not path.exists():
            raise StepFailed(f"unknown stack '{stack}'")
        checkpoint = self._run.checkpoint if stack == self._stack else Checkpoint(path, saved=False)
        return {
            record.urn: {"type": record.type, "outputs": record.outputs} for record in list(checkpoint.records.values())
        }

    def _noted(self, answer: Callable[[], Any]) -> Any:
        """Note a failure that is no step's, so that it reaches the user as one line."""
        try:
            return answer()
        except Exception as error:
            self._run.fail(error)
            raise


class Log(MockEngine):
    """Passes the program's log lines on."""

    def __init__(self, say: Line) -> None:
        super().__init__(None)
        self._say = say

    def Log(self, request: Any) -> None:  # noqa: N802
        """Say a line; debugging lines are for the engine's developers."""
        prefix = {engine_pb2.WARNING: "warning: ", engine_pb2.ERROR: "error: "}.get(request.severity, "")
        if request.severity != engine_pb2.DEBUG:
            self._say(f"{prefix}{request.message.strip()}")
