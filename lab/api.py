"""A small asynchronous client of the Kubernetes API: what the lab and its pod agent need, and no more."""

import base64
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

from lab.errors import LabError

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_TIMEOUT = aiohttp.ClientTimeout(total=15)
_WATCH_SECONDS = 240
_LONGEST_LINE = 2**22
_FIRST_ERROR = 400


class ApiError(LabError):
    """The API server refused a request; `status` is the HTTP code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """A connection to the API server of a kubeconfig's current context, which holds a token."""

    def __init__(self, kubeconfig: Path) -> None:
        content = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster = content["clusters"][0]["cluster"]
        self._server: str = cluster["server"]
        self._token: str = content["users"][0]["user"]["token"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=authority)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            base_url=self._server,
            headers={"Authorization": f"Bearer {self._token}"},
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=100),
            read_bufsize=_LONGEST_LINE,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """One object, or a list of them."""
        return await self._request("GET", path, query=query)

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in the collection at `path` (or a subresource of an object)."""
        return await self._request("POST", path, body)

    async def ensure(self, path: str, body: Mapping[str, Any]) -> None:
        """Create an object unless it is there already."""
        try:
            await self.create(path, body)
        except ApiError as error:
            if error.status != 409:  # noqa: PLR2004  Conflict: AlreadyExists
                raise

    async def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Merge `body` into the object at `path`."""
        return await self._request("PATCH", path, body, content_type=MERGE_PATCH)

    async def would_apply(self, path: str, body: Mapping[str, Any], manager: str) -> dict[str, Any]:
        """Server-side apply an object as `manager`, strictly: a field that its kind does not have is an error.

        The server does all that it would do, and stores nothing.
        """
        query = {"fieldManager": manager, "fieldValidation": "Strict", "force": "true", "dryRun": "All"}
        return await self._request("PATCH", path, body, query=query, content_type=APPLY_PATCH)

    async def delete(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Delete the object at `path`."""
        await self._request("DELETE", path, body)

    async def watch(self, path: str, **query: str) -> AsyncIterator[dict[str, Any]]:
        """The events of a collection, as they come; ends when the server ends the watch.

        Raises:
            ApiError: for an ERROR event, such as 410 when the resource version is too old.
        """
        limits = aiohttp.ClientTimeout(total=None, sock_connect=5)
        params = {"watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": str(_WATCH_SECONDS), **query}
        async with self._open().get(path, params=params, timeout=limits) as answer:
            await _raise_for(answer)
            async for line in answer.content:
                event: dict[str, Any] = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError(int(event["object"].get("code", 500)), str(event["object"].get("message")))
                yield event

    async def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type}
        request = self._open().request(method, path, params=query, data=data, headers=headers, timeout=_TIMEOUT)
        async with request as answer:
            await _raise_for(answer)
            found: dict[str, Any] = await answer.json()
            return found

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise LabError("the API client is used outside of its `async with`")
        return self._session


async def _raise_for(answer: aiohttp.ClientResponse) -> None:
    if answer.status >= _FIRST_ERROR:
        text = await answer.text()
        try:
            text = json.loads(text)["message"]
        except (ValueError, KeyError, TypeError):
            text = text.strip()[:200]
        raise ApiError(answer.status, f"{answer.method} {answer.url.path}: {answer.status}, {text}")
