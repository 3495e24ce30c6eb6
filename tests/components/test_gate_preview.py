"""The forecast of `diff`: what a preview says, what it costs, and that the update does not pay twice."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.components.wire import GATE, Delivery, Z
from tests.loopback import Figures, Loopback


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


QUESTIONS = 1 + len(GATE["metrics"])
"""Of one look: whether Prometheus remembers the window, and one for each metric."""

FORECASTS = [
    ("pass", Figures(), "podinfo 10 -> 30: forecast pass, success rate 100.00% >= 99% (n=500, "),
    ("fail", Figures({"500": 400}), "podinfo 10 -> 30: forecast halt, success rate 0.00% < 99% (n=400, "),
    ("slow", Figures(p99=1515.0), "podinfo 10 -> 30: forecast halt, request duration 1.515s > 500ms (n=500, "),
    ("silence", Figures({}), "podinfo 10 -> 30: forecast hold, 0 of 100 requests needed (n=0, "),
]


@pytest.mark.parametrize(("fact", "answer", "line"), FORECASTS, ids=[row[0] for row in FORECASTS])
def test_a_preview_says_what_the_gate_would_say_now(
    delivery: Delivery, server: Loopback, capsys: pytest.CaptureFixture[str], fact: str, answer: Figures, line: str
) -> None:
    """One line of forecast for a move that has to be judged."""
    delivery.at(10)
    server.answer = answer
    lines(capsys)
    delivery.preview(weight=30)
    (said,) = lines(capsys)
    assert said.startswith(line), fact


def test_a_forecast_says_how_much_of_the_soak_is_left(delivery: Delivery, capsys: pytest.CaptureFixture[str]) -> None:
    """What is good so far may not be enough yet."""
    delivery.at(10).aged(50)
    lines(capsys)
    delivery.preview(weight=30)
    (said,) = lines(capsys)
    assert said.endswith((", soak has 40s left", ", soak has 39s left"))


def test_a_move_that_needs_no_verdict_has_no_forecast(
    delivery: Delivery, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a way back, nor the live weight, nor a new revision at the first step asks anybody."""
    delivery.at(30)
    server.seen.clear()
    lines(capsys)
    for wish in ({"weight": 10}, {"weight": 0}, {"weight": 30}, {"weight": 10, "revision": Z}):
        delivery.preview(**wish)
    assert (lines(capsys), server.seen) == ([], [])


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_silent_prometheus_does_not_hold_a_preview_up(
    delivery: Delivery, silent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A preview gives it about two seconds, whatever timeout and retries the settings have, and does not fail."""
    delivery.at(10)
    lines(capsys)
    started = time.monotonic()
    shown = delivery.preview(weight=30, prometheus={"url": silent, "timeout": 60.0, "retries": 3})
    assert 1 < time.monotonic() - started < 3
    assert shown["approved_weight"] == 30
    assert lines(capsys) == [f"podinfo 10 -> 30: forecast hold, Prometheus at {silent} gave no answer within 2s"]


def test_a_dead_prometheus_does_not_fail_a_preview(delivery: Delivery, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused connection is a forecast like another, at once."""
    with socket.create_server(("127.0.0.1", 0)) as freed:
        url = f"http://127.0.0.1:{freed.getsockname()[1]}"
    delivery.at(10)
    lines(capsys)
    started = time.monotonic()
    delivery.preview(weight=30, prometheus={"url": url, "timeout": 5.0, "retries": 3})
    assert time.monotonic() - started < 1
    assert lines(capsys) == [f"podinfo 10 -> 30: forecast hold, Prometheus at {url} cannot be reached"]


def test_a_preview_has_one_deadline_for_all_its_queries(delivery: Delivery, server: Loopback) -> None:
    """A Prometheus that takes a second and a half for each answer does not hold a preview up for longer than two."""
    delivery.at(10)
    healthy = Figures()

    def slowly(request: object) -> tuple[int, object]:
        server.ended.wait(1.5)
        return healthy(request)  # type: ignore[arg-type]

    server.answer = slowly
    started = time.monotonic()
    delivery.preview(weight=30)
    assert time.monotonic() - started < 2.5


def test_the_update_uses_the_evaluation_of_its_diff(delivery: Delivery, server: Loopback) -> None:
    """A run that advances asks each question once, not twice."""
    delivery.at(10)
    server.seen.clear()
    assert delivery.up(weight=30)["approved_weight"] == 30
    assert len(server.queries) == QUESTIONS
    assert len(set(server.queries)) == len(server.queries)


def test_an_evaluation_is_used_once(delivery: Delivery, server: Loopback, figures: Figures) -> None:
    """A run that was held asks again in the next run; yesterday's answer decides nothing."""
    delivery.at(10)
    figures.codes = {"200": 12}
    assert delivery.up(weight=30)["phase"] == "waiting"
    figures.codes = {"200": 500}
    server.seen.clear()
    assert delivery.up()["approved_weight"] == 30
    assert len(server.queries) == QUESTIONS


def test_an_error_of_the_forecast_is_asked_again(delivery: Delivery, server: Loopback) -> None:
    """The two seconds of the forecast may have been too few: the update asks with the whole of its time."""
    delivery.at(10)
    healthy = Figures()
    server.answer = lambda request: (503, {}) if len(server.seen) == 1 else healthy(request)
    server.seen.clear()
    assert delivery.up(weight=30)["approved_weight"] == 30


def test_a_forecast_of_an_unfinished_soak_is_not_a_verdict(delivery: Delivery, server: Loopback) -> None:
    """What was good before the soak was over is asked again when it is over."""
    short = {**GATE, "wait": True, "interval": 10.0, "soak": 1.5, "warm_up": 0.0}
    delivery.at(10, gate=short).aged(1.1)
    server.seen.clear()
    started = time.monotonic()
    assert delivery.up(weight=30)["approved_weight"] == 30
    assert time.monotonic() - started > 0.3
    # The forecast, the first look of the gate, and the look that decided.
    assert len(server.queries) == 3 * QUESTIONS


def test_a_preview_of_a_failed_revision_shows_that_it_stays(delivery: Delivery, figures: Figures) -> None:
    """Another weight for a revision that has failed moves nothing, so a preview does not show traffic for it."""
    delivery.at(10)
    figures.codes = {"500": 400.0}
    assert delivery.up(weight=30)["phase"] == "failed"
    assert delivery.preview(weight=10)["approved_weight"] == 0
