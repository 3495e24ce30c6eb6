"""The gate at its edges: odd answers, odd settings, odd orders of events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.components.wire import GATE, Delivery, Y
from tests.loopback import Figures, Loopback, Request

GOOD, BAD = {"200": 100.0}, {"500": 100.0}


@pytest.mark.parametrize("value", [float("nan"), -1.0])
def test_nonsense_in_one_of_several_checks_holds(delivery: Delivery, figures: Figures, value: float) -> None:
    """With a threshold above 1, a count that is none in the range query is an error like any other: it holds."""
    figures.codes = {"200": 400.0}
    figures.checks = {1.0: GOOD, 2.0: {"200": value}}
    state = delivery.at(10, gate={**GATE, "threshold": 3}).up(weight=30)
    assert (state["approved_weight"], state["phase"]) == (10, "waiting")


def test_checks_without_data_prove_nothing(delivery: Delivery, figures: Figures) -> None:
    """An interval below two scrapes leaves every single check without data; the bad window is then no pass."""
    figures.codes = {"200": 300.0, "500": 700.0}
    figures.checks = {}
    state = delivery.at(10, gate={**GATE, "threshold": 3}).up(weight=30)
    assert state["approved_weight"] != 30, state["reason"]


def test_a_handful_of_requests_rolls_nothing_back(delivery: Delivery, figures: Figures) -> None:
    """Below min_requests there is no fail, with any threshold."""
    figures.codes = {"200": 1.0, "500": 2.0}
    figures.checks = {1.0: {"500": 1.0}, 2.0: {"200": 1.0}, 3.0: {"500": 1.0}}
    state = delivery.at(10, gate={**GATE, "threshold": 2}).up(weight=30)
    assert (state["approved_weight"], state["phase"]) == (10, "waiting"), state["reason"]


def test_a_refresh_without_prometheus_changes_nothing(delivery: Delivery) -> None:
    """Taking `prometheus` out of the stack file in the run that promotes holds it; a refresh then does not break."""
    held = delivery.at(100).up(weight=0, stable_revision=Y, prometheus=None)
    assert (held["approved_weight"], held["phase"]) == (100, "waiting")
    assert delivery.gate.refresh() == held


def test_a_failed_revision_says_that_it_has_failed(delivery: Delivery, figures: Figures) -> None:
    """Failed, taken to 0, and wanted again: the red line names the failure and not the way back."""
    figures.codes = {"500": 400.0}
    delivery.at(10).up(weight=30)
    assert delivery.up(weight=0)["phase"] == "idle"
    state = delivery.up(weight=10)
    assert (state["approved_weight"], state["phase"]) == (0, "failed")
    assert "failed" in state["reason"], state["reason"]


def test_a_retry_is_not_used_up_by_a_run_at_0(delivery: Delivery, figures: Figures) -> None:
    """Raising `retry` together with `weight: 0` still allows the start that comes after."""
    figures.codes = {"500": 400.0}
    delivery.at(10).up(weight=30)
    delivery.up(weight=0, retry=1)
    assert delivery.up(weight=10)["approved_weight"] == 10


def test_a_release_that_moves_is_judged_where_it_is(delivery: Delivery, server: Loopback) -> None:
    """After a change of namespace at the same weight, a refresh asks for the new one."""
    delivery.at(10).up(namespace="elsewhere")
    server.seen.clear()
    delivery.aged().gate.refresh()
    assert 'destination_workload_namespace="elsewhere"' in server.queries[0]


def test_a_broken_bound_counts_whatever_the_other_metric_says(delivery: Delivery, server: Loopback) -> None:
    """400 requests that all failed are a fail, also when the histogram cannot be had."""
    delivery.at(10)
    broken = Figures({"500": 400.0})

    def half(request: Request) -> tuple[int, Any]:
        return (422, {}) if request.form["query"].startswith("histogram") else broken(request)

    server.answer = half
    assert delivery.up(weight=30)["phase"] == "failed"


def test_a_soak_below_a_second_is_waited_for(delivery: Delivery) -> None:
    """`soak: 500ms` with `wait` does not end red for want of half a second."""
    short = {**GATE, "wait": True, "soak": 0.5, "warm_up": 0.0}
    state = delivery.at(10, gate=short).aged(0.1).up(weight=30)
    assert state["approved_weight"] == 30, state["reason"]


def test_a_threshold_holds_in_the_first_interval_too(delivery: Delivery, figures: Figures) -> None:
    """With `threshold: 3` no look takes the traffic back before three checks can have failed."""
    figures.codes = {"500": 400.0}
    patient = {**GATE, "threshold": 3, "interval": 60.0, "warm_up": 0.0}
    state = delivery.at(10, gate=patient).aged(20).up(weight=30)
    assert (state["approved_weight"], state["phase"]) == (10, "waiting"), state["reason"]


@pytest.mark.parametrize("newest", [{"200": 0.0, "500": 0.0}, {"200": 1.0}], ids=["silent", "one request"])
def test_a_silent_check_does_not_clear_a_bad_canary(
    delivery: Delivery, figures: Figures, newest: dict[str, float]
) -> None:
    """Two bad checks, and then no traffic to speak of: the whole window is below its bound, so it is no pass."""
    figures.codes = {"200": 300.0, "500": 200.0}
    figures.checks = {1.0: BAD, 2.0: BAD, 3.0: newest}
    state = delivery.at(10, gate={**GATE, "threshold": 3}).up(weight=30)
    assert (state["approved_weight"], state["phase"]) == (10, "waiting"), state["reason"]
