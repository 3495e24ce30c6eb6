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
        while True:
            now = self.clock.now()
            evidence = measure(self.checks, live.canary, since, now, self.prometheus)
            missing = self.checks.missing(live.weight, since, now)
            if missing <= 0 or evidence.verdict is Verdict.FAIL:
                return evidence
            if not self.checks.wait:
                left = format_seconds(max(1, round(missing)))
                line = f"soak has {left} left, {evidence.line}"
                return replace(evidence, verdict=Verdict.INSUFFICIENT, line=line)
            self.say(summary.progress(self.name, move, evidence, missing))
            self.clock.sleep(min(self.checks.interval, missing))
