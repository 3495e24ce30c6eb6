"""The dashboard and the metrics of the releases, on a real release: every query asks the lab's Prometheus."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kubernetes import client

from docs.grafana import Asked, Grafana, queries
from lab import Lab
from lab.load import Load
from tests.engine.delivery import Delivery, deliver, send
from weighbridge import dashboards
from weighbridge.sight import tracks

_PATIENCE = 60.0
ANNOTATIONS = {"weight", "wanted-weight", "phase", "changed", "stable-revision", "canary-revision"}


def eventually(grafana: Grafana, asked: Asked, true: Callable[[Any], bool]) -> Any:
    """Ask again with each scrape until the answer is as wanted."""
    deadline = time.monotonic() + _PATIENCE
    while not true(answer := grafana.ask(asked)):
        assert time.monotonic() < deadline, f"{asked.where}: {grafana.filled_in(asked.promql)} still gives {answer}"
        time.sleep(0.5)
    return answer


def number(grafana: Grafana, promql: str, true: Callable[[float], bool]) -> float:
    """The one value of a query, once it is as wanted."""
    (found,) = eventually(grafana, Asked("", promql, instant=True), lambda got: len(got) == 1 and true(got[0][1][0][1]))
    return float(found[1][0][1])


def filled(answer: list[tuple[dict[str, str], list[tuple[float, float]]]]) -> bool:
    """Whether there is a series that has a number."""
    return any(not math.isnan(value) for _, values in answer for _, value in values)


def open_board(delivery: Delivery) -> Grafana:
    """The dashboard with a release chosen, once there is something of it."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return Grafana(delivery.lab.prometheus_url, dashboards.canary(), {"release": delivery.name})
        except ValueError:
            assert time.monotonic() < deadline, f"{delivery.name} is not among the releases"
            time.sleep(0.5)


def both_fail_a_little(delivery: Delivery, load: Load) -> None:
    """Requests to both tracks, of which some fail: only then is there a series of failures."""
    for revision in delivery.gate["stable_revision"], delivery.gate["canary_revision"]:
        delivery.lab.dial(f"{delivery.name}-{revision}", error_rate=0.05)
    send(load, 600)


def test_every_query_of_the_dashboard_has_an_answer(lab: Lab, tmp_path: Path) -> None:
    """A release on its walk, on the real mesh: each panel, variable and annotation gives a series with numbers."""
    delivery = deliver(lab, tmp_path / "project", "seen", "rehearsal")
    try:
        with delivery.load(rate=100) as load:
            assert delivery.up(weight=10).ok
            both_fail_a_little(delivery, load)
            grafana = open_board(delivery)
            assert (grafana.variables["namespace"], grafana.variables["reporter"]) == ("test", "source")
            asked = list(queries(grafana.board))
            assert len(asked) > 30
            for each in asked:
                eventually(grafana, each, filled)
            means_what_it_says(grafana, delivery)
            assert delivery.up(weight=0).ok
            send(load, 100)
            without_a_canary(grafana)
    finally:
        delivery.remove()


def means_what_it_says(grafana: Grafana, delivery: Delivery) -> None:
    """The numbers are those of the gate's state, and of the faults that were dialled."""
    gate = delivery.gate
    assert number(grafana, tracks.weight(), lambda n: n == 10) == gate["approved_weight"]
    for track in tracks.TRACKS:
        (revision,) = grafana.ask(Asked("", tracks.revision(track), instant=True))
        assert revision[0][track] == gate[f"{track}_revision"]
        assert number(grafana, tracks.ready(track), lambda n: n == 2)
        assert number(grafana, tracks.success(track), lambda n: n < 100) > 80
    (phase,) = grafana.ask(Asked("", tracks.phase(), instant=True))
    assert (phase[0], phase[1][0][1]) == ({"phase": "progressing"}, 1.0)
    assert 2 < number(grafana, tracks.share(), lambda n: not math.isnan(n)) < 25
    by_workload = grafana.ask(Asked("", tracks.by_revision(), instant=True))
    assert {labels["destination_workload"] for labels, _ in by_workload} == {
        f"{delivery.name}-{gate[f'{track}_revision']}" for track in tracks.TRACKS
    }
    # A rate over a window that began before the load is below it, and rises.
    stable = number(grafana, tracks.requests("stable"), lambda n: n > 60)
    canary = number(grafana, tracks.requests("canary"), lambda n: n > 4)
    assert stable + canary < 140
    assert stable > 3 * canary
    decided = eventually(grafana, Asked("", tracks.decisions(), instant=True), lambda got: len(got) == 1)
    assert decided[0][0] == {"weight": "10"}
    assert abs(decided[0][1][0][1] / 1000 - time.time()) < 300


def without_a_canary(grafana: Grafana) -> None:
    """Where there is no canary its queries give nothing, stable's go on, and none of them is an error."""
    eventually(grafana, Asked("", tracks.revision("canary"), instant=True), lambda got: got == [])
    for query in (tracks.success, tracks.requests, tracks.in_flight, tracks.ready):
        assert filled(eventually(grafana, Asked("", query("stable"), instant=True), filled))
        assert grafana.ask(Asked("", query("canary"), instant=True)) == []
    assert number(grafana, tracks.share(), lambda n: n == 0) == 0


def test_an_older_state_gets_the_annotations_in_place(delivery: Delivery) -> None:
    """A stack from before them: an ordinary green run writes them, replaces nothing, and the next run changes nothing."""
    assert delivery.up(weight=10).ok
    forget(delivery)
    before = delivery.custom("virtualservices")["metadata"]
    assert "weighbridge.dev/weight" not in before["annotations"]
    foreseen = delivery.preview()
    assert foreseen.ok, foreseen.text
    run = delivery.up()
    assert run.ok, run.text
    assert run.result.changes.get("update") == 1, run.text
    assert not run.result.changes.keys() & {"replace", "delete", "create"}, run.text
    after = delivery.custom("virtualservices")["metadata"]
    assert after["uid"] == before["uid"]
    told = {name: after["annotations"][f"weighbridge.dev/{name}"] for name in ANNOTATIONS}
    gate = delivery.gate
    assert (told["weight"], told["wanted-weight"], told["phase"]) == ("10", "10", "progressing")
    assert (told["stable-revision"], told["canary-revision"]) == (gate["stable_revision"], gate["canary_revision"])
    assert abs(int(told["changed"]) - time.time()) < 600
    assert delivery.up().result.changes.get("update", 0) == 0


def forget(delivery: Delivery) -> None:
    """Make a stack's state and its VirtualService what they were before there were such annotations."""
    gone = {f"weighbridge.dev/{name}" for name in ANNOTATIONS}

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(each) for key, each in value.items() if key not in gone}
        return [without(each) for each in value] if isinstance(value, list) else value

    states = [path for path in delivery.folder.rglob("*.json") if "weighbridge.dev/weight" in path.read_text("utf-8")]
    assert states
    for state in states:
        state.write_text(json.dumps(without(json.loads(state.read_text("utf-8")))), encoding="utf-8")
    body = {"metadata": {"annotations": dict.fromkeys(gone)}}
    api = client.CustomObjectsApi(delivery.client)
    api.patch_namespaced_custom_object("networking.istio.io", "v1", "test", "virtualservices", delivery.name, body)
