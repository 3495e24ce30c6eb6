"""Providers as Pulumi's dynamic provider host calls them, and a gate with its record as the engine drives them.

The host is pulumi/dynamic/__main__.py: it unpickles the provider, configures it, and everything that goes in or comes
out crosses protobuf's Struct, so that numbers arrive as floats and a tuple is a list.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dill
from google.protobuf import json_format, struct_pb2
from pulumi import dynamic
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown
from pulumi.runtime import rpc

from components.gate import AppliedRouteProvider, MetricGateProvider
from weighbridge.state import timestamp

X, Y, Z = "xxxxxxxxxx", "yyyyyyyyyy", "zzzzzzzzzz"
STEPS: tuple[Mapping[str, Any], ...] = tuple({"weight": weight} for weight in (10, 30, 50, 100))
GATE: Mapping[str, Any] = {
    "metrics": {"request-success-rate": {"min": 99.0}, "request-duration": {"max": 0.5, "quantile": 0.99}},
    "soak": 60.0,
    "warm_up": 30.0,
    "interval": 10.0,
    "threshold": 1,
    "min_requests": 100,
    "wait": False,
    "on_failure": "rollback",
    "reporter": "destination",
    "share_tolerance": 100.0,
}
LONG = 500.0
"""Seconds, more than warm-up and soak together."""


def wire(props: Mapping[str, Any]) -> dict[str, Any]:
    """Properties after a passage through the engine; it drops a null, so one that stays away cannot be told from it."""
    given = {key: value for key, value in props.items() if value is not None}
    text = json.dumps(given, default=lambda each: rpc.UNKNOWN if isinstance(each, Unknown) else list(each))
    struct = json_format.Parse(text, struct_pb2.Struct())
    return dict(rpc.deserialize_properties(struct, keep_unknowns=True))


def unpickled(pickled: str) -> dynamic.ResourceProvider:
    """The provider in a resource's `__provider`."""
    provider: dynamic.ResourceProvider = dill.loads(base64.b64decode(pickled))  # noqa: S301  it is our own
    return provider


def hosted(provider: dynamic.ResourceProvider, config: Mapping[str, str] | None = None) -> dynamic.ResourceProvider:
    """The provider as the host has it: pickled by the program, unpickled and configured by the host."""
    there = unpickled(serialize_provider(provider))
    there.configure(dynamic.ConfigureRequest(config=dynamic.Config(dict(config or {}), "weighbridge")))
    return there


@dataclass
class Resource:
    """One dynamic resource under the engine: what is saved of it, and how a run brings it up to date.

    Attributes:
        provider: its provider.
        inputs: checked ones of the last run.
        outputs: {} before it is created.
        failures: of the last check.
    """

    provider: dynamic.ResourceProvider
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def check(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The checked inputs."""
        checked = self.provider.check(wire(self.inputs), wire(inputs))
        self.failures = [each.reason for each in checked.failures]
        assert not self.failures, self.failures
        return wire(checked.inputs)

    def diff(self, checked: Mapping[str, Any]) -> bool:
        """Whether there is something to do; the old outputs are what a provider sees."""
        return bool(self.provider.diff(self.id, wire(self.outputs), wire(checked)).changes)

    def preview(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs that a preview shows: the checked inputs' echo where there is something to do."""
        checked = self.check(inputs)
        return checked if not self.outputs or self.diff(checked) else self.outputs

    def up(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Bring it up to date; gives the outputs, which are saved."""
        checked = self.check(inputs)
        if not self.outputs:
            made = self.provider.create(wire(checked))
            self.id, self.outputs = str(made.id), wire(made.outs or {})
        elif self.diff(checked):
            updated = self.provider.update(self.id, wire(self.outputs), wire(checked))
            self.outputs = wire(updated.outs or {})
        self.inputs = checked
        return self.outputs

    def refresh(self) -> dict[str, Any]:
        """Read it."""
        read = self.provider.read(self.id, wire(self.outputs))
        self.outputs = wire(read.outs or {})
        return self.outputs


class Delivery:
    """A release's gate and the record of its routes, driven run by run against a Prometheus at an address."""

    def __init__(self, url: str | None, config: Mapping[str, str] | None = None) -> None:
        self.gate = Resource(hosted(MetricGateProvider(), config))
        self.record = Resource(hosted(AppliedRouteProvider()))
        self.wish: dict[str, Any] = {
            "release": "podinfo",
            "namespace": "test",
            "revision": Y,
            "stable_revision": X,
            "weight": 0,
            "steps": list(STEPS),
            "retry": 0,
            "gate": dict(GATE),
        }
        if url:
            self.wish["prometheus"] = {"url": url, "timeout": 5.0, "retries": 0}

    @property
    def inputs(self) -> dict[str, Any]:
        """What the program declares of the gate: the wish, and what is saved of the routes."""
        return {**self.wish, "applied": {key: self.record.outputs[key] for key in ("decision", "at") if self.saved}}

    @property
    def saved(self) -> bool:
        """Whether routes have been applied."""
        return bool(self.record.outputs)

    def up(self, *, killed: bool = False, **wish: Any) -> dict[str, Any]:
        """A run with a changed wish; a killed one ends between gate and routes. A None takes a key away."""
        self.wish = {key: value for key, value in {**self.wish, **wish}.items() if value is not None}
        state = self.gate.up(self.inputs)
        if not killed:
            self.record.up({"release": "podinfo", "decision": state["decision"]})
        return state

    def preview(self, **wish: Any) -> dict[str, Any]:
        """A preview with a changed wish, which is forgotten again."""
        return self.gate.preview({**self.inputs, **wish})

    def aged(self, seconds: float = LONG) -> Delivery:
        """The same delivery, when the live weight has been live for so long."""
        self.record.outputs["at"] = time.time() - seconds
        # The gate approves a moment before the routes are applied.
        self.gate.outputs["applied_at"] = timestamp(time.time() - seconds - 1)
        return self

    def at(self, weight: int, **wish: Any) -> Delivery:
        """The delivery with its canary live at a weight for long enough; the steps up to there have reasons."""
        self.up(weight=0, **wish)
        self.up(weight=10)
        if weight > 10:
            self.aged().up(weight=weight, skip=f"test at {weight}")
            self.wish.pop("skip")
        assert self.gate.outputs["approved_weight"] == weight, self.gate.outputs["reason"]
        return self.aged()
