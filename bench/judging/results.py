"""What was simulated, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.judging.cells import BASE
from bench.judging.runs import Cell, Outcome
from bench.judging.yardstick import Yardstick

ALPHA, BETA, DETECT = 0.01, 0.05, 0.01
_DERIVED = "yardstick"
"""Key of what is worked out from a cell's facts."""


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

    @property
    def yardstick(self) -> Yardstick | None:
        """What Wald's test needs to find the same out; None where nothing is to be found out."""
        margin = self.facts["margin"] / 100
        look = self.facts["per_minute"] * self.facts["gap"] / 60
        if self.group == "bad":
            return Yardstick.of(BASE + margin, self.facts["rate"] / 100, ALPHA, BETA, look)
        if self.group == "pass" and self.facts["rate"] == 100 * BASE:
            return Yardstick.of(BASE + margin + DETECT, BASE, BETA, ALPHA, look)
        return None


def written(about: Mapping[str, Any], results: Sequence[Result]) -> str:
    """As JSON, with what Wald's test needs where a cell is held to it.

    Args:
        about: date, versions, command.
        results: of all cells.
    """
    return json.dumps({**about, "cells": [_cell(each) for each in results]}, indent=1) + "\n"


def read(text: str) -> tuple[dict[str, Any], list[Result]]:
    """Back from JSON: what it is about, and the results; what is derived is worked out again."""
    about = json.loads(text)
    results = []
    for cell in about.pop("cells"):
        cell.pop(_DERIVED, None)
        results.append(Result(**{**cell, "outcomes": [Outcome(**outcome) for outcome in cell["outcomes"]]}))
    return about, results


def _cell(result: Result) -> dict[str, Any]:
    held = result.yardstick
    return {**asdict(result), **({_DERIVED: held.rounded()} if held else {})}
