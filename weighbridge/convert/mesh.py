"""Istio's routes and traffic policies, and the names that they are reached by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from weighbridge.convert.fitting import fitted, refusal
from weighbridge.convert.reading import Node
from weighbridge.convert.writing import Section
from weighbridge.settings import Release, Route, Traffic
from weighbridge.settings.mesh import Cors, Headers, Match, Retries, Rewrite
from weighbridge.settings.section import IstioSection

MESH = "mesh"
PARTS: dict[str, type[IstioSection]] = {"rewrite": Rewrite, "retries": Retries, "corsPolicy": Cors, "headers": Headers}

_ONLY_MESH = "the mesh is always one of the gateways here, so callers inside it follow the weights too"


def route(node: Node, release: Section, match: Sequence[Mapping[str, Any]] | None) -> None:
    """Read what a route does beside weighing into `route`.

    Args:
        node: Istio's HTTPRoute, or what has its fields.
        release: gets it.
        match: what a request must meet, as `conditions` reads it.
    """
    found = Section()
    if match is None:
        found.need("match", "which requests: no condition has an equal, and without one all requests are meant")
    else:
        found.put("match", list(match) or None)
    for name, model in PARTS.items():
        found.put({"corsPolicy": "cors"}.get(name, name), fitted(node.at(name), model))
    timeout = node.at("timeout")
    if timeout and (broken := refusal(Route, "timeout", timeout.value)):
        timeout.leave(f"the settings' rule: {broken}")
    else:
        found.put("timeout", timeout.text())
    release.put("route", found)


def conditions(node: Node) -> list[dict[str, Any]] | None:
    """Read Istio's `match`. A condition that is not wholly ours is left out, as a part of it would match more.

    Returns:
        The conditions, none of them where any request is meant; None where there are some, and none has an equal.
    """
    found = []
    for item in node.items():
        item.at("name").used()
        if not item.fields():
            return []  # Istio's for any request, and one of them is enough
        fits = fitted(item, Match)
        lost = [path for path in item.ledger.said if path[: len(item.path)] == item.path]
        odd = [key for key in item.fields() if key != "name" and _snake(key) not in Match.model_fields]
        if fits and not lost and not odd:
            found.append(fits)
        else:
            named = ", ".join(odd) or "what is in it"
            item.leave(f"route.match has no {named}; the rest alone would match more requests")
    return None if node.items() and not found else found


def traffic(node: Node, release: Section) -> None:
    """Read Istio's trafficPolicy into `traffic`."""
    found: dict[str, Any] = fitted(node, Traffic) or {}
    mode = node.at("tls", "mode")
    if mode:
        broken = refusal(Traffic, "tls_mode", mode.value)
        if broken:
            mode.leave(f"the settings' rule: {broken}")
        else:
            found["tls_mode"] = mode.text()
    release.put("traffic", found or None)


def hosts(node: Node, release: Section, own: Sequence[str]) -> None:
    """Read the names that a VirtualService routes; the Service's own are always among ours.

    Args:
        node: the list.
        release: gets it.
        own: names of the release's Service.
    """
    found = []
    for item in node.items():
        if item.value in own:
            item.used()
        elif broken := refusal(Release, "hosts", [item.value]):
            item.leave(f"the settings' rule: {broken}")
            if item.value == "*":
                release.add("hosts: the names that the release is asked for by; '*' is not among what they may be")
        else:
            found.append(item.text())
    release.put("hosts", found or None)


def gateways(node: Node, release: Section, namespace: str | None) -> None:
    """Read a VirtualService's gateways as `namespace/name`.

    Istio reads a bare name in the VirtualService's own namespace, and `name.namespace.svc.cluster.local` as an older
    spelling of `namespace/name`.
    """
    found = []
    items = node.items()
    for item in items:
        name = str(item.value)
        if name == MESH:
            item.used()
            continue
        old = re.fullmatch(r"([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?", name)
        full = f"{old[2]}/{old[1]}" if old else name if "/" in name else f"{namespace or '<namespace>'}/{name}"
        if broken := refusal(Release, "gateways", [full]):
            item.leave(f"the settings' rule: {broken}")
        else:
            item.used()
            found.append(full)
    if found and MESH not in [item.value for item in items]:
        node.note(_ONLY_MESH)
    release.put("gateways", found or None)


def _snake(key: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key)
