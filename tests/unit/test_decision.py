"""Decisions: for each kind of move and each verdict, every fact of the state that it leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from weighbridge.decision import Turn, failed, settle
from weighbridge.judge import Evidence, Verdict
from weighbridge.plan import Move, MoveKind, Phase, Wanted
from weighbridge.state import GateState, timestamp

W, X, Y, Z = "wwwwwwwwww", "xxxxxxxxxx", "yyyyyyyyyy", "zzzzzzzzzz"
STEPS = (10, 30, 100)
THEN, NOW = 1_800_000_000.0, 1_800_000_600.0
AT = timestamp(NOW)
PASS, FAIL, FEW = (Evidence(verdict, "because") for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INSUFFICIENT))

ADVANCE = Move(MoveKind.ADVANCE, 10, 30, judged=True)
START = Move(MoveKind.START, 0, 10)
KEEP = Move(MoveKind.KEEP, 10, 10)
STAY = Move(MoveKind.STAY_FAILED, 0, 0)

BEFORE = GateState(
    approved_weight=10,
    phase=Phase.PROGRESSING,
    reason="before",
    applied_at=timestamp(THEN),
    decision="d0",
    stable_revision=X,
    canary_revision=Y,
    previous_revisions=(W,),
    failed_revision=Z,
    passed_revision=W,
    wanted_weight=10,
    retry=1,
    measurements=({"metric": "old"},),
    history=({"line": "older"},),
)
DOWN = replace(
    BEFORE, approved_weight=0, canary_revision="", phase=Phase.FAILED, failed_revision=Y, reason="rolled back"
)
HELD = replace(BEFORE, phase=Phase.FAILED, failed_revision=Y, reason="halt")


def settled(
    before: GateState | None, move: Move, evidence: Evidence | None = None, *, back: bool = True, **wanted: Any
) -> GateState:
    wish = replace(Wanted(move.end, X, Y, STEPS, retry=1), **wanted)
    return settle(before, Turn("podinfo", wish, move, back, NOW), evidence)


def facts(state: GateState) -> GateState:
    """The state without what `recorded` adds: state.py's subject."""
    return replace(state, history=(), measurements=())


ROLLED_BACK = replace(
    BEFORE,
    approved_weight=0,
    phase=Phase.FAILED,
    reason="podinfo 10 -> 0: rolled back, because",
    applied_at=AT,
    decision=f"{X}@0 {AT}",
    canary_revision="",
    previous_revisions=(Y,),
    failed_revision=Y,
    wanted_weight=30,
)
LEFT = [
    (
        "the first run",
        settled(None, Move(MoveKind.BOOTSTRAP, 0, 0)),
        GateState(0, Phase.IDLE, "podinfo at 0: first run, all traffic on stable", AT, f"{X}@0 {AT}", X, retry=1),
    ),
    (
        "the first run with a canary",
        settled(None, START),
        GateState(10, Phase.PROGRESSING, "podinfo 0 -> 10: started, ready and not measured yet", AT, f"{Y}@10 {AT}", X, Y, wanted_weight=10, retry=1),
    ),
    (
        "pass",
        settled(BEFORE, ADVANCE, PASS),
        replace(BEFORE, approved_weight=30, reason="podinfo 10 -> 30: pass, because", applied_at=AT, decision=f"{Y}@30 {AT}", previous_revisions=(), wanted_weight=30),
    ),
    ("fail", settled(BEFORE, ADVANCE, FAIL), ROLLED_BACK),
    (
        "fail, held",
        settled(BEFORE, ADVANCE, FAIL, back=False),
        replace(BEFORE, phase=Phase.FAILED, reason="podinfo 10 -> 30: halt, because", failed_revision=Y, wanted_weight=30),
    ),
    (
        "too little",
        settled(BEFORE, ADVANCE, FEW),
        replace(BEFORE, phase=Phase.WAITING, reason="podinfo 10 -> 30: hold, because", wanted_weight=30),
    ),
    (
        "promotion",
        settled(BEFORE, Move(MoveKind.PROMOTE, 10, 0, judged=True), PASS, stable=Y),
        replace(BEFORE, approved_weight=0, phase=Phase.PROMOTED, reason="podinfo 10 -> promote: pass, because", applied_at=AT, decision=f"{Y}@0 {AT}", stable_revision=Y, canary_revision="", previous_revisions=(X,), passed_revision=Y, wanted_weight=0),
    ),
    (
        "promotion by a reason, which has passed nothing",
        settled(BEFORE, Move(MoveKind.PROMOTE, 10, 0, override="why"), stable=Y),
        replace(BEFORE, approved_weight=0, phase=Phase.PROMOTED, reason="podinfo 10 -> promote: promoted, why", applied_at=AT, decision=f"{Y}@0 {AT}", stable_revision=Y, canary_revision="", previous_revisions=(X,), wanted_weight=0),
    ),
    (
        "another stable by a reason",
        settled(BEFORE, Move(MoveKind.REPLACE, 10, 0, override="why"), stable=Z),
        replace(BEFORE, approved_weight=0, phase=Phase.IDLE, reason="podinfo stable: stable replaced, why", applied_at=AT, decision=f"{Z}@0 {AT}", stable_revision=Z, canary_revision="", previous_revisions=(X, Y), wanted_weight=0),
    ),
    (
        "lowered",
        settled(replace(BEFORE, approved_weight=30), Move(MoveKind.LOWER, 30, 10)),
        replace(BEFORE, reason="podinfo 30 -> 10: lowered at once", applied_at=AT, decision=f"{Y}@10 {AT}", previous_revisions=()),
    ),
    (
        "lowered to one percent",
        settled(BEFORE, Move(MoveKind.LOWER, 10, 1)),
        replace(BEFORE, approved_weight=1, reason="podinfo 10 -> 1: lowered at once", applied_at=AT, decision=f"{Y}@1 {AT}", previous_revisions=(), wanted_weight=1),
    ),
    (
        "lowered to nothing",
        settled(BEFORE, Move(MoveKind.LOWER, 10, 0)),
        replace(BEFORE, approved_weight=0, phase=Phase.IDLE, reason="podinfo 10 -> 0: lowered at once", applied_at=AT, decision=f"{X}@0 {AT}", canary_revision="", previous_revisions=(Y,), wanted_weight=0),
    ),
    (
        "lowered to nothing, where a retry is not used up",
        settled(BEFORE, Move(MoveKind.LOWER, 10, 0), retry=2),
        facts(settled(BEFORE, Move(MoveKind.LOWER, 10, 0))),
    ),
    (
        "a held failure, lowered",
        settled(replace(HELD, approved_weight=30), Move(MoveKind.LOWER, 30, 10)),
        replace(HELD, reason="podinfo 30 -> 10: lowered at once", applied_at=AT, decision=f"{Y}@10 {AT}", previous_revisions=()),
    ),
    (
        "a new revision beside the one that failed",
        settled(DOWN, START, canary=Z),
        replace(DOWN, approved_weight=10, phase=Phase.PROGRESSING, reason="podinfo 0 -> 10: started, ready and not measured yet", applied_at=AT, decision=f"{Z}@10 {AT}", canary_revision=Z, previous_revisions=()),
    ),
    (
        "the failed revision, retried",
        settled(DOWN, START, retry=2),
        replace(DOWN, approved_weight=10, phase=Phase.PROGRESSING, reason="podinfo 0 -> 10: started, ready and not measured yet", applied_at=AT, decision=f"{Y}@10 {AT}", canary_revision=Y, previous_revisions=(), failed_revision="", retry=2),
    ),
    ("kept", settled(BEFORE, KEEP), BEFORE),
    ("kept, with another retry", settled(BEFORE, KEEP, retry=2), replace(BEFORE, retry=2)),
    ("kept after a hold", settled(replace(BEFORE, phase=Phase.WAITING), KEEP), replace(BEFORE, reason="podinfo at 10: unchanged")),
    (
        "a held failure, tried again where it is",
        settled(HELD, KEEP, retry=2),
        replace(HELD, phase=Phase.PROGRESSING, reason="podinfo at 10: unchanged", applied_at=AT, decision=f"{Y}@10 {AT}", failed_revision="", retry=2),
    ),
    (
        "kept, after another revision that had failed was asked for",
        settled(replace(BEFORE, phase=Phase.FAILED), KEEP),
        replace(BEFORE, reason="podinfo at 10: unchanged"),
    ),
    ("another revision that had failed, asked for", settled(BEFORE, replace(STAY, start=10, end=10), canary=Z), replace(BEFORE, phase=Phase.FAILED, reason="podinfo at 10: stays, the revision has failed")),
    ("a failure that stays", settled(DOWN, STAY, weight=30), replace(DOWN, wanted_weight=30)),
    (
        "a failure that was calm since",
        settled(replace(DOWN, phase=Phase.IDLE), STAY, weight=10),
        replace(DOWN, reason="podinfo at 0: stays, the revision has failed"),
    ),
    ("a refresh that fails", failed(BEFORE, Turn("podinfo", Wanted(30, X, Y, STEPS, retry=1), ADVANCE, True, NOW), FAIL), ROLLED_BACK),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "after", "expected"), LEFT, ids=[row[0] for row in LEFT])
def test_what_a_decision_leaves(fact: str, after: GateState, expected: GateState) -> None:
    """Every fact of the state after each kind of move, those that must not change among them."""
    assert facts(after) == facts(expected), fact


RECORDED = [
    ("pass", settled(BEFORE, ADVANCE, PASS), Y, (10, 30), "pass"),
    ("fail", settled(BEFORE, ADVANCE, FAIL), Y, (10, 0), "fail"),
    ("fail, held", settled(BEFORE, ADVANCE, FAIL, back=False), Y, (10, 10), "fail"),
    ("too little", settled(BEFORE, ADVANCE, FEW), Y, (10, 10), "insufficient"),
    ("lowered to nothing", settled(BEFORE, Move(MoveKind.LOWER, 10, 0)), X, (10, 0), ""),
    ("lowered", settled(BEFORE, Move(MoveKind.LOWER, 10, 5)), Y, (10, 5), ""),
]


@pytest.mark.parametrize(
    ("fact", "after", "revision", "weights", "verdict"), RECORDED, ids=[row[0] for row in RECORDED]
)
def test_what_a_decision_adds_to_the_history(
    fact: str, after: GateState, revision: str, weights: tuple[int, int], verdict: str
) -> None:
    """A decision comes after the older ones, with the revision that it is about, its time and its line."""
    *older, entry = after.history
    assert older == [{"line": "older"}], fact
    assert (entry["revision"], (entry["from"], entry["to"]), entry["verdict"]) == (revision, weights, verdict)
    assert (entry["at"], entry["line"]) == (AT, after.reason)


@pytest.mark.parametrize("after", [settled(BEFORE, KEEP), settled(DOWN, STAY), settled(HELD, KEEP, retry=2)])
def test_what_changes_nothing_is_no_decision(after: GateState) -> None:
    """A weight that is kept leaves no line in the history, and the last judgement as it was."""
    assert (after.history, after.measurements) == (BEFORE.history, BEFORE.measurements)
