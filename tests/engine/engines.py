"""The engines of the scenarios: rehearsals by a nursery, which spares each run the imports, and the real one."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

from lab.nursery import Nursery
from weighbridge.engine import Engine, choose
from weighbridge.engine.rehearsal import Rehearsal

Kind = Literal["rehearsal", "pulumi"]

# Its process ends when this one does, whose end of the socket is closed then.
nursery = functools.cache(Nursery)


def engine(folder: Path, kind: Kind) -> Engine:
    """Give the engine of the stack `dev` of a project."""
    return rehearsal(folder) if kind == "rehearsal" else choose(folder, "dev", kind)


def rehearsal(folder: Path) -> Rehearsal:
    """Give the rehearsal of the stack `dev` of a project."""
    return Rehearsal(folder, "dev", start=nursery())
