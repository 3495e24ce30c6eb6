"""What the scrape jobs shall find: objects on the lab's API server, and servers on the addresses that they name."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab import Lab, metrics
from lab.api import Api
from lab.mesh import ADMIN_PORT
from lab.namespace import NODE_ADDRESS
from lab.server import Server, ServerSpec
from lab.telemetry import require
from weighbridge.telemetry.jobs import ACCOUNT

Object = dict[str, Any]
RELEASE, REVISION = "measured", "aaaaaaaaaa"
WORKLOAD = f"{RELEASE}-{REVISION}"
SIDECAR, GATEWAY, PILOT, APPLICATION, SLOW = (f"10.244.200.{number}" for number in range(1, 6))

SEED = (
    'response_code="200",reporter="destination",source_workload="{caller}",source_workload_namespace="test",'
    'source_principal="spiffe://cluster.local/ns/test/sa/default",source_app="podinfo",source_version="unknown",'
    f'source_cluster="c199d81d",destination_workload="{WORKLOAD}",destination_workload_namespace="test",'
    'destination_principal="spiffe://cluster.local/ns/test/sa/default",destination_app="podinfo",'
    'destination_version="unknown",destination_service="podinfo.test.svc.cluster.local",'
    'destination_service_name="podinfo",destination_service_namespace="test",destination_cluster="c199d81d",'
    'request_protocol="http",response_flags="-",grpc_response_status="",connection_security_policy="mutual_tls",'
    'source_canonical_service="podinfo",destination_canonical_service="podinfo",source_canonical_revision="latest",'
    'destination_canonical_revision="latest"'
)
"""The labels of seed A's sidecar."""


@dataclass
class Sidecar:
    """A proxy that has more requests at each scrape, as text of its statistics.

    Attributes:
        scraped: how often each port was asked.
    """

    scraped: dict[int, int] = field(default_factory=dict)

    def own(self) -> str:
        """What :15090 says."""
        self.scraped[15090] = self.scraped.get(15090, 0) + 1
        lines = []
        for caller in ("podinfo", "other"):
            labels, value = SEED.format(caller=caller), 10 * self.scraped[15090]
            lines.append(f"istio_requests_total{{{labels}}} {value}")
            lines += [
                f'istio_request_duration_milliseconds_bucket{{{labels},le="{bound}"}} {value}'
                for bound in ("0.5", "1", "+Inf")
            ]
            lines.append(f'istio_request_bytes_bucket{{{labels},le="+Inf"}} {value}')
        return "\n".join([*lines, "envoy_server_uptime 5", "envoy_cluster_upstream_rq 7"]) + "\n"

    def merged(self) -> str:
        """What the agent's :15020 says: the same, and the application's."""
        self.scraped[15020] = self.scraped.get(15020, 0) + 1
        return f"{self.own()}http_requests_total 3\nistio_agent_num_outgoing_requests 1\n"


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  the lab's own addresses
        text: str = answer.read().decode()
        return text


@contextmanager
def serving(address: str, port: int, text: Callable[[], str]) -> Iterator[None]:
    """A server that answers every path with the same text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text().encode()
            self.send_response(http.client.OK)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None: ...

    with ThreadingHTTPServer((address, port), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield
        finally:
            listening.shutdown()
            thread.join()


@contextmanager
def passed_on(address: str, port: int) -> Iterator[None]:
    """Whoever connects there is connected to the same port of loopback."""

    def copy(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                outer, _ = listening.accept()
                inner = socket.create_connection(("127.0.0.1", port))
                for pair in ((outer, inner), (inner, outer)):
                    threading.Thread(target=copy, args=pair, daemon=True).start()

    with socket.create_server((address, port)) as listening:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def pod(name: str, address: str, ports: Mapping[str, int], labels: Object, annotations: Object) -> Object:
    """A pod of a node that the lab's agent leaves alone: its processes are this test's."""
    container = {
        "name": "istio-proxy",
        "image": "a",
        "ports": [{"name": each, "containerPort": port} for each, port in ports.items()],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "test", "labels": labels, "annotations": annotations},
        "spec": {"nodeName": "elsewhere", "containers": [container]},
        "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
    }


def endpoints(namespace: str, service: str, address: str, port: int, name: str) -> Object:
    """Where a Service's one pod is."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-by-hand",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": name, "port": port, "protocol": "TCP"}],
    }


def service(namespace: str, name: str, at: int, /, **annotations: str) -> Object:
    """A Service without a selector."""
    noted = {f"prometheus.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "annotations": noted},
        "spec": {"ports": [{"name": "http", "port": at}]},
    }


MERGED = {"prometheus.io/scrape": "true", "prometheus.io/port": "15020", "prometheus.io/path": "/stats/prometheus"}
"""As Istio's injection annotates the pods that it injects."""
OBJECTS: list[Object] = [
    pod(f"{WORKLOAD}-x", SIDECAR, {"http-envoy-prom": 15090}, {"app": RELEASE, "version": REVISION}, MERGED),
    pod("gateway-x", GATEWAY, {"http-envoy-prom": 15090}, {"istio": "ingressgateway"}, MERGED),
    pod("slow-x", SLOW, {"http": 8000}, {"app": "slow"}, {"prometheus.io/scrape-slow": "true"}),
    service("istio-system", "istiod", 15014),
    endpoints("istio-system", "istiod", PILOT, 15014, "http-monitoring"),
    service("test", "exports", 8000, scrape="true", port="8000"),
    endpoints("test", "exports", APPLICATION, 8000, "http"),
    service("test", "exports-slowly", 8000, scrape_slow="true"),
    endpoints("test", "exports-slowly", SLOW, 8000, "http"),
    service("test", "pushgateway", 9091, probe="pushgateway"),
    service("test", "probed", 80, probe="true"),
    endpoints("default", "kubernetes", NODE_ADDRESS, 6443, "https"),
]


def collection(made: Object) -> str:
    """The path of an object's collection."""
    version, namespace = made["apiVersion"], made["metadata"].get("namespace")
    root = f"/api/{version}" if version == "v1" else f"/apis/{version}"
    kind = made["kind"].lower()
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else kind if kind.endswith("s") else f"{kind}s"
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


async def create(api: Api) -> None:
    """Make the objects, pods with their status."""
    for each in OBJECTS:
        await api.create(collection(each), each)
        if "status" in each:
            path = f"{collection(each)}/{each['metadata']['name']}/status"
            await api.patch(path, {"status": each["status"]})


async def remove(api: Api) -> None:
    """Delete them again."""
    for each in OBJECTS:
        await api.delete(f"{collection(each)}/{each['metadata']['name']}", {"gracePeriodSeconds": 0})


@contextmanager
def served(lab: Lab, sidecar: Sidecar) -> Iterator[None]:
    """The servers behind the objects."""
    admin = f"http://127.0.0.1:{ADMIN_PORT}/stats/prometheus"
    with ExitStack() as all_:
        all_.enter_context(serving(SIDECAR, 15090, sidecar.own))
        all_.enter_context(serving(SIDECAR, 15020, sidecar.merged))
        all_.enter_context(serving(GATEWAY, 15090, lambda: _get(admin)))
        all_.enter_context(serving(GATEWAY, 15020, lambda: _get(admin)))
        all_.enter_context(serving(APPLICATION, 8000, lambda: "exported_total 1\n"))
        all_.enter_context(passed_on(PILOT, 15014))
        all_.enter_context(passed_on(NODE_ADDRESS, 6443))
        del lab
        yield


def on_the_lab(jobs: list[Object], lab: Lab, folder: Path) -> list[Object]:
    """The jobs as they are, but for the way to the API server and for what upstream Envoy calls its statistics.

    A pod has its account's token and authority at fixed paths; here they are the lab's. And the gateway is no proxy of
    Istio's: the lab's own renaming comes before ours.
    """
    token = json.loads(lab.kubeconfig.read_text())["users"][0]["user"]["token"]
    account = folder / "account"
    account.mkdir()
    (account / "token").write_text(token)
    (account / "ca.crt").write_bytes((lab.directory / "pki" / "apiserver.crt").read_bytes())
    found: list[Object] = json.loads(json.dumps(jobs).replace(ACCOUNT, str(account)))
    for job in found:
        for each in job.get("kubernetes_sd_configs", []):
            each["kubeconfig_file"] = str(lab.kubeconfig)
        if job["job_name"] == "gateways":
            renamed = [rule for rule in metrics._relabelling() if rule.get("action") != "labeldrop"]
            job["metric_relabel_configs"] = [*renamed, *job["metric_relabel_configs"]]
    return found


def prometheus(config: Object, folder: Path, port: int) -> Server:
    """A Prometheus that finds targets in Kubernetes."""
    file = folder / "prometheus.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    url = f"http://127.0.0.1:{port}"
    argv = (
        str(require().path("prometheus")),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
    return Server(ServerSpec("prometheus-kubernetes", argv, f"{url}/-/ready"), folder)
