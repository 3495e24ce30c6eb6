"""What a gate keeps in Pulumi's state: the facts of one release, and how they are written and read back.

Everything here is readable by whoever may read the state; nothing here is ever secret.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

from weighbridge.judge import Evidence
from weighbridge.plan import Live, Move, Phase, Wanted, override_label

_HISTORY: Final = 50
"""Decisions that are kept; older ones are in git and in the backend's own history."""


@dataclass(frozen=True)
class GateState:
    """The state of one release.

    Attributes:
        approved_weight: percent that the routes follow.
        phase: where the release is.
        reason: the line that people read.
        applied_at: when the weight was approved, ISO 8601 in UTC; the routes follow within the same run.
        decision: names this approval; the routes carry it, so that a run that was cut off shows.
        stable_revision: serves the rest.
        canary_revision: has the weight; "" where none has.
        previous_revisions: had traffic before the last move; the DestinationRule keeps their subsets.
        failed_revision: the last that failed.
        passed_revision: the last that passed its last step.
        wanted_weight: what the stack file asked for in the last run.
        retry: the stack file's `retry` in the last run.
        measurements: of the last judgement.
        history: decisions, oldest first.
    """

    approved_weight: int
    phase: Phase
    reason: str
    applied_at: str
    decision: str
    stable_revision: str
    canary_revision: str = ""
    previous_revisions: tuple[str, ...] = ()
    failed_revision: str = ""
    passed_revision: str = ""
    wanted_weight: int = 0
    retry: int = 0
    measurements: tuple[Mapping[str, Any], ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()

    @property
    def live(self) -> Live:
        """What the plan needs to know of it."""
        overrides = tuple((str(e["override"]), str(e["label"])) for e in self.history if e.get("override"))
        return Live(
            weight=self.approved_weight,
            phase=self.phase,
            stable=self.stable_revision,
            canary=self.canary_revision,
            failed=self.failed_revision,
            retry=self.retry,
            overrides=overrides,
        )

    @property
    def applied_time(self) -> float:
        """`applied_at` as Unix time, seconds."""
        return dt.datetime.fromisoformat(self.applied_at).timestamp()

    def outputs(self) -> dict[str, Any]:
        """As the dynamic provider hands it to the engine: JSON values only."""
        out = asdict(self)
        out["phase"] = str(self.phase)
        for key in ("previous_revisions", "measurements", "history"):
            out[key] = list(out[key])
        return out

    @classmethod
    def read(cls, outputs: Mapping[str, Any]) -> Self | None:
        """The state in a resource's outputs.

        Args:
            outputs: of the gate; numbers come back as floats, as Pulumi's wire format has it.

        Returns:
            None where there is no decision in them: a gate that never ran.
        """
        if not outputs.get("decision"):
            return None
        return cls(
            approved_weight=int(outputs["approved_weight"]),
            phase=Phase(outputs["phase"]),
            reason=str(outputs.get("reason", "")),
            applied_at=str(outputs["applied_at"]),
            decision=str(outputs["decision"]),
            stable_revision=str(outputs["stable_revision"]),
            canary_revision=str(outputs.get("canary_revision", "")),
            previous_revisions=tuple(outputs.get("previous_revisions", ())),
            failed_revision=str(outputs.get("failed_revision", "")),
            passed_revision=str(outputs.get("passed_revision", "")),
            wanted_weight=int(outputs.get("wanted_weight", 0)),
            retry=int(outputs.get("retry", 0)),
            measurements=tuple(outputs.get("measurements", ())),
            history=tuple(outputs.get("history", ())),
        )


def timestamp(now: float) -> str:
    """Unix seconds as ISO 8601 in UTC with milliseconds."""
    return dt.datetime.fromtimestamp(now, dt.UTC).isoformat(timespec="milliseconds")


def recorded(state: GateState, move: Move, evidence: Evidence | None, revision: str, now: float) -> GateState:
    """The state with its newest decision in the history.

    Args:
        state: after the decision; its `reason` is the decision's line.
        move: that was asked for.
        evidence: of the judgement, where there was one.
        revision: that the decision is about.
        now: Unix time, seconds.
    """
    entry: dict[str, Any] = {
        "at": timestamp(now),
        "from": move.start,
        "to": state.approved_weight,
        "verdict": str(evidence.verdict) if evidence else "",
        "revision": revision,
        "line": state.reason,
        "stable": state.stable_revision,
    }
    if evidence and evidence.looked:
        # To the millisecond, as Prometheus was asked.
        entry |= {"since": round(evidence.since, 3), "looked": round(evidence.looked, 3)}
    if move.override:
        entry |= {"override": move.override, "label": override_label(move)}
    found = evidence.measurements if evidence else ()
    measurements = tuple(asdict(each) | {"verdict": str(each.verdict)} for each in found)
    return replace(state, measurements=measurements, history=(*state.history, entry)[-_HISTORY:])


def wanted_from(state: GateState, wanted: Wanted) -> GateState:
    """The state that remembers what was asked for in this run.

    A `retry` is used up by the run that gives traffic again, not by one that asks for 0 on the way there.
    """
    retry = wanted.retry if wanted.weight else state.retry
    return replace(state, wanted_weight=wanted.weight, retry=retry)
