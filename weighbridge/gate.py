"""The gate: waits for the soak of the live weight, looks at it, and gives the evidence. Time is an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from weighbridge import summary
from weighbridge.checks import Asked, Checks, measure
from weighbridge.durations import format_seconds
from weighbridge.judge import Evidence, Verdict
from weighbridge.plan import Live, Move


@dataclass(frozen=True)
class Clock:
    """Time, as an argument.

    Attributes:
        now: Unix time, seconds.
        sleep: waits for so many seconds.
    """

    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True)
class Gate:
    """The gate of one release.

    Attributes:
        name: of the release.
        checks: what is checked.
        prometheus: is asked.
        clock: time.
        say: takes the lines of progress.
    """

    name: str
    checks: Checks
    prometheus: Asked
    clock: Clock
    say: Callable[[str], None]

    def soak(self, live: Live, move: Move, since: float) -> Evidence:
        """Judge the live weight once its soak has passed; wait for that, with a line of progress an interval.

        Args:
            live: what is live.
            move: that the verdict decides.
            since: Unix time at which the mesh had the live weight.

        Returns:
            The evidence. A fail comes as early as it is proven; a pass never before the soak is over.
        """
        patience = self.clock.now() + self.checks.soak_at(live.weight) + self.checks.warm_up + self.checks.interval
        while True:
            now = self.clock.now()
            evidence = measure(self.checks, live, since, now, self.prometheus)
            left = missing(self.checks, live.weight, since, now, evidence)
            if left <= 0 or evidence.verdict is Verdict.FAIL:
                return evidence
            if not self.checks.wait:
                line = f"soak has {format_seconds(max(1, round(left)))} left, {evidence.line}"
                return replace(evidence, verdict=Verdict.INSUFFICIENT, line=line)
            if now >= patience:
                # Its retention is shorter than the soak, or it loses its data again and again: waiting has no end.
                known, soak = (format_seconds(each) for each in (evidence.window, self.checks.soak_at(live.weight)))
                line = f"Prometheus remembers {known} of a soak of {soak}, {evidence.line}"
                return replace(evidence, verdict=Verdict.INSUFFICIENT, line=line)
            self.say(summary.progress(self.name, move, evidence, left))
            self.clock.sleep(min(self.checks.interval, left))


def missing(checks: Checks, weight: int, since: float, now: float, evidence: Evidence) -> float:
    """Seconds of a weight's soak that some evidence does not cover; zero or less when it does.

    Args:
        checks: what is checked.
        weight: the live one, percent.
        since: Unix time at which the mesh had it.
        now: Unix time of the evidence.
        evidence: of that time.
    """
    left = checks.missing(weight, since, now)
    # Prometheus may remember less than the time that has passed.
    return max(left, int(checks.soak_at(weight)) - evidence.window) if evidence.window else left
