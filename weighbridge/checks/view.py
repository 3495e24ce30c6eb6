"""What one look looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace

from weighbridge.checks.answers import Asked
from weighbridge.checks.inputs import Checks
from weighbridge.judge import Scope
from weighbridge.judge.sequential import starts
from weighbridge.plan import Live


@dataclass(frozen=True)
class View:
    """One look.

    Attributes:
        checks: what is checked.
        live: the revisions and the weight that the mesh has.
        window: seconds up to `now`.
        now: Unix time.
        prometheus: is asked.
    """

    checks: Checks
    live: Live
    window: int
    now: float
    prometheus: Asked

    @property
    def scope(self) -> Scope:
        """Window and minimum of requests."""
        return Scope(self.window, self.checks.min_requests)

    @property
    def revisions(self) -> tuple[str, ...]:
        """Those that have traffic to be told apart: the canary, and stable where it is another one."""
        both = (self.live.canary, self.live.stable)
        return both if self.live.stable and self.live.stable != self.live.canary else both[:1]

    @property
    def step(self) -> int:
        """Seconds of one check, and between two starts of the comparison."""
        return max(1, round(self.checks.interval))

    @property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """The starts to look at (see `sequential.starts`), each with its seconds up to now; the whole window first."""
        number = (self.window - 1) // self.step + 1
        return tuple((start, self.window - start * self.step) for start in starts(number))

    def workload(self, revision: str) -> str:
        """The name under which Prometheus knows a revision."""
        return self.checks.target.workload(revision)

    def shortened(self, seconds: int) -> View:
        """The view without so many seconds at its beginning; one second is left at least."""
        return replace(self, window=max(1, self.window - seconds))
