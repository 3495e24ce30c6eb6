"""What the tests of a replay share: series of a release, and a server of ours that has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from weighbridge.checks import Checks
from weighbridge.errors import PrometheusError
from weighbridge.measure import Sample
from weighbridge.plan import Phase
from weighbridge.queries import BUCKETS, REQUESTS, Target
from weighbridge.replay.increase import Counter
from weighbridge.replay.series import About, Recorded
from weighbridge.replay.spans import Span
from weighbridge.replay.walk import Column
from weighbridge.state import GateState, timestamp

T0 = 1_800_000_000.0
X, Y, Z = "0000000001", "0000000002", "0000000003"
STABLE, CANARY = f"podinfo-{X}", f"podinfo-{Y}"
CHECKS = Checks(
    target=Target("podinfo", "test", "destination", as_named=True),
    metrics={"request-success-rate": {"min": 99.0}},
    steps=(10, 50),
    soak={},
    default_soak=60.0,
    warm_up=30.0,
    interval=10.0,
    threshold=1,
    min_requests=20,
    wait=True,
    roll_back=True,
)
OWN = Column("stack", "podinfo", CHECKS)
SPAN = Span(10, CANARY, STABLE, T0, T0 + 300)


def labelled(workload: str, code: str = "200", **more: str) -> dict[str, str]:
    """The labels of a series of requests."""
    return {
        "reporter": "destination",
        "destination_workload_namespace": "test",
        "destination_workload": workload,
        "response_code": code,
        **more,
    }


def rising(rate: float, begin: float = -400, end: float = 400, every: int = 5) -> Counter:
    """A counter that is scraped regularly, from so many seconds after T0 on."""
    times = range(int(1000 * (T0 + begin)), int(1000 * (T0 + end)) + 1, 1000 * every)
    return Counter.of(times, [round(rate * (at - times[0]) / 1000, 3) for at in times])


def series(*, bad: float = 0.0, canary: float = 1.0, spans: tuple[Span, ...] = (SPAN,)) -> Recorded:
    """Series of ten requests a second, of which the canary has a tenth, and errs from T0 + 60 on."""
    found = [
        (labelled(STABLE), rising(9)),
        (labelled(CANARY), rising(canary * (1 - bad))),
        *([(labelled(CANARY, "503"), rising(canary * bad, begin=60))] if bad else []),
    ]
    what = About("podinfo", "test", (CANARY, STABLE), T0 - 400, T0 + 400, spans)
    return Recorded(what, {REQUESTS: found, BUCKETS: []})


@dataclass
class Server:
    """A server with those series, which counts what it is asked.

    Attributes:
        recorded: the series.
        texts: answers to the user's own queries.
        dead_at: Unix time of the first question that gets no answer; none later does.
    """

    recorded: Recorded
    texts: Mapping[str, float] = field(default_factory=dict)
    dead_at: float = math.inf
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    died: bool = False

    def query(self, promql: str, at: float) -> list[Sample]:
        """As the series say."""
        self._note(promql, at)
        if promql == "vector(1)":
            return [Sample({}, at, 1.0)]
        if promql.startswith("sum(count_over_time("):
            return [Sample({}, at, float(sum(len(c.times) for _, c in self.recorded.counters[REQUESTS])))]
        return [Sample({}, at, self.texts[promql])] if promql in self.texts else self.recorded.query(promql, at)

    def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
        """As the series say."""
        self._note(promql, start, end, step)
        if promql in self.texts:
            return [Sample({}, float(at), self.texts[promql]) for at in range(round(start), round(end) + 1, step)]
        return self.recorded.query_range(promql, start, end, step)

    def samples(self, promql: str, at: float) -> list[Sample]:
        """The samples of all series of a metric, with a label that nobody asks by."""
        metric, seconds = promql.partition("{")[0], int(promql.rpartition("[")[2].removesuffix("s]"))
        return [
            Sample(dict(labels) | {"source_principal": "spiffe://who"}, t / 1000, value)
            for labels, counter in self.recorded.counters[metric]
            for t, value in zip(counter.times, counter.values, strict=True)
            if at - seconds <= t / 1000 <= at
        ]

    def _note(self, promql: str, at: float, *more: float) -> None:
        self.asked.append((promql, at, *more))
        self.died = self.died or at >= self.dead_at
        if self.died:
            raise PrometheusError("Prometheus at http://p cannot be reached")


def entry(at: float, start: int, to: int, revision: str, **more: Any) -> dict[str, Any]:
    """One decision in a history."""
    line = f"podinfo {start} -> {to}"
    base = {"at": timestamp(T0 + at), "from": start, "to": to, "verdict": "", "revision": revision, "line": line}
    return {**base, "stable": X, **more}


def state(*history: Mapping[str, Any], weight: int = 10) -> GateState:
    """A gate's state with a history."""
    return GateState(weight, Phase.PROGRESSING, "", timestamp(T0), "d", X, Z, history=history)
