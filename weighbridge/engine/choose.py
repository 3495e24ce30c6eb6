"""Takes the real engine where it can be had, else the rehearsal; says which and why in one line."""

from __future__ import annotations

from pathlib import Path

from weighbridge.engine.found import Cli, find
from weighbridge.engine.project import require_stack
from weighbridge.engine.protocol import Engine, Prefer
from weighbridge.errors import EngineError


def choose(project: Path, stack: str, prefer: Prefer = "auto", *, policy_pack: Path | None = None) -> Engine:
    """Give the engine for one stack of a project; its `reason` says which it is and why.

    Args:
        project: the folder that holds Pulumi.yaml.
        stack: the name of one of its stacks.
        prefer: "auto" for the real engine where it can be had, else the rehearsal.
        policy_pack: a policy pack for the real engine to hold each run to; the rehearsal knows no policies.

    Raises:
        EngineError: no such stack, or the engine that was asked for cannot be had.
    """
    require_stack(project, stack)
    if prefer == "rehearsal":
        return _rehearsal(project, stack, "asked for")
    try:
        cli = find()
    except EngineError as missing:
        if prefer == "pulumi":
            raise
        return _rehearsal(project, stack, str(missing))
    return _pulumi(project, stack, cli, policy_pack)


def missing() -> str | None:
    """Say in one line why the real engine cannot be had here; None when it can."""
    try:
        find()
    except EngineError as error:
        return str(error)
    return None


def _rehearsal(project: Path, stack: str, why: str) -> Engine:
    # Either engine is imported only where it is taken: the real one's SDK takes most of a second.
    from weighbridge.engine.rehearsal import Rehearsal  # noqa: PLC0415

    return Rehearsal(project, stack, why)


def _pulumi(project: Path, stack: str, cli: Cli, policy_pack: Path | None) -> Engine:
    from weighbridge.engine.pulumi_cli import Pulumi  # noqa: PLC0415

    return Pulumi(project, stack, cli, policy_pack=policy_pack)
