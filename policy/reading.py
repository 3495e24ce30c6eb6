"""Reads the properties that Pulumi hands to a rule: numbers are floats, and in a preview some are not known yet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy.proxy import UnknownValueError

GATE = "pulumi-python:dynamic/weighbridge:MetricGate"
DECISION = "weighbridge.dev/decision"
_ROUTE = re.compile(r"kubernetes:networking\.istio\.io/[^:]+:VirtualService(Patch)?")
_GATEWAY = re.compile(r"kubernetes:networking\.istio\.io/[^:]+:Gateway(Patch)?")

UNKNOWN = object()
"""Stands for a value that a preview cannot know."""


def is_gate(resource_type: str) -> bool:
    """Whether a type token is the gate's."""
    return resource_type == GATE


def is_virtual_service(resource_type: str) -> bool:
    """Whether a type token is that of an Istio VirtualService, in any version, or of a patch of one."""
    return bool(_ROUTE.fullmatch(resource_type))


def is_gateway(resource_type: str) -> bool:
    """Whether a type token is that of an Istio Gateway, in any version, or of a patch of one."""
    return bool(_GATEWAY.fullmatch(resource_type))


def at(props: Any, *path: str) -> Any:
    """Return the value at a path, None where there is none, UNKNOWN where a preview cannot know it."""
    value = props
    for key in path:
        if value is UNKNOWN or not isinstance(value, Mapping):
            return UNKNOWN if value is UNKNOWN else None
        try:
            value = value.get(key)
        except UnknownValueError:
            return UNKNOWN
    return value


def items(props: Any, *path: str) -> list[Any]:
    """Return what a list holds that is known; no list, or one that is not known, has nothing."""
    found = at(props, *path)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [found[index] for index in range(len(found)) if _known(found, index)]


def number(value: Any) -> str:
    """Write a number as a person would, 30 and not 30.0; whatever else was found as Python does."""
    return f"{value:g}" if isinstance(value, (int, float)) else repr(value)


def splits(props: Any) -> list[list[Any]]:
    """Return the destinations of each route of a VirtualService; HTTP, TLS and TCP alike."""
    return [items(route, "route") for kind in ("http", "tls", "tcp") for route in items(props, "spec", kind)]


def is_weighted(split: list[Any]) -> bool:
    """Whether a route divides requests: several destinations, or one that names a subset."""
    return len(split) > 1 or any(at(part, "destination", "subset") for part in split)


def full_host(host: Any, namespace: Any) -> str:
    """Return the full name of a host of the mesh, which may be given without its namespace or domain."""
    labels = str(host).split(".")
    if len(labels) == 1:
        return f"{host}.{namespace or 'default'}.svc.cluster.local"
    is_short = len(labels) == 2 or (len(labels) == 3 and labels[2] == "svc")  # noqa: PLR2004  name.namespace(.svc)
    return f"{labels[0]}.{labels[1]}.svc.cluster.local" if is_short else str(host)


def _known(found: Sequence[Any], index: int) -> bool:
    try:
        found[index]
    except UnknownValueError:
        return False
    return True
