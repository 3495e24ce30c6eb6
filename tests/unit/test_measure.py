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


def test_a_remark_of_prometheus_2_is_no_warning(server: Loopback) -> None:
    """Version 2 has among its warnings what version 3 calls `infos`; a real warning beside one still counts."""
    remark = "PromQL info: input to histogram_quantile needed to be fixed for monotonicity"
    server.give((200, VECTOR | {"warnings": [remark]}))
    assert len(Prometheus(server.url, 2, 0).query("up", 5.0)) == 1
    server.give((200, VECTOR | {"warnings": [remark, "PromQL warning: bucket label is missing"]}))
    with pytest.raises(PrometheusError, match="gave a partial answer: PromQL warning: bucket label is missing"):
        Prometheus(server.url, 2, 0).query("up", 5.0)


def test_a_range_is_asked_for_to_the_millisecond(server: Loopback) -> None:
    """Rounded to seconds it would begin before the time that was asked for."""
    server.give((200, {"status": "success", "data": {"resultType": "matrix", "result": []}}))
    Prometheus(server.url, 2, 0).query_range("up", 100.6, 200.4, 7)
    form = server.seen[0].form
    assert (form["start"], form["end"], form["step"]) == ("100.600", "200.400", "7s")


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
