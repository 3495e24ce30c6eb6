"""Judgement: the table of verdicts and lines, and what no input may do."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.judge import Answered, Counts, Measurement, Scope, Verdict, combine, count, duration, success_rate

SCOPE = Scope(window=300, min_requests=100)
RANK = {Verdict.FAIL: 0, Verdict.ERROR: 1, Verdict.INSUFFICIENT: 1, Verdict.PASS: 2}
"""Worse to better."""


def rate(good: float, total: float, minimum: float = 99.0, scope: Scope = SCOPE) -> Measurement:
    return success_rate(Counts(good, total), minimum, scope, "q")


def slow(milliseconds: float | None, total: float = 500, maximum: float = 500.0) -> Measurement:
    return duration(milliseconds, maximum, total, SCOPE, "q")


RATES = [
    ("all good", 500, 500, 99, Verdict.PASS, "success rate 100.00% >= 99% (n=500, 5m)"),
    ("at the bound", 990, 1000, 99, Verdict.PASS, "success rate 99.00% >= 99% (n=1000, 5m)"),
    ("the line of the design", 833, 1204, 99, Verdict.FAIL, "success rate 69.19% < 99% (n=1204, 5m)"),
    (
        "below by less than two decimals show",
        98999,
        100000,
        99,
        Verdict.FAIL,
        "success rate 98.999% < 99% (n=100000, 5m)",
    ),
    ("nothing good", 0, 100, 99, Verdict.FAIL, "success rate 0.00% < 99% (n=100, 5m)"),
    ("just enough", 100, 100, 99, Verdict.PASS, "success rate 100.00% >= 99% (n=100, 5m)"),
    ("one too few", 99, 99, 99, Verdict.INSUFFICIENT, "99 of 100 requests needed (n=99, 5m)"),
    ("too few, all bad", 0, 12, 99, Verdict.INSUFFICIENT, "12 of 100 requests needed (n=12, 5m)"),
    ("silence", 0, 0, 99, Verdict.INSUFFICIENT, "0 of 100 requests needed (n=0, 5m)"),
    ("a bound with decimals", 9989, 10000, 99.9, Verdict.FAIL, "success rate 99.89% < 99.9% (n=10000, 5m)"),
    ("no bound", 0, 100, 0, Verdict.PASS, "success rate 0.00% >= 0% (n=100, 5m)"),
]


@pytest.mark.parametrize(("fact", "good", "total", "minimum", "verdict", "line"), RATES, ids=[row[0] for row in RATES])
def test_success_rate(fact: str, good: float, total: float, minimum: float, verdict: Verdict, line: str) -> None:
    """Each share of good requests has its verdict and its line."""
    found = rate(good, total, minimum)
    assert (found.verdict, found.line) == (verdict, line), fact


DURATIONS = [
    ("fast", 12.5, 500, Verdict.PASS, "request duration 12.5ms <= 500ms (n=500, 5m)"),
    ("at the bound", 500.0, 500, Verdict.PASS, "request duration 500ms <= 500ms (n=500, 5m)"),
    ("slow", 1515.0, 500, Verdict.FAIL, "request duration 1.515s > 500ms (n=500, 5m)"),
    ("no histogram", None, 500, Verdict.INSUFFICIENT, "no request duration measured yet (n=500, 5m)"),
    ("an empty histogram", math.nan, 500, Verdict.INSUFFICIENT, "no request duration measured yet (n=500, 5m)"),
    ("too few", 12.5, 99, Verdict.INSUFFICIENT, "99 of 100 requests needed (n=99, 5m)"),
    ("too few, slow", 9000.0, 99, Verdict.INSUFFICIENT, "99 of 100 requests needed (n=99, 5m)"),
    (
        "beyond the histogram",
        math.inf,
        500,
        Verdict.FAIL,
        "request duration is beyond the histogram's last bucket, allowed <= 500ms (n=500, 5m)",
    ),
    ("minus infinity", -math.inf, 500, Verdict.ERROR, "request duration is below zero (n=500, 5m)"),
]


@pytest.mark.parametrize(("fact", "value", "total", "verdict", "line"), DURATIONS, ids=[row[0] for row in DURATIONS])
def test_duration(fact: str, value: float | None, total: float, verdict: Verdict, line: str) -> None:
    """Each quantile has its verdict and its line."""
    found = slow(value, total)
    assert (found.verdict, found.line) == (verdict, line), fact


KEPT = [
    (rate(990, 1000), Measurement("request-success-rate", "q", 99.0, ">= 99%", 990, 1000, 300, Verdict.PASS, "success rate 99.00% >= 99% (n=1000, 5m)")),
    (rate(1, 3), Measurement("request-success-rate", "q", 100 / 3, ">= 99%", 1, 3, 300, Verdict.INSUFFICIENT, "3 of 100 requests needed (n=3, 5m)")),
    (rate(0, 0), Measurement("request-success-rate", "q", None, ">= 99%", 0, 0, 300, Verdict.INSUFFICIENT, "0 of 100 requests needed (n=0, 5m)")),
    (slow(12.5), Measurement("request-duration", "q", 12.5, "<= 500ms", None, 500, 300, Verdict.PASS, "request duration 12.5ms <= 500ms (n=500, 5m)")),
    (slow(math.nan), Measurement("request-duration", "q", None, "<= 500ms", None, 500, 300, Verdict.INSUFFICIENT, "no request duration measured yet (n=500, 5m)")),
    (slow(-math.inf), Measurement("request-duration", "q", None, "<= 500ms", None, 500, 300, Verdict.ERROR, "request duration is below zero (n=500, 5m)")),
]  # fmt: skip


@pytest.mark.parametrize(("found", "kept"), KEPT, ids=[kept.line for _, kept in KEPT])
def test_a_measurement_keeps_what_it_rests_on(found: Measurement, kept: Measurement) -> None:
    """The state holds the query, the value, the bound and the counts; a value that is no number is none."""
    assert found == kept


@pytest.mark.parametrize(("minimum", "verdict"), [(0.0, Verdict.PASS), (100.0, Verdict.FAIL)])
def test_one_request_is_enough_where_one_is_asked_for(minimum: float, verdict: Verdict) -> None:
    """A minimum of one request is one."""
    assert rate(0, 1, minimum, Scope(300, 1)).verdict is verdict


def test_without_a_minimum_no_request_still_says_nothing() -> None:
    """No share can be had of no requests."""
    assert rate(0, 0, 0.0, Scope(300, 0)).verdict is Verdict.INSUFFICIENT


def test_a_duration_of_zero_is_one() -> None:
    """It is no nonsense: only what is below zero is."""
    assert slow(0.0).verdict is Verdict.PASS


COUNTED = [
    ("not 5xx is good", {Answered("a", "200"): 5, Answered("a", "404"): 2, Answered("a", "302"): 1}, Counts(8, 8)),
    (
        "5xx is bad",
        {Answered("a", "200"): 5, Answered("a", "500"): 2, Answered("a", "503"): 1, Answered("a", "599"): 1},
        Counts(5, 9),
    ),
    ("no answer at all is bad", {Answered("a", "200"): 5, Answered("a", "0"): 2}, Counts(5, 7)),
    ("another workload does not count", {Answered("a", "200"): 5, Answered("b", "500"): 9}, Counts(5, 5)),
    (
        "gRPC's status counts beside HTTP's 200",
        {Answered("a", "200", status): 1.0 for status in ("0", "1", "2", "4", "5", "12", "13", "14", "15", "16")},
        Counts(4, 10),
    ),
    ("nothing", {}, Counts(0, 0)),
    ("all that there is failed", {Answered("a", "500"): 9}, Counts(0, 9)),
]


@pytest.mark.parametrize(("fact", "samples", "counts"), COUNTED, ids=[row[0] for row in COUNTED])
def test_count(fact: str, samples: dict[Answered, float], counts: Counts) -> None:
    """Requests are good or bad by their response code, for one workload; none is both and none is neither."""
    found = count(samples, "a")
    assert found == counts, fact
    assert found.good + found.bad == found.total


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0])
@pytest.mark.parametrize("workload", ["a", "b"])
def test_a_count_that_is_none_is_an_error(value: float, workload: str) -> None:
    """Whosever count it is, an answer with such a value in it is not trusted."""
    with pytest.raises(ValueError, match=r"has .* requests with code 200"):
        count({Answered("a", "404"): 500.0, Answered(workload, "200"): value}, "a")


def test_a_request_without_a_code_is_not_known_to_be_good() -> None:
    """Where a relabelling drops `response_code`, all requests look alike; that is no proof of a good canary."""
    with pytest.raises(ValueError, match=r"^b has requests without a response code$"):
        count({Answered("a", "200"): 500.0, Answered("b", ""): 1.0}, "a")


def test_a_request_of_http_has_no_grpc_status() -> None:
    """It is the same request, whether "" is said or not: samples are told apart by it."""
    assert Answered("a", "200") == Answered("a", "200", "")


def test_the_worst_speaks() -> None:
    """A fail before an error before too little; a pass needs every metric, and nothing measured is an error."""
    passed, failed, few = rate(500, 500), rate(0, 500), rate(5, 5)
    broken = slow(-math.inf)
    assert combine([passed, few, broken, failed], 300).line == failed.line
    assert combine([passed, few, broken], 300).verdict is Verdict.ERROR
    assert combine([passed, few], 300).verdict is Verdict.INSUFFICIENT
    assert combine([passed, slow(1.0)], 300).line == passed.line
    assert combine([], 300).verdict is Verdict.ERROR


numbers = st.floats(0, 1e15)
any_number = st.floats()
scopes = st.builds(Scope, window=st.integers(1, 10**7), min_requests=st.integers(1, 10**12))
bounds = st.floats(0, 100)


@given(numbers, numbers, bounds, scopes)
def test_no_pass_without_enough_requests(good: float, bad: float, minimum: float, scope: Scope) -> None:
    """Fewer than min_requests are neither a pass nor a fail, whatever they look like."""
    found = rate(good, good + bad, minimum, scope)
    if good + bad < scope.min_requests:
        assert found.verdict is Verdict.INSUFFICIENT
    else:
        assert found.verdict in {Verdict.PASS, Verdict.FAIL}


@given(numbers, numbers, numbers, bounds, scopes)
def test_more_bad_requests_never_better_a_verdict(
    total: float, one: float, other: float, minimum: float, scope: Scope
) -> None:
    """Of two windows with one total, the one with more bad requests has no better verdict."""
    fewer, more = sorted(min(each, total) for each in (one, other))
    assert (
        RANK[rate(total - more, total, minimum, scope).verdict]
        <= RANK[rate(total - fewer, total, minimum, scope).verdict]
    )


@given(numbers, numbers, bounds, bounds, scopes)
def test_a_stricter_bound_never_betters_a_verdict(
    good: float, bad: float, one: float, other: float, scope: Scope
) -> None:
    """What a higher minimum lets pass, a lower one lets pass too."""
    low, high = sorted((one, other))
    assert RANK[rate(good, good + bad, high, scope).verdict] <= RANK[rate(good, good + bad, low, scope).verdict]


@given(numbers, numbers, numbers, scopes)
def test_a_slower_quantile_never_betters_a_verdict(one: float, other: float, total: float, scope: Scope) -> None:
    """Of two quantiles over as many requests, the slower has no better verdict."""
    fast, slower = sorted((one, other))
    verdicts = [duration(value, 500.0, total, scope, "q").verdict for value in (slower, fast)]
    assert RANK[verdicts[0]] <= RANK[verdicts[1]]


answered = st.builds(
    Answered, st.sampled_from(["a", "b"]), st.sampled_from(["200", "404", "500", "0"]), st.sampled_from(["", "0", "14"])
)


@given(st.dictionaries(answered, any_number))
def test_nonsense_is_never_counted(samples: dict[Answered, float]) -> None:
    """NaN, infinities and counts below zero never come out as counts."""
    nonsense = any(not code or not math.isfinite(value) or value < 0 for (_, code, _), value in samples.items())
    try:
        counts = count(samples, "a")
    except ValueError:
        assert nonsense
        return
    assert not nonsense
    assert 0 <= counts.good <= counts.total


@given(st.sampled_from([math.nan, math.inf, -math.inf]), numbers, scopes)
def test_a_quantile_that_is_none_never_passes(value: float, total: float, scope: Scope) -> None:
    """NaN and infinities are no pass, with any number of requests."""
    assert duration(value, 500.0, total, scope, "q").verdict is not Verdict.PASS


def test_a_duration_below_zero_never_passes() -> None:
    """A negative quantile is nonsense like a negative count."""
    assert slow(-5.0).verdict is Verdict.ERROR


@given(numbers, numbers, bounds, st.one_of(st.none(), any_number), scopes)
def test_a_line_is_one_line(good: float, bad: float, minimum: float, value: float | None, scope: Scope) -> None:
    """Every line is printable, one line, and ends with what it rests on."""
    for found in (rate(good, good + bad, minimum, scope), duration(value, 500.0, good + bad, scope, "q")):
        assert found.line.isprintable()
        assert found.line.endswith(scope.evidence(good + bad))
        assert combine([found], scope.window).line == found.line


@given(st.integers(100, 10**9), st.data(), st.sampled_from([50.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99]))
def test_a_shown_rate_is_on_the_side_of_its_verdict(total: int, data: st.DataObject, minimum: float) -> None:
    """Rounding never shows a rate that contradicts the sign beside it."""
    found = rate(data.draw(st.integers(0, total)), total, minimum)
    _, _, shown, sign, bound, *_ = found.line.split(" ")
    assert (float(shown.rstrip("%")) >= float(bound.rstrip("%"))) == (sign == ">=")


@pytest.mark.parametrize(("value", "maximum"), [(500.04, 500.0), (1500.4, 1500.0)])
def test_a_shown_duration_is_on_the_side_of_its_verdict(value: float, maximum: float) -> None:
    """`500ms > 500ms` would help nobody."""
    words = slow(value, maximum=maximum).line.split(" ")
    assert words[2] != words[4]


def test_what_is_needed_is_not_there_yet() -> None:
    """Prometheus extrapolates, so 99.7 requests may be all there are; the line does not say that they are enough."""
    assert not rate(99.7, 99.7).line.startswith("100 of 100")


def test_a_bound_is_shown_as_it_is() -> None:
    """A minimum of 99.99999% is not shown as 100%."""
    assert "99.99999%" in rate(500, 500, 99.99999).line
