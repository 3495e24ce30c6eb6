"""What the lab's tests share: an application of their own in the cluster, and waiting for what the API server says."""

import asyncio
import http.client
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab import Lab, LabError
from lab.api import Api, ApiError
from tests.lab.scraped import STABLE, Scraping, flow, history, scraping
from tests.lab.strange_cases import CASES

Object = dict[str, Any]
_NUMBERS = itertools.count(1)
_PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/test/deployments",
    "Service": "/api/v1/namespaces/test/services",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/test/endpointslices",
    "Pod": "/api/v1/namespaces/test/pods",
    "VirtualService": "/apis/networking.istio.io/v1/namespaces/test/virtualservices",
    "DestinationRule": "/apis/networking.istio.io/v1/namespaces/test/destinationrules",
}
PORT = 9898


@dataclass
class Application:
    """One Service's worth of Deployments; whatever is made here is deleted at the test's end."""

    lab: Lab
    name: str
    _made: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        """The host by which the gateway knows it."""
        return f"{self.name}.lab"

    def create(self, kind: str, name: str, **content: Any) -> Object:
        """Create an object in the namespace `test`."""
        labels = {"app": self.name}
        version = _PATHS[kind].partition("/namespaces/")[0].removeprefix("/apis/").removeprefix("/api/")
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels}, **content}
        made: Object = self._ask(lambda api: api.create(_PATHS[kind], body))
        self._made.append(f"{_PATHS[kind]}/{name}")
        return made

    def patch(self, kind: str, name: str, body: Object) -> Object:
        """Merge into an object."""
        changed: Object = self._ask(lambda api: api.patch(f"{_PATHS[kind]}/{name}", body))
        return changed

    def delete(self, kind: str, name: str) -> None:
        """Delete an object."""
        self._ask(lambda api: api.delete(f"{_PATHS[kind]}/{name}"))

    def deploy(self, version: str, *, replicas: int = 1, tag: str | None = None, **container: Any) -> str:
        """A Deployment of one version, and its name."""
        name = f"{self.name}-{version}"
        template = {
            "metadata": {"labels": {"app": self.name, "version": version}},
            "spec": self.pod(tag or version, **container),
        }
        selector = {"matchLabels": {"app": self.name, "version": version}}
        rolling = {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        spec = {"replicas": replicas, "selector": selector, "template": template, "strategy": rolling}
        self.create("Deployment", name, spec=spec)
        return name

    def pod(self, tag: str, *, drain: int = 0, **container: Any) -> Object:
        """A pod's spec with one container of the application."""
        probe = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1}
        base = {
            "name": "app",
            "image": f"weighbridge.dev/app:{tag}",
            "ports": [{"name": "http", "containerPort": PORT}],
            "readinessProbe": probe,
        }
        hook = {"lifecycle": {"preStop": {"sleep": {"seconds": drain}}}} if drain else {}
        return {"terminationGracePeriodSeconds": drain + 2, "containers": [{**base, **hook, **container}]}

    def expose(self) -> None:
        """A Service over every version."""
        ports = [{"name": "http", "port": PORT, "targetPort": PORT}]
        self.create("Service", self.name, spec={"selector": {"app": self.name}, "ports": ports})

    def route(self, **weights: int) -> None:
        """A DestinationRule with a subset for each version, and a VirtualService with their weights, in force."""
        service = f"{self.name}.test.svc.cluster.local"
        subsets = [{"name": version, "labels": {"version": version}} for version in weights]
        self.create("DestinationRule", self.name, spec={"host": service, "subsets": subsets})
        routes = [
            {"destination": {"host": service, "subset": version, "port": {"number": PORT}}, "weight": weight}
            for version, weight in weights.items()
        ]
        http = [{"route": routes, "retries": {"attempts": 0}}]
        spec = {"hosts": [self.host], "gateways": ["istio-system/public"], "http": http}
        self.create("VirtualService", self.name, spec=spec)
        self.await_routed()

    def await_routed(self, within: float = 15.0) -> None:
        """Ask the gateway until it answers 200 for the host: istiod pushes a configuration without telling anyone else."""
        deadline = time.monotonic() + within
        while (status := self.ask()[0]) != http.client.OK:
            assert time.monotonic() < deadline, f"the gateway still answers {status} for {self.host}"

    def ask(self, address: str = "127.0.0.1:8080", path: str = "/") -> tuple[int, Object]:
        """One request, to the gateway or to a pod: the status, and the answer when it is JSON."""
        connection = http.client.HTTPConnection(address, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": self.host})
            answer = connection.getresponse()
            text = answer.read()
            is_json = "json" in (answer.getheader("Content-Type") or "")
            return answer.status, json.loads(text) if is_json else {}
        finally:
            connection.close()

    def until(self, kind: str, true: Callable[[list[Object]], object], within: float = 20.0) -> list[Object]:
        """Follow the application's objects of a kind until they are as wanted, and return them."""
        selector = f"app={self.name}"
        return asyncio.run(_until(self.lab, _PATHS[kind], selector, true, within))

    def await_ready(self, *names: str) -> None:
        """Wait until Deployments are rolled out and nothing of an older template is left."""
        self.until("Deployment", lambda found: all(_is_rolled_out(d) for d in found if d["metadata"]["name"] in names))

    def pods(self) -> list[Object]:
        """The pods, those that are ending included."""
        return self.until("Pod", lambda _: True)

    def remove(self) -> None:
        """Delete what was made, and wait until the pods are gone."""
        self._ask(self._delete_all)
        self.until("Pod", lambda pods: not pods)

    async def _delete_all(self, api: Api) -> None:
        for path in reversed(self._made):
            try:
                await api.delete(path, {"propagationPolicy": "Background"})
            except ApiError as error:
                if error.status != http.client.NOT_FOUND:
                    raise

    def _ask(self, request: Callable[[Api], Any]) -> Any:
        async def ask() -> Any:
            async with Api(self.lab.kubeconfig) as api:
                return await request(api)

        return asyncio.run(ask())


def _is_rolled_out(deployment: Object) -> bool:
    status, replicas = deployment.get("status", {}), deployment["spec"]["replicas"]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return seen and counts == {replicas}


async def _until(
    lab: Lab, path: str, selector: str, true: Callable[[list[Object]], object], within: float
) -> list[Object]:
    async with asyncio.timeout(within), Api(lab.kubeconfig) as api:
        listing = await api.get(path, labelSelector=selector)
        found = {item["metadata"]["uid"]: item for item in listing["items"]}
        if true(list(found.values())):
            return list(found.values())
        version = listing["metadata"]["resourceVersion"]
        async for event in api.watch(path, labelSelector=selector, resourceVersion=version):
            uid = event["object"]["metadata"].get("uid")
            if event["type"] == "DELETED":
                found.pop(uid, None)
            elif event["type"] != "BOOKMARK":
                found[uid] = event["object"]
            if true(list(found.values())):
                break
        return list(found.values())


@pytest.fixture
def app(lab: Lab) -> Iterator[Application]:
    """An application of this test's own."""
    application = Application(lab, f"app{next(_NUMBERS)}")
    yield application
    application.remove()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraping]:
    """A Prometheus for this module, which knows each case's history up to `end`."""
    try:
        with scraping(tmp_path_factory.mktemp("prometheus")) as running:
            yield running
    except LabError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def end(prometheus: Scraping) -> float:
    """Unix time at which the histories end."""
    at = float(int(time.time()))
    last = "the-last-one"
    texts = [history(case.release, case.flows, at) for case in CASES]
    prometheus.exporter.past = "".join([*texts, history(last, [flow(STABLE, 1)], at)])
    asked = f'istio_requests_total{{destination_workload="{last}-{STABLE}"}}'
    prometheus.until(asked, lambda found: found and found[0].value == 400, lambda: at)
    return at
