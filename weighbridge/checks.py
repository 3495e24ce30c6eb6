"""What a gate checks, and one look at it: queries out, samples in, evidence back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from weighbridge import queries
from weighbridge.durations import format_seconds
from weighbridge.errors import PrometheusError
from weighbridge.judge import (
    Counts,
    Evidence,
    Measurement,
    Scope,
    Verdict,
    combine,
    count,
    duration,
    success_rate,
    unmeasured,
)
from weighbridge.measure import Sample
from weighbridge.workload import workload_name

_SHORTEST = 1.0
"""Seconds: PromQL's windows are whole ones here, and one of none has nothing in it."""


class Asked(Protocol):
    """Something that answers PromQL, as `weighbridge.measure.Prometheus` does."""

    def query(self, promql: str, at: float) -> list[Sample]:
        """The samples at one Unix time."""

    def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
        """The samples at regular Unix times."""


@dataclass(frozen=True)
class Checks:
    """What one release's gate checks, times in seconds.

    Attributes:
        target: whose series.
        metrics: by name, the bounds; in the order of the settings.
        soak: that the window has to span, by step weight.
        default_soak: for a weight that is no step.
        warm_up: left out at the start of a weight.
        interval: between two looks of a gate that waits, and the length of one check.
        threshold: failed checks until the verdict is fail; 1 judges the whole window.
        min_requests: fewer say nothing.
        wait: whether the run waits for the soak.
        roll_back: whether a fail takes the traffic back, or holds it where it is.
    """

    target: queries.Target
    metrics: Mapping[str, Mapping[str, float]]
    soak: Mapping[int, float]
    default_soak: float
    warm_up: float
    interval: float
    threshold: int
    min_requests: int
    wait: bool
    roll_back: bool

    @classmethod
    def read(cls, inputs: Mapping[str, Any]) -> Checks:
        """From a gate resource's inputs, where numbers are floats."""
        gate = inputs["gate"]
        return cls(
            target=queries.Target(inputs["release"], inputs["namespace"], gate["reporter"]),
            metrics=gate["metrics"],
            soak={int(s["weight"]): float(s["soak"]) for s in inputs["steps"] if s.get("soak") is not None},
            default_soak=float(gate["soak"]),
            warm_up=float(gate["warm_up"]),
            interval=float(gate["interval"]),
            threshold=int(gate["threshold"]),
            min_requests=int(gate["min_requests"]),
            wait=bool(gate["wait"]),
            roll_back=gate["on_failure"] == "rollback",
        )

    def missing(self, weight: int, since: float, now: float) -> float:
        """Seconds until the window at a weight is long enough; zero or less when it is."""
        return max(_SHORTEST, self.soak.get(weight, self.default_soak)) + self.warm_up - (now - since)


def measure(checks: Checks, revision: str, since: float, now: float, prometheus: Asked) -> Evidence:
    """Judge a revision on the time at its weight: one round of queries over [since + warm_up, now].

    Args:
        checks: what is checked.
        revision: of the canary.
        since: Unix time at which the mesh had the weight.
        now: Unix time of the window's end.
        prometheus: is asked.

    Returns:
        The evidence; a Prometheus that gives no usable answer makes it an `error`, never a verdict.
    """
    window = int(now - since - checks.warm_up)
    if window < 1:
        left = format_seconds(max(1, round(1 + checks.warm_up - (now - since))))
        return Evidence(Verdict.INSUFFICIENT, f"warming up, {left} left")
    try:
        evidence = combine(_measurements(checks, revision, window, now, prometheus), window)
        if checks.threshold > 1:
            return _by_threshold(checks, revision, evidence, now, prometheus)
    except PrometheusError as error:
        return Evidence(Verdict.ERROR, str(error))
    return evidence


def _measurements(checks: Checks, revision: str, window: int, now: float, prometheus: Asked) -> list[Measurement]:
    scope = Scope(window, checks.min_requests)
    query = queries.counts(checks.target, [revision], window)
    counts = counted(prometheus.query(query, now), workload_name(checks.target.release, revision))
    found = []
    for name, bound in checks.metrics.items():
        if name == "request-success-rate":
            found.append(success_rate(counts, bound["min"], scope, query))
            continue
        asked = queries.latency(checks.target, revision, bound["quantile"], window)
        try:
            value = _scalar(prometheus.query(asked, now))
        except PrometheusError as error:
            # One metric's trouble is its own: what another has proven of the canary still stands.
            found.append(unmeasured(name, asked, str(error), scope, counts.total))
            continue
        # The settings give seconds, Istio's histogram has milliseconds.
        found.append(duration(value, 1000 * bound["max"], counts.total, scope, asked))
    return found


def counted(samples: Sequence[Sample], workload: str) -> Counts:
    """The requests of one workload in the answer to `queries.counts`.

    Args:
        samples: of one time, one for each workload and response code.
        workload: whose.

    Raises:
        PrometheusError: a series is there twice, or a count is none.
    """
    by_code = {(s.labels.get("destination_workload", ""), s.labels.get("response_code", "")): s.value for s in samples}
    if len(by_code) != len(samples):
        raise PrometheusError("Prometheus gave the same series twice")
    try:
        return count(by_code, workload)
    except ValueError as error:
        raise PrometheusError(f"Prometheus gave a count that is none: {error}") from None


def _scalar(samples: Sequence[Sample]) -> float | None:
    if len(samples) > 1:
        raise PrometheusError(f"Prometheus gave {len(samples)} series where one was asked for")
    return samples[0].value if samples else None


def _by_threshold(checks: Checks, revision: str, whole: Evidence, now: float, prometheus: Asked) -> Evidence:
    """Flagger's rule: a check an interval, and `threshold` failed ones make a fail (pkg/controller/scheduler.go)."""
    if whole.verdict in (Verdict.ERROR, Verdict.INSUFFICIENT):
        return whole
    step = max(1, round(checks.interval))
    start = now - whole.window + step
    enough = checks.min_requests * step / whole.window
    looked = None if start > now else _failed_checks(checks, revision, step, (start, now), prometheus)
    failed, newest = (looked.failed, looked.newest(enough)) if looked else (0, None)
    note = f"{failed} of {checks.threshold} failed checks, {whole.line}"
    if failed >= checks.threshold:
        return replace(whole, verdict=Verdict.FAIL, line=note)
    if newest is False:
        # Below the threshold a failed check only costs time: the newest one is good, and it decides.
        return replace(whole, verdict=Verdict.PASS, line=note) if whole.verdict is Verdict.FAIL else whole
    if newest or whole.verdict is Verdict.FAIL:
        return replace(whole, verdict=Verdict.INSUFFICIENT, line=note)
    return whole


@dataclass(frozen=True)
class _Looked:
    """The checks of a span.

    Attributes:
        totals: requests of each check, by its time.
        bad: the times of those that broke a bound.
    """

    totals: Mapping[float, float]
    bad: frozenset[float]

    @property
    def failed(self) -> int:
        """How many broke a bound."""
        return len(self.bad)

    def newest(self, enough: float) -> bool | None:
        """Whether the newest check that had its part of the requests broke a bound; None where there is no such."""
        times = [at for at, total in self.totals.items() if total >= max(1.0, enough)]
        return max(times) in self.bad if times else None


def _failed_checks(checks: Checks, revision: str, step: int, span: tuple[float, float], prometheus: Asked) -> _Looked:
    workload = workload_name(checks.target.release, revision)
    at_time: dict[float, list[Sample]] = {}
    for sample in prometheus.query_range(queries.counts(checks.target, [revision], step), *span, step):
        at_time.setdefault(sample.at, []).append(sample)
    found = {at: counted(samples, workload) for at, samples in at_time.items()}
    bad: set[float] = set()
    for name, bound in checks.metrics.items():
        if name == "request-success-rate":
            bad |= {at for at, c in found.items() if c.total and 100 * c.good / c.total < bound["min"]}
            continue
        asked = queries.latency(checks.target, revision, bound["quantile"], step)
        bad |= {s.at for s in prometheus.query_range(asked, *span, step) if s.value > 1000 * bound["max"]}
    return _Looked({at: c.total for at, c in found.items()}, frozenset(bad))
