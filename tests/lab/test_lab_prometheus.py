"""Every strange answer of a real Prometheus has its verdict and its line."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.lab.scraped import CANARY, STABLE, Scraping, flow
from tests.lab.strange_cases import CASES, CHECKS, REMARKED, SPENT, Case
from weighbridge.checks import measure
from weighbridge.gate import Clock, Gate
from weighbridge.judge import Evidence, Verdict
from weighbridge.plan import Live, Move, MoveKind, Phase
from weighbridge.queries import Target, latency


def judged(prometheus: Scraping, case: Case, at: float) -> Evidence:
    given = dict(case.checks)
    target = Target(case.release, "test", str(given.pop("reporter", "destination")))
    checks = replace(CHECKS, target=target, **given)
    return measure(checks, Live(case.weight, Phase.PROGRESSING, STABLE, CANARY), at - SPENT, at, prometheus.asked)


@pytest.mark.parametrize("case", CASES, ids=[case.fact for case in CASES])
def test_a_strange_answer(case: Case, prometheus: Scraping, end: float) -> None:
    """Each history has its verdict, in its one line."""
    evidence = judged(prometheus, case, end)
    line = evidence.line.replace(f"{case.release}-{CANARY}", "WORKLOAD").replace(f"{case.release}-{STABLE}", "STABLE")
    assert (evidence.verdict, line.replace(prometheus.url, "URL")) == (case.verdict, case.line)


def test_a_remark_is_no_warning(prometheus: Scraping, end: float) -> None:
    """Prometheus 3 remarks on buckets that fall with their bounds; the client takes the answer all the same."""
    release = next(case.release for case in CASES if case.fact == REMARKED)
    query = latency(Target(release, "test", "destination"), CANARY, 0.99, 300)
    with urlopen(f"{prometheus.url}/api/v1/query?{urlencode({'query': query, 'time': end})}") as answer:  # noqa: S310
        said = json.load(answer)
    assert "monotonicity" in said["infos"][0]
    assert "warnings" not in said
    assert [sample.value for sample in prometheus.asked.query(query, end)] == [
        float(said["data"]["result"][0]["value"][1])
    ]


# What follows has live traffic, and is in this order: the last test leaves a server without its data. One server does
# for all, as each start of Prometheus waits five seconds before its first scrape.

SHORT = replace(CHECKS, default_soak=4.0, warm_up=1.0, interval=1.0, min_requests=20)
"""The checks of what has to be waited for."""
LIVE = Live(10, Phase.PROGRESSING, STABLE, CANARY)
ADVANCE = Move(MoveKind.ADVANCE, 10, 30, judged=True)


class Traffic:
    """Live requests of a release, a hundred a scrape, of which the canary has a tenth."""

    def __init__(self, prometheus: Scraping, release: str) -> None:
        self.prometheus = prometheus
        self.began = time.time() - SHORT.warm_up
        self._stable, self._canary = (flow(revision, 0).name(release) for revision in (STABLE, CANARY))
        self._checks = replace(SHORT, target=Target(release, "test", "destination"))
        self._release = release
        prometheus.exporter.rising = {self._stable: 90.0, self._canary: 10.0}

    @property
    def canary(self) -> str:
        """PromQL for the canary's series."""
        return f'istio_requests_total{{destination_workload="{self._release}-{CANARY}"}}'

    def await_scrapes(self, number: int) -> None:
        """Until Prometheus has so many samples of the canary."""
        query = f"count_over_time({self.canary}[10m])"
        self.prometheus.until(query, lambda found: found and found[0].value >= number, time.time)

    def end_canary(self) -> None:
        """Its pod is gone, until Prometheus knows."""
        self.prometheus.exporter.rising = {self._stable: 90.0}
        self.prometheus.until(self.canary, lambda found: not found, time.time)

    def soak(self, since: float, **more: Any) -> tuple[Evidence, list[str]]:
        """What the gate says; it sleeps from scrape to scrape."""
        said: list[str] = []
        clock = Clock(time.time, lambda _: self.prometheus.exporter.await_scrape())
        gate = Gate("podinfo", replace(self._checks, **more), self.prometheus.asked, clock, said.append)
        return gate.soak(LIVE, ADVANCE, since), said


def test_a_pod_that_is_gone_goes_stale_and_stays_counted(prometheus: Scraping) -> None:
    """Its series ends at once (no five minutes of its last value), and what it answered in the window still counts."""
    traffic = Traffic(prometheus, "gone")
    traffic.await_scrapes(5)
    traffic.end_canary()
    evidence, _ = traffic.soak(traffic.began, share_tolerance=100.0)
    assert evidence.verdict is Verdict.PASS
    assert 30 <= evidence.measurements[0].total <= 60


def test_a_server_that_is_killed_and_has_its_data(prometheus: Scraping, end: float) -> None:
    """While it is dead it is an error; then nothing is lost, neither what it had nor what was counted meanwhile."""
    before = judged(prometheus, CASES[0], end)
    traffic = Traffic(prometheus, "killed")
    traffic.await_scrapes(3)
    prometheus.server.kill()
    dead, _ = traffic.soak(traffic.began, default_soak=1.0, wait=False)
    assert (dead.verdict, dead.line) == (Verdict.ERROR, f"Prometheus at {prometheus.url} cannot be reached")
    prometheus.server.start()
    traffic.await_scrapes(5)
    evidence, said = traffic.soak(traffic.began)
    assert (evidence.verdict, said) == (Verdict.PASS, [])
    # Two scrapes before, two after, and what the gap between them hid; the first one only says where to count from.
    assert evidence.measurements[0].total >= 30
    assert judged(prometheus, CASES[0], end) == before


def test_a_server_that_lost_its_data(prometheus: Scraping) -> None:
    """It passes nothing on what it does not know: the soak begins anew with its first scrape, and then it passes."""
    traffic = Traffic(prometheus, "lost")
    prometheus.server.stop()
    prometheus.forget()
    prometheus.server.start()
    traffic.await_scrapes(2)
    long_ago = time.time() - 600
    held, _ = traffic.soak(long_ago, wait=False)
    assert held.verdict is Verdict.INSUFFICIENT
    assert held.line.startswith("soak has ")
    assert held.window < SHORT.default_soak
    passed, said = traffic.soak(long_ago)
    assert (passed.verdict, passed.window) == (Verdict.PASS, SHORT.default_soak)
    assert said
