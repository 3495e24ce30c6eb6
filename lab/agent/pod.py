"""One Pod on this node: bound, started, reported, and taken down in order."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import aiohttp

from lab.agent.container import Container, Surroundings
from lab.agent.identity import NODE, Identity
from lab.agent.status import pod_status
from lab.agent.usage import Usage
from lab.api import Api, ApiError

RETRY = 0.2
"""Seconds between two tries to reach an API server that is away."""
_GONE = (404, 409)
_log = logging.getLogger(__name__)


class Pod:
    """Runs one Pod until it is deleted; `ended` is called when nothing is left of it."""

    def __init__(self, pod: dict[str, Any], address: str, api: Api, around: Surroundings) -> None:
        self.identity = Identity.of(pod, address)
        self._spec: dict[str, Any] = pod["spec"]
        self._reported: dict[str, Any] = dict(pod.get("status") or {})
        self._api = api
        self._changed = asyncio.Event()
        self._deleted = asyncio.Event()
        self._grace = 0.0
        policy = self._spec.get("restartPolicy", "Always")
        self._containers = [
            Container(spec, policy, self.identity, around, self._changed.set) for spec in self._spec["containers"]
        ]
        self.observe(pod)

    @property
    def _path(self) -> str:
        return f"/api/v1/namespaces/{self.identity.namespace}/pods/{self.identity.name}"

    @property
    def usages(self) -> list[Usage]:
        """The processes that run for it, to be measured."""
        return [usage for usage in (container.usage for container in self._containers) if usage]

    def observe(self, pod: dict[str, Any]) -> None:
        """Take note of a new version of the Pod: the only change that matters here is its deletion."""
        if pod["metadata"].get("deletionTimestamp"):
            self._grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
            self._deleted.set()

    def vanish(self) -> None:
        """The Pod is gone from the API server: end its processes at once."""
        for container in self._containers:
            container.kill()
        self._deleted.set()

    async def run(self, ended: Callable[[str], None]) -> None:
        """From binding to deletion."""
        try:
            if not self._deleted.is_set():
                await self._bind()
                await self._live()
            await self._finish()
        finally:
            self.vanish()
            ended(self.identity.uid)

    async def _bind(self) -> None:
        if self._spec.get("nodeName"):
            return
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": self.identity.name}, "target": target}
        await self._insist(lambda: self._api.create(f"{self._path}/binding", binding))

    async def _live(self) -> None:
        """Run the containers and report them until they have been stopped because the Pod is deleted."""
        reporting = asyncio.create_task(self._report())
        running = [asyncio.create_task(container.run()) for container in self._containers]
        try:
            await self._deleted.wait()
            await asyncio.gather(*(container.stop(self._grace) for container in self._containers))
            await asyncio.gather(*running)
        finally:
            for task in (reporting, *running):
                task.cancel()
            await asyncio.gather(reporting, *running, return_exceptions=True)

    async def _report(self) -> None:
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._write_status()

    async def _write_status(self) -> None:
        facts = [container.facts for container in self._containers]
        policy = self._spec.get("restartPolicy", "Always")
        status = pod_status(self.identity.address, facts, policy, self._reported, datetime.now(UTC))
        if status != self._reported:
            # The uid makes this fail for a Pod of the same name that has come since.
            body = {"metadata": {"uid": self.identity.uid}, "status": status}
            await self._insist(lambda: self._api.patch(f"{self._path}/status", body))
            self._reported = status

    async def _finish(self) -> None:
        await self._write_status()
        only_this = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.identity.uid}}
        await self._insist(lambda: self._api.delete(self._path, only_this))

    async def _insist(self, request: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Make a request until the API server has answered it; an object that is gone is an answer."""
        while True:
            try:
                await request()
            except ApiError as error:
                if error.status in _GONE:
                    return
                _log.warning("%s", error)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                _log.info("the API server is away: %r", error)
            else:
                return
            await asyncio.sleep(RETRY)
