"""The node: registers itself, follows the API server's Pods, and runs each one."""

import asyncio
import itertools
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import aiohttp

from lab.agent.container import Surroundings
from lab.agent.identity import NODE
from lab.agent.pod import RETRY, Pod
from lab.agent.status import stamp
from lab.agent.usage import Usage
from lab.api import Api, ApiError
from lab.namespace import NODE_ADDRESS

PODS = "/api/v1/pods"
_log = logging.getLogger(__name__)


class Node:
    """Every Pod that has no node yet, or this one, is run here."""

    def __init__(self, api: Api, around: Surroundings) -> None:
        self._api = api
        self._around = around
        self._pods: dict[str, Pod] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._addresses = _addresses()
        self.registered = asyncio.Event()

    async def run(self) -> None:
        """Follow the Pods for ever, through every restart of the API server."""
        while True:
            try:
                if not self.registered.is_set():
                    await self._api.ensure("/api/v1/nodes", _node(datetime.now(UTC)))
                await self._follow()
            except (ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                _log.info("lost the API server, will list the pods again: %r", error)
                await asyncio.sleep(RETRY)

    @property
    def usages(self) -> list[Usage]:
        """The processes that run for its Pods, to be measured."""
        return [usage for pod in self._pods.values() for usage in pod.usages]

    async def stop(self) -> None:
        """End every process at once."""
        for pod in self._pods.values():
            pod.vanish()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self) -> None:
        listing = await self._api.get(PODS)
        for pod in listing["items"]:
            self._observe(pod)
        present = {pod["metadata"]["uid"] for pod in listing["items"]}
        for uid in self._pods.keys() - present:
            self._pods[uid].vanish()
        self.registered.set()
        async for event in self._api.watch(PODS, resourceVersion=listing["metadata"]["resourceVersion"]):
            if event["type"] in {"ADDED", "MODIFIED"}:
                self._observe(event["object"])
            elif event["type"] == "DELETED" and event["object"]["metadata"]["uid"] in self._pods:
                self._pods[event["object"]["metadata"]["uid"]].vanish()

    def _observe(self, pod: dict[str, Any]) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._pods:
            self._pods[uid].observe(pod)
        elif pod["spec"].get("nodeName", NODE) == NODE:
            self._pods[uid] = Pod(pod, next(self._addresses), self._api, self._around)
            task = asyncio.create_task(self._pods[uid].run(self._forget))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a pod was given up", exc_info=error)

    def _forget(self, uid: str) -> None:
        del self._pods[uid]


def _addresses() -> Iterator[str]:
    """Pod addresses, each used once before any is used again."""
    for number in itertools.count():
        third, fourth = divmod(number % (254 * 254), 254)
        yield f"10.244.{third + 1}.{fourth + 1}"


def _node(now: datetime) -> dict[str, Any]:
    capacity = {"cpu": "64", "memory": "64Gi", "pods": "1000"}
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "the lab's pod agent is posting ready status",
        "lastHeartbeatTime": stamp(now),
        "lastTransitionTime": stamp(now),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}},
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [ready],
            "addresses": [{"type": "InternalIP", "address": NODE_ADDRESS}, {"type": "Hostname", "address": NODE}],
        },
    }
