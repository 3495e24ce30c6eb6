"""One cell: many releases with the same traffic, under all rules at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from bench.judging.ours import Ours
from bench.judging.peers import RULES, Checked
from bench.judging.streams import CANARY_BAD, CANARY_GOOD, Array, Flags, Rows, Stream, Traffic
from weighbridge.judge.comparison import Allowed

_PATIENCE = 3600.0
"""Seconds after which a peer's rule that has not rolled back is taken to be content."""

_SPARSE = 0.7
"""Of the releases; with fewer left, the others are dropped."""


class Judging(Protocol):
    """A rule at work on many releases."""

    name: str

    def look(self, number: int, counts: Array, undecided: Flags) -> Flags:
        """Which releases end at this look."""

    def keep(self, kept: Flags) -> None:
        """Leave the other releases out from now on."""


@dataclass(frozen=True)
class Cell:
    """What is simulated.

    Attributes:
        group: which table it belongs to.
        name: of its row, unique in the group.
        traffic: see there.
        allowed: what our judge is set to.
        gap: seconds between two looks.
        looks: at most.
        passes: whether our judge may pass as well, from 100 requests on.
        peers: whether the peers' rules are run beside it.
        turns: seconds after which the canary turns bad; requests are counted from there on.
        unseen: seconds of a window that lie outside of its scrapes.
        thorough: see `Ours`.
        facts: of the cell, for the data: rates in percent and so on.
    """

    group: str
    name: str
    traffic: Traffic
    allowed: Allowed
    gap: float
    looks: int
    passes: bool = False
    peers: bool = False
    turns: float = 0.0
    unseen: float = 0.0
    thorough: int = 10_000
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a rule did.

    Attributes:
        rule: its name.
        releases: of the cell.
        rolled_back: how many of them.
        passed: how many.
        early: how many were rolled back before the canary turned bad.
        requests: of the canary until the rollback, the mean of those rolled back; until the pass where the cell passes.
        late: the same for the slowest one of twenty.
    """

    rule: str
    releases: int
    rolled_back: int
    passed: int
    early: int
    requests: float | None
    late: float | None


def run(cell: Cell, releases: int, seed: int) -> list[Outcome]:
    """Simulate a cell."""
    ours = Ours(
        releases,
        cell.traffic.weight,
        cell.allowed,
        min_requests=100 if cell.passes else None,
        unseen=cell.unseen / cell.gap,
        thorough=cell.thorough,
    )
    peers = [Checked(rule, releases, cell.gap) for rule in RULES] if cell.peers else []
    trackers = [_Tracker(ours, releases, cell, lambda: ours.passed)]
    trackers += [_Tracker(peer, releases, cell) for peer in peers]
    stream = Stream(cell.traffic, cell.gap, seed)
    rows, spent = np.arange(releases), np.zeros(releases)
    for number in range(1, cell.looks + 1):
        counts = stream.between(number, len(rows))
        if number * cell.gap > cell.turns:
            spent = spent + counts[CANARY_BAD] + counts[CANARY_GOOD]
        for tracker in trackers:
            tracker.look(number, counts, rows, spent)
        wanted = np.any([tracker.undecided[rows] for tracker in trackers], axis=0)
        if not wanted.any():
            break
        if wanted.mean() < _SPARSE:
            rows, spent = rows[wanted], spent[wanted]
            for tracker in trackers:
                tracker.rule.keep(wanted)
    return [tracker.outcome() for tracker in trackers]


class _Tracker:
    """Who was rolled back when, under one rule."""

    def __init__(self, rule: Judging, releases: int, cell: Cell, passed: Callable[[], Flags] | None = None) -> None:
        self.rule, self._cell, self._passed_now = rule, cell, passed
        self.undecided = np.ones(releases, bool)
        self._requests, self._early = np.full(releases, np.nan), np.zeros(releases, bool)
        self._passed = np.zeros(releases, bool)

    def look(self, number: int, counts: Array, rows: Rows, spent: Array) -> None:
        if self._passed_now is None and number * self._cell.gap > self._cell.turns + _PATIENCE:
            self.undecided[:] = False
        undecided = self.undecided[rows]
        if not undecided.any():
            return
        ended = self.rule.look(number, counts, undecided) & undecided
        ending = rows[ended]
        self.undecided[ending] = False
        self._requests[ending] = spent[ended]
        self._early[ending] = number * self._cell.gap <= self._cell.turns
        if self._passed_now is not None:
            self._passed[ending] = self._passed_now()[ended]

    def outcome(self) -> Outcome:
        ended = ~np.isnan(self._requests)
        counted = self._requests[ended & ~self._early & (self._passed if self._cell.passes else ~self._passed)]
        return Outcome(
            rule=self.rule.name,
            releases=len(ended),
            rolled_back=int((ended & ~self._passed).sum()),
            passed=int(self._passed.sum()),
            early=int((self._early & ~self._passed).sum()),
            requests=float(counted.mean()) if len(counted) else None,
            late=float(np.quantile(counted, 0.95)) if len(counted) else None,
        )
