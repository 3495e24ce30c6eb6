"""The last resource of a stack, and the record of the routes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pulumi.runtime import rpc

from components.gate import AppliedRouteProvider, Halted, StackVerdictProvider
from tests.components.wire import Resource, hosted


@pytest.fixture
def verdict() -> Resource:
    """A verdict that was never given."""
    return Resource(hosted(StackVerdictProvider()))


def told(phase: str, reason: str = "podinfo 10 -> 30: pass, fine") -> dict[str, Any]:
    return {"phase": phase, "reason": reason}


@pytest.mark.parametrize("phase", ["idle", "progressing", "promoted"])
def test_a_green_release_is_green(verdict: Resource, phase: str) -> None:
    """What was approved raises nothing, and the same verdict again is no change."""
    releases = {"releases": {"podinfo": told(phase)}}
    assert verdict.up(releases)["releases"]["podinfo"]["phase"] == phase
    assert not verdict.diff(verdict.check(releases))


def test_each_red_release_has_its_line(verdict: Resource) -> None:
    """One line for each that was held or rolled back, by name; the green ones are not spoken of."""
    releases = {
        "zeta": told("failed", "zeta 10 -> 0: rolled back, success rate 69.17% < 99% (n=1204, 5m)"),
        "beta": told("progressing"),
        "alpha": told("waiting", "alpha 10 -> 30: hold, 12 of 100 requests needed (n=12, 8s)"),
    }
    with pytest.raises(Halted) as halted:
        verdict.up({"releases": releases})
    assert str(halted.value).splitlines() == [
        "alpha 10 -> 30: hold, 12 of 100 requests needed (n=12, 8s)",
        "zeta 10 -> 0: rolled back, success rate 69.17% < 99% (n=1204, 5m)",
    ]


def test_a_red_verdict_stores_nothing(verdict: Resource) -> None:
    """Create and update raise, so the state keeps the last green one, and each further run is red again."""
    green, red = {"releases": {"podinfo": told("idle")}}, {"releases": {"podinfo": told("waiting")}}
    with pytest.raises(Halted):
        verdict.up(red)
    assert verdict.outputs == {}
    verdict.up(green)
    for _ in range(2):
        with pytest.raises(Halted):
            verdict.up(red)
    assert verdict.outputs["releases"]["podinfo"]["phase"] == "idle"
    assert not verdict.diff(verdict.check(green))


def test_a_preview_is_never_red(verdict: Resource) -> None:
    """Check and diff say that there is something to do, and raise nothing; a phase may be unknown there."""
    verdict.up({"releases": {"podinfo": told("idle")}})
    for phase in ("failed", "waiting", rpc.UNKNOWN):
        shown = verdict.preview({"releases": {"podinfo": told(phase)}})
        assert set(shown["releases"]) == {"podinfo"}


def test_a_stack_without_releases_is_green(verdict: Resource) -> None:
    """Nothing is delivered, so nothing was held."""
    assert verdict.up({"releases": {}})["releases"] == {}


def test_a_verdict_is_read_as_it_is(verdict: Resource) -> None:
    """A refresh of the verdict changes nothing."""
    before = verdict.up({"releases": {"podinfo": told("idle")}})
    assert verdict.refresh() == before


def test_the_record_has_the_time_of_each_decision() -> None:
    """A new decision has a new time; the same one keeps the time of its first run, which the gate measures from."""
    record = Resource(hosted(AppliedRouteProvider()))
    started = time.time()
    first = record.up({"release": "podinfo", "decision": "d1"})
    assert started <= first["at"] <= time.time()
    assert record.up({"release": "podinfo", "decision": "d1"}) == first
    second = record.up({"release": "podinfo", "decision": "d2"})
    assert (second["decision"], second["at"] > first["at"]) == ("d2", True)
    assert record.refresh() == second
