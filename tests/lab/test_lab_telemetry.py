"""The scrape jobs, the rules and the adapter for real: they find the lab's API server, its Envoy, and what stands in pods."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, LabError
from lab.api import Api, ApiError
from lab.server import Server, ServerSpec
from lab.telemetry import require
from tests.lab import discovered
from tests.lab.conftest import Application
from tests.lab.discovered import RELEASE, REVISION, SEED, WORKLOAD, Sidecar
from tests.unit.settings_cases import changed
from weighbridge import queries, workload
from weighbridge.measure import Prometheus
from weighbridge.settings import load
from weighbridge.settings.telemetry import JOBS
from weighbridge.telemetry import adapter, charts, google
from weighbridge.telemetry.alerts import alerts
from weighbridge.telemetry.recording import recording

PORT, ADAPTER_PORT = 9390, 9391
URL = f"http://127.0.0.1:{PORT}"
SCRAPED = (
    "envoy-stats",
    "gateways",
    "pilot",
    "prometheus",
    "kubernetes-apiservers",
    "kubernetes-service-endpoints",
    "kubernetes-pods",
)
"""Jobs with something behind their targets: the lab has no kubelet, no Pushgateway and no prober."""


@dataclass
class Measured:
    """A Prometheus with our configuration.

    Attributes:
        asked: the gate's client.
        sidecar: of the pod with the seed's series.
    """

    sidecar: Sidecar = field(default_factory=Sidecar)
    asked: Prometheus = field(default_factory=lambda: Prometheus(URL, timeout=10, retries=0))

    def until(self, promql: str, within: float = 30.0) -> list[Any]:
        """Ask until there is an answer; what a scrape brings comes with no other word."""
        return self.poll(lambda: self.asked.query(promql, time.time()), promql, within)

    def poll(self, ask: Callable[[], list[Any]], what: str, within: float = 30.0) -> list[Any]:
        """Ask until there is an answer."""
        deadline = time.monotonic() + within
        while not (found := ask()):
            assert time.monotonic() < deadline, f"nothing for {what} after {within:g} s"
            time.sleep(0.2)
        return found

    def api(self, path: str) -> Any:
        """What Prometheus says of itself."""
        with urllib.request.urlopen(f"{URL}/api/v1/{path}", timeout=10) as answer:  # noqa: S310  loopback
            return json.load(answer)["data"]


def configuration(lab: Lab, folder: Path) -> dict[str, Any]:
    """prometheus.yml as the chart writes it from our values, at one scrape a second."""
    given = load(changed("prometheus", {"install": {"scrape_interval": "1s"}})).prometheus
    assert given
    assert given.install
    groups = [*recording(1.0), *alerts(7200, 1800, recorded=1.0)]
    values = charts.prometheus(given, given.install, groups)
    files = []
    for name in ("recording_rules.yml", "alerting_rules.yml"):
        (folder / name).write_text(json.dumps(values["serverFiles"][name]), encoding="utf-8")
        files.append(str(folder / name))
    jobs = discovered.on_the_lab(values["serverFiles"]["prometheus.yml"]["scrape_configs"], lab, folder)
    return {"global": values["server"]["global"], "rule_files": files, "scrape_configs": jobs}


def asked_of(lab: Lab, request: Callable[[Api], Any]) -> Any:
    async def ask() -> Any:
        async with Api(lab.kubeconfig) as api:
            return await request(api)

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def measured(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """The objects, what stands behind them, and a Prometheus that has to find them."""
    folder = tmp_path_factory.mktemp("measured")
    try:
        server = discovered.prometheus(configuration(lab, folder), folder, PORT)
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
    found = Measured()
    asked_of(lab, discovered.create)
    try:
        with discovered.served(lab, found.sidecar):
            server.start()
            yield found
    finally:
        server.kill()
        asked_of(lab, discovered.remove)


def test_the_configuration_and_the_rules_load(lab: Lab, tmp_path: Path) -> None:
    """promtool, with Kubernetes' targets built in, has nothing to say against any of it."""
    file = tmp_path / "prometheus.json"
    file.write_text(json.dumps(configuration(lab, tmp_path)), encoding="utf-8")
    command = [str(require().path("promtool")), "check", "config", "--lint=all", "--lint-fatal", str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, "SUCCESS" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_every_job_finds_its_targets(measured: Measured) -> None:
    """On the real API server; and what has something behind it is scraped."""

    def found() -> list[str]:
        active = measured.api("targets?state=active")["activeTargets"]
        there = {each["scrapePool"] for each in active}
        up = {each["scrapePool"] for each in active if each["health"] == "up"}
        return sorted(there) if there == set(JOBS) and up >= set(SCRAPED) else []

    try:
        measured.poll(found, "all jobs")
    except AssertionError:
        active = measured.api("targets?state=active")["activeTargets"]
        pytest.fail(str([(each["scrapePool"], each["health"], each["lastError"]) for each in active]))


def test_the_seeds_series_arrive_with_the_labels_that_the_gate_asks_by(measured: Measured) -> None:
    """Both of them, with all labels of the article's, and with the pod that they came from."""
    labels = set(re.findall(r"(\w+)=", SEED)) - {"grpc_response_status"}
    for metric, more in (("istio_requests_total", set()), ("istio_request_duration_milliseconds_bucket", {"le"})):
        for each in measured.until(f'{metric}{{destination_workload="{WORKLOAD}"}}'):
            # An empty label is none to Prometheus.
            assert labels | more | {"namespace", "pod", "instance", "job"} <= set(each.labels)
            assert each.labels["pod"] == f"{WORKLOAD}-x"
    target = queries.Target(RELEASE, "test", "destination")
    measured.until(str(queries.counts(target, [REVISION], 10)))
    measured.until(str(queries.buckets(target, [REVISION], 10)))


def test_a_sidecar_is_counted_once(measured: Measured) -> None:
    """The annotated job takes the application's series from the merged endpoint, and leaves the proxy's to the other."""
    measured.until('http_requests_total{job="kubernetes-pods"}')
    measured.until('istio_agent_num_outgoing_requests{job="kubernetes-pods"}')
    jobs = {each.labels["job"] for each in measured.until(f'istio_requests_total{{pod="{WORKLOAD}-x"}}')}
    assert jobs == {"envoy-stats"}
    assert measured.sidecar.scraped[15020] > 0
    assert measured.asked.query('{__name__=~"istio_request_bytes_bucket|envoy_cluster_upstream_rq"}', time.time()) == []


def test_the_gateways_envoy_is_a_gateway(measured: Measured, lab: Lab, app: Application) -> None:
    """Its real statistics come by the job of the gateways alone, and the gate finds the caller's view in them."""
    app.expose()
    app.await_ready(app.deploy("stable"))
    app.route(stable=100)
    with lab.load(rate=50, host=app.host, duration=2) as load:
        load.wait()
    (up,) = measured.until('up{job="gateways"} == 1')
    assert up.labels["pod"] == "gateway-x"
    assert measured.asked.query('up{job="envoy-stats",pod="gateway-x"}', time.time()) == []
    target = queries.Target(app.name, "test", "source")
    (counted,) = measured.until(f"{queries.counts(target, ['stable'], 30)} > 0")
    assert counted.labels == {"destination_workload": f"{app.name}-stable", "response_code": "200"}
    bounds = {each.labels["le"] for each in measured.until(f"{queries.buckets(target, ['stable'], 30)} > 0")}
    assert {"1000", "+Inf"} <= {each.removesuffix(".0") for each in bounds}
    recorded = queries.Target(app.name, "test", "source", recorded=True)
    measured.until(f"{queries.counts(recorded, ['stable'], 30)} > 0")


def test_recorded_series_know_their_process(measured: Measured) -> None:
    """The callers are summed away, and what tells processes apart is there."""
    (found,) = measured.until(f'weighbridge:istio_requests_total{{destination_workload="{WORKLOAD}"}}')
    assert {"job", "instance", "pod", "namespace", "node"} <= set(found.labels)
    assert not [label for label in found.labels if label.startswith("source_")]
    # The alerts are evaluated once a minute.
    health = [{rule["health"] for rule in group["rules"]} for group in measured.api("rules")["groups"]]
    assert [each - {"unknown"} for each in health] in ([{"ok"}, {"ok"}], [set(), {"ok"}])


@pytest.fixture(scope="module")
def adapted(measured: Measured, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The real prometheus-adapter, with our rules and the lab's API server."""
    folder = tmp_path_factory.mktemp("adapter")
    measured.until(f'rate(istio_requests_total{{pod="{WORKLOAD}-x"}}[10s])')
    (folder / "config.yaml").write_text(json.dumps({"rules": adapter.rules(10)}), encoding="utf-8")
    kubeconfig = str(lab.kubeconfig)
    argv = (
        str(require().path("adapter")),
        f"--secure-port={ADAPTER_PORT}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder}",
        f"--prometheus-url={URL}",
        f"--config={folder / 'config.yaml'}",
        "--metrics-relist-interval=1s",
        f"--lister-kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
    )
    server = Server(ServerSpec("adapter", argv, f"https://127.0.0.1:{ADAPTER_PORT}/readyz"), folder)
    try:
        server.start()
        yield lab
    finally:
        server.kill()


def asked_of_the_adapter(lab: Lab, path: str) -> Any:
    """What the adapter answers to who has the lab's token; {} while it knows no such metric."""
    token = json.loads(lab.kubeconfig.read_text())["users"][0]["user"]["token"]
    url = f"https://127.0.0.1:{ADAPTER_PORT}/apis/custom.metrics.k8s.io/v1beta2{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10, context=ssl._create_unverified_context()) as answer:  # noqa: S310, S323  its own certificate
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == http.client.NOT_FOUND:
            return {}
        raise AssertionError(error.read().decode()) from None


def test_the_adapter_gives_requests_per_second_of_a_tracks_pods(adapted: Lab, measured: Measured) -> None:
    """What the autoscaler of the revision would ask for: its pods by their labels, and the rate of each."""
    path = f"/namespaces/test/pods/*/{workload.REQUESTS_PER_SECOND}"
    chosen = f"{path}?labelSelector=app%3D{RELEASE}%2Cversion%3D{REVISION}"
    (found,) = measured.poll(lambda: asked_of_the_adapter(adapted, chosen).get("items", []), chosen)
    assert found["describedObject"]["name"] == f"{WORKLOAD}-x"
    # Two callers with ten requests more at each scrape of either port, of which there are two a second.
    value = found["value"]
    number = float(value[:-1]) / 1000 if value.endswith("m") else float(value)
    assert 10 < number < 80
    other = f"{path}?labelSelector=app%3D{RELEASE}%2Cversion%3Dbbbbbbbbbb"
    assert asked_of_the_adapter(adapted, other).get("items", []) == []


def rendered() -> list[dict[str, Any]]:
    """What Google is told, and an autoscaler by requests; what the mesh is told is in `tests.rendered`."""
    release = load(
        changed("releases/podinfo/workload", {"autoscaling": {"min": 1, "max": 2, "cpu": None, "requests": 5}})
    )
    podinfo = release.releases["podinfo"]
    scaler = workload.autoscaler(podinfo, podinfo.stable)
    assert scaler
    return [
        *google.monitorings(30),
        google.rules(alerts(7200, 1800, {"team": "web"})),
        scaler,
    ]


@pytest.fixture(scope="module")
def google_kinds(lab: Lab) -> Iterator[None]:
    """The kinds of Google's managed collection, known to the API server."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    kinds = json.loads(require().google_crds.read_text())

    async def make(api: Api) -> None:
        for each in kinds:
            await api.ensure(path, each)
        for each in kinds:
            await established(api, each["metadata"]["name"])

    async def established(api: Api, name: str) -> None:
        async with asyncio.timeout(20):
            async for event in api.watch(path, fieldSelector=f"metadata.name={name}"):
                conditions = event["object"].get("status", {}).get("conditions") or []
                if any(each["type"] == "Established" and each["status"] == "True" for each in conditions):
                    return

    async def unmake(api: Api) -> None:
        for each in kinds:
            await api.delete(f"{path}/{each['metadata']['name']}")

    asked_of(lab, make)
    yield
    asked_of(lab, unmake)


STRICT = "?dryRun=All&fieldValidation=Strict"


@pytest.mark.usefixtures("google_kinds")
@pytest.mark.parametrize("made", rendered(), ids=lambda made: f"{made['kind']}-{made['metadata']['name']}")
def test_the_api_server_takes_the_object(made: dict[str, Any], lab: Lab) -> None:
    """Strictly, by the real kinds: no field that they do not know, none of another type."""
    taken = asked_of(lab, lambda api: api.create(discovered.collection(made) + STRICT, made))
    assert taken["metadata"]["uid"]
    if "spec" in made and made["kind"] != "HorizontalPodAutoscaler":
        spoilt = {**made, "spec": {**made["spec"], "nonsense": 1}}
        with pytest.raises(ApiError, match="unknown field"):
            asked_of(lab, lambda api: api.create(discovered.collection(made) + STRICT, spoilt))
