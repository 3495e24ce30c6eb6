"""The Prometheus client against a real HTTP server that gives every kind of answer; loopback only."""

from __future__ import annotations

import time

import pytest

from tests.loopback import Loopback
from weighbridge.errors import PrometheusError
from weighbridge.measure import Prometheus

VECTOR = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1, "2"]}]}}


def test_a_vector_is_read(server: Loopback) -> None:
    """Labels, time and value of each series come out as they went in."""
    server.give((200, VECTOR))
    (sample,) = Prometheus(server.url, 2, 0).query("up", 5.0)
    assert (sample.labels, sample.at, sample.value) == ({"a": "b"}, 1.0, 2.0)


def test_a_passing_fault_is_tried_again(server: Loopback) -> None:
    """Two 503s and then an answer are an answer."""
    server.give((503, {}), (503, {}), (200, VECTOR))
    assert len(Prometheus(server.url, 5, 3).query("up", 5.0)) == 1
    assert len(server.seen) == 3


STRANGE = [
    ("it is down", 503, {}, "refused: HTTP Status Code 503"),
    ("the query is wrong", 400, {"status": "error", "error": "bad"}, "refused: HTTP Status Code 400"),
    ("not JSON", 200, b"<html>", "gave an answer that is not JSON"),
    ("not a success", 200, {"status": "error"}, "gave an answer that is not a success"),
    ("no data", 200, {"status": "success"}, "gave an answer that is not its API's"),
    ("a list", 200, [1], "gave an answer that is not a success"),
    ("a partial response", 200, VECTOR | {"warnings": ["store is gone"]}, "gave a partial answer: store is gone"),
    ("a scalar", 200, {"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}}, "gave a scalar"),
    (
        "a value that is none",
        200,
        {"status": "success", "data": {"result": [{"metric": {}, "value": [1, "much"]}]}},
        "gave a sample that is not a time and a number",
    ),
]


@pytest.mark.parametrize(("fact", "status", "body", "line"), STRANGE, ids=[row[0] for row in STRANGE])
def test_a_strange_answer_is_an_error(server: Loopback, fact: str, status: int, body: object, line: str) -> None:
    """Whatever is not a clear answer raises one line, and is never an empty result."""
    server.give((status, body))
    with pytest.raises(PrometheusError) as raised:
        Prometheus(server.url, 2, 1).query("up", 5.0)
    assert line in str(raised.value), fact
    assert "\n" not in str(raised.value)


def test_a_dripping_server_meets_the_deadline(server: Loopback) -> None:
    """A byte now and then does not hold a gate up beyond its time."""
    server.give((200, server.drip()))
    started = time.monotonic()
    with pytest.raises(PrometheusError, match=r"gave no answer within 0\.3s"):
        Prometheus(server.url, 0.3, 0).query("up", 5.0)
    assert time.monotonic() - started < 2


def test_a_server_that_is_gone_cannot_be_reached() -> None:
    """A refused connection is one line, without the library's own words."""
    with pytest.raises(PrometheusError, match=r"^Prometheus at http://127\.0\.0\.1:9 cannot be reached$"):
        Prometheus("http://127.0.0.1:9", 2, 1).query("up", 5.0)
