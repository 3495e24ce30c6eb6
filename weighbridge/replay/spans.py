"""Which weight was live when, and what was decided there: from the history in a gate's state. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from weighbridge.plan import Live, Phase
from weighbridge.state import GateState
from weighbridge.workload import workload_name


@dataclass(frozen=True)
class Decision:
    """What the gate decided at a weight.

    Attributes:
        at: Unix time, seconds.
        to: the weight after it, percent.
        verdict: that it rests on; "" where nobody was asked.
        line: that people read.
        since: from when on was judged, Unix time; None where nobody looked.
        looked: when was looked, Unix time.
    """

    at: float
    to: int
    verdict: str
    line: str
    since: float | None = None
    looked: float | None = None


@dataclass(frozen=True)
class Span:
    """A time at one weight.

    Attributes:
        weight: percent.
        canary: the workload that had it.
        stable: the workload that had the rest; "" where it is not known.
        since: Unix time at which the mesh had the weight.
        until: Unix time at which it was another.
        decided: there, oldest first.
    """

    weight: int
    canary: str
    stable: str
    since: float
    until: float
    decided: tuple[Decision, ...] = ()

    @property
    def live(self) -> Live:
        """As the gate is told it; workloads stand for revisions."""
        return Live(self.weight, Phase.PROGRESSING, self.stable, self.canary)

    @property
    def workloads(self) -> tuple[str, ...]:
        """Those with traffic."""
        return tuple(each for each in (self.canary, self.stable) if each)


def of_state(name: str, state: GateState, now: float) -> list[Span]:
    """The spans that a gate's state remembers, oldest first.

    Args:
        name: of the release.
        state: of its gate.
        now: Unix time, the end of what is live.
    """
    found: list[Span] = []
    running: Span | None = None
    for entry in state.history:
        decision = _decision(entry)
        if running:
            running = replace(running, decided=(*running.decided, decision))
            if decision.looked and decision.since:
                # When the mesh had the weight, to the millisecond, is known from the gate that looked.
                running = replace(running, since=decision.since)
        canary = workload_name(name, str(entry["revision"]))
        if running and (decision.to != running.weight or (decision.to and canary != running.canary)):
            found.append(replace(running, until=decision.looked or decision.at))
            running = None
        if decision.to and not running:
            stable = str(entry.get("stable") or state.stable_revision)
            running = Span(decision.to, canary, workload_name(name, stable), decision.at, now)
    return [*found, running] if running else found


def walks(spans: Iterable[Span]) -> list[list[Span]]:
    """Spans by the walk that they belong to: one candidate at rising weights."""
    found: list[list[Span]] = []
    for span in spans:
        before = found[-1][-1] if found else None
        if before and before.canary == span.canary and before.weight < span.weight:
            found[-1].append(span)
        else:
            found.append([span])
    return found


def between(spans: Iterable[Span], start: float, end: float) -> list[Span]:
    """The parts of spans that lie in a time."""
    cut = (replace(each, since=max(each.since, start), until=min(each.until, end)) for each in spans)
    return [each for each in cut if each.since < each.until]


def content(span: Span) -> dict[str, Any]:
    """As JSON values."""
    decided = [{key: value for key, value in vars(each).items() if value is not None} for each in span.decided]
    return {**vars(span), "decided": decided}


def read(given: Mapping[str, Any]) -> Span:
    """From JSON values; raises KeyError, TypeError or ValueError where they are none of a span's."""
    decided = tuple(Decision(**each) for each in given["decided"])
    return Span(
        int(given["weight"]),
        str(given["canary"]),
        str(given["stable"]),
        float(given["since"]),
        float(given["until"]),
        decided,
    )


def _decision(entry: Mapping[str, Any]) -> Decision:
    return Decision(
        at=dt.datetime.fromisoformat(str(entry["at"])).timestamp(),
        to=int(entry["to"]),
        verdict=str(entry.get("verdict", "")),
        line=str(entry.get("line", "")),
        since=float(entry["since"]) if entry.get("since") else None,
        looked=float(entry["looked"]) if entry.get("looked") else None,
    )
