"""How long a gate takes whose soak has passed: one decision against the lab's real Prometheus, and what it is made of.

Run by `make bench`, inside a namespace. Prints the decision's time beside that of one bare query on the same server in
the same run, so that the ratio says what the gate adds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import Lab
from tests.engine.delivery import deliver, send
from weighbridge.checks import Checks
from weighbridge.gate import Clock, Gate
from weighbridge.measure import Prometheus
from weighbridge.plan import Move, MoveKind
from weighbridge.state import GateState

ROUNDS = 50


def times(call: Callable[[], object]) -> list[float]:
    """Milliseconds of each round."""
    found = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - started))
    return found


def row(name: str, found: list[float]) -> str:
    """One line of the table."""
    ordered = sorted(found)
    return f"{name:<44}{statistics.median(ordered):>9.1f}{ordered[int(0.95 * ROUNDS)]:>9.1f}{ordered[-1]:>9.1f}"


def main() -> None:
    """Walk to the first step, let its soak pass, and decide again and again."""
    with tempfile.TemporaryDirectory() as folder, Lab.start(Path(folder) / "lab") as lab:
        release = deliver(lab, Path(folder) / "project", "bench", "rehearsal")
        with release.load(rate=200) as load:
            assert release.up(weight=10).ok
            send(load, 1600)
            inputs = dict(release.gate)
            state = GateState.read(inputs)
            assert state
            checks = Checks.read(inputs)

            def decide() -> None:
                # A client of its own for each, as each run has: the connection is part of the time.
                gate = Gate("bench", checks, Prometheus(lab.prometheus_url, 5, 3), Clock(time.time, time.sleep), print)
                evidence = gate.soak(state.live, Move(MoveKind.ADVANCE, 10, 30, judged=True), state.applied_time)
                assert evidence.verdict == "pass", evidence

            def ask() -> None:
                Prometheus(lab.prometheus_url, 5, 3).query("up", time.time())

            decisions, queries = times(decide), times(ask)
    print(f"{'ms, ' + str(ROUNDS) + ' rounds':<44}{'median':>9}{'p95':>9}{'max':>9}")
    print(row("a decision whose soak has passed", decisions))
    print(row("one bare query", queries))
    print(f"ratio of medians: {statistics.median(decisions) / statistics.median(queries):.1f}")


if __name__ == "__main__":
    main()
