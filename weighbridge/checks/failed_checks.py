"""Flagger's rule: a check an interval, and `threshold` failed ones make a fail (pkg/controller/scheduler.go)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from weighbridge import queries
from weighbridge.checks import own_metrics
from weighbridge.checks.answers import counted
from weighbridge.checks.bounds import SUCCESS
from weighbridge.checks.view import View
from weighbridge.judge import Evidence, Verdict
from weighbridge.measure import Sample


def by_threshold(view: View, whole: Evidence) -> Evidence:
    """Judge by the number of failed checks.

    Args:
        view: the look.
        whole: the bounds' evidence over the whole window.
    """
    if whole.verdict in (Verdict.ERROR, Verdict.INSUFFICIENT):
        return whole
    threshold = view.checks.threshold
    looked = _looked(view) if view.window >= view.step else None
    failed = looked.failed if looked else 0
    newest = looked.newest(view.checks.min_requests * view.step / view.window) if looked else None
    note = f"{failed} of {threshold} failed checks, {whole.line}"
    if failed >= threshold:
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


def _looked(view: View) -> _Looked:
    totals, bad = _checked(view, view.live.canary)
    comparison = view.checks.comparison
    if bad and comparison and comparison.shared_failure != "fail" and len(view.revisions) > 1:
        # A check that stable failed as well was no fault of the canary's.
        bad -= _checked(view, view.live.stable)[1]
    bad |= own_metrics.broken_checks(view, _span(view))
    return _Looked(totals, frozenset(bad))


def _span(view: View) -> tuple[float, float, int]:
    """The first check, the end, and the seconds between two; of more than Prometheus answers at once, the newest."""
    left_out = max(0, view.window // view.step - own_metrics.MOST)
    return (view.now - view.window + (1 + left_out) * view.step, view.now, view.step)


def _checked(view: View, revision: str) -> tuple[Mapping[float, float], set[float]]:
    """The requests of each check of one track, and the times of the checks that broke a bound."""
    span = _span(view)
    target = view.checks.target
    at_time: dict[float, list[Sample]] = {}
    for sample in view.prometheus.query_range(queries.counts(target, [revision], view.step), *span):
        at_time.setdefault(sample.at, []).append(sample)
    found = {at: counted(samples, view.workload(revision)) for at, samples in at_time.items()}
    bad: set[float] = set()
    for name, bound in view.checks.metrics.items():
        if own_metrics.is_own(bound) or bound.get("dry_run"):
            continue
        if name == SUCCESS:
            bad |= {at for at, c in found.items() if c.total and 100 * c.good / c.total < bound["min"]}
            continue
        asked = queries.latency(target, revision, bound["quantile"], view.step)
        bad |= {s.at for s in view.prometheus.query_range(asked, *span) if s.value > 1000 * bound["max"]}
    return {at: each.total for at, each in found.items()}, bad
