"""The judge on a real mesh: little traffic, small differences, faults that both tracks share, a mesh that disobeys."""

from __future__ import annotations

import re
import time

from kubernetes import client

from lab.load import Load
from tests.engine.delivery import IMAGE, Delivery, send

FLOOR = {"request-success-rate": {"min": 50}}
"""A bound that only catches a catastrophe: what these scenarios are about is the comparison."""


def test_a_canary_that_is_two_points_worse_is_caught(delivery: Delivery) -> None:
    """2% of its answers are errors, stable has none, and no bound is broken: the comparison takes the traffic back."""
    gate = delivery.settings["gate"] | {"metrics": FLOOR, "comparison": {"margin": 0}, "soak": "2m"}
    with delivery.load(rate=200):
        stable = delivery.gate["stable_revision"]
        assert delivery.up(weight=10, gate=gate, canary={"image": f"{IMAGE}:3.0.0-errors2"}).ok
        run = delivery.up(weight=30)
    assert not run.ok
    said = rf"{delivery.name} 10 -> 0: rolled back, errors: canary \d+\.\d+% \[.*\] vs stable 0\.0+% \[.*\], allowed \+0\.0"
    assert re.search(said, run.text), run.text
    assert delivery.routes == {stable: 100}


def test_a_few_requests_decide_nothing(delivery: Delivery) -> None:
    """Some requests, of which one failed: no rollback by chance, no promotion by silence, whatever is asked how often."""
    few = {"metrics": {"request-success-rate": {"min": 99}}, "comparison": {}, "min_requests": 1000}
    gate = delivery.settings["gate"] | few
    with delivery.load(rate=10) as load:
        assert delivery.up(weight=10, gate=gate).ok
        canary = delivery.gate["canary_revision"]
        workload = f"{delivery.name}-{canary}"
        delivery.lab.dial(workload, error_rate=1.0)
        failed = until_failed(delivery, load, workload)
        delivery.lab.dial(workload, error_rate=0.0)
        for _ in range(2):
            run = delivery.up(weight=30)
            assert not run.ok
            assert re.search(rf"{delivery.name} 10 -> 30: hold, \d+ of 1000 requests needed", run.text), run.text
            assert (delivery.gate["approved_weight"], delivery.gate["phase"]) == (10, "waiting")
    assert failed
    assert delivery.routes[canary] == 10


def until_failed(delivery: Delivery, load: Load, workload: str) -> int:
    """Wait for the first failed request of a workload; how many there are then."""
    while not (failed := delivery.lab.tallies("test")[workload].failed):
        assert not load.stats().ended
        time.sleep(0.02)
    return failed


def test_a_fault_that_both_tracks_share_is_not_the_canarys(delivery: Delivery) -> None:
    """Both fail 30%: the release holds and says why; with `shared_failure: pass` it goes on, and says so."""
    wide = {"margin": 20, "detect": 20}
    gate = delivery.settings["gate"] | {"metrics": {"request-success-rate": {"min": 99}}, "comparison": wide}
    stable = delivery.gate["stable_revision"]
    delivery.lab.dial(f"{delivery.name}-{stable}", error_rate=0.3)
    with delivery.load(rate=200) as load:
        assert delivery.up(weight=10, gate=gate, canary={"image": f"{IMAGE}:2.0.0-errors30"}).ok
        canary = delivery.gate["canary_revision"]
        send(load, 1600)
        held = delivery.up(weight=30)
        assert not held.ok
        why = (
            r"10 -> 30: hold, success rate \d+\.\d+% < 99% \(.*\), and so does stable with \d+\.\d+%: not the canary's"
        )
        assert re.search(why, held.text), held.text
        assert delivery.routes[canary] == 10
        passed = delivery.up(gate=gate | {"comparison": wide | {"shared_failure": "pass"}})
        assert passed.ok, passed.text
        assert re.search(r"10 -> 30: pass, success rate .* not the canary's fault", passed.text)
    assert delivery.routes[canary] == 30


def test_a_mesh_that_did_not_take_the_weight_is_no_pass(delivery: Delivery) -> None:
    """Somebody else sends half of the traffic to the canary: the weight is held, and the line has both shares."""
    with delivery.load() as load:
        assert delivery.up(weight=10).ok
        canary = delivery.gate["canary_revision"]
        live = delivery.custom("virtualservices")
        for route in live["spec"]["http"][0]["route"]:
            route["weight"] = 50
        api = client.CustomObjectsApi(delivery.client)
        api.replace_namespaced_custom_object(
            "networking.istio.io", "v1", "test", "virtualservices", delivery.name, live
        )
        send(load, 900)
        run = delivery.up(weight=30)
        assert not run.ok
        said = r"10 -> 30: hold, the mesh did not take the weight: the canary gets \d\d\.\d+%, 10% is set"
        assert re.search(said, run.text), run.text
        assert delivery.gate["approved_weight"] == 10
        repaired = delivery.up(weight=10, refresh=True)
        assert repaired.ok, repaired.text
    assert delivery.routes[canary] == 10
