"""Decisions: a move and its evidence in, the release's next state out. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from weighbridge import summary
from weighbridge.judge import Evidence, Verdict
from weighbridge.plan import RED, Move, MoveKind, Phase, Wanted
from weighbridge.state import GateState, recorded, timestamp, wanted_from


@dataclass(frozen=True)
class Turn:
    """What one run decides for one release.

    Attributes:
        name: of the release.
        wanted: what the stack file asked for.
        move: from the plan.
        roll_back: whether a fail takes the traffic back, or leaves it where it is.
        now: Unix time, seconds.
    """

    name: str
    wanted: Wanted
    move: Move
    roll_back: bool
    now: float


def settle(state: GateState | None, turn: Turn, evidence: Evidence | None) -> GateState:
    """The state after a move was decided.

    Args:
        state: before it; None in the first run.
        turn: the move.
        evidence: the judgement, for a move that needs one.
    """
    if state is None:
        return _approved(None, turn, None)
    if turn.move.kind is MoveKind.KEEP:
        return _kept(state, turn)
    if turn.move.kind is MoveKind.STAY_FAILED:
        return _stays_failed(state, turn)
    if evidence is None or evidence.verdict is Verdict.PASS:
        return _approved(state, turn, evidence)
    if evidence.verdict is Verdict.FAIL:
        return failed(state, turn, evidence)
    line = summary.judged(turn.name, turn.move, evidence)
    held = wanted_from(replace(state, phase=Phase.WAITING, reason=line), turn.wanted)
    return recorded(held, turn.move, evidence, held.canary_revision, turn.now)


def failed(state: GateState, turn: Turn, evidence: Evidence) -> GateState:
    """The state after a canary failed.

    Args:
        state: before it.
        turn: the move that was being judged.
        evidence: of the fail.
    """
    bad = state.canary_revision
    base = wanted_from(replace(state, phase=Phase.FAILED, failed_revision=bad), turn.wanted)
    if not turn.roll_back:
        held = replace(base, reason=summary.judged(turn.name, turn.move, evidence))
        return recorded(held, turn.move, evidence, bad, turn.now)
    back = replace(
        base,
        approved_weight=0,
        canary_revision="",
        reason=summary.rolled_back(turn.name, turn.move, evidence),
        applied_at=timestamp(turn.now),
        decision=_decision(state.stable_revision, 0, turn.now),
        previous_revisions=tuple(r for r in _routed(state) if r != state.stable_revision),
    )
    return recorded(back, turn.move, evidence, bad, turn.now)


def _stays_failed(state: GateState, turn: Turn) -> GateState:
    # A red state has said why already; one that was calm since says that this revision is the one that failed.
    reason = state.reason if state.phase is Phase.FAILED else summary.unjudged(turn.name, turn.move)
    return wanted_from(replace(state, phase=Phase.FAILED, reason=reason), turn.wanted)


def _kept(state: GateState, turn: Turn) -> GateState:
    if state.phase not in RED:
        return wanted_from(state, turn.wanted)
    line = summary.unjudged(turn.name, turn.move)
    calm = wanted_from(replace(state, phase=Phase.PROGRESSING, reason=line), turn.wanted)
    # Another revision's failure is not this one's: it goes on as before, and the failure is remembered.
    if state.phase is Phase.WAITING or state.failed_revision != state.canary_revision:
        return calm
    # A failed canary that is tried again where it stands is judged on new time only.
    decision = _decision(state.canary_revision, state.approved_weight, turn.now)
    return replace(calm, failed_revision="", applied_at=timestamp(turn.now), decision=decision)


def _approved(state: GateState | None, turn: Turn, evidence: Evidence | None) -> GateState:
    move, wanted = turn.move, turn.wanted
    canary = wanted.canary if move.end > 0 else ""
    again = state is None or wanted.retry != state.retry or state.failed_revision != canary
    forgotten = state is None or (again and state.failed_revision == canary)
    approved = GateState(
        approved_weight=move.end,
        phase=_phase_after(move, again=again),
        reason=summary.judged(turn.name, move, evidence) if evidence else summary.unjudged(turn.name, move),
        applied_at=timestamp(turn.now),
        decision=_decision(canary or wanted.stable, move.end, turn.now),
        stable_revision=wanted.stable,
        canary_revision=canary,
        previous_revisions=tuple(r for r in _routed(state) if r not in (wanted.stable, canary)),
        failed_revision="" if state is None or forgotten else state.failed_revision,
        passed_revision=wanted.stable if move.kind is MoveKind.PROMOTE and evidence else _passed(state),
        retry=state.retry if state else wanted.retry,
        history=state.history if state else (),
    )
    return recorded(wanted_from(approved, wanted), move, evidence, canary or wanted.stable, turn.now)


def _phase_after(move: Move, *, again: bool) -> Phase:
    if move.kind is MoveKind.PROMOTE:
        return Phase.PROMOTED
    if move.end == 0:
        return Phase.IDLE
    # Lowering a failed canary is a way back, not a second try: it stays failed at the lower weight.
    return Phase.PROGRESSING if again else Phase.FAILED


def _routed(state: GateState | None) -> tuple[str, ...]:
    return tuple(r for r in (state.stable_revision, state.canary_revision) if r) if state else ()


def _passed(state: GateState | None) -> str:
    return state.passed_revision if state else ""


def _decision(revision: str, weight: int, now: float) -> str:
    return f"{revision}@{weight} {timestamp(now)}"
