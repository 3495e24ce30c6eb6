"""A file of series: how it is written and read, and what it answers."""

from __future__ import annotations

import gzip
import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.replaying import CANARY, CHECKS, OWN, SPAN, STABLE, T0, Server, Y, Z, labelled, rising, series
from weighbridge import queries
from weighbridge.errors import PrometheusError, SettingsError
from weighbridge.measure import Sample
from weighbridge.queries import BUCKETS, REQUESTS, Target
from weighbridge.replay import file
from weighbridge.replay.asked import Remembering
from weighbridge.replay.increase import Counter
from weighbridge.replay.record import about, record
from weighbridge.replay.series import Grid, Unrecorded
from weighbridge.replay.walk import walk


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Series with strange values, answers, errors and grids; gzip by its name, the same bytes each time."""
    odd = Counter.of([1, 2, 3, 4], [1.5, math.nan, math.inf, 2.0])
    sample = Sample({"a": "b"}, 5.0, math.nan)
    whole = replace(
        series(),
        counters={REQUESTS: [(labelled(CANARY), odd)]},
        instants={("up", 5.0): [sample], ("down", 5.0): None},
        ranges={("up", 1.0, 2.0, 1): [sample], ("down", 1.0, 2.0, 1): None},
        grids={"up": Grid(7, 2, [[sample], []])},
    )
    for name in ("series.jsonl", "series.jsonl.gz"):
        path = tmp_path / name
        file.write(whole, path)
        assert str(file.read(path)) == str(whole)
        first = path.read_bytes()
        file.write(file.read(path), path)
        assert path.read_bytes() == first
    # Gzip's mark, its method and flags, and no time.
    assert first[:8] == b"\x1f\x8b\x08\x00" + bytes(4)


DAMAGED = [
    ("no such file", None, "cannot be read (No such file or directory)"),
    ("not gzip", b"{}", "cannot be read (not gzip)"),
    ("cut off", gzip.compress(b"{}" * 1000, mtime=0)[:20], "is damaged"),
    ("empty", gzip.compress(b""), "line 1 is not what `weighbridge replay --record` writes"),
    ("of another kind", gzip.compress(b'{"a": 1}'), "line 1 is not what `weighbridge replay --record` writes"),
]


@pytest.mark.parametrize(("fact", "content", "line"), DAMAGED, ids=[row[0] for row in DAMAGED])
def test_a_damaged_file_is_one_line(fact: str, content: bytes | None, line: str, tmp_path: Path) -> None:
    """With the file's name, and the number of the line."""
    path = tmp_path / "s.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        file.read(path)
    assert str(refused.value) == f"--series {path}: {line}", fact


def test_the_line_that_is_wrong_is_named(tmp_path: Path) -> None:
    """Here the second."""
    path = tmp_path / "s"
    file.write(series(), path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], '{"series": 1}']))
    with pytest.raises(SettingsError, match="line 2 is not what"):
        file.read(path)


def test_what_is_recorded_answers_as_the_server_did() -> None:
    """Other settings too; the labels that nobody asks by stay behind, and no sample is there twice."""
    server = Server(series(bad=0.3))
    found = record(about("podinfo", "test", [SPAN]), server, Remembering(server))
    column = replace(OWN, checks=replace(CHECKS, interval=7.0, threshold=2))
    assert walk(column, [SPAN], found) == walk(column, [SPAN], server)
    assert "spiffe" not in str(found)


def test_a_long_time_is_recorded_in_pieces() -> None:
    """None of which has more samples than one answer may have."""

    class Many(Server):
        pieces: list[int]

        def query(self, promql: str, at: float) -> list[Sample]:
            if promql.startswith("sum(count_over_time("):
                return [Sample({}, at, 500.0 * int(promql.rpartition("[")[2].removesuffix("s]))")))]
            return super().query(promql, at)

        def samples(self, promql: str, at: float) -> list[Sample]:
            self.pieces.append(int(promql.rpartition("[")[2].removesuffix("s]")))
            return super().samples(promql, at)

    server = Many(series())
    server.pieces = []
    found = record(about("podinfo", "test", [SPAN]), server, Remembering(server))
    assert max(server.pieces) <= 40
    assert walk(OWN, [SPAN], found) == walk(OWN, [SPAN], server)


MINE = {"mine": {"query": "mine[{{ interval }}]", "max": 5.0, "interval": 30.0}}


def test_queries_of_the_users_own_are_recorded_as_answers() -> None:
    """At the looks as they were, between them as of the second before; another text is not there."""
    checks = replace(CHECKS, metrics={**CHECKS.metrics, **MINE})
    server = Server(series(), {"mine[30s]": 4.0})
    asked = Remembering(server)
    column = replace(OWN, checks=checks)
    live = walk(column, [SPAN], asked)
    found = record(about("podinfo", "test", [SPAN]), server, asked)
    assert walk(column, [SPAN], found) == live
    assert walk(replace(OWN, checks=replace(checks, interval=7.0)), [SPAN], found)[0].decision
    other = replace(checks, metrics={**CHECKS.metrics, "mine": {**MINE["mine"], "interval": 20.0}})
    with pytest.raises(Unrecorded, match=r"^the file has no answer at 2027-01-15 \S+Z to: mine\[20s\]; `weighbridge"):
        walk(replace(OWN, checks=other), [SPAN], found)


def test_an_error_of_the_server_is_recorded_as_one() -> None:
    """It is an error of the metric in the replay as well, without the text, which has an address."""

    class Wrong(Server):
        def query(self, promql: str, at: float) -> list[Sample]:
            if promql == "mine[30s]":
                raise PrometheusError("Prometheus at http://p refused")
            return super().query(promql, at)

        def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
            if promql == "mine[30s]":
                raise PrometheusError("Prometheus at http://p refused")
            return super().query_range(promql, start, end, step)

    server = Wrong(series())
    asked = Remembering(server)
    column = replace(OWN, checks=replace(CHECKS, metrics={**CHECKS.metrics, **MINE}))
    live = walk(column, [SPAN], asked)
    found = record(about("podinfo", "test", [SPAN]), server, asked)
    told_ = walk(column, [SPAN], found)
    assert [look.evidence.verdict for look in told_[0].looks] == [look.evidence.verdict for look in live[0].looks]
    assert "http" not in str(found)


BEYOND = [
    ("another workload", queries.counts(Target("podinfo", "test", "source"), [Z], 60), T0, f"the file has no series of test/podinfo-{Z}, only of {CANARY}, {STABLE}; "),
    ("another namespace", queries.counts(Target("podinfo", "prod", "source"), [Y], 60), T0, f"the file has no series of prod/{CANARY}, only of {CANARY}, {STABLE}; "),
    ("before it", queries.counts(Target("podinfo", "test", "source"), [Y], 500), T0, "the file has series from 2027-01-15 07:53:20Z to 2027-01-15 08:06:40Z, not from 2027-01-15 07:51:40Z to 2027-01-15 08:00:00Z; "),
    ("after it", queries.counts(Target("podinfo", "test", "source"), [Y], 60), T0 + 500, "the file has series from 2027-01-15 07:53:20Z to 2027-01-15 08:06:40Z, not from 2027-01-15 08:07:20Z to 2027-01-15 08:08:20Z; "),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "query", "at", "line"), BEYOND, ids=[row[0] for row in BEYOND])
def test_what_a_file_cannot_answer_is_one_line(fact: str, query: queries.Query, at: float, line: str) -> None:
    """What is missing, and which command records it."""
    with pytest.raises(Unrecorded) as refused:
        series().query(query, at)
    how = "`weighbridge replay RELEASE --record FILE` with the same --from, --to and --with records it"
    assert str(refused.value) == line + how, fact


def test_a_quantile_comes_out_of_the_buckets() -> None:
    """Of all pods together; a bucket of NaN makes it NaN, and no bucket is no answer."""
    query = queries.latency(CHECKS.target, CANARY, 0.5, 100)
    pods = [(labelled(CANARY, le=le), rising(rate)) for le, rate in (("100", 1), ("500.0", 3), ("+Inf", 4))] * 2
    found = replace(series(), counters={REQUESTS: [], BUCKETS: pods})
    assert [each.value for each in found.query(query, T0)] == pytest.approx([300.0])
    broken = Counter.of([int(1000 * T0) - 5000, int(1000 * T0)], [1.0, math.nan])
    strange = [*pods, (labelled(CANARY, le="900"), broken)]
    (sample,) = replace(found, counters={BUCKETS: strange}).query(query, T0)
    assert math.isnan(sample.value)
    assert replace(found, counters={}).query(query, T0) == []


def test_the_callers_failures_count_beside_the_pods() -> None:
    """`or` of two views: the flags of what never reached a pod are matched as a whole."""
    late = rising(2)
    flags = [("UF", True), ("URX,UF", True), ("UC", False), ("-", False), ("UFO", False)]
    for flag, counts in flags:
        labels = labelled(CANARY, "503", reporter="source", response_flags=flag)
        found = replace(series(), counters={REQUESTS: [(labelled(CANARY), rising(1)), (labels, late)]})
        samples = found.query(queries.counts(CHECKS.target, [CANARY], 100), T0)
        assert {each.labels["response_code"] for each in samples} == ({"200", "503"} if counts else {"200"}), flag
