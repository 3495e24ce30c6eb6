"""A replay on real servers: the file says what the server says, and both say what the live gate said."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.engine.delivery import ENOUGH_FOR_A_PROOF, IMAGE, ROOT, Delivery, deliver, send
from tests.lab.scraped import CANARY, STABLE, Scraping
from tests.lab.strange_cases import CASES, CHECKS, SPENT, Case
from weighbridge import queries
from weighbridge.checks import Checks, measure
from weighbridge.decision import Turn, settle
from weighbridge.gate import Clock, Gate
from weighbridge.judge import Evidence
from weighbridge.measure import Prometheus, Sample
from weighbridge.plan import Move, MoveKind, Wanted
from weighbridge.queries import Target
from weighbridge.replay import file
from weighbridge.replay.asked import Remembering
from weighbridge.replay.record import about, record
from weighbridge.replay.series import Recorded
from weighbridge.replay.spans import Span, of_state
from weighbridge.replay.walk import Column, again, walk
from weighbridge.state import GateState
from weighbridge.workload import workload_name

RESTARTED = next(case for case in CASES if case.fact == "counters of both begin anew")


def column(case: Case) -> Column:
    """The gate of a case, as a replay has it."""
    given = dict(case.checks)
    target = Target(case.release, "test", str(given.pop("reporter", "destination")), as_named=True)
    return Column("stack", case.release, replace(CHECKS, target=target, **given))


def span(case: Case, end: float) -> Span:
    """The whole of a case's time."""
    canary, stable = (workload_name(case.release, revision) for revision in (CANARY, STABLE))
    return Span(case.weight, canary, stable, end - SPENT, end)


def recorded(case: Case, prometheus: Scraping, end: float, folder: Path) -> tuple[Recorded, Evidence]:
    """What a file has of a case, written and read again, and what the server said at its end."""
    asked = Remembering(prometheus.asked)
    evidence = measure(column(case).checks, span(case, end).live, end - SPENT, end, asked)
    path = folder / "series.jsonl.gz"
    file.write(record(about(case.release, "test", [span(case, end)]), prometheus.asked, asked), path)
    return file.read(path), evidence


def facts(evidence: Evidence, url: str) -> list[Any]:
    """What has to be equal; an error's text names the server, or says that it was recorded."""
    # Which of several strange buckets is named hangs on the order of the answer, and Prometheus promises none.
    lines = [each.line.replace(url, "URL").partition(" requests up to ")[0] for each in evidence.measurements]
    told = [line if "URL" not in line and "was recorded" not in line else "an error" for line in lines]
    return [evidence.verdict, evidence.window, told, [each.verdict for each in evidence.measurements]]


def figures(evidence: Evidence) -> list[float]:
    """The numbers of each measurement."""
    found = [(each.value, each.good, each.total) for each in evidence.measurements]
    return [math.nan if number is None else number for numbers in found for number in numbers]


@pytest.mark.parametrize("case", CASES, ids=[case.fact for case in CASES])
def test_the_file_says_what_the_server_says(case: Case, prometheus: Scraping, end: float, tmp_path: Path) -> None:
    """The same look at each strange history gives the same evidence, with counts equal to 1e-9."""
    series, live = recorded(case, prometheus, end, tmp_path)
    told = measure(column(case).checks, span(case, end).live, end - SPENT, end, series)
    assert facts(told, prometheus.url) == facts(live, prometheus.url)
    assert figures(told) == pytest.approx(figures(live), rel=1e-9, abs=1e-9, nan_ok=True)


def by_labels(samples: Sequence[Sample]) -> dict[tuple[Any, ...], float]:
    return {(each.at, *sorted(each.labels.items())): each.value for each in samples}


@pytest.mark.parametrize("case", CASES, ids=[case.fact for case in CASES])
def test_every_kind_of_question_has_the_servers_answer(
    case: Case, prometheus: Scraping, end: float, tmp_path: Path
) -> None:
    """At odd times, over windows that begin and end between two scrapes, within the first and across restarts."""
    series, _ = recorded(case, prometheus, end, tmp_path)
    both = (workload_name(case.release, CANARY), workload_name(case.release, STABLE))
    for reporter in ("destination", "source"):
        target = Target(case.release, "test", reporter, as_named=True)
        for window in (7, 20, 61, 300):
            for at in (end - 103.217, end - 30, end):
                asked = [
                    queries.counts(target, both, window),
                    queries.buckets(target, both, window),
                    queries.latency(target, both[0], 0.99, window),
                    queries.latency(target, both[0], 0.5, window),
                    queries.remembered(target, both),
                ]
                for query in asked:
                    there, here = (by_labels(each.query(query, at)) for each in (prometheus.asked, series))
                    assert here == pytest.approx(there, rel=1e-9, abs=1e-9, nan_ok=True), (query, at)
        ranged = queries.counts(target, both, 40)
        there, here = (by_labels(each.query_range(ranged, end - 200.7, end, 13)) for each in (prometheus.asked, series))
        assert here == pytest.approx(there, rel=1e-9, abs=1e-9, nan_ok=True)


def test_a_walk_over_the_file_is_the_walk_over_the_server(prometheus: Scraping, end: float, tmp_path: Path) -> None:
    """With other settings than those it was recorded with: look for look the same lines."""
    series, _ = recorded(RESTARTED, prometheus, end, tmp_path)
    given = column(RESTARTED)
    checks = replace(given.checks, interval=17.0, warm_up=3.0, default_soak=310.0, threshold=2)
    lines = [
        [(look.at, look.line, look.decides) for look in each.looks]
        for asked in (prometheus.asked, series)
        for each in walk(replace(given, checks=checks), [span(RESTARTED, end)], asked)
    ]
    assert len(lines[0]) > 10
    assert lines[0] == lines[1]


BEHIND = 2.0
"""Seconds by which the live gate's clock is late: a scrape that is under way at a look is not seen by it, and is later."""


@dataclass(frozen=True)
class Lived:
    """A release whose canary had 10%, failed three requests in ten, and was rolled back.

    Attributes:
        delivery: the release.
        state: as a gate with the clock behind left it.
    """

    delivery: Delivery
    state: GateState


@pytest.fixture(scope="module")
def lived(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """One release for the tests below."""
    release = deliver(lab, tmp_path_factory.mktemp("replay") / "project", "replayed", "rehearsal")
    with release.load() as load:
        assert release.up(weight=10, canary={"image": f"{IMAGE}:3.0.0-errors30"}).ok
        since = time.time()
        send(load, ENOUGH_FOR_A_PROOF)
        state = judged_live(release, since)
        assert not release.up(weight=30).ok
    assert release.gate["phase"] == "failed"
    yield Lived(release, state)
    release.remove()


def judged_live(release: Delivery, since: float) -> GateState:
    """What the gate makes of the live weight, waiting for its soak on the real server."""
    state = GateState.read(release.gate)
    assert state
    checks = Checks.read(release.gate)
    clock = Clock(lambda: time.time() - BEHIND, time.sleep)
    gate = Gate(release.name, checks, Prometheus(release.lab.prometheus_url, 5, 1), clock, lambda _: None)
    move = Move(MoveKind.ADVANCE, 10, 30, judged=True)
    evidence = gate.soak(state.live, move, since)
    wanted = Wanted(30, state.stable_revision, state.canary_revision, checks.steps)
    return settle(state, Turn(release.name, wanted, move, checks.roll_back, clock.now()), evidence)


@pytest.fixture
def delivery(lived: Lived) -> Delivery:
    """The release."""
    return lived.delivery


def test_the_same_look_gives_the_same_line(lived: Lived, tmp_path: Path) -> None:
    """What the live gate wrote into its state, the replay writes for that look: by the server, and by the file."""
    release, state = lived.delivery, lived.state
    given = Checks.read(release.gate)
    gate = Column("stack", release.name, replace(given, target=replace(given.target, as_named=True)))
    server = Prometheus(release.lab.prometheus_url, 5, 1)
    whole = of_state(release.name, state, time.time())
    path = tmp_path / "series.jsonl.gz"
    file.write(record(about(release.name, "test", whole), server, Remembering(server)), path)
    for asked in (server, file.read(path)):
        (found,) = again(gate, whole, asked)
        assert found.line == state.reason
        assert found.same


def replay(delivery: Delivery, *words: str) -> dict[str, Any]:
    """What the command says, as JSON."""
    common = ["--project", str(delivery.folder), "--stack", "dev", "--engine", "rehearsal", "--json"]
    command = [sys.executable, "-m", "weighbridge", "replay", delivery.name, *words, *common]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


def test_what_the_live_gate_decided_the_replay_decides(delivery: Delivery, tmp_path: Path) -> None:
    """By the command, from the server and from the file, which say the same."""
    path = tmp_path / "series.jsonl.gz"
    live = delivery.gate["history"][-1]
    said = [replay(delivery, "--record", str(path)), replay(delivery, "--series", str(path))]
    assert said[0]["settings"] == said[1]["settings"]
    assert said[0]["again"] == said[1]["again"]
    for each in said:
        (again_,) = each["again"]
        assert again_["now"].startswith(f"{delivery.name} 10 -> 0: rolled back, success rate ")
        (weight,) = each["settings"][0]["weights"]
        last = weight["looks"][-1]
        assert (weight["weight"], last["verdict"]) == (10, "fail")
        # It stands at the weight's beginning and looks each second; the live gate was asked later.
        assert last["at"] <= live["looked"]
        assert 0 < last["failed"] < last["requests"]


def test_a_file_of_series_has_no_address(delivery: Delivery, tmp_path: Path) -> None:
    """Neither the server's nor anybody's, and no label but those that the gate asks by."""
    path = tmp_path / "series.jsonl"
    replay(delivery, "--record", str(path))
    text = path.read_text()
    assert "127.0.0.1" not in text
    assert "http" not in text
    assert "source_" not in text
    assert "istio_requests_total" in text


def test_workloads_of_another_tool_are_replayed_by_name(delivery: Delivery) -> None:
    """Without the history: the names of two workloads, a weight and a time."""
    live = delivery.gate["history"][-1]
    stable, canary = (f"{delivery.name}-{live[key]}" for key in ("stable", "revision"))
    since = f"{live['since']:.0f}"
    words = ["--weight", "10", "--stable", stable, "--canary", canary]
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(since)))
    said = replay(delivery, "--from", began, *words)
    (weight,) = said["settings"][0]["weights"]
    assert weight["looks"][-1]["verdict"] == "fail"
