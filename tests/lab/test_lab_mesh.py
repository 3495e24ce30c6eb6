"""The gateway routes as Istio says, Prometheus counts what the gateway sent, and nothing gets lost on the way."""

import json
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import binomtest

from lab import Lab, LoadStats

if TYPE_CHECKING:
    from tests.lab.conftest import Application

BY_CHANCE = 1e-4
"""A right weight fails at this probability only; a weight off by five points passes less often than that."""


def query(lab: Lab, promql: str) -> list[dict[str, Any]]:
    """The result of an instant query."""
    url = f"{lab.prometheus_url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}"
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  the lab's own address
        return list(json.load(answer)["data"]["result"])


def until_sum(lab: Lab, promql: str, total: int) -> list[dict[str, Any]]:
    """The result of a query once its values' sum is `total`: Prometheus scrapes every second."""
    deadline = time.monotonic() + 5
    while True:
        found = query(lab, promql)
        if sum(int(series["value"][1]) for series in found) == total or time.monotonic() > deadline:
            return found


def send(lab: Lab, app: "Application", *, rate: float = 300, seconds: float = 4) -> LoadStats:
    """Load for a while, and what came of all of it."""
    with lab.load(rate=rate, host=app.host, duration=seconds) as load:
        load.wait()
    return load.stats()


@pytest.mark.parametrize("weight", [10, 50])
def test_weights_are_held(app: "Application", lab: Lab, weight: int) -> None:
    """The share of the requests that the canary's processes counted fits the VirtualService's weight."""
    app.expose()
    app.await_ready(app.deploy("stable", replicas=2), app.deploy("canary"))
    app.route(stable=100 - weight, canary=weight)
    before = lab.counts()
    stats = send(lab, app)
    answered = {name: count - before.get(name, 0) for name, count in lab.counts().items()}
    canary, total = answered[f"{app.name}-canary"], stats.sent
    assert stats.ok == stats.sent == canary + answered[f"{app.name}-stable"]
    assert binomtest(canary, total, weight / 100).pvalue > BY_CHANCE


def test_prometheus_agrees_with_the_applications_own_counts(app: "Application", lab: Lab) -> None:
    """istio_requests_total has Istio's labels, and for each workload and status exactly the requests that it answered."""
    app.expose()
    app.await_ready(app.deploy("stable"), app.deploy("canary", tag="2.0.0-errors30"))
    app.route(stable=50, canary=50)
    send(lab, app)
    tallies = {name: tally for name, tally in lab.tallies().items() if name.startswith(f"{app.name}-")}
    promql = f'istio_requests_total{{reporter="source",destination_service_name="{app.name}"}}'
    found = until_sum(lab, promql, sum(tally.answered for tally in tallies.values()))
    assert {(s["metric"]["destination_workload"], s["metric"]["response_code"]): int(s["value"][1]) for s in found} == {
        (f"{app.name}-stable", "200"): tallies[f"{app.name}-stable"].answered,
        (f"{app.name}-canary", "200"): tallies[f"{app.name}-canary"].answered - tallies[f"{app.name}-canary"].failed,
        (f"{app.name}-canary", "500"): tallies[f"{app.name}-canary"].failed,
    }
    labels = found[0]["metric"]
    assert labels["destination_workload_namespace"] == labels["destination_service_namespace"] == "test"
    assert labels["destination_service"] == f"{app.name}.test.svc.cluster.local"
    assert labels["source_workload"] == "istio-ingressgateway"


def test_latency_is_in_the_histogram(app: "Application", lab: Lab) -> None:
    """Requests of a canary that takes 200 ms are in the buckets above that, and in none below."""
    app.expose()
    name = app.deploy("canary", tag="2.0.0-latency200")
    app.await_ready(name)
    app.route(canary=100)
    send(lab, app, rate=50, seconds=2)
    answered = lab.counts()[name]
    until_sum(lab, f'istio_request_duration_milliseconds_count{{destination_workload="{name}"}}', answered)
    found = query(lab, f'istio_request_duration_milliseconds_bucket{{destination_workload="{name}"}}')
    buckets = {float(series["metric"]["le"]): int(series["value"][1]) for series in found}
    assert buckets[100] == 0
    assert buckets[500] == buckets[float("inf")] == answered


def test_a_rolling_update_loses_no_request(app: "Application", lab: Lab) -> None:
    """With a drain, every request sent while all pods are replaced is answered 200, by the old or the new version."""
    app.expose()
    name = app.deploy("v1", replicas=2, drain=2)
    app.await_ready(name)
    app.route(v1=100)
    before = lab.counts()[name]
    with lab.load(rate=200, host=app.host) as load:
        newer = app.pod("1.0.1", drain=2)
        app.patch("Deployment", name, {"spec": {"template": {"spec": newer}}})
        app.await_ready(name)
        app.until("Pod", lambda pods: len(pods) == 2)
        assert app.ask()[1]["version"] == "1.0.1"
    stats = load.stats()
    assert (stats.lost, stats.failed, stats.held_back) == (0, 0, 0), stats
    assert stats.sent == stats.ok == lab.counts()[name] - before - 1
    assert stats.sent > 400


@pytest.mark.parametrize("server", ["etcd", "kube-controller-manager", "istiod", "gateway", "prometheus"])
def test_a_server_can_be_killed_and_started_again(app: "Application", lab: Lab, server: str) -> None:
    """After it is back, a new application is deployed, routed and answered."""
    lab.servers[server].kill()
    assert not lab.servers[server].is_ready()
    lab.servers[server].start()
    app.expose()
    app.await_ready(app.deploy("v1"))
    app.route(v1=100)


def test_a_killed_istiod_leaves_the_traffic_alone(app: "Application", lab: Lab) -> None:
    """The data path needs no control plane: without istiod, no request is lost."""
    app.expose()
    app.await_ready(app.deploy("v1"))
    app.route(v1=100)
    lab.servers["istiod"].kill()
    try:
        stats = send(lab, app, rate=100, seconds=1)
    finally:
        lab.servers["istiod"].start()
    assert stats.sent == stats.ok == 100


def test_the_gateways_own_503_is_counted_on_the_workload_that_was_meant(app: "Application", lab: Lab) -> None:
    """Requests that never reach a canary without a ready pod are 503s of that canary, in the caller's view."""
    app.expose()
    stable, canary = app.deploy("stable"), app.deploy("canary")
    app.await_ready(stable, canary)
    app.route(stable=50, canary=50)
    lab.dial(canary, ready=False)
    before = lab.counts()
    app.until("Pod", lambda pods: any(condition["status"] == "False" for condition in _ready_conditions(pods)))
    stats = send(lab, app, rate=100, seconds=2)
    promql = f'istio_requests_total{{destination_workload="{canary}",response_code="503"}}'
    assert stats.failed == stats.by_status[503] > 50
    assert until_sum(lab, promql, stats.failed)
    assert sum(lab.counts()[name] - before[name] for name in (stable, canary)) == stats.ok


def _ready_conditions(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [condition for pod in pods for condition in pod["status"]["conditions"] if condition["type"] == "Ready"]
