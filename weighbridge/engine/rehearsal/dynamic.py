"""Dynamic resources, through Pulumi's own provider host, so that providers are called just as on the real engine.

That gives them what the wire gives: floats, no secret marks, old outputs in `diff`, a process and a working folder of
their own, at most four calls at a time, and the text of a formatted traceback for whatever they raise.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from weighbridge.engine.rehearsal.goal import Goal, StepFailed
from weighbridge.engine.rehearsal.kinds import Change, Made, Reading
from weighbridge.engine.rehearsal.provider_host import ProviderHost
from weighbridge.engine.rehearsal.state import Record
from weighbridge.engine.rehearsal.values import Properties, from_struct, has_secret, is_secret, plain, secret, to_struct

PREFIX = "pulumi-python:dynamic"


class Dynamic:
    """Runs the providers that the program carries with it."""

    def __init__(self, host: ProviderHost, config: Mapping[str, str]) -> None:
        self._host = host
        self._config = dict(config)
        self._lock = threading.Lock()
        self._stub: Any = None

    def check(self, goal: Goal, old: Record | None) -> Properties:
        """Complete and validate the inputs."""
        olds = to_struct(plain(old.inputs) if old else {})
        request = provider_pb2.CheckRequest(urn=goal.urn, olds=olds, news=to_struct(plain(goal.inputs)))
        answer = self._call("Check", request)
        if answer.failures:
            # One line is what a person gets; the first failure is the first rule that was broken.
            raise StepFailed(answer.failures[0].reason)
        return _marked(answer.inputs, like=goal.inputs)

    def diff(self, goal: Goal, old: Record, inputs: Properties) -> Change:
        """Compare the inputs with those of the state."""
        request = provider_pb2.DiffRequest(
            id=old.id,
            urn=goal.urn,
            olds=to_struct(plain(old.outputs)),
            news=to_struct(plain(inputs)),
            old_inputs=to_struct(plain(old.inputs)),
        )
        answer = self._call("Diff", request)
        if answer.replaces:
            return Change.REPLACE_DELETING_FIRST if answer.deleteBeforeReplace else Change.REPLACE
        if answer.changes == provider_pb2.DiffResponse.DIFF_UNKNOWN:
            return Change.SAME if plain(old.inputs) == plain(inputs) else Change.UPDATE
        return Change.UPDATE if answer.changes == provider_pb2.DiffResponse.DIFF_SOME else Change.SAME

    def preview(self, goal: Goal, old: Record | None, inputs: Properties) -> Made:
        """Foresee the outputs."""
        # The real engine does not ask a dynamic provider either: it echoes the checked inputs.
        del goal
        return Made(old.id if old else "", inputs)

    def create(self, goal: Goal, inputs: Properties) -> Made:
        """Bring it into being."""
        request = provider_pb2.CreateRequest(urn=goal.urn, name=goal.name, properties=to_struct(plain(inputs)))
        answer = self._call("Create", request)
        return Made(answer.id, _marked(answer.properties, like=_like(goal, inputs)))

    def update(self, goal: Goal, old: Record, inputs: Properties) -> Made:
        """Change it in place."""
        request = provider_pb2.UpdateRequest(
            id=old.id,
            urn=goal.urn,
            olds=to_struct(plain(old.outputs)),
            news=to_struct(plain(inputs)),
            old_inputs=to_struct(plain(old.inputs)),
        )
        answer = self._call("Update", request)
        return Made(old.id, _marked(answer.properties, like=_like(goal, inputs)))

    def delete(self, old: Record) -> None:
        """Take it away."""
        request = provider_pb2.DeleteRequest(id=old.id, urn=old.urn, properties=to_struct(plain(old.outputs)))
        self._call("Delete", request)

    def read(self, old: Record) -> Reading | None:
        """Look at what is live."""
        request = provider_pb2.ReadRequest(
            id=old.id,
            urn=old.urn,
            properties=to_struct(plain(old.outputs)),
            inputs=to_struct(plain(old.inputs)),
        )
        answer = self._call("Read", request)
        if not answer.id:
            return None
        inputs = _marked(answer.inputs, like=old.inputs) if answer.HasField("inputs") else None
        return Reading(answer.id, _marked(answer.properties, like=old.outputs), inputs)

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._provider(), method)(request)
        except grpc.RpcError as error:
            raise StepFailed(_details(error)) from None

    def _provider(self) -> Any:
        """Connect to the host at the first call, and hand it the whole configuration as the real engine does."""
        with self._lock:
            if self._stub is None:
                channel = grpc.insecure_channel(self._host.address(), options=_GRPC_CHANNEL_OPTIONS)
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(args=to_struct(self._config)))
                self._stub = stub
            return self._stub


def _like(goal: Goal, inputs: Properties) -> Properties:
    return inputs | {key: secret(None) for key in goal.secret_outputs}


def _marked(struct: Any, *, like: Properties) -> Properties:
    """Read a provider's answer; a property that was secret as an input stays secret."""
    return {
        key: secret(value) if has_secret(like.get(key)) and not is_secret(value) else value
        for key, value in from_struct(struct).items()
    }


def _details(error: grpc.RpcError) -> str:
    details = getattr(error, "details", None)
    return str(details() if callable(details) else error)
