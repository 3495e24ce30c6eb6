"""What the stack's saved state says of its gates, before this run changes anything.

The engine's builtin `pulumi:pulumi:readStackResourceOutputs` gives the outputs of all resources of a stack as they
were last saved; the Node.js SDK's `pulumi query` stands on the same call. Asked of the stack itself it tells two
things that no resource of a run could: whether the routes of the last decision were really applied (a run may have
been killed between gate and route), and so whether the plan allows this run's move, before anything is touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from weighbridge.state import GateState

_BEING_WRITTEN = "failed to load checkpoint"
_PAUSES = (0.1, 0.3, 1.0)
"""Seconds between two readings."""


Saved = Mapping[str, Mapping[str, Any]]
"""Outputs of resources by URN."""


def resource_outputs() -> Saved:
    """The saved outputs of this stack's resources; {} before the first run.

    Raises:
        Exception: the SDK's, where the engine cannot read the state.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    return whole(lambda: _read(name))


def whole(read: Callable[[], Saved], pause: Callable[[float], None] = time.sleep) -> Saved:
    """What is read, and read again while it is being written.

    Args:
        read: gives the saved outputs, or raises.
        pause: waits for so many seconds.

    Raises:
        Exception: that of `read`, where it has another reason, or the same one for more than a second.
    """
    for seconds in _PAUSES:
        try:
            return read()
        except Exception as error:
            # The engine saves the stack itself beside this, and a state in files is written in two parts.
            if _BEING_WRITTEN not in str(error):
                raise
            pause(seconds)
    return read()


def _read(name: str) -> Saved:
    answer = pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": name}).value
    saved: Saved = (answer or {}).get("outputs") or {}
    return {urn: each.get("outputs", {}) for urn, each in saved.items()}


@dataclass(frozen=True)
class SavedRelease:
    """What the saved state says of one release.

    Attributes:
        state: of its gate; None before its first run.
        applied: decision, time and revisions of the routes that were last applied; {} before the first.
    """

    state: GateState | None
    applied: Mapping[str, Any]


def release(saved: Saved, name: str) -> SavedRelease:
    """What the saved state says of one release.

    Args:
        saved: see `resource_outputs`.
        name: of the release.
    """
    applied = _find(saved, "AppliedRoute", f"{name}-applied")
    return SavedRelease(
        GateState.read(_find(saved, "MetricGate", f"{name}-gate")),
        {key: applied[key] for key in ("decision", "at", "revisions") if key in applied},
    )


def _find(saved: Saved, kind: str, name: str) -> Mapping[str, Any]:
    for urn, outputs in saved.items():
        # urn:pulumi:<stack>::<project>::<parent type>$...$<type>::<name>
        parts = urn.split("::")
        if parts[-1] == name and parts[-2].rsplit(":", 1)[-1] == kind:
            return outputs
    return {}
