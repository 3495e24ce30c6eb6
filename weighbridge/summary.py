"""Evidence to the one line that people read. Pure; the wording is stable, since people grep for it."""

from __future__ import annotations

from weighbridge.durations import format_seconds
from weighbridge.judge import Evidence, Verdict
from weighbridge.plan import Move, MoveKind

_WORD = {Verdict.PASS: "pass", Verdict.FAIL: "halt", Verdict.INSUFFICIENT: "hold", Verdict.ERROR: "hold"}


def judged(name: str, move: Move, evidence: Evidence) -> str:
    """`podinfo 10 -> 30: halt, success rate 69.17% < 99% (n=1204, 5m)`."""
    return f"{name} {move.text}: {_WORD[evidence.verdict]}, {evidence.line}"


def forecast(name: str, move: Move, evidence: Evidence, missing: float) -> str:
    """The line of a preview: `podinfo 10 -> 30: forecast pass, ...`.

    Args:
        name: of the release.
        move: that the next run would make.
        evidence: as of now.
        missing: seconds of the soak that are still to come.
    """
    soaking = f", soak has {format_seconds(max(1, round(missing)))} left" if missing > 0 else ""
    return f"{name} {move.text}: forecast {_WORD[evidence.verdict]}, {evidence.line}{soaking}"


def progress(name: str, move: Move, evidence: Evidence, missing: float) -> str:
    """The line of a gate that waits: `podinfo 10 -> 30: soaking, 12s left, success rate ...`."""
    return f"{name} {move.text}: soaking, {format_seconds(max(1, round(missing)))} left, {evidence.line}"


def rolled_back(name: str, move: Move, evidence: Evidence) -> str:
    """`podinfo 10 -> 0: rolled back, success rate 69.17% < 99% (n=1204, 5m)`."""
    return f"{name} {move.start} -> 0: rolled back, {evidence.line}"


def unjudged(name: str, move: Move) -> str:
    """The line of a move that needed no verdict."""
    because = f", {move.override}" if move.override else ""
    words = {
        MoveKind.BOOTSTRAP: "first run, all traffic on stable",
        MoveKind.KEEP: "unchanged",
        MoveKind.LOWER: "lowered at once",
        MoveKind.START: "started, ready and not measured yet",
        MoveKind.ADVANCE: "advanced",
        MoveKind.PROMOTE: "promoted",
        MoveKind.REPLACE: "stable replaced",
        MoveKind.STAY_FAILED: "stays, the revision has failed",
    }
    return f"{name} {move.text}: {words[move.kind]}{because}"
