"""What the program asks for: one registration, read off the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from weighbridge.engine.rehearsal.values import Properties, from_struct

STACK = "pulumi:pulumi:Stack"


class StepFailed(Exception):  # noqa: N818  it ends a step, and is no error of the engine
    """An operation on a resource went wrong; its text may be of many lines and is cleaned where it is shown."""


@dataclass(frozen=True)
class Goal:
    """A resource as the program wants it.

    Attributes:
        aliases: URNs under which the state may still know the resource.
        timeout: the longest time to wait for it to be ready, in seconds; None for the kind's own default.
    """

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    provider: str
    inputs: Properties
    dependencies: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    protect: bool = False
    retain: bool = False
    deleted_with: str = ""
    ignored: tuple[str, ...] = ()
    replaced_by: tuple[str, ...] = ()
    secret_outputs: tuple[str, ...] = ()
    delete_first: bool | None = None
    timeouts: Mapping[str, float] = field(default_factory=dict)


def make_urn(stack: str, project: str, parent: str, kind: str, name: str) -> str:
    """Name a resource as the real engine does: the types of its parents, joined by `$`, then its own."""
    parents = parent.split("::")[2] if parent else ""
    qualified = kind if parents in {"", STACK} else f"{parents}${kind}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def read_goal(request: Any, stack: str, project: str) -> Goal:
    """Read a RegisterResource request.

    Raises:
        StepFailed: the program uses something that only the real engine can do.
    """
    _refuse_what_is_missing(request)
    return Goal(
        urn=make_urn(stack, project, request.parent, request.type, request.name),
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        provider=request.provider,
        inputs=from_struct(request.object),
        dependencies=tuple(sorted(request.dependencies)),
        aliases=tuple(_aliases(request, stack, project)),
        protect=request.protect,
        retain=request.retainOnDelete,
        deleted_with=request.deletedWith,
        ignored=tuple(request.ignoreChanges),
        replaced_by=tuple(request.replaceOnChanges),
        secret_outputs=tuple(request.additionalSecretOutputs),
        delete_first=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        timeouts={
            name: _seconds(text)
            for name in ("create", "update", "delete")
            if (text := getattr(request.customTimeouts, name))
        },
    )


def _refuse_what_is_missing(request: Any) -> None:
    wants = {
        "a remote component": request.remote,
        "'import_'": request.importId,
        "transforms": request.transforms,
        "'hooks'": any(len(names) for _, names in request.hooks.ListFields()),
        "'replace_with'": request.replace_with,
    }
    for what, wanted in wants.items():
        if wanted:
            raise StepFailed(f"{request.name}: {what} needs the real Pulumi engine (got type '{request.type}')")


def _aliases(request: Any, stack: str, project: str) -> list[str]:
    urns = list(request.aliasURNs)
    for alias in request.aliases:
        if alias.urn:
            urns.append(alias.urn)
            continue
        spec = alias.spec
        parent = "" if spec.noParent else spec.parentUrn or request.parent
        urns.append(
            make_urn(
                spec.stack or stack,
                spec.project or project,
                parent,
                spec.type or request.type,
                spec.name or request.name,
            )
        )
    return urns


def _seconds(text: str) -> float:
    """Read Go's duration text as the SDK passes it on ("10m", "1h30m", "90s")."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    total, number = 0.0, ""
    rest = text
    while rest:
        if rest[0].isdigit() or rest[0] == ".":
            number, rest = number + rest[0], rest[1:]
            continue
        unit = next((name for name in units if rest.startswith(name)), None)
        if unit is None or not number:
            raise StepFailed(f"custom timeout must be a duration such as '10m' (got {text!r})")
        total, number, rest = total + float(number) * units[unit], "", rest[len(unit) :]
    return total
