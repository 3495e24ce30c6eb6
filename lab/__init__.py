"""A real mesh on one machine, without containers: for the demo, the tests and developers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.errors import LabError
    from lab.lab import Lab
    from lab.load import Load, LoadStats

__all__ = ["Lab", "LabError", "Load", "LoadStats"]

_ROOMS = {"Lab": "lab.lab", "LabError": "lab.errors", "Load": "lab.load", "LoadStats": "lab.load"}


def __getattr__(name: str) -> Any:
    # Each of the pods' processes imports this package: what only the lab's users need is read when they ask for it.
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
