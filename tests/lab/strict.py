"""A real API server that is asked strictly: a field that a kind does not have is an error, and not dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from lab import Lab
from lab.api import Api
from lab.kinds import define

MANAGER = "weighbridge-strict"
T = TypeVar("T")


class Strict:
    """Asks what the server would do with objects, one by one."""

    def __init__(self, lab: Lab) -> None:
        self._kubeconfig = lab.kubeconfig
        self._resources: dict[tuple[str, str], tuple[str, bool]] = {}

    def kinds(self, definitions: Path) -> None:
        """Apply CustomResourceDefinitions, a JSON list, and wait until they are served."""
        found = json.loads(definitions.read_text(encoding="utf-8"))
        self._ask(lambda api: define(api, found))

    def apply(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Apply one object, in a namespace that is made if need be; give what the server would make of it.

        Nothing is stored, as some of the names are those of the lab's own objects.

        Raises:
            ApiError: the server refuses it, saying why.
        """

        async def one(api: Api) -> dict[str, Any]:
            metadata = body["metadata"]
            collection, namespaced = await self._place(api, body["apiVersion"], body["kind"])
            if namespaced:
                space = metadata.get("namespace", "default")
                await self._namespace(api, space)
                collection = collection.replace("{}", f"namespaces/{space}/")
            path = f"{collection.replace('{}', '')}/{metadata['name']}"
            return await api.would_apply(path, body, MANAGER)

        return self._ask(one)

    async def _place(self, api: Api, version: str, kind: str) -> tuple[str, bool]:
        if (version, kind) not in self._resources:
            root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
            for each in (await api.get(root))["resources"]:
                if "/" not in each["name"]:
                    self._resources[version, each["kind"]] = (f"{root}/{{}}{each['name']}", each["namespaced"])
        return self._resources[version, kind]

    async def _namespace(self, api: Api, name: str) -> None:
        await api.ensure("/api/v1/namespaces", {"metadata": {"name": name}})

    def _ask(self, request: Callable[[Api], Awaitable[T]]) -> T:
        async def ask() -> T:
            async with Api(self._kubeconfig) as api:
                return await request(api)

        return asyncio.run(ask())
