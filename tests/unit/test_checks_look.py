"""One look: which windows are asked, what a Prometheus with a short memory is told, and faults that stable shares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gates import CHECKS
from weighbridge.checks import Comparison, Latency, measure
from weighbridge.gate import Clock, Gate, missing
from weighbridge.judge import Evidence, Verdict
from weighbridge.measure import Sample
from weighbridge.plan import Live, Move, MoveKind, Phase

X, Y = "xxxxxxxxxx", "yyyyyyyyyy"
T0 = 1_800_000_000.0
COMPARISON = Comparison(1.0, 1.0, 0.01, 0.05, "hold", None)
LIVE = Live(10, Phase.PROGRESSING, X, Y)
ADVANCE = Move(MoveKind.ADVANCE, 10, 30, judged=True)
Codes = Mapping[str, float]
_WINDOW = re.compile(r"\[(\d+)s\]")


@dataclass
class Remembering:
    """A Prometheus that has series from a time on, and the same counts in every window.

    Attributes:
        first: Unix time of its first series.
        canary: requests of the canary by code.
        stable: of stable.
        kept: seconds for which it remembers; None for ever.
        now: Unix time, for what it still remembers.
        checks: requests by revision and code of each check, by the seconds before the end.
        asked: queries with their times, and those of ranges with their first and last.
    """

    first: float = 0.0
    canary: Codes = field(default_factory=lambda: {"200": 500.0})
    stable: Codes = field(default_factory=lambda: {"200": 4500.0})
    kept: float | None = None
    now: float = T0
    checks: Mapping[float, tuple[Codes, Codes]] = field(default_factory=dict)
    asked: list[tuple[str, float, float]] = field(default_factory=list)

    def query(self, promql: str, at: float) -> list[Sample]:
        """The counts, or a histogram in which everything is within 500 ms."""
        self.asked.append((promql, at, at))
        if "le" in promql.partition(")")[0]:
            bounds = ("500.0", "+Inf")
            return [sample(r, sum(c.values()), at, le=le) for r, c in self._tracks(promql) for le in bounds]
        return [sample(r, n, at, response_code=code) for r, c in self._tracks(promql) for code, n in c.items()]

    def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
        """When there were series, or the counts of each check."""
        times = [start + i * step for i in range(int((end - start) / step + 1e-6) + 1)]
        if promql.startswith("count("):
            self.asked.append((promql, start, end))
            first = self.first if self.kept is None else self.now - self.kept
            return [Sample({}, at, 2.0) for at in times if at >= first]
        which = 0 if Y in promql else 1
        found = [(end - before, each[which]) for before, each in self.checks.items()]
        revision = (Y, X)[which]
        return [sample(revision, n, at, response_code=code) for at, codes in found for code, n in codes.items()]

    def _tracks(self, promql: str) -> list[tuple[str, Codes]]:
        return [(r, codes) for r, codes in ((Y, self.canary), (X, self.stable)) if r in promql]


def sample(revision: str, value: float, at: float, **labels: str) -> Sample:
    return Sample({"destination_workload": f"podinfo-{revision}", **labels}, at, value)


@given(
    st.floats(31, 200_000),
    st.floats(0.1, 3600),
    st.sampled_from([None, Latency(500.0, 1.0, 1.0, shape=False), Latency(500.0, 1.0, 1.0, shape=True)]),
)
def test_all_windows_end_now_and_lie_inside_the_time_at_the_weight(spent: float, step: float, latency: Any) -> None:
    """Each window that the comparison asks for is within [since + warm_up, now], and the whole one is among them."""
    checks = replace(CHECKS, interval=step, comparison=replace(COMPARISON, latency=latency))
    prometheus = Remembering(canary={"200": 500.0}, stable={"200": 4500.0})
    now = T0 + spent
    evidence = measure(checks, LIVE, T0, now, prometheus)
    asked = [(int(seconds), at) for promql, at, _ in prometheus.asked for seconds in _WINDOW.findall(promql)]
    assert {at for _, at in asked} == {now}
    assert all(1 <= seconds <= now - T0 - CHECKS.warm_up for seconds, _ in asked)
    assert max(asked)[0] == int(now - T0 - CHECKS.warm_up) == evidence.window


def test_what_is_compared_begins_at_fixed_times() -> None:
    """The starts lie a number of intervals after the window's begin, about one for each power of two before now."""
    prometheus = Remembering()
    measure(replace(CHECKS, comparison=COMPARISON), LIVE, T0, T0 + 30 + 160, prometheus)
    windows = [int(found[1]) for promql, _, _ in prometheus.asked if (found := _WINDOW.search(promql))]
    assert windows == [160, 80, 40, 20, 10]


@pytest.mark.parametrize("latency", [None, Latency(500.0, 1.0, 1.0, shape=True)])
def test_nothing_is_compared_at_a_hundred(latency: Any) -> None:
    """At 100% there is nothing to compare with, and nothing is asked of it."""
    prometheus = Remembering(stable={})
    checks = replace(CHECKS, comparison=replace(COMPARISON, latency=latency))
    evidence = measure(checks, replace(LIVE, weight=100), T0, T0 + 190, prometheus)
    assert [each.metric for each in evidence.measurements] == ["request-success-rate", "traffic-share"]


@given(st.integers(1, 200_000), st.floats(0, 1))
def test_a_window_does_not_reach_beyond_what_prometheus_remembers(window: int, part: float) -> None:
    """Started anew without its data, it knows from its first series on: the window is no longer than that.

    Up to a usual scrape interval, or a quarter of a short window, counts as the whole.
    """
    since, now = T0, T0 + CHECKS.warm_up + window
    first = since + CHECKS.warm_up + part * window
    evidence = measure(CHECKS, LIVE, since, now, Remembering(first=first))
    known = now - first
    assert 1 <= evidence.window <= max(1, known + min(15, window // 4) + 1)
    assert evidence.window >= min(window, known - 2)


def test_series_that_came_after_the_last_coarse_look_are_not_taken_for_a_whole_day() -> None:
    """A day at a weight, and a server that was started anew half a minute ago: half a minute is what it knows."""
    now = T0 + CHECKS.warm_up + 86_459
    evidence = measure(CHECKS, LIVE, T0, now, Remembering(first=now - 30))
    assert evidence.window == 30


def test_a_prometheus_that_remembers_all_is_asked_once() -> None:
    """The usual case costs one query more, and not three."""
    prometheus = Remembering()
    measure(CHECKS, LIVE, T0, T0 + 30 + 5017, prometheus)
    assert len([promql for promql, _, _ in prometheus.asked if promql.startswith("count(")]) == 1


def soak(prometheus: Remembering, start: float, **more: Any) -> tuple[Evidence, float, list[str]]:
    lines: list[str] = []
    prometheus.now = T0 + start

    def sleep(seconds: float) -> None:
        prometheus.now += seconds

    clock = Clock(lambda: prometheus.now, sleep)
    evidence = Gate("podinfo", replace(CHECKS, **more), prometheus, clock, lines.append).soak(LIVE, ADVANCE, T0)
    return evidence, prometheus.now - T0, lines


def test_a_soak_begins_anew_with_what_is_remembered() -> None:
    """A server that lost its data 20 s ago is waited for until it knows the soak, and then passes."""
    evidence, now, lines = soak(Remembering(first=T0 + 480), 500)
    assert (evidence.verdict, evidence.window, now) == (Verdict.PASS, 60, 540)
    assert lines[0] == "podinfo 10 -> 30: soaking, 40s left, success rate 100.00% >= 99% (n=500, 20s)"


def test_a_soak_longer_than_the_retention_is_not_waited_for_for_ever() -> None:
    """It holds, after as long as a whole soak takes, and says why."""
    evidence, now, _ = soak(Remembering(kept=40.0), 500)
    assert (evidence.verdict, now) == (Verdict.INSUFFICIENT, 600)
    assert evidence.line == "Prometheus remembers 40s of a soak of 1m, success rate 100.00% >= 99% (n=500, 40s)"


def test_a_bad_canary_fails_on_what_is_remembered() -> None:
    """A short memory saves nobody."""
    evidence, now, _ = soak(Remembering(first=T0 + 480, canary={"500": 200.0}), 500)
    assert (evidence.verdict, now) == (Verdict.FAIL, 500)


def test_what_is_missing_counts_what_is_remembered() -> None:
    """Time alone covers no soak; evidence without a window (an error) leaves it at the time."""
    now = T0 + 500
    assert missing(CHECKS, 10, T0, now, Evidence(Verdict.PASS, "", window=20)) == 40
    assert missing(CHECKS, 10, T0, now, Evidence(Verdict.PASS, "", window=470)) <= 0
    assert missing(CHECKS, 10, T0, now, Evidence(Verdict.ERROR, "")) == -410


def test_only_bounds_that_both_tracks_have_are_compared() -> None:
    """Proxies of two versions may have other buckets: what both have is judged, and the rest is no error."""

    class TwoVersions(Remembering):
        def query(self, promql: str, at: float) -> list[Sample]:
            found = super().query(promql, at)
            if "le" not in promql.partition(")")[0]:
                return found
            more = ((Y, "750.0", 500.0), (X, "800.0", 4500.0))
            return [*found, *(sample(revision, n, at, le=le) for revision, le, n in more)]

    latency = Latency(500.0, 1.0, 1.0, shape=True)
    checks = replace(CHECKS, comparison=replace(COMPARISON, latency=latency))
    evidence = measure(checks, LIVE, T0, T0 + 90, TwoVersions(canary={"200": 500.0}, stable={"200": 4500.0}))
    assert {each.metric: each.verdict for each in evidence.measurements if "duration" in each.metric} == {
        "duration-against-stable": Verdict.PASS,
        "duration-shape-against-stable": Verdict.PASS,
    }


GOOD, BAD = {"200": 400.0}, {"200": 320.0, "500": 80.0}
FEW = {"500": 9.0}
SHARED = [
    ("hold", GOOD, BAD, "hold", Verdict.FAIL),
    ("stable has failed as well", BAD, BAD, "hold", Verdict.INSUFFICIENT),
    ("and that passes", BAD, BAD, "pass", Verdict.PASS),
    ("and that fails", BAD, BAD, "fail", Verdict.FAIL),
    ("stable alone fails", BAD, GOOD, "hold", Verdict.PASS),
    ("too little of stable to say so", FEW, BAD, "hold", Verdict.FAIL),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "stable", "canary", "shared", "verdict"), SHARED, ids=[row[0] for row in SHARED])
def test_a_shared_fault(fact: str, stable: Codes, canary: Codes, shared: str, verdict: Verdict) -> None:
    """A bound that stable breaks on enough requests of its own means what the settings say; else it is the canary's."""
    checks = replace(CHECKS, comparison=replace(COMPARISON, shared_failure=shared), share_tolerance=100.0)
    evidence = measure(checks, LIVE, T0, T0 + 90, Remembering(canary=canary, stable=stable))
    bound = next(each for each in evidence.measurements if each.metric == "request-success-rate")
    assert bound.verdict is verdict, fact


def test_without_a_comparison_stable_is_no_excuse() -> None:
    """A bound is a bound."""
    both = Remembering(canary=BAD, stable=BAD)
    assert measure(replace(CHECKS, share_tolerance=100.0), LIVE, T0, T0 + 90, both).verdict is Verdict.FAIL


GONE_BAD = {"200": 40.0, "500": 60.0}
FINE = {"200": 100.0}
CHECKED = [
    ("the canary alone", {0: (FINE, FINE), 10: (GONE_BAD, FINE), 20: (GONE_BAD, FINE)}, "hold", "2 of 2 failed checks"),
    ("both", {0: (FINE, FINE), 10: (GONE_BAD, GONE_BAD), 20: (GONE_BAD, GONE_BAD)}, "hold", "0 of 2 failed checks"),
    ("both in one of two", {0: (FINE, FINE), 10: (GONE_BAD, GONE_BAD), 20: (GONE_BAD, FINE)}, "pass", "1 of 2 failed checks"),
    ("both, and that fails", {0: (FINE, FINE), 10: (GONE_BAD, GONE_BAD), 20: (GONE_BAD, GONE_BAD)}, "fail", "2 of 2 failed checks"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "checks", "shared", "said"), CHECKED, ids=[row[0] for row in CHECKED])
def test_a_check_that_stable_failed_is_not_counted(
    fact: str, checks: Mapping[float, tuple[Codes, Codes]], shared: str, said: str
) -> None:
    """Failed checks are counted against the canary only where stable kept the bound, unless a shared fault is to fail."""
    settings = replace(CHECKS, threshold=2, comparison=replace(COMPARISON, margin=20.0, shared_failure=shared))
    prometheus = Remembering(canary={"200": 490.0, "500": 10.0}, checks=checks)
    evidence = measure(settings, LIVE, T0, T0 + 90, prometheus)
    assert evidence.line.startswith(said), fact
    assert (evidence.verdict is Verdict.FAIL) == said.startswith("2"), fact


def test_more_checks_than_prometheus_answers_at_once() -> None:
    """Of a canary that was weeks at a weight the newest checks are asked for, not more points than are allowed."""
    spans: list[float] = []

    class Limited(Remembering):
        def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
            spans.append((end - start) / step)
            return super().query_range(promql, start, end, step)

    measure(replace(CHECKS, threshold=2, interval=1.0), LIVE, T0, T0 + 30 + 90_000, Limited())
    assert max(spans) < 11_000
