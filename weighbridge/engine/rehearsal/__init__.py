"""The rehearsal: the unmodified program on Pulumi's own test monitor, with live providers and state in a file.

It is for trying things out and for tests. Each run is a process of its own, as with the real engine: `python -m
weighbridge.engine.rehearsal`.
"""

from __future__ import annotations

from weighbridge.engine.rehearsal.engine import Rehearsal

__all__ = ["Rehearsal"]
