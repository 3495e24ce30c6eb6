"""Queries of the user's own on a real Prometheus: it reads what was filled in as it was meant, whatever the values."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab import Lab
from weighbridge import promql
from weighbridge.checks import Checks
from weighbridge.checks.own_metrics import by_conditions, by_ranges
from weighbridge.checks.view import View
from weighbridge.errors import PrometheusError
from weighbridge.judge import Verdict
from weighbridge.measure import Prometheus
from weighbridge.plan import Live, Phase
from weighbridge.queries import Target
from weighbridge.template import Value, Variables, render

HOSTILE = [
    'x"} or vector(9) or up{a="',
    "x'} or vector(9) or up{a='",
    "\\",
    '\\"',
    "\\'",
    "\\n",
    "a\nb",
    "a\r\nb\tc",
    "\x00\x01\x1f\x7f",
    "# no comment",
    "{{ namespace }}",
    "$1 ${a} %s",
    ".*",
    "häßlich \u2028 \U0001f600",
    "\ufffd",
    "\u0085\u00a0",
    "a" * 1000,
]


@pytest.fixture
def prometheus(lab: Lab) -> Prometheus:
    """The lab's server, by the gate's own client."""
    return Prometheus(lab.prometheus_url, 10.0, 0)


def filled_in(template: str, **args: Value) -> str:
    """A query with arguments."""
    return render(template, Variables("test", "podinfo", "podinfo-x", "podinfo-y", 60.0, args))


def labels_of(prometheus: Prometheus, query: str) -> list[tuple[dict[str, str], float]]:
    """The series that a query gives."""
    return [(sample.labels, sample.value) for sample in prometheus.query(query, time.time())]


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("value", HOSTILE, ids=[ascii(value)[:20] for value in HOSTILE])
def test_a_label_has_the_value_that_was_given(prometheus: Prometheus, quote: str, value: str) -> None:
    """`absent` tells which value the server looked for: the argument, to the last character, and nothing else ran."""
    query = filled_in(f"absent(no_such_metric{{x={quote}{{{{ args.x }}}}{quote}}}) # {{{{ args.x }}}}", x=value)
    assert labels_of(prometheus, query) == [({"x": value}, 1.0)]
    promql.check(query)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), st.sampled_from("'\"`"))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_is_read_as_it_was_given(prometheus: Prometheus, value: str, quote: str) -> None:
    """Whatever text an argument holds, in whatever quotes it stands."""
    try:
        query = filled_in(f"absent(no_such_metric{{x={quote}{{{{ args.x }}}}{quote}}})", x=value)
    except ValueError:
        assert quote == "`"
        return
    assert labels_of(prometheus, query) == [({"x": value}, 1.0)]


CODE: list[tuple[str, Value, float]] = [
    ("vector({{ args.x }})", 0.97, 0.97),
    ("vector({{ args.x }} ^ 2)", -3, 9.0),
    ("vector(1 - {{ args.x }})", -1, 2.0),
    ("vector({{ args.x }})", "1e-05", 1e-05),
    ("vector({{ args.x }})", 1e-05, 1e-05),
    ("vector({{ args.x }})", 123456789012345678.0, 123456789012345678.0),
    ("count_over_time(vector(1)[{{ args.x }}:1s])", "1m30s", 90.0),
    ("count_over_time(vector(1)[{{ interval }}:1s])", "", 60.0),
    ("{{ args.x }}(vector(4))", "sqrt", 2.0),
]


@pytest.mark.parametrize(("template", "value", "gives"), CODE)
def test_a_value_outside_of_quotes_is_one_token(
    prometheus: Prometheus, template: str, value: Value, gives: float
) -> None:
    """Numbers, durations and names mean to the server what they mean in the settings."""
    query = filled_in(template, x=value)
    assert labels_of(prometheus, query) == [({}, gives)]


QUERIES = [
    ("sum by (job) (rate(up[5m])) > bool 0", True),
    ('{__name__="up",job=~"a|b"} or vector(1)', True),
    ("sum(up) # a comment", True),
    ("scalar(sum(up)) + 1", True),
    ("quantile_over_time(0.9, up[5m:30s] @ end() offset 1m)", True),
    ("absent(up{a=`\\d+`})", True),
    ("sum(up", False),
    ("up{", False),
    ("rate(up)", False),
    ("1 > 2", False),
    ('up{a="\\q"}', False),
    ('{a=~".*"}', False),
    ('up{a=~"("}', False),
    ("up up", False),
]


@pytest.mark.parametrize(("query", "good"), QUERIES)
def test_the_parser_refuses_what_the_server_refuses(prometheus: Prometheus, query: str, good: bool) -> None:
    """What the settings let through runs, and what they refuse would not have."""
    try:
        prometheus.query(promql_vector(query), time.time())
        ran = True
    except PrometheusError:
        ran = False
    try:
        promql.check(query)
        read = True
    except ValueError:
        read = False
    assert (ran, read) == (good, good)


def promql_vector(query: str) -> str:
    """A query that gives a vector, also where it is none that can be read."""
    try:
        return promql.as_vector(query)
    except ValueError:
        return query


def view(prometheus: Prometheus, **metric: Any) -> View:
    """A look at a minute, with one metric of the user's own."""
    every = {
        "args": {},
        "starting_step": 0.0,
        "failure_limit": 0.0,
        "inconclusive_limit": 0.0,
        "consecutive_error_limit": 4.0,
    }
    checks = Checks(
        target=Target("podinfo", "test", "destination"),
        metrics={"ratio": {**every, **metric}},
        steps=(10,),
        soak={},
        default_soak=60.0,
        warm_up=0.0,
        interval=10.0,
        threshold=1,
        min_requests=100,
        wait=True,
        roll_back=True,
    )
    return View(checks, Live(10, Phase.PROGRESSING, "x", "y"), 60, time.time(), prometheus)


JUDGED = [
    ("vector(0.97)", {"min": 0.95}, Verdict.PASS, "ratio 0.97 >= 0.95 (1m)"),
    ("scalar(vector(0.9))", {"min": 0.95}, Verdict.FAIL, "ratio 0.9 < 0.95 (1m)"),
    ("no_such_metric", {"min": 0.95}, Verdict.INSUFFICIENT, "ratio has no series yet (1m)"),
    ("vector(0) / 0", {"min": 0.95}, Verdict.INSUFFICIENT, "ratio has no value yet, it is NaN (1m)"),
    ("vector(1) / 0", {"min": 0.95}, Verdict.ERROR, "ratio is infinite (1m)"),
    ('label_replace(vector(1), "a", "b", "", "") or vector(1)', {"min": 0.95}, Verdict.ERROR, "ratio has 2 series where one is judged (1m)"),
    ("vector(0.97)", {"success_condition": "result[0] >= 0.95"}, Verdict.PASS, "ratio 6 measurements, newest 0.97 (10s)"),
    ("scalar(vector(0.97))", {"success_condition": "result >= 0.95", "count": 5.0}, Verdict.PASS, "ratio 5 of 5 measurements, newest 0.97 (10s)"),
    ("vector(0.9)", {"success_condition": "result[0] >= 0.95"}, Verdict.FAIL, "ratio 6 of 6 measurements failed, 0 allowed, newest of them 0.9 (10s)"),
    ("no_such_metric", {"failure_condition": "result[0] > 1"}, Verdict.ERROR, "ratio 6 errors in a row, 4 allowed: no series (10s)"),
    ("vector(0) / 0", {"failure_condition": "result[0] > 1"}, Verdict.ERROR, "ratio 6 errors in a row, 4 allowed: 'result[0] > 1' compares with NaN (10s)"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "rule", "verdict", "line"), JUDGED)
def test_a_metric_of_the_users_own(
    prometheus: Prometheus, query: str, rule: dict[str, Any], verdict: Verdict, line: str
) -> None:
    """What the server gives over a range of times is what the analysis is told, measurement by measurement."""
    looked = view(prometheus, query=query, **rule)
    (measured,) = [*by_ranges(looked), *by_conditions(looked)]
    assert (measured.verdict, measured.line) == (verdict, line)
