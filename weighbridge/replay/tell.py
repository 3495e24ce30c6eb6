"""A replay in words, and as JSON values. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from weighbridge.durations import format_seconds
from weighbridge.judge import Verdict
from weighbridge.replay.spans import Decision, Span, walks
from weighbridge.replay.walk import Again, Column, Look, Walked
from weighbridge.replay.when import clock, day

COLUMNS = ("when", "weight", "settings", "verdict", "requests", "the gate's line")
NONE = "-"


@dataclass(frozen=True)
class Replay:
    """A whole replay.

    Attributes:
        release: its name.
        source: where the answers came from, in words.
        spans: that were walked.
        columns: each gate with its walk; the stack's own first.
        again: the looks that were really taken, taken again with the stack's own settings.
    """

    release: str
    source: str
    spans: Sequence[Span]
    columns: Sequence[tuple[Column, Sequence[Walked]]]
    again: Sequence[Again]


def heading(replay: Replay) -> str:
    """What is replayed, from when to when, and by whose answers."""
    first, last = replay.spans[0], replay.spans[-1]
    return f"replay of {replay.release}, {day(first.since)} to {day(last.until)}, by {replay.source}"


def rows(replay: Replay, *, verbose: bool) -> list[tuple[str, ...]]:
    """The rows of a table, by time within each weight.

    Args:
        replay: the whole.
        verbose: with the looks that decided nothing, where only the last of a span is shown that had no other.
    """
    found: list[tuple[str, ...]] = []
    for number, span in enumerate(replay.spans):
        lines = [
            (look.at, _row(look, span, column))
            for column, walked in replay.columns
            for look in _shown(walked[number], verbose=verbose)
        ]
        lines += [(each.at, _really(each, span)) for each in span.decided]
        found += [row for _, row in sorted(lines, key=lambda line: line[0])]
    return found


def side_by_side(replay: Replay) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The columns and rows of a table with a row for each weight and a column for each gate."""
    head = ("weight", "really", *(column.name for column, _ in replay.columns))
    lines = []
    for number, span in enumerate(replay.spans):
        cells = [_cell(walked[number]) for _, walked in replay.columns]
        lines.append((f"{span.weight}%", _what_happened(span), *cells))
    return head, lines


def summaries(replay: Replay) -> list[str]:
    """For each walk of a candidate what really happened, then what each gate would have done."""
    lines, begin, parts = [], 0, walks(replay.spans)
    for part in parts:
        of = f"{part[0].canary} from {clock(part[0].since)} on, " if len(parts) > 1 else ""
        lines.append(f"{of}really: {_of_history(part)}")
        for column, walked in replay.columns:
            lines.append(f"{of}{column.name}: {_sentence(walked[begin : begin + len(part)])}")
        begin += len(part)
    return lines


def checked(again: Iterable[Again]) -> list[str]:
    """Whether the looks that were really taken say the same today."""
    lines = []
    for each in again:
        looked = clock(each.decision.looked or each.decision.at)
        said = "the same line" if each.same else f"another line, {each.line}"
        lines.append(f"the look of {looked} again: {said}")
    return lines


def document(replay: Replay) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "release": replay.release,
        "source": replay.source,
        "spans": [
            {"weight": s.weight, "canary": s.canary, "stable": s.stable, "since": s.since, "until": s.until}
            for s in replay.spans
        ],
        "really": {
            "decisions": [vars(each) | {"weight": span.weight} for span in replay.spans for each in span.decided],
        },
        "settings": [
            {"name": column.name, "weights": [_weight(each) for each in walked]} for column, walked in replay.columns
        ],
        "summary": summaries(replay),
        "again": [{"looked": e.decision.looked, "then": e.decision.line, "now": e.line, "same": e.same}
                  for e in replay.again],
    }  # fmt: skip


def _weight(walked: Walked) -> dict[str, Any]:
    decision = walked.decision
    return {
        "weight": walked.span.weight,
        "decided": decision.at if decision else None,
        "after": round(decision.at - walked.span.since, 3) if decision else None,
        "looks": [
            {
                "at": look.at,
                "verdict": str(look.evidence.verdict),
                "line": look.line,
                "requests": look.spent.total if look.spent else None,
                "failed": look.spent.bad if look.spent else None,
            }
            for look in walked.looks
        ],
    }


def _shown(walked: Walked, *, verbose: bool) -> Sequence[Look]:
    return walked.looks if verbose else walked.looks[-1:]


def _row(look: Look, span: Span, column: Column) -> tuple[str, ...]:
    verdict = str(look.evidence.verdict) if look.decides else _undecided(look)
    return (clock(look.at), f"{span.weight}%", column.name, verdict, _requests(look), look.line)


def _really(decision: Decision, span: Span) -> tuple[str, ...]:
    return (clock(decision.at), f"{span.weight}%", "really", decision.verdict or NONE, NONE, decision.line)


def _undecided(look: Look) -> str:
    # A pass before the soak is over decides nothing.
    return "too soon" if look.evidence.verdict is Verdict.PASS else str(look.evidence.verdict)


def _requests(look: Look) -> str:
    return NONE if look.spent is None else str(math.floor(look.spent.total))


def _cell(walked: Walked) -> str:
    decision = walked.decision
    if not walked.reached:
        return "not reached"
    if decision is None:
        return "never decided"
    return f"{decision.evidence.verdict} after {_after(walked)}, {_requests(decision)} requests"


def _what_happened(span: Span) -> str:
    if not span.decided:
        return NONE
    last = span.decided[-1]
    return f"{last.verdict or 'moved'} after {format_seconds(max(0, round(last.at - span.since)))}"


def _after(walked: Walked) -> str:
    decision = walked.decision
    end = decision.at if decision else walked.span.until
    return format_seconds(max(0, round(end - walked.span.since)))


def _sentence(walked: Sequence[Walked]) -> str:
    walked = [each for each in walked if each.reached]
    total, failed, seconds = _sums(walked)
    last = walked[-1]
    open_ = next((each for each in walked if each.decision is None), None)
    if last.decision and last.decision.evidence.verdict is Verdict.FAIL:
        word = "rolled back" if "-> 0: rolled back" in last.decision.line else "halted"
        spent = f"{format_seconds(seconds)}, {total} requests of the canary"
        return f"would have {word} at {last.span.weight}% after {spent}, {failed} of them failed"
    if open_:
        line = open_.looks[-1].line if open_.looks else "no time for a look"
        return f"never decided at {open_.span.weight}%: {line}"
    weights = ", ".join(f"{each.span.weight}%" for each in walked)
    spent = f"{format_seconds(seconds)}, {total} requests of the canary, {failed} of them failed"
    return f"would have passed {weights} after {spent}"


def _sums(walked: Sequence[Walked]) -> tuple[int, int, int]:
    """Requests of the canary, how many of them failed, and seconds, up to the decisions."""
    spent = [each.decision.spent for each in walked if each.decision and each.decision.spent]
    seconds = sum((each.decision.at if each.decision else each.span.until) - each.span.since for each in walked)
    return math.floor(sum(s.total for s in spent)), round(sum(s.bad for s in spent)), round(seconds)


def _of_history(spans: Sequence[Span]) -> str:
    decided = [(span, each) for span in spans for each in span.decided]
    if not decided:
        return "nothing was decided in this time"
    span, last = decided[-1]
    seconds = sum(each.until - each.since for each in spans)
    return f"{last.line}, at {span.weight}% after {format_seconds(round(seconds))}"
