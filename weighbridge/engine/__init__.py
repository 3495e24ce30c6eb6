"""Engines: Pulumi's own, and a rehearsal where it cannot be had, behind one small protocol."""

from __future__ import annotations

from weighbridge.engine.choose import choose, missing
from weighbridge.engine.protocol import Engine, Line, Prefer, RunResult

__all__ = ["Engine", "Line", "Prefer", "RunResult", "choose", "missing"]
