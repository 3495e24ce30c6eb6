"""From samples to counts and histograms: what makes no sense is an error, and nothing is counted twice or lost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.checks.answers import counted, histogram, scalar
from weighbridge.errors import PrometheusError
from weighbridge.judge import Counts
from weighbridge.measure import Sample

NAN, INF = math.nan, math.inf
COUNTS = st.floats(0, 1e9)


def answer(*rows: tuple[str, str, str, float]) -> list[Sample]:
    """Samples by workload, code and gRPC status."""
    names = ("destination_workload", "response_code", "grpc_response_status")
    return [Sample({n: v for n, v in zip(names, labels, strict=True) if v}, 0.0, value) for *labels, value in rows]


COUNTED = [
    ("nothing", [], Counts(0, 0)),
    ("good", [("a", "200", "", 3)], Counts(3, 3)),
    ("codes are added", [("a", "200", "", 3), ("a", "404", "", 2), ("a", "503", "", 1)], Counts(5, 6)),
    ("another workload is left out", [("a", "200", "", 3), ("b", "503", "", 9)], Counts(3, 3)),
    ("a connection that broke", [("a", "200", "", 3), ("a", "0", "", 1)], Counts(3, 4)),
    ("gRPC by its status", [("a", "200", "0", 3), ("a", "200", "14", 2), ("a", "200", "5", 1)], Counts(4, 6)),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "rows", "counts"), COUNTED, ids=[row[0] for row in COUNTED])
def test_counts(fact: str, rows: Sequence[tuple[str, str, str, float]], counts: Counts) -> None:
    """Each request is counted once, for its workload, and is good or not by its status."""
    assert counted(answer(*rows), "a") == counts, fact


NO_COUNTS = [
    ("NaN", [("a", "200", "", NAN)], "a has nan requests with code 200"),
    ("infinite", [("a", "200", "", INF)], "a has inf requests with code 200"),
    ("below zero", [("a", "200", "", -1.0)], "a has -1.0 requests with code 200"),
    ("of the other track", [("a", "200", "", 1.0), ("b", "200", "", NAN)], "b has nan requests with code 200"),
    ("without a code", [("a", "", "", 1.0)], "a has requests without a response code"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "rows", "line"), NO_COUNTS, ids=[row[0] for row in NO_COUNTS])
def test_no_counts(fact: str, rows: Sequence[tuple[str, str, str, float]], line: str) -> None:
    """A number that is no count of requests is an error, on either track, and names its series."""
    with pytest.raises(PrometheusError) as raised:
        counted(answer(*rows), "a")
    assert str(raised.value) == f"Prometheus gave a count that is none: {line}", fact


def test_a_count_below_zero_does_not_vanish_in_a_sum() -> None:
    """Series that another label tells apart are added, and one that is no count is refused before."""

    def pods(*values: float) -> list[Sample]:
        labels = {"destination_workload": "a", "response_code": "200"}
        return [Sample({**labels, "pod": str(pod)}, 0.0, value) for pod, value in enumerate(values)]

    assert counted(pods(5.0, 1.0), "a") == Counts(6.0, 6.0)
    for values in ((5.0, -1.0), (-1.0, 5.0)):
        with pytest.raises(PrometheusError, match=r"a has -1\.0 requests"):
            counted(pods(*values), "a")


def test_a_series_that_is_there_twice_is_an_error() -> None:
    """Two answers for the same labels cannot both be true."""
    with pytest.raises(PrometheusError, match="the same series twice"):
        counted(answer(("a", "200", "", 1.0), ("a", "200", "", 2.0)), "a")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["200", "404", "500", "0"]), st.sampled_from(["", "0", "14"]), COUNTS), unique_by=lambda row: row[:3]))  # fmt: skip
def test_no_request_is_lost_or_counted_twice(rows: list[tuple[str, str, str, float]]) -> None:
    """The total is the sum of the workload's counts, and good requests are a part of it, in whatever order they come."""
    counts = counted(answer(*rows), "a")
    assert counts.total == pytest.approx(sum(row[3] for row in rows if row[0] == "a"))
    assert 0 <= counts.good <= counts.total
    again = counted(answer(*reversed(rows)), "a")
    assert (again.good, again.total) == pytest.approx((counts.good, counts.total))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["200", "500"]), st.just(""), st.one_of(COUNTS, st.just(NAN), st.just(-1.0), st.just(INF))), unique_by=lambda row: row[:3], min_size=1), st.integers(0, 3))  # fmt: skip
def test_nonsense_never_hides_among_counts(rows: list[tuple[str, str, str, float]], at: int) -> None:
    """One number that is none makes the whole answer an error, wherever it stands."""
    workload, code, grpc, _ = rows[at % len(rows)]
    rows[at % len(rows)] = (workload, code, grpc, NAN)
    with pytest.raises(PrometheusError):
        counted(answer(*rows), "a")


def test_a_scalar_is_one_number() -> None:
    """None of no series, the value of one, an error of several."""
    assert scalar([]) is None
    assert scalar([Sample({}, 0.0, 7.0)]) == 7.0
    with pytest.raises(PrometheusError, match="gave 2 series where one was asked for"):
        scalar([Sample({}, 0.0, 7.0), Sample({"a": "b"}, 0.0, 7.0)])


def buckets(*rows: tuple[str, float], workload: str = "a") -> list[Sample]:
    """Samples by bound."""
    return [Sample({"destination_workload": workload, "le": bound}, 0.0, value) for bound, value in rows]


HISTOGRAMS = [
    ("nothing", [], {}),
    ("in any order", buckets(("+Inf", 9), ("1", 3), ("500", 5)), {1: 3, 500: 5, INF: 9}),
    ("another workload's", buckets(("1", 1), ("+Inf", 1), workload="b"), {}),
    ("as Prometheus 3 writes bounds", buckets(("500.0", 5), ("+Inf", 9)), {500: 5, INF: 9}),
    ("as Prometheus 2 and 3 write them", buckets(("500", 5), ("500.0", 2), ("+Inf", 9)), {500: 7, INF: 9}),
    ("what falls is lifted", buckets(("1", 3), ("500", 2.9), ("+Inf", 9)), {1: 3, 500: 3, INF: 9}),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "samples", "found"), HISTOGRAMS, ids=[row[0] for row in HISTOGRAMS])
def test_histogram(fact: str, samples: list[Sample], found: dict[float, float]) -> None:
    """Cumulative counts by bound, in the bounds' order."""
    assert list(histogram(samples, "a").items()) == list(found.items()), fact


NO_HISTOGRAMS = [
    ("without the last bucket", buckets(("500", 5)), "a histogram without its last bucket"),
    ("without bounds", [Sample({"destination_workload": "a"}, 0.0, 5.0)], "a histogram without its bounds"),
    ("a bound that is none", buckets(("NaN", 5), ("+Inf", 5)), "a histogram with 5 requests up to nanms"),
    ("NaN", buckets(("500", NAN), ("+Inf", 5)), "a histogram with nan requests up to 500ms"),
    ("infinite", buckets(("500", 5), ("+Inf", INF)), "a histogram with inf requests up to infms"),
    ("below zero", buckets(("500", -1.0), ("+Inf", 5)), "a histogram with -1.0 requests up to 500ms"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "samples", "line"), NO_HISTOGRAMS, ids=[row[0] for row in NO_HISTOGRAMS])
def test_no_histogram(fact: str, samples: list[Sample], line: str) -> None:
    """What is no histogram is an error that says why."""
    with pytest.raises(PrometheusError) as raised:
        histogram(samples, "a")
    assert str(raised.value) == f"Prometheus gave {line}", fact


@given(st.dictionaries(st.floats(0.1, 1e6), COUNTS, max_size=12), COUNTS)
def test_a_histogram_rises(counts: dict[float, float], total: float) -> None:
    """Whatever fractions Prometheus gives, no bucket has less than the one before, and none has less than it was given."""
    found = histogram(buckets(*((repr(bound), n) for bound, n in counts.items()), ("+Inf", total)), "a")
    values = list(found.values())
    assert values == sorted(values)
    assert all(found[bound] >= n for bound, n in counts.items())
    assert found[INF] == max([total, *counts.values()])
