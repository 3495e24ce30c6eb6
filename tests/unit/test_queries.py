"""PromQL, to the letter."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.queries import Target, counts, latency, quoted

TARGET = Target("podinfo", "test", "destination")


def test_counts_of_one_revision() -> None:
    """Requests by workload and status over the window: the pod's view, and what only the caller saw."""
    assert counts(TARGET, ["xxxxxxxxxx"], 300) == (
        "sum by (destination_workload, response_code, grpc_response_status) (increase(istio_requests_total"
        '{reporter="destination",destination_workload_namespace="test",destination_workload="podinfo-xxxxxxxxxx"}'
        "[300s]) or increase(istio_requests_total"
        '{reporter="source",destination_workload_namespace="test",destination_workload="podinfo-xxxxxxxxxx",'
        'response_flags=~"(.*,)?(UF|UH|UO|NC|NR)(,.*)?"}[300s]))'
    )


def test_counts_of_several_revisions() -> None:
    """Several workloads are one anchored alternative of exact names."""
    assert counts(Target("podinfo", "prod", "source"), ["xxxxxxxxxx", "yyyyyyyyyy"], 7) == (
        "sum by (destination_workload, response_code, grpc_response_status) (increase(istio_requests_total"
        '{reporter="source",destination_workload_namespace="prod",'
        'destination_workload=~"podinfo-xxxxxxxxxx|podinfo-yyyyyyyyyy"}[7s]))'
    )


def test_latency() -> None:
    """A quantile over the buckets of all series of one workload, in milliseconds; NaN where a bucket is."""
    buckets = (
        "increase(istio_request_duration_milliseconds_bucket"
        '{reporter="destination",destination_workload_namespace="test",destination_workload="podinfo-xxxxxxxxxx"}'
        "[300s])"
    )
    assert latency(TARGET, "xxxxxxxxxx", 0.99, 300) == (
        f"histogram_quantile(0.99, sum by (le) ({buckets})) + 0 * sum({buckets})"
    )


@pytest.mark.parametrize(("quantile", "text"), [(0.5, "0.5"), (0.999, "0.999"), (0.9999, "0.9999")])
def test_a_quantile_is_written_as_it_is(quantile: float, text: str) -> None:
    """No digit that the settings gave is lost."""
    assert latency(TARGET, "x", quantile, 1).startswith(f"histogram_quantile({text}, ")


def test_a_quantile_near_one_is_not_one() -> None:
    """The settings take every number between 0 and 1, so the query has to."""
    assert not latency(TARGET, "x", 0.9999999, 1).startswith("histogram_quantile(1, ")


QUOTED = [
    ("plain", "podinfo", '"podinfo"'),
    ("a quote", 'a"b', r'"a\"b"'),
    ("a backslash", "a\\b", r'"a\\b"'),
    ("a backslash before a quote", '\\"', r'"\\\""'),
    ("a newline", "a\nb", r'"a\nb"'),
    ("a way out", '"} or vector(1) #', r'"\"} or vector(1) #"'),
    ("empty", "", '""'),
]


@pytest.mark.parametrize(("fact", "text", "literal"), QUOTED, ids=[row[0] for row in QUOTED])
def test_quoted(fact: str, text: str, literal: str) -> None:
    """Whatever the text, it stays inside its quotes."""
    assert quoted(text) == literal, fact


@given(st.text())
def test_no_text_leaves_its_quotes(text: str) -> None:
    """One literal on one line, which reads back as the text that went in."""
    literal = quoted(text)
    assert re.fullmatch(r'"(?:[^"\\\n]|\\["\\n])*"', literal)
    back = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], literal[1:-1])
    assert back == text
