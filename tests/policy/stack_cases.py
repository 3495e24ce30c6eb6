"""Resources of a stack as Pulumi shows them to a policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pulumi_policy.proxy import unknown_checking_proxy

from tests.unit.settings_cases import good
from weighbridge.mesh.objects import gateway_object
from weighbridge.routes import DECISION, Roles, virtual_service
from weighbridge.settings import load

GATE = "pulumi-python:dynamic/weighbridge:MetricGate"
ROUTE = "kubernetes:networking.istio.io/v1:VirtualService"
GATEWAY = "kubernetes:networking.istio.io/v1:Gateway"
HOST = "podinfo.test.svc.cluster.local"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How a text that a preview cannot know arrives."""


@dataclass
class Resource:
    """What a rule reads of a resource, both as the arguments of its own rule and as part of a stack."""

    resource_type: str
    name: str
    given: dict[str, Any]
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def props(self) -> Any:
        """Return the properties behind the proxy that Pulumi puts before them."""
        return unknown_checking_proxy(self.given)

    @property
    def urn(self) -> str:
        """Return the name under which a violation is filed."""
        return f"urn:pulumi:lab::weighbridge::{self.resource_type}::{self.name}"

    def get_config(self) -> dict[str, Any]:
        """Return the rule's configuration."""
        return self.config


def gateway(**section: Any) -> Resource:
    """Return the Gateway that a section `gateway` makes, with TLS unless it says otherwise."""
    raw = {"adopt": {}, "hosts": ["*.example.com"], "tls": {"secret": "mine"}} | section
    settings = load(good() | {"gateway": {key: value for key, value in raw.items() if value is not None}}).gateway
    assert settings
    return Resource(GATEWAY, "gateway-gateway", gateway_object(settings))


@dataclass
class Stack:
    """What a rule reads of a stack."""

    resources: list[Resource]
    config: dict[str, Any] = field(default_factory=dict)

    def get_config(self) -> dict[str, Any]:
        """Return the rule's configuration."""
        return self.config


class Reports:
    """Collects what a rule reports."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.urns: list[str | None] = []

    def __call__(self, line: str, urn: str | None = None) -> None:
        """Take one violation, as Pulumi does."""
        self.lines.append(line)
        self.urns.append(urn)


def gate(**keys: Any) -> Resource:
    """Return the gate of the good release at 10%, with some properties changed."""
    inputs = {
        "release": "podinfo",
        "namespace": "test",
        "revision": "c",
        "stable_revision": "s",
        "weight": 10.0,
        "steps": [{"weight": float(weight), "soak": None} for weight in (10, 30, 50, 100)],
        "skip": None,
        "reason": None,
        "retry": 0.0,
        "gate": load(good()).releases["podinfo"].gate.model_dump(mode="json"),
    }
    outputs = {"approved_weight": 10.0, "canary_revision": "c", "decision": "d-1", "phase": "progressing"}
    return Resource(GATE, "podinfo-gate", inputs | outputs | keys)


def route(weight: int = 10, decision: str = "d-1") -> Resource:
    """Return the VirtualService that Weighbridge itself writes."""
    written = virtual_service(load(good()).releases["podinfo"], Roles("s", "c", weight), decision)
    return Resource(ROUTE, "podinfo-routes", written)


def by_hand(spec: dict[str, Any], kind: str = ROUTE, namespace: str = "test", decision: str = "") -> Resource:
    """Return a VirtualService that somebody wrote."""
    annotations = {"annotations": {DECISION: decision}} if decision else {}
    return Resource(kind, "mine", {"metadata": {"name": "mine", "namespace": namespace, **annotations}, "spec": spec})


def to(host: str, subset: str | None = None, weight: int | None = None) -> dict[str, Any]:
    """Return one destination."""
    destination = {"host": host} | ({"subset": subset} if subset else {})
    return {"destination": destination} | ({} if weight is None else {"weight": weight})
