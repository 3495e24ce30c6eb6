"""The recorded series on a real Prometheus: they say what the raw ones say, and what those lose."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab import LabError
from tests.lab.scraped import CANARY, STABLE, Scraping, flow, scraping
from tests.lab.strange_cases import CHECKS
from weighbridge.checks import measure
from weighbridge.judge import Verdict
from weighbridge.plan import Live, Phase
from weighbridge.queries import Query, Target, buckets, counts, latency, remembered
from weighbridge.replay import file
from weighbridge.replay.asked import Remembering
from weighbridge.replay.record import about, record
from weighbridge.replay.spans import Span
from weighbridge.telemetry.recording import recording
from weighbridge.workload import workload_name

EVERY = 1.0
"""Seconds between two scrapes, and between two evaluations."""
CALLERS = 12
BOTH = (CANARY, STABLE)
WINDOW = 10


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraping]:
    """A Prometheus with the recording rules."""
    try:
        with scraping(tmp_path_factory.mktemp("recorded"), recording(EVERY)) as running:
            yield running
    except LabError as error:
        pytest.fail(str(error), pytrace=False)


class Traffic:
    """Requests of a release from many callers, on two pods of each revision.

    Attributes:
        rising: by series, requests from scrape to scrape.
    """

    def __init__(self, running: Scraping, release: str) -> None:
        self.running = running
        self.release = release
        self.rising: dict[str, float] = {}
        running.exporter.rising = self.rising

    def adds(self, revision: str, rate: float, code: str = "200", **labels: str) -> str:
        """A series more."""
        given = {"pod": "a", "source_workload": "s", **labels}
        name = flow(revision, 0, code, **given).name(self.release)
        self.rising[name] = rate
        return name

    def usual(self) -> None:
        """Of each revision two pods with a series and a histogram for each caller: stable nine times the canary's."""
        for revision, rate in ((STABLE, 9.0), (CANARY, 1.0)):
            for pod in "ab":
                for caller in range(CALLERS):
                    who = {"pod": f"{revision}-{pod}", "source_workload": f"caller-{caller}", "source_principal": "x"}
                    self.adds(revision, rate, **who)
                    for bound, share in (("100", 0.5), ("500", 0.9), ("1000", 1.0), ("+Inf", 1.0)):
                        self.adds(revision, share * rate, le=bound, **who)

    def of(self, pod: str) -> list[str]:
        """The series of a pod."""
        return [name for name in self.rising if f'pod="{pod}"' in name]

    def target(self, *, recorded: bool) -> Target:
        """Whose series are asked."""
        return Target(self.release, "test", "destination", recorded=recorded)

    def await_scrapes(self, number: int) -> None:
        """Until the recorded series has had so many samples more."""
        asked = (
            f"count_over_time({self.target(recorded=True).requests}{{destination_workload=~'{self.release}-.+'}}[10m])"
        )
        before = max((each.value for each in self.running.asked.query(asked, time.time())), default=0.0)
        self.running.until(
            asked, lambda found: found and max(each.value for each in found) >= before + number, time.time
        )

    def says(self, query: Query, at: float) -> dict[tuple[tuple[str, str], ...], float]:
        """What is answered, by labels."""
        return {tuple(sorted(each.labels.items())): each.value for each in self.running.asked.query(query, at)}


Key = tuple[tuple[str, str], ...]


def close(raw: Mapping[Key, float], recorded: Mapping[Key, float], rates: Sequence[float]) -> bool:
    """Whether two answers have the same labels, and counts that differ by a scrape and an evaluation at most."""
    most = max(rates) * 2 * EVERY
    return raw.keys() == recorded.keys() and all(abs(raw[key] - recorded[key]) <= most for key in raw)


def test_the_counts_are_the_same_through_restarts(ruled: Scraping) -> None:
    """Raw and recorded differ by no more than what comes in one scrape and one evaluation, while a pod is restarted."""
    traffic = Traffic(ruled, "same")
    traffic.usual()
    traffic.await_scrapes(6)
    # One process of two: a sum over both would fall by half, and `increase` would count the other half twice.
    ruled.exporter.begin_anew(*traffic.of(f"{STABLE}-a"))
    traffic.await_scrapes(WINDOW - 3)
    at = time.time()
    raw, recorded = (traffic.target(recorded=each) for each in (False, True))
    a_second = 2 * CALLERS * 9.0
    for ask in (counts, buckets):
        there, here = (traffic.says(ask(each, BOTH, WINDOW), at) for each in (raw, recorded))
        assert close(there, here, [a_second]), (there, here)
    total = sum(traffic.says(counts(recorded, [STABLE], WINDOW), at).values())
    assert total == pytest.approx(WINDOW * a_second, abs=2 * EVERY * a_second)
    slow = [traffic.says(latency(each, CANARY, 0.9, WINDOW), at) for each in (raw, recorded)]
    assert list(slow[1].values()) == pytest.approx(list(slow[0].values()), rel=0.02)
    known = [sum(traffic.says(remembered(each, BOTH), at).values()) for each in (raw, recorded)]
    assert known == [4 * CALLERS, 4]


def test_the_verdict_is_the_same(ruled: Scraping) -> None:
    """The gate's whole look, asked of either: the same verdict, and the same line but for its n."""
    traffic = Traffic(ruled, "judged")
    traffic.usual()
    for caller in range(CALLERS):
        traffic.adds(CANARY, 0.5, "503", pod=f"{CANARY}-a", source_workload=f"caller-{caller}")
    traffic.await_scrapes(WINDOW + 2)
    at = time.time()
    said = []
    for recorded in (False, True):
        target = traffic.target(recorded=recorded)
        checks = replace(CHECKS, target=target, warm_up=0.0, default_soak=8.0, share_tolerance=100.0)
        said.append(measure(checks, Live(10, Phase.PROGRESSING, STABLE, CANARY), at - 8, at, ruled.asked))
    assert [each.verdict for each in said] == [Verdict.FAIL, Verdict.FAIL]
    there, here = (each.measurements[0] for each in said)
    assert here.value == pytest.approx(there.value, rel=0.02)
    assert "weighbridge:istio_requests_total" in here.query
    assert "weighbridge:" not in there.query


def test_the_first_failures_of_a_pod_are_counted(ruled: Scraping) -> None:
    """Seven at once and never again: of the raw series they are lost, as it begins with its first value."""
    traffic = Traffic(ruled, "first")
    traffic.usual()
    traffic.await_scrapes(3)
    name = traffic.adds(CANARY, 7.0, "503", pod=f"{CANARY}-a", source_workload="caller-1")
    traffic.running.until(name, lambda found: found, time.time)
    traffic.rising[name] = 0.0
    traffic.await_scrapes(4)
    at = time.time()
    found = []
    for recorded in (False, True):
        said = traffic.says(counts(traffic.target(recorded=recorded), [CANARY], 60), at)
        found.append(sum(value for labels, value in said.items() if ("response_code", "503") in labels))
    value = ruled.asked.query(name, at)[0].value
    # What is there beyond the value is Prometheus' own: it extends a rise to the window's end.
    assert found[0] < value - 5
    assert value <= found[1] < 1.3 * value


def test_a_caller_that_is_new_is_counted_from_its_first_request(ruled: Scraping) -> None:
    """Its series joins a sum that is there already."""
    traffic = Traffic(ruled, "callers")
    traffic.usual()
    traffic.await_scrapes(3)
    before = sum(traffic.says(counts(traffic.target(recorded=True), [CANARY], 60), time.time()).values())
    name, value = flow(CANARY, 0, "200", pod=f"{CANARY}-a", source_workload="another").name(traffic.release), 500.0
    # It never rises: what the raw series lose is all that there is, however long this takes.
    ruled.exporter.begin_at(name, value)
    traffic.running.until(name, lambda found: found, time.time)
    traffic.await_scrapes(3)
    at = time.time()
    after = sum(traffic.says(counts(traffic.target(recorded=True), [CANARY], 60), at).values())
    assert after - before >= value
    raw = sum(traffic.says(counts(traffic.target(recorded=False), [CANARY], 60), at).values())
    assert raw <= after - value + 2 * 2 * CALLERS * EVERY


def test_a_new_label_of_the_scrape_makes_no_requests(ruled: Scraping) -> None:
    """With other labels the processes are others: nothing that they had counted is counted again."""
    traffic = Traffic(ruled, "relabelled")
    traffic.usual()
    traffic.await_scrapes(4)
    values = dict(ruled.exporter._values)
    named = {name.replace("}", ',zone="eu"}'): name for name in traffic.rising}
    # Far more than came in the meantime.
    ruled.exporter._values = {new: 1e6 + values[old] for new, old in named.items()}
    ruled.exporter.rising = {new: traffic.rising[old] for new, old in named.items()}
    traffic.await_scrapes(5)
    total = sum(traffic.says(counts(traffic.target(recorded=True), BOTH, 60), time.time()).values())
    assert 0 < total < 1e5


def test_a_replay_of_recorded_series_says_what_the_server_says(ruled: Scraping, tmp_path: Path) -> None:
    """A file of them knows what it has, and gives the same evidence as the server that they came from."""
    traffic = Traffic(ruled, "replayed")
    traffic.usual()
    traffic.await_scrapes(WINDOW)
    at = float(int(time.time()))
    target = replace(traffic.target(recorded=True), as_named=True)
    checks = replace(CHECKS, target=target, warm_up=0.0, default_soak=8.0)
    span = Span(10, target_name(traffic, CANARY), target_name(traffic, STABLE), at - 8, at)
    asked = Remembering(ruled.asked)
    live = measure(checks, span.live, at - 8, at, asked)
    path = tmp_path / "series.jsonl.gz"
    what = about("replayed", "test", [span])
    file.write(record(what, ruled.asked, asked, (target.requests, target.buckets)), path)
    series = file.read(path)
    assert series.by_rules
    told = measure(checks, span.live, at - 8, at, series)
    assert (told.verdict, told.line) == (live.verdict, live.line)
    assert told.measurements[0].total == pytest.approx(live.measurements[0].total, rel=1e-9)


def target_name(traffic: Traffic, revision: str) -> str:
    """The workload of a revision."""
    return workload_name(traffic.release, revision)
