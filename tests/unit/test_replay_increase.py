"""PromQL's arithmetic: the numbers of the tables are those that a Prometheus 3.11 gave for these samples."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.replay.increase import LOOKBACK, Counter, quantile

INCREASES = [
    (
        "steady, to both ends",
        [10000, 20000, 30000, 40000, 50000, 60000, 70000, 80000, 90000, 100000, 110000, 120000],
        [5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0],
        5000,
        125000,
        59.99999999999999,
    ),
    (
        "from zero, not below it",
        [10000, 20000, 30000, 40000, 50000, 60000, 70000, 80000, 90000, 100000, 110000, 120000],
        [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0],
        0,
        120000,
        55.0,
    ),
    (
        "begins in the middle",
        [60000, 70000, 80000, 90000, 100000, 110000, 120000],
        [142.0, 149.0, 156.0, 163.0, 170.0, 177.0, 184.0],
        0,
        120000,
        45.5,
    ),
    (
        "ends in the middle",
        [10000, 20000, 30000, 40000, 50000, 60000],
        [107.0, 114.0, 121.0, 128.0, 135.0, 142.0],
        0,
        120000,
        45.5,
    ),
    (
        "begins anew once",
        [10000, 20000, 30000, 40000, 50000, 60000],
        [10.0, 20.0, 30.0, 5.0, 15.0, 25.0],
        0,
        60000,
        54.0,
    ),
    (
        "begins anew twice",
        [10000, 20000, 30000, 40000, 50000, 60000],
        [10.0, 20.0, 3.0, 9.0, 1.0, 4.0],
        0,
        60000,
        27.599999999999998,
    ),
    (
        "begins anew at zero",
        [10000, 20000, 30000, 40000, 50000, 60000],
        [10.0, 20.0, 0.0, 0.0, 8.0, 9.0],
        0,
        60000,
        22.8,
    ),
    ("does not move", [10000, 20000, 30000, 40000, 50000, 60000], [42.0, 42.0, 42.0, 42.0, 42.0, 42.0], 0, 60000, 0.0),
    ("one sample", [10000], [1.0], 0, 60000, None),
    ("two samples", [10000, 20000], [1.0, 4.0], 0, 60000, 5.5),
    ("a sample on the left end is out", [0, 10000, 20000, 30000], [0.0, 5.0, 10.0, 15.0], 0, 30000, 15.0),
    ("odd times", [1234, 11240, 21236, 31911], [1.0, 3.5, 3.5, 9.25], 700, 34567, 9.107890276102617),
    ("a scrape is missing", [10000, 20000, 30000, 50000, 60000], [5.0, 10.0, 15.0, 25.0, 30.0], 0, 65000, 32.5),
    (
        "just within reach",
        [10000, 20000, 30000, 40000, 50000, 60000],
        [105.0, 110.0, 115.0, 120.0, 125.0, 130.0],
        -900,
        70900,
        35.9,
    ),
    (
        "just out of reach",
        [10000, 20000, 30000, 40000, 50000, 60000],
        [105.0, 110.0, 115.0, 120.0, 125.0, 130.0],
        -1100,
        71100,
        30.0,
    ),
    (
        "huge",
        [10000, 20000, 30000, 40000, 50000, 60000],
        [
            9000000000000003.0,
            9000000000000006.0,
            9000000000000009.0,
            9000000000000012.0,
            9000000000000015.0,
            9000000000000018.0,
        ],
        0,
        60000,
        18.0,
    ),
    (
        "below zero",
        [10000, 20000, 30000, 40000, 50000, 60000],
        [-95.0, -90.0, -85.0, -80.0, -75.0, -70.0],
        0,
        60000,
        30.0,
    ),
]
"""What it is; times in milliseconds and values; the range's start and end; the increase."""


@pytest.mark.parametrize(
    ("fact", "times", "values", "start", "end", "grown"), INCREASES, ids=[row[0] for row in INCREASES]
)
def test_an_increase(
    fact: str, times: list[int], values: list[float], start: int, end: int, grown: float | None
) -> None:
    """To the last bit but one."""
    found = Counter.of(times, values).increase(start, end)
    assert found == (None if grown is None else pytest.approx(grown, rel=1e-15)), fact


QUANTILES = [
    ("in a bucket", 0.99, [(100.0, 70), (500.0, 99.5), (1000.0, 100), (math.inf, 100)], 493.22033898305085),
    ("in the first", 0.5, [(100.0, 70), (500.0, 99), (1000.0, 100), (math.inf, 100)], 71.42857142857143),
    ("in the last", 0.99, [(100.0, 70), (500.0, 90), (1000.0, 95), (math.inf, 100)], 1000.0),
    ("empty", 0.99, [(100.0, 0), (500.0, 0), (math.inf, 0)], math.nan),
    ("without an infinite bound", 0.99, [(100.0, 70), (500.0, 99)], math.nan),
    ("the infinite bound alone", 0.99, [(math.inf, 99)], math.nan),
    ("falling", 0.9, [(100.0, 70), (500.0, 60), (1000.0, 95), (math.inf, 100)], 900.0),
    ("a bound written twice", 0.9, [(100.0, 70), (100.0, 20), (500.0, 95), (500.0, 5), (math.inf, 100)], 100.0),
    ("all in one", 0.5, [(100.0, 0), (500.0, 10), (1000.0, 10), (math.inf, 10)], 300.0),
    ("a first bound below zero", 0.1, [(-5.0, 50), (500.0, 90), (math.inf, 100)], -5.0),
    ("nothing in the first, rank 0", 0.0, [(100.0, 0), (500.0, 10), (math.inf, 10)], math.nan),
    (
        "a difference of rounding",
        0.95,
        [(100.0, 94.99999999999999), (500.0, 95), (1000.0, 95.00000000000001), (math.inf, 100)],
        1000.0,
    ),
]
"""What it is; the quantile; bounds and cumulative counts; its value."""


@pytest.mark.parametrize(("fact", "share", "buckets", "value"), QUANTILES, ids=[row[0] for row in QUANTILES])
def test_a_quantile(fact: str, share: float, buckets: list[tuple[float, float]], value: float) -> None:
    """Whatever the order of the buckets."""
    for order in (buckets, buckets[::-1]):
        assert quantile(share, order) == pytest.approx(value, rel=1e-15, nan_ok=True), fact


counters = st.lists(st.tuples(st.integers(1, 60_000), st.floats(0, 1e9)), min_size=2, max_size=30)


@given(counters, st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_counter_never_falls(steps: list[tuple[int, float]], start: int, length: int) -> None:
    """Whatever the restarts, the increase is not below zero."""
    times = [sum(step for step, _ in steps[: place + 1]) for place in range(len(steps))]
    grown = Counter.of(times, [value for _, value in steps]).increase(start, start + length)
    assert grown is None or grown >= 0


@given(st.lists(st.tuples(st.integers(1, 60_000), st.integers(0, 100)), min_size=2, max_size=30))
def test_a_restart_loses_nothing_that_was_scraped(steps: list[tuple[int, int]]) -> None:
    """A counter that begins anew grows by as much as one that goes on."""
    times = [sum(step for step, _ in steps[: place + 1]) for place in range(len(steps))]
    going_on = [10_000.0 + sum(more for _, more in steps[: place + 1]) for place in range(len(steps))]
    half = len(steps) // 2
    anew = [*going_on[:half], *(each - going_on[half - 1] for each in going_on[half:])]
    one, other = (Counter.of(times, values).increase(times[0] - 1, times[-1]) for values in (going_on, anew))
    assert one == pytest.approx(other)


def test_an_instant_sees_a_sample_for_five_minutes() -> None:
    """And not at its very end, nor before the sample."""
    counter = Counter.of([1_000_000], [1.0])
    seen = [counter.there(at) for at in (999_999, 1_000_000, 1_000_000 + LOOKBACK - 1, 1_000_000 + LOOKBACK)]
    assert seen == [False, True, True, False]
