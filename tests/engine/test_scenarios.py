"""One set of scenarios, on each engine: what a release does on a real mesh, counted by the application itself."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time

import psutil
import pytest
from scipy.stats import binomtest

from lab.load import Load
from tests.engine.delivery import ENOUGH_FOR_A_PROOF, IMAGE, LONG_SOAK, Delivery, send, standstill

ONE_PERCENT = 0.01
SETTLED = 150
"""Requests, a second's worth: the mesh takes a moment from API server to proxy, which is what a warm-up is for."""


def share_fits(delivery: Delivery, load: Load, revision: str, weight: int) -> bool:
    """Whether a revision's share of the requests fits its weight, at 1%, by a plan of two samples.

    One sample in a hundred falls outside by chance, and there are three a walk. So one that does is followed by a
    second, four times as large, which decides: a right share leaves both once in ten thousand, a wrong one is wrong in
    the larger sample all the more.
    """
    for more in (400, 1600):
        before = delivery.counts()
        send(load, more)
        grown = {each: number - before.get(each, 0) for each, number in delivery.counts().items()}
        if binomtest(grown.get(revision, 0), sum(grown.values()), weight / 100).pvalue >= ONE_PERCENT:
            return True
    return False


def test_a_good_candidate_walks_its_plan_and_is_promoted(delivery: Delivery) -> None:
    """10, 30, 50, 100, promoted: each share fits its weight, and no request is lost, not at promotion either."""
    with delivery.load() as load:
        stable = delivery.gate["stable_revision"]
        for weight in (10, 30, 50, 100):
            run = delivery.up(weight=weight)
            assert run.ok, run.text
            candidate = delivery.gate["canary_revision"]
            assert delivery.routes.get(candidate) == weight
            send(load, SETTLED)
            assert share_fits(delivery, load, candidate, weight)
        uid = delivery.deployments[candidate]
        run = delivery.up(weight=0, stable={"image": f"{IMAGE}:2.0.0"})
        assert run.ok, run.text
        assert delivery.gate["phase"] == "promoted"
        assert delivery.routes == {candidate: 100}
        # The same Deployment as before: a promotion is no second rollout, and the old one has gone.
        assert delivery.deployments == {candidate: uid}
        assert stable not in delivery.deployments
        send(load, 100)
        stats = load.stats()
    assert (stats.lost, stats.failed) == (0, 0), stats
    assert delivery.up().result.changes.get("update", 0) == 0


def test_a_bad_candidate_is_caught_at_its_first_step(delivery: Delivery) -> None:
    """30% of its answers are 5xx: the run that asks for the next step takes the traffic back, red, with the reason."""
    bad = {"image": f"{IMAGE}:3.0.0-errors30"}
    with delivery.load() as load:
        stable = delivery.gate["stable_revision"]
        assert delivery.up(weight=10, canary=bad).ok
        send(load, ENOUGH_FOR_A_PROOF)
        run = delivery.up(weight=30)
        assert not run.ok
        assert re.search(
            rf"{delivery.name} 10 -> 0: rolled back, success rate \d+\.\d+% < 99% \(n=\d+, \d+s\)", run.text
        )
        assert delivery.routes == {stable: 100}
        assert (delivery.gate["approved_weight"], delivery.gate["phase"]) == (0, "failed")
        send(load, SETTLED)
        before = delivery.counts()
        send(load, 200)
        grown = {each: number - before.get(each, 0) for each, number in delivery.counts().items()}
        assert [each for each, number in grown.items() if number] == [stable]

        again = delivery.up()
        assert not again.ok
        assert "rolled back" in "\n".join(again.result.errors)
        assert delivery.routes == {stable: 100}

        down = delivery.up(weight=0)
        assert down.ok, down.text
        assert set(delivery.deployments) == {stable}
        assert load.stats().lost == 0

    refused = delivery.preview(weight=30, canary={"image": f"{IMAGE}:4.0.0"})
    assert not refused.ok
    assert "'weight' must be the next step, 10, unless 'skip' says why (got 30)" in refused.text


def test_silence_is_no_pass(delivery: Delivery) -> None:
    """Without traffic the weight stays, the run is red, and one line says what is missing; so does the next run."""
    assert delivery.up(weight=10).ok
    for _ in range(2):
        run = delivery.up(weight=30)
        assert not run.ok
        assert f"{delivery.name} 10 -> 30: hold, 0 of 20 requests needed" in run.text
        assert (delivery.gate["approved_weight"], delivery.gate["phase"]) == (10, "waiting")
        assert delivery.routes[delivery.gate["canary_revision"]] == 10
    with delivery.load() as load:
        send(load, 600)
        run = delivery.up()
        assert run.ok, run.text
    assert delivery.gate["approved_weight"] == 30


def test_a_dead_prometheus_holds_and_blocks_no_way_back(delivery: Delivery) -> None:
    """Killed in mid-release: the weight stays, the run is red, one line says why; lowering to 0 works at once."""
    stable = delivery.gate["stable_revision"]
    prometheus = delivery.lab.servers["prometheus"]
    with delivery.load() as load:
        assert delivery.up(weight=10).ok
        send(load, 300)
        prometheus.kill()
        try:
            run = delivery.up(weight=30)
            assert not run.ok
            why = f"{delivery.name} 10 -> 30: hold, Prometheus at {delivery.lab.prometheus_url} cannot be reached"
            assert why in run.text
            assert delivery.routes[delivery.gate["canary_revision"]] == 10
            assert "Traceback" not in run.text
            down = delivery.up(weight=0)
            assert down.ok, down.text
            assert delivery.routes == {stable: 100}
        finally:
            prometheus.start()
    assert load.stats().lost == 0


def test_a_new_revision_in_mid_release_starts_again(delivery: Delivery) -> None:
    """It is refused above the first step; there it takes the old candidate's place, and no request meets a hole."""
    with delivery.load() as load:
        stable = delivery.gate["stable_revision"]
        assert delivery.up(weight=10).ok
        assert delivery.up(weight=30).ok
        old = delivery.gate["canary_revision"]
        newer = {"image": f"{IMAGE}:2.1.0"}
        refused = delivery.preview(canary=newer)
        assert not refused.ok
        assert "'weight' must be 0 or the first step, 10, as the revision is new (got 30)" in refused.text
        assert not delivery.up().ok
        assert delivery.routes[old] == 30

        run = delivery.up(weight=10)
        assert run.ok, run.text
        new = delivery.gate["canary_revision"]
        assert new != old
        assert delivery.routes == {stable: 90, new: 10}
        assert {stable, new, old} <= delivery.subsets
        assert set(delivery.deployments) == {stable, new}
        run = delivery.up(weight=30)
        assert run.ok, run.text
        stats = load.stats()
    assert (stats.lost, stats.failed) == (0, 0), stats


def test_a_refresh_takes_the_traffic_back(delivery: Delivery) -> None:
    """A canary that turns bad after its step is found by `up --refresh`, unattended, and loses its traffic there."""
    with delivery.load() as load:
        stable = delivery.gate["stable_revision"]
        assert delivery.up(weight=10).ok
        canary = delivery.gate["canary_revision"]
        assert delivery.up(refresh=True).ok
        assert delivery.routes[canary] == 10
        delivery.lab.dial(f"{delivery.name}-{canary}", error_rate=0.6)
        send(load, 1500)
        run = delivery.up(refresh=True)
        assert not run.ok
        assert "rolled back, success rate" in run.text
        assert delivery.routes == {stable: 100}
        assert delivery.gate["failed_revision"] == canary


def read_until(run: subprocess.Popen[str], text: str) -> list[str]:
    """The run's lines up to the one that holds a text."""
    lines = []
    assert run.stdout
    for line in run.stdout:
        lines.append(line)
        if text in line:
            return lines
    pytest.fail(f"{text!r} was never said:\n{''.join(lines)}")


def kill(run: subprocess.Popen[str]) -> None:
    """End a run and all that it started, as a power cut would; some of that is in sessions of its own."""
    family = psutil.Process(run.pid)
    for process in [*family.children(recursive=True), family]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    run.wait()


def test_a_run_killed_in_the_gate_changes_nothing(delivery: Delivery) -> None:
    """The weight stays; the next run goes on, and the time already spent counts."""
    with delivery.load():
        gate = delivery.settings["gate"]
        assert delivery.up(weight=10, gate=gate | {"soak": LONG_SOAK}).ok
        began = time.monotonic()
        run = delivery.start(weight=30)
        read_until(run, "soaking")
        kill(run)
        assert delivery.gate["approved_weight"] == 10
        assert delivery.routes[delivery.gate["canary_revision"]] == 10
        spent = time.monotonic() - began
        # Less the warm-up, and a second that rounding may add.
        after = delivery.up(gate=gate | {"soak": f"{spent - 2:.0f}s"})
        assert after.ok, after.text
        assert "soaking" not in after.text
        assert delivery.routes[delivery.gate["canary_revision"]] == 30


def test_a_run_killed_between_gate_and_route_is_repaired(delivery: Delivery) -> None:
    """The weight was approved and the mesh never got it: the next run gives it, and judges on no time before that."""
    api = delivery.lab.servers["kube-apiserver"]
    quick = delivery.settings["gate"]
    with delivery.load() as load:
        assert delivery.up(weight=10, gate=quick | {"soak": LONG_SOAK}).ok
        canary = delivery.gate["canary_revision"]
        run = delivery.start(weight=30)
        read_until(run, "soaking")
        # The API server stands still: the gate approves, and the route cannot be written.
        with standstill(api):
            while delivery.gate["approved_weight"] != 30:
                assert run.poll() is None
                time.sleep(0.05)
            kill(run)
        assert delivery.routes[canary] == 10
        send(load, 900)

        held = delivery.up(weight=50, gate=quick)
        assert not held.ok
        assert f"{delivery.name} 30 -> 50: hold, the route at 30% was not confirmed" in held.text
        assert delivery.routes[canary] == 30
        repaired = time.time()
        done = delivery.up()
        assert done.ok, done.text
        assert delivery.routes[canary] == 50
        window = delivery.gate["measurements"][0]["window"]
        assert window <= time.time() - repaired + 1


def test_a_bad_release_does_not_keep_a_good_one_from_its_step(delivery: Delivery) -> None:
    """Two in one stack, advanced in one run: one is rolled back, the other gets its step, and one line is red."""
    name = f"beside-{delivery.name}"
    delivery.others[name] = delivery.settings | {"hosts": [f"{name}.lab"]}
    assert delivery.up(canary={"image": f"{IMAGE}:3.0.0-errors30"}).ok
    good = delivery.other(name)
    stable = delivery.gate["stable_revision"]
    with delivery.load() as bad, good.load() as load:
        delivery.others[name]["weight"] = 10
        assert delivery.up(weight=10).ok
        send(bad, ENOUGH_FOR_A_PROOF)
        assert good.routes[good.gate["canary_revision"]] == 10
        delivery.others[name]["weight"] = 30
        run = delivery.up(weight=30)
        assert load.stats().failed == 0
    assert delivery.routes == {stable: 100}
    assert (good.gate["approved_weight"], good.routes[good.gate["canary_revision"]]) == (30, 30)
    assert not run.ok
    (line,) = run.result.errors
    assert line.startswith(f"{delivery.name} 10 -> 0: rolled back, success rate ")


def test_an_autoscaler_has_its_least_pods_first_and_its_own_number_then(delivery: Delivery) -> None:
    """The canary gets traffic with all of its least pods ready only; what the scaler says later is left alone."""
    stable = {"image": f"{IMAGE}:1.0.0"}
    workload = delivery.settings["workload"] | {
        "autoscaling": {"min": 3, "max": 5},
        "resources": {"requests": {"cpu": "10m"}},
    }
    begun = delivery.up(replicas=None, workload=workload, stable=stable, reason="to autoscale them")
    assert begun.ok, begun.text
    revision = delivery.gate["stable_revision"]
    assert delivery.pods(revision) == (3, 3)
    run = delivery.start(weight=10, canary={"image": f"{IMAGE}:2.0.0-notready"})
    while len(delivery.deployments) == 1:
        assert run.poll() is None
        time.sleep(0.05)
    (canary,) = set(delivery.deployments) - {revision}
    assert (delivery.routes, delivery.pods(canary)) == ({revision: 100}, (3, 0))
    delivery.lab.dial(f"{delivery.name}-{canary}", ready=True)
    said, _ = run.communicate(timeout=120)
    assert (delivery.routes.get(canary), delivery.pods(canary)) == (10, (3, 3)), said

    with delivery.load() as load:
        delivery.scale(canary, 4)
        # A run that has to write the Deployment, and one that has looked at it before.
        longer = delivery.up(workload=workload | {"progress_deadline": "2m"})
        assert longer.ok, longer.text
        assert longer.result.changes["update"] >= 2
        assert delivery.pods(canary) == (4, 4)
        send(load, 600)
        refreshed = delivery.up(refresh=True)
        assert refreshed.ok, refreshed.text
        assert delivery.pods(canary) == (4, 4)
        assert delivery.up().result.changes.get("update", 0) == 0


def test_destroy_leaves_nothing(delivery: Delivery) -> None:
    """What a stack made it also takes away, in mid-release too."""
    assert delivery.up(weight=10).ok
    lines: list[str] = []
    ended = delivery.engine.destroy(lines.append)
    assert ended.ok, "\n".join([*lines, *ended.errors])
    assert delivery.deployments == {}
    # And it can be made again from nothing, so that the fixture finds what it takes away.
    assert delivery.up(weight=0).ok


def test_a_candidate_that_never_gets_ready_ends_at_its_deadline(delivery: Delivery) -> None:
    """The run is red at the progress deadline, no request has met the candidate, and weight 0 takes it away."""
    with delivery.load() as load:
        stable = delivery.gate["stable_revision"]
        deadline = {"readiness": {"path": "/ready", "period": "1s"}, "drain": "2s", "progress_deadline": "5s"}
        started = time.monotonic()
        run = delivery.up(weight=10, workload=deadline, canary={"image": f"{IMAGE}:2.0.0-notready"})
        assert not run.ok
        assert time.monotonic() - started < 60
        assert "Traceback" not in run.text
        assert delivery.routes == {stable: 100}
        down = delivery.up(weight=0)
        assert down.ok, down.text
        assert set(delivery.deployments) == {stable}
        assert (load.stats().lost, load.stats().failed) == (0, 0)
