"""The looks that a gate would have taken over a span, and where it would have decided. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from weighbridge import queries
from weighbridge.checks import Asked, Checks, counted, measure
from weighbridge.decision import Turn, settle
from weighbridge.errors import PrometheusError
from weighbridge.gate import missing
from weighbridge.judge import Counts, Evidence, Verdict
from weighbridge.plan import Move, MoveKind, Phase, Wanted, next_weight
from weighbridge.replay.spans import Decision, Span, walks
from weighbridge.state import GateState, timestamp

_GRAIN = 0.001
"""Seconds: a look is a millisecond late, as a whole second of it must not be lost to rounding."""


@dataclass(frozen=True)
class Column:
    """One gate that is replayed.

    Attributes:
        name: of its settings, `stack` or a file's.
        release: that it guards.
        checks: its settings, as the gate reads them.
    """

    name: str
    release: str
    checks: Checks


@dataclass(frozen=True)
class Look:
    """One look.

    Attributes:
        at: Unix time.
        evidence: that it gave.
        line: as the gate would have written it into its state.
        decides: whether the gate would have acted on it.
        spent: the canary's requests since it had the weight; None where they cannot be had.
    """

    at: float
    evidence: Evidence
    line: str
    decides: bool
    spent: Counts | None


@dataclass(frozen=True)
class Walked:
    """A span as one gate would have seen it.

    Attributes:
        span: what was walked.
        looks: up to the one that decides, or to the span's end.
        reached: whether the gate would have let the canary come so far.
    """

    span: Span
    looks: tuple[Look, ...]
    reached: bool = True

    @property
    def decision(self) -> Look | None:
        """The look that decides, where one does."""
        return self.looks[-1] if self.looks and self.looks[-1].decides else None


def walk(column: Column, spans: Sequence[Span], asked: Asked) -> list[Walked]:
    """Replay a gate over the spans of a release. What came after a canary's fail would not have been.

    Args:
        column: the gate.
        spans: oldest first.
        asked: answers for that time.

    Returns:
        One for each span.
    """
    return [walked for each in walks(spans) for walked in _up_to_a_fail(column, each, asked)]


def _up_to_a_fail(column: Column, spans: Sequence[Span], asked: Asked) -> Iterator[Walked]:
    failed = False
    for span in spans:
        walked = Walked(span, () if failed else tuple(_looks(column, span, asked)), reached=not failed)
        yield walked
        failed = failed or (walked.decision is not None and walked.decision.evidence.verdict is Verdict.FAIL)


@dataclass(frozen=True)
class Again:
    """A look that the gate really took, taken again.

    Attributes:
        decision: what came of it then.
        line: of the same look now.
        same: whether the evidence's line is the same.
    """

    decision: Decision
    line: str
    same: bool


def again(column: Column, spans: Sequence[Span], asked: Asked) -> list[Again]:
    """Take those looks again on which decisions were made: the past as it is remembered now against what was said.

    Args:
        column: the gate with the settings that it has now.
        spans: with the decisions.
        asked: answers for that time.
    """
    found = []
    for span in spans:
        for decision in span.decided:
            if decision.looked is None or decision.since is None:
                continue
            evidence = measure(column.checks, span.live, decision.since, decision.looked, asked)
            same = decision.line.endswith(f", {evidence.line}")
            found.append(Again(decision, _line(column, span, evidence, decision.looked), same))
    return found


def _looks(column: Column, span: Span, asked: Asked) -> Iterator[Look]:
    checks = column.checks
    at = span.since + checks.warm_up + min(checks.interval, checks.soak_at(span.weight)) + _GRAIN
    while at <= span.until:
        evidence = measure(checks, span.live, span.since, at, asked)
        left = missing(checks, span.weight, span.since, at, evidence)
        decides = evidence.verdict is Verdict.FAIL or (left <= 0 and evidence.verdict is Verdict.PASS)
        line = _line(column, span, evidence, at)
        yield Look(at, evidence, line, decides, _spent(checks, span, at, asked))
        if decides:
            return
        # As the gate sleeps; where its soak is over it ends, and the next run looks again.
        at = round(at + (min(checks.interval, max(left, _GRAIN)) if left > 0 else checks.interval), 3)


def _spent(checks: Checks, span: Span, at: float, asked: Asked) -> Counts | None:
    query = queries.counts(checks.target, [span.canary], max(1, int(at - span.since)))
    try:
        return counted(asked.query(query, at), checks.target.workload(span.canary))
    except PrometheusError:
        return None


def _line(column: Column, span: Span, evidence: Evidence, at: float) -> str:
    """The reason that the gate's own decision leaves in its state."""
    checks = column.checks
    end = next_weight(checks.steps, span.weight)
    kind = MoveKind.PROMOTE if end is None else MoveKind.ADVANCE
    move = Move(kind, span.weight, end or 0, judged=True)
    state = GateState(
        approved_weight=span.weight,
        phase=Phase.PROGRESSING,
        reason="",
        applied_at=timestamp(span.since),
        decision="replayed",
        stable_revision=span.stable,
        canary_revision=span.canary,
    )
    wanted = Wanted(end or 0, span.stable, span.canary, checks.steps)
    return settle(state, Turn(column.release, wanted, move, checks.roll_back, at), evidence).reason


def checks_of(inputs: Mapping[str, Any], *, recorded: bool) -> Checks:
    """The checks of a gate's inputs, for workloads by their whole names, as spans have them.

    Args:
        inputs: of the gate.
        recorded: whether the series of the recording rules are asked.
    """
    checks = Checks.read(inputs)
    return replace(checks, target=replace(checks.target, as_named=True, recorded=recorded))
