"""The plan: from what is live to what the stack file wants, one move at a time.

Pure. The table that it implements is "The gate, exactly" in the design; `decide` is that table, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from weighbridge.errors import Refused


class Phase(StrEnum):
    """Where a release is, as its gate's state says it."""

    IDLE = "idle"
    """No canary takes traffic, and none was wanted."""
    PROGRESSING = "progressing"
    """The wanted weight is live."""
    WAITING = "waiting"
    """Held: the wanted move has no verdict yet, and the weight stays."""
    FAILED = "failed"
    """The canary failed: its traffic was taken back, or held where it was."""
    PROMOTED = "promoted"
    """The canary's revision is the stable one now."""


RED: Final = frozenset({Phase.WAITING, Phase.FAILED})
"""The phases in which a run ends non-zero."""


class MoveKind(StrEnum):
    """What a run is asked to do with one release."""

    BOOTSTRAP = "bootstrap"
    KEEP = "keep"
    LOWER = "lower"
    START = "start"
    ADVANCE = "advance"
    PROMOTE = "promote"
    REPLACE = "replace"
    STAY_FAILED = "stay failed"


@dataclass(frozen=True)
class Live:
    """What the gate's state holds of one release; revisions are hashes, "" where there is none.

    Attributes:
        weight: percent of requests that the mesh was told to send to the canary, 0..100.
        phase: where the release is.
        stable: the revision that serves the rest.
        canary: the revision that has the weight.
        failed: the last revision that failed its gate.
        retry: the `retry` that the last run saw.
        overrides: each reason that was used, with the move that it allowed (`Move.label`).
    """

    weight: int
    phase: Phase
    stable: str
    canary: str = ""
    failed: str = ""
    retry: int = 0
    overrides: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What the stack file asks for.

    Attributes:
        weight: percent, 0 or one of `steps`.
        stable: revision of the stable track.
        canary: revision of the canary track, or the stable one's where there is nothing to release.
        steps: the plan, rising percents.
        skip: why a step is left out, if one is.
        reason: why the stable track changes without a canary that passed, if it does.
        retry: a number that is raised to try a failed revision again.
    """

    weight: int
    stable: str
    canary: str
    steps: tuple[int, ...]
    skip: str | None = None
    reason: str | None = None
    retry: int = 0


@dataclass(frozen=True)
class Move:
    """One move of one release.

    Attributes:
        kind: what it is.
        start: percent before it.
        end: percent after it, if it is approved.
        judged: whether Prometheus has to agree first.
        override: the reason given by a person, where the plan alone would not allow it.
    """

    kind: MoveKind
    start: int
    end: int
    judged: bool = False
    override: str | None = None

    @property
    def text(self) -> str:
        """The move as people read it: `10 -> 30`, `100 -> promote`, `at 30`."""
        if self.kind is MoveKind.PROMOTE:
            return f"{self.start} -> promote"
        if self.kind is MoveKind.REPLACE:
            return "stable"
        return f"at {self.start}" if self.start == self.end else f"{self.start} -> {self.end}"


def next_weight(steps: Sequence[int], weight: int) -> int | None:
    """The step after a live weight.

    Args:
        steps: the plan, rising percents.
        weight: the live percent; it need not be on the plan, which may have changed since.

    Returns:
        The smallest step above `weight`; None where there is none, so that promotion is next.
    """
    return next((step for step in steps if step > weight), None)


def decide(name: str, live: Live | None, wanted: Wanted) -> Move:
    """Which move leads from what is live to what is wanted.

    Args:
        name: of the release, for the error's line.
        live: what the gate's state says; None where there is no state yet.
        wanted: what the stack file says.

    Returns:
        The move; `judged` says whether it needs a verdict.

    Raises:
        Refused: the plan has no such move; one line with the rule and the value got.
    """
    if live is None:
        return _first_move(name, wanted)
    if wanted.stable != live.stable:
        return _change_stable(name, live, wanted)
    if wanted.weight == 0:
        kind = MoveKind.KEEP if live.weight == 0 and live.phase not in RED else MoveKind.LOWER
        return Move(kind, live.weight, 0)
    if _has_failed(live, wanted):
        return _after_failure(live, wanted)
    if wanted.canary != live.canary or live.weight == 0:
        return _start(name, live, wanted)
    return _walk(name, live, wanted)


def _first_move(name: str, wanted: Wanted) -> Move:
    if wanted.weight == 0:
        return Move(MoveKind.BOOTSTRAP, 0, 0)
    return _start(name, Live(0, Phase.IDLE, wanted.stable), wanted)


def _has_failed(live: Live, wanted: Wanted) -> bool:
    return live.failed == wanted.canary and wanted.retry == live.retry


def _after_failure(live: Live, wanted: Wanted) -> Move:
    # What another revision has is not lowered in favour of this one.
    if wanted.weight < live.weight and wanted.canary == live.canary:
        return Move(MoveKind.LOWER, live.weight, wanted.weight)
    return Move(MoveKind.STAY_FAILED, live.weight, live.weight)


def _start(name: str, live: Live, wanted: Wanted) -> Move:
    first = wanted.steps[0]
    move = Move(MoveKind.START, live.weight, wanted.weight)
    if wanted.weight == first:
        return move
    if live.weight > 0:
        msg = f"{name}: 'weight' must be 0 or the first step, {first}, as the revision is new (got {wanted.weight})"
        raise Refused(msg)
    return _allowed(name, live, wanted.skip, move, _not_next(name, first, wanted))


def _walk(name: str, live: Live, wanted: Wanted) -> Move:
    if wanted.weight == live.weight:
        return Move(MoveKind.KEEP, live.weight, live.weight)
    if wanted.weight < live.weight:
        return Move(MoveKind.LOWER, live.weight, wanted.weight)
    following = next_weight(wanted.steps, live.weight)
    move = Move(MoveKind.ADVANCE, live.weight, wanted.weight, judged=True)
    if wanted.weight == following:
        return move
    return _allowed(name, live, wanted.skip, move, _not_next(name, following, wanted))


def _change_stable(name: str, live: Live, wanted: Wanted) -> Move:
    if wanted.stable == live.failed and not wanted.reason:
        if wanted.retry == live.retry:
            return Move(MoveKind.STAY_FAILED, live.weight, live.weight)
        msg = f"{name}: 'stable' must go back to {live.stable}, a retry starts at the first step (got {wanted.stable})"
        raise Refused(msg)
    if wanted.weight != 0:
        msg = f"{name}: 'weight' must be 0 in the run that changes 'stable' (got {wanted.weight})"
        raise Refused(msg)
    if live.weight > 0 and wanted.stable == live.canary:
        return _promote(name, live, wanted)
    refusal = (
        f"{name}: 'stable' must stay {live.stable} or become the canary that passed its last step, "
        f"unless 'reason' says why (got {wanted.stable})"
    )
    return _allowed(name, live, wanted.reason, Move(MoveKind.REPLACE, live.weight, 0), refusal)


def _promote(name: str, live: Live, wanted: Wanted) -> Move:
    last = wanted.steps[-1]
    if live.weight >= last:
        return Move(MoveKind.PROMOTE, live.weight, 0, judged=True)
    refusal = (
        f"{name}: 'stable' must wait for the canary's last step, {last}, "
        f"unless 'reason' says why (live weight {live.weight})"
    )
    return _allowed(name, live, wanted.reason, Move(MoveKind.PROMOTE, live.weight, 0), refusal)


def _not_next(name: str, following: int | None, wanted: Wanted) -> str:
    return f"{name}: 'weight' must be the next step, {following}, unless 'skip' says why (got {wanted.weight})"


def _allowed(name: str, live: Live, override: str | None, move: Move, refusal: str) -> Move:
    """The move with its reason, or the refusal; a reason allows one move, not each that follows it."""
    if not override:
        raise Refused(refusal)
    label = override_label(move)
    for text, used_for in live.overrides:
        if text == override and used_for != label:
            msg = f"{name}: the reason must be a new one, it has allowed {used_for!r} already (got {override!r})"
            raise Refused(msg)
    return Move(move.kind, move.start, move.end, move.judged, override)


def override_label(move: Move) -> str:
    """What a reason has allowed, as history keeps it: `advance 10 -> 50`."""
    return f"{move.kind} {move.text}"
