"""Pulumi's mocks, which record what a program registers; dynamic resources run their real providers.

A declaration runs in a context and on an event loop of its own: Pulumi keeps its settings in context variables, so that
nothing of one test is left for the next.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, settings
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs
from pulumi.runtime.stack import run_pulumi_func

from tests.components.wire import Resource, unpickled

PROJECT, STACK = "weighbridge", "test"
SECRET = "4dabf18193072939515e22adb298388d"
"""Pulumi's mark of a secret (and of the other special values) on the wire."""


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
        protect: whether it must not be deleted.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    provider: str
    depends_on: frozenset[str]
    ignores: tuple[str, ...]
    outputs: Mapping[str, Any]
    protect: bool = False


class Recording(MockMonitor, pulumi.runtime.Mocks):
    """The monitor and its mocks in one: requests have the options, mocks have the inputs.

    Args:
        saved: the dynamic resources of an earlier run, by name; brought up to date in place.
    """

    def __init__(self, saved: dict[str, Resource]) -> None:
        super().__init__(self)
        self.saved = saved
        self.registered: list[Registered] = []

    def call(self, args: MockCallArgs) -> Any:
        """Answer the one function that the program asks: its stack has no saved state."""
        if args.token != "pulumi:pulumi:readStackResourceOutputs":
            raise AssertionError(args.token)
        return {"name": args.args["stackName"], "outputs": {}}

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Run a dynamic resource's provider as the engine does; echo the inputs of any other."""
        pickled = args.inputs.get("__provider")
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
                    request.protect,
                )
            )
        return answer


class Stack:
    """What a declaration has registered, by name.

    Attributes:
        all: every resource that was made, in the order in which they were.
        error: what ended the run, if it ended red; what was made until then stays.
    """

    def __init__(self, registered: list[Registered], error: Exception | None) -> None:
        self.all = registered
        self.error = error

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
    monitor: Recording | None = None,
) -> Stack:
    """Run a program under the mocks; gives what it registered.

    Args:
        program: declares resources.
        saved: the dynamic resources of an earlier run, by name.
        preview: whether it is one.
        monitor: the mocks, where a test has its own.
    """
    monitor = monitor or Recording(saved)
    error = contextvars.copy_context().run(_run, program, monitor, preview=preview)
    return Stack(monitor.registered, error)


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
        loop.run_until_complete(run_pulumi_func(program))
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


def urn_of(resource: Registered) -> str:
    """The name by which a state knows a resource of a release."""
    return f"urn:pulumi:{STACK}::{PROJECT}::weighbridge:index:CanaryRelease${resource.type}::{resource.name}"


def _name(urn: str) -> str:
    return "" if urn.startswith(f"urn:pulumi:{STACK}::{PROJECT}::pulumi:pulumi:Stack::") else urn.rpartition("::")[2]
