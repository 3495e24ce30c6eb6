"""The lab as one object: start it inside a namespace, use it, and let it end."""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from lab import build, control_plane, counts, faults, kinds, mesh, metrics, namespace, state_metrics
from lab.agent.identity import workload
from lab.agent.images import dial_file
from lab.api import Api
from lab.counts import Tally
from lab.errors import LabError
from lab.load import Load
from lab.server import POLL, Server, ServerSpec

GATEWAY_URL = f"http://127.0.0.1:{mesh.GATEWAY_PORT}"
NAMESPACES = ("test", "istio-system")
AGENT_READY = "http://127.0.0.1:10248/healthz"
_GATEWAYS = "/apis/networking.istio.io/v1/namespaces/istio-system/gateways"
_STOP_ORDER = (
    ("agent", "gateway", "prometheus", "state-metrics", "istiod", "kube-controller-manager"),
    ("kube-apiserver",),
    ("etcd",),
)
_CONFIGURED_WITHIN = 20.0
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Lab:
    """A running mesh on this machine; every server in `servers` can be killed and started again."""

    directory: Path
    servers: Mapping[str, Server]
    prometheus_url: str = metrics.URL
    gateway_url: str = GATEWAY_URL

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the lab's API server; its only context is `lab`."""
        return self.directory / "kubeconfig"

    @classmethod
    def start(cls, directory: Path) -> Self:
        """Start every server, with its files in `directory`, and wait until the gateway is configured.

        Raises:
            LabError: outside a lab namespace, when the servers are not built, or when one does not come up.
        """
        if not namespace.inside():
            raise LabError("a lab starts inside a namespace only: run this under `python -m lab ns -- ...`")
        logs = directory / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        access = control_plane.prepare(directory)
        lab = cls(directory, {spec.name: Server(spec, logs) for spec in _specs(build.require(), access)})
        try:
            lab._start(access)
        except BaseException:
            lab.stop()
            raise
        return lab

    def stop(self) -> None:
        """End every server, the pods' processes first."""
        for names in _STOP_ORDER:
            for name in names:
                self.servers[name].end()
            for name in names:
                self.servers[name].wait_ended()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def counts(self, namespace: str = "test") -> dict[str, int]:
        """Requests answered so far by each workload's processes, dead ones included; they count for themselves."""
        return {name: tally.answered for name, tally in self.tallies(namespace).items()}

    def tallies(self, namespace: str = "test") -> dict[str, Tally]:
        """As `counts`, with the 5xx among the answers told apart."""
        return counts.read(self.directory / "counts" / namespace)

    def dial(self, workload_name: str, *, namespace: str = "test", **changes: float | bool) -> None:
        """Set faults of a workload (`error_rate`, `latency` in seconds, `ready`, `crash`), in its pods to come too.

        Raises:
            ValueError: for a name that is no fault.
        """
        faults.Faults().changed(changes)
        faults.write_dial(dial_file(self.directory, namespace, workload_name), changes)
        asyncio.run(self._dial_living(workload_name, namespace, changes))

    def load(self, *, rate: float, host: str, path: str = "/", duration: float = 120.0, in_flight: int = 500) -> Load:
        """A context with load on the gateway from a process of its own: `rate` a second, `duration` seconds at most."""
        return Load(
            directory=self.directory / "load",
            url=f"{self.gateway_url}{path}",
            host=host,
            rate=rate,
            duration=duration,
            in_flight=in_flight,
        )

    def _start(self, access: control_plane.Access) -> None:
        servers = self.servers
        servers["prometheus"].spawn()
        servers["etcd"].start()
        servers["kube-apiserver"].start()
        control_plane.write_kubeconfig(access)
        for name in ("istiod", "agent", "state-metrics"):
            servers[name].spawn()
        asyncio.run(self._furnish(json.loads(build.require().crds.read_text(encoding="utf-8"))))
        # Its garbage collector looks for new kinds twice a minute: Istio's have to be there when it looks first.
        servers["kube-controller-manager"].spawn()
        servers["istiod"].wait_ready()
        servers["gateway"].start()
        for server in servers.values():
            server.wait_ready()
        self._await_gateway()

    async def _furnish(self, definitions: list[dict[str, Any]]) -> None:
        """Istio's CRDs, the namespaces, the public Gateway, and who the proxy behind it is."""
        async with Api(self.kubeconfig) as api:
            for name in NAMESPACES:
                await api.ensure("/api/v1/namespaces", {"metadata": {"name": name}})
            for path, body in mesh.PERMISSION:
                await api.ensure(path, body)
            asked = await api.create(mesh.TOKEN_PATH, mesh.TOKEN_REQUEST)
            mesh.write_bootstrap(self.directory, asked["status"]["token"])
            await kinds.define(api, definitions)
            await api.ensure(_GATEWAYS, mesh.GATEWAY)

    def _await_gateway(self) -> None:
        deadline = time.monotonic() + _CONFIGURED_WITHIN
        while True:
            try:
                socket.create_connection(("127.0.0.1", mesh.GATEWAY_PORT), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise LabError("istiod did not configure the gateway's listener in time") from None
                time.sleep(POLL)
            else:
                return

    async def _dial_living(self, workload_name: str, namespace: str, changes: Mapping[str, float | bool]) -> None:
        async with Api(self.kubeconfig) as api, aiohttp.ClientSession() as session:
            pods = await api.get(f"/api/v1/namespaces/{namespace}/pods")
            addresses = [_address(pod) for pod in pods["items"] if workload(pod["metadata"]) == workload_name]
            await asyncio.gather(*(_dial_one(session, address, changes) for address in addresses if address))


async def _dial_one(session: aiohttp.ClientSession, address: str, changes: Mapping[str, float | bool]) -> None:
    try:
        async with session.post(f"http://{address}/faults", json=changes) as answer:
            await answer.read()
    except (aiohttp.ClientError, OSError):
        # It ends or starts right now: the dial's file tells its successor, and crashing is answered by an end.
        return


def _address(pod: Mapping[str, Any]) -> str:
    ports = [port["containerPort"] for container in pod["spec"]["containers"] for port in container.get("ports") or []]
    ip = pod.get("status", {}).get("podIP")
    return f"{ip}:{ports[0]}" if ip and ports else ""


def _specs(servers: build.Servers, access: control_plane.Access) -> list[ServerSpec]:
    directory = access.directory
    return [
        control_plane.etcd(servers, directory),
        control_plane.kube_apiserver(servers, access),
        control_plane.kube_controller_manager(servers, access),
        mesh.istiod(servers, directory, access.kubeconfig),
        mesh.gateway(servers, directory),
        metrics.prometheus(servers, directory),
        state_metrics.stand_in(directory, _ROOT),
        ServerSpec(
            name="agent",
            argv=(sys.executable, "-m", "lab.agent", str(directory)),
            env={"PYTHONPATH": str(_ROOT)},
            ready=AGENT_READY,
        ),
    ]
