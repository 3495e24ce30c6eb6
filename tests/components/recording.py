"""Pulumi's mocks, which record what a program registers; dynamic resources run their real providers.

A declaration runs in a context and on an event loop of its own: Pulumi keeps its settings in context variables, so that
nothing of one test is left for the next.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, settings, stack
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs
from pulumi.runtime.stack import run_pulumi_func

from tests.components.wire import Resource, unpickled

PROJECT, STACK = "weighbridge", "test"
SECRET = "4dabf18193072939515e22adb298388d"
"""Pulumi's mark of a secret (and of the other special values) on the wire."""


MARK_OF_SECRET = "1b47061264138c4ac30d75fd1eb44270"
"""Which of them it is."""


@dataclass(frozen=True)
class Registered:
    """One resource as it was registered.

    Attributes:
        type: its token.
        name: its logical name.
        inputs: as they crossed the wire, marks of secrets and nulls included.
        parent: name of its parent, "" for the stack.
        provider: name of the provider that it was given, "" for the default one.
        depends_on: names of what it waits for, by option or by an input.
        ignores: paths of inputs whose change it is to ignore.
        outputs: what the engine saved.
        urn: its name in the state.
        protected: whether the engine refuses to delete it.
        secrets: outputs that are secret whatever the provider says.
        parent_urn: of its parent, "" for the stack.
        needs: URNs of what it waits for, and of its provider.
        custom: whether a provider stands behind it; a component has none.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    provider: str
    depends_on: frozenset[str]
    ignores: tuple[str, ...]
    outputs: Mapping[str, Any]
    urn: str = ""
    protected: bool = False
    secrets: tuple[str, ...] = ()
    parent_urn: str = ""
    needs: frozenset[str] = frozenset()
    custom: bool = True


class Cloud(Protocol):
    """What a cloud's provider would add to what the program asks for."""

    def computed(self, args: MockResourceArgs) -> Mapping[str, Any] | None:
        """The outputs that only the cloud knows, of a resource that is its own; None for any other."""

    def called(self, args: MockCallArgs) -> Mapping[str, Any] | None:
        """What a function answers; None for one that is not the cloud's."""


class Recording(MockMonitor, pulumi.runtime.Mocks):
    """The monitor and its mocks in one: requests have the options, mocks have the inputs.

    Args:
        saved: the dynamic resources of an earlier run, by name; brought up to date in place.
        cloud: knows what its resources are once they are made; in a preview nobody does.
        preview: whether this is one.
    """

    def __init__(self, saved: dict[str, Resource], cloud: Cloud | None = None, *, preview: bool = False) -> None:
        super().__init__(self)
        self.saved = saved
        self.cloud = cloud
        self.preview = preview
        self.registered: list[Registered] = []
        self.described: dict[str, dict[str, Any]] = {}

    def call(self, args: MockCallArgs) -> Any:
        """Answer for the cloud, and that the stack has no saved state."""
        answer = self.cloud.called(args) if self.cloud else None
        if answer is not None:
            return answer
        if args.token != "pulumi:pulumi:readStackResourceOutputs":
            raise AssertionError(args.token)
        return {"name": args.args["stackName"], "outputs": {}}

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Run a dynamic resource's provider as the engine does; echo the inputs of any other."""
        pickled = args.inputs.get("__provider")
        computed = self.cloud.computed(args) if self.cloud else None
        if computed is not None:
            # In a preview the id, and whatever is not asked for, is unknown; but another stack's outputs are there.
            if self.preview and args.typ != "pulumi:pulumi:StackReference":
                return None, dict(args.inputs)
            return f"{args.name}-id", {**args.inputs, **computed}
        if pickled is None:
            return f"{args.name}-id", dict(args.inputs)
        inputs = {key: value for key, value in args.inputs.items() if key != "__provider"}
        # Not configured: that takes the frames off all tracebacks, and the SDK needs them in the program's process.
        resource = self.saved.setdefault(args.name, Resource(unpickled(pickled)))
        return f"{args.name}-id", resource.up(inputs)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the protocol's name
        """Register, and record."""
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            made = self.resources[answer.urn]
            self.registered.append(
                Registered(
                    request.type,
                    request.name,
                    json_format.MessageToDict(request.object),
                    _name(request.parent),
                    _name(request.provider.rpartition("::")[0]),
                    frozenset(_name(urn) for urn in request.dependencies),
                    tuple(request.ignoreChanges),
                    made.state,
                    _urn(answer.urn),
                    request.protect,
                    tuple(request.additionalSecretOutputs),
                    _urn(request.parent) if _name(request.parent) else "",
                    frozenset(map(_urn, (*request.dependencies, request.provider.rpartition("::")[0]))) - {""},
                    request.custom,
                )
            )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802  the protocol's name
        """Keep the outputs of components, and the stack's."""
        # The mocks register the stack's own, which are none, at any time: before the program's or after them.
        self.described.setdefault(_name(request.urn), {}).update(json_format.MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class Stack:
    """What a declaration has registered, by name.

    Attributes:
        all: every resource that was made, in the order in which they were.
        error: what ended the run, if it ended red; what was made until then stays.
        outputs: of the stack, as they crossed the wire.
    """

    def __init__(
        self, registered: list[Registered], error: Exception | None, outputs: Mapping[str, Any] | None = None
    ) -> None:
        self.all = registered
        self.error = error
        self.outputs = outputs or {}

    def __getitem__(self, name: str) -> Registered:
        """The one resource with a name that is no component."""
        (found,) = [each for each in self.all if each.name == name and not each.type.startswith("weighbridge:index:")]
        return found

    def of(self, kind: str) -> list[Registered]:
        """The resources of a type, by the last part of its token."""
        return [each for each in self.all if each.type.rpartition(":")[2] == kind]

    def waits_for(self, name: str) -> set[str]:
        """Names of all that has to be there before a resource, over as many steps as it takes."""
        found: set[str] = set()
        todo = {name}
        while todo:
            more = {
                dependency
                for each in self.all
                if each.name in todo and not each.type.startswith("weighbridge:index:")
                for dependency in each.depends_on
            }
            todo = more - found
            found |= more
        return found


def declare(
    program: Callable[[], None],
    saved: dict[str, Resource],
    *,
    preview: bool = False,
    cloud: Cloud | None = None,
    monitor: Recording | None = None,
) -> Stack:
    """Run a program under the mocks; gives what it registered.

    Args:
        program: declares resources.
        saved: the dynamic resources of an earlier run, by name.
        preview: whether it is one.
        cloud: what its resources become.
        monitor: the mocks, where a test has its own.
    """
    monitor = monitor or Recording(saved, cloud, preview=preview)
    error = contextvars.copy_context().run(_run, program, monitor, preview=preview)
    return Stack(monitor.registered, error, monitor.described.get("", {}))


def _run(program: Callable[[], None], monitor: Recording, *, preview: bool) -> Exception | None:
    # The loop comes before the mocks: a loop made later hangs for ever.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # A red run leaves tasks whose error nobody takes; told when they are collected, in the middle of something else.
    loop.set_exception_handler(lambda *_: None)
    # The one thing that set_mocks leaves as it is, and it holds what is left of a run that ended red.
    settings.SETTINGS.outputs = set()
    try:
        mocks.set_mocks(monitor, PROJECT, STACK, preview, monitor=monitor)
        loop.run_until_complete(run_pulumi_func(lambda: _with_outputs(program)))
    except Exception as error:  # noqa: BLE001  a red run is what some tests are about
        return error
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()
    return None


def _with_outputs(program: Callable[[], None]) -> None:
    """Run a program, and register what it exports; the mocks would leave that out."""
    program()
    root = settings.get_root_resource()
    if isinstance(root, stack.Stack):
        root.register_outputs(dict(root.outputs))


def is_secret(value: Any) -> bool:
    """Whether a value that crossed the wire is marked as a secret."""
    return isinstance(value, Mapping) and value.get(SECRET) == MARK_OF_SECRET


def revealed(value: Any) -> Any:
    """A value that crossed the wire, without the marks of secrets in it."""
    if is_secret(value):
        return revealed(value["value"])
    if isinstance(value, Mapping):
        return {key: revealed(part) for key, part in value.items()}
    return [revealed(part) for part in value] if isinstance(value, list) else value


def urn_of(resource: Registered) -> str:
    """The name by which a state knows a resource of a release."""
    return f"urn:pulumi:{STACK}::{PROJECT}::weighbridge:index:CanaryRelease${resource.type}::{resource.name}"


def _urn(urn: str) -> str:
    """A URN as the engine has it: the stack's own type is left out, which the mocks put in."""
    return urn.replace("pulumi:pulumi:Stack$", "")


def _name(urn: str) -> str:
    return "" if urn.startswith(f"urn:pulumi:{STACK}::{PROJECT}::pulumi:pulumi:Stack::") else urn.rpartition("::")[2]
