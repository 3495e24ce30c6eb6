"""What was simulated, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.judging.runs import Cell, Outcome


@dataclass(frozen=True)
class Result:
    """One cell's.

    Attributes:
        group: see `Cell`.
        name: see `Cell`.
        seed: of its random numbers.
        facts: see `Cell`.
        outcomes: of each rule, ours first.
    """

    group: str
    name: str
    seed: int
    facts: Mapping[str, float]
    outcomes: Sequence[Outcome]

    @classmethod
    def of(cls, cell: Cell, seed: int, outcomes: Sequence[Outcome]) -> Result:
        """What a cell came to."""
        facts = {**cell.facts, "gap": cell.gap, "looks": cell.looks}
        return cls(cell.group, cell.name, seed, facts, outcomes)


def written(about: Mapping[str, Any], results: Sequence[Result]) -> str:
    """As JSON.

    Args:
        about: date, versions, command.
        results: of all cells.
    """
    return json.dumps({**about, "cells": [asdict(each) for each in results]}, indent=1) + "\n"


def read(text: str) -> list[Result]:
    """Back from JSON."""
    return [
        Result(**{**each, "outcomes": [Outcome(**outcome) for outcome in each["outcomes"]]})
        for each in json.loads(text)["cells"]
    ]
