"""What `plan` and `status` show of each release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from weighbridge.cli.desk import Desk, live
from weighbridge.errors import Refused
from weighbridge.goal import wanted
from weighbridge.plan import Move, MoveKind, decide, next_weight
from weighbridge.settings import Release
from weighbridge.state import GateState

COLUMNS = ("release", "steps", "live", "wanted", "phase", "next")


@dataclass(frozen=True)
class Row:
    """One release: where it is, what the file wants, and what the next run would do."""

    release: str
    steps: tuple[int, ...]
    live: int
    wanted: int
    phase: str
    next: str
    refused: bool
    reason: str

    def cells(self) -> tuple[str, ...]:
        """Give the cells of a table's row."""
        steps = " ".join(map(str, self.steps))
        return (self.release, steps, f"{self.live}%", f"{self.wanted}%", self.phase, self.next)

    def content(self) -> dict[str, object]:
        """Give the same as JSON values."""
        return asdict(self)


def rows(desk: Desk) -> list[Row]:
    """Look at every release of the stack: its settings, its gate's saved state, and the plan between them."""
    gates: Mapping[str, Mapping[str, object]] = desk.gates()
    return [
        _row(name, release, GateState.read(gates.get(name, {}))) for name, release in desk.settings().releases.items()
    ]


def _row(name: str, release: Release, state: GateState | None) -> Row:
    wish = wanted(release)
    refused = False
    try:
        coming = _sentence(decide(name, live(state), wish), release, state)
    except Refused as refusal:
        coming, refused = f"refused: {refusal}", True
    return Row(
        release=name,
        steps=wish.steps,
        live=state.approved_weight if state else 0,
        wanted=wish.weight,
        phase=str(state.phase) if state else "new",
        next=coming,
        refused=refused,
        reason=state.reason if state else "",
    )


def _sentence(move: Move, release: Release, state: GateState | None) -> str:
    if move.kind is MoveKind.KEEP:
        return _after(release, state)
    if move.kind is MoveKind.STAY_FAILED:
        return "stays: the revision has failed; weight: 0, a new revision or 'retry' leads on"
    judged = ", when Prometheus agrees" if move.judged else ""
    return f"{move.kind} {move.text}{judged}"


def _after(release: Release, state: GateState | None) -> str:
    """Say what could be asked for next, where the file asks for nothing."""
    wish = wanted(release)
    if wish.canary == wish.stable:
        return "nothing to release"
    weight = next_weight(wish.steps, state.approved_weight if state else 0)
    return "nothing; promote could follow" if weight is None else f"nothing; weight: {weight} could follow"
