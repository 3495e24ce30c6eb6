"""Readiness and liveness probes, by the counts and periods of the Pod's spec."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from lab.agent.images import ContainerError

STARTING = 5.0
"""Seconds after a container's start in which readiness is asked for more often, so that a rollout here is quick."""
_STARTING_PERIOD = 0.1
_LOWEST_BAD = 400


@dataclass(frozen=True)
class Probe:
    """An httpGet probe; times in seconds, thresholds in answers in a row."""

    port: int
    path: str
    delay: float
    period: float
    timeout: float
    failures: int
    successes: int

    @classmethod
    def of(cls, spec: Mapping[str, Any], ports: Sequence[Mapping[str, Any]]) -> Self:
        """Read from a container's probe.

        Raises:
            ContainerError: for a probe that is not an httpGet, or names a port that is not there.
        """
        action = spec.get("httpGet")
        if not action:
            raise ContainerError("the lab's pod agent knows httpGet probes only")
        named = {port.get("name"): port["containerPort"] for port in ports}
        port = named.get(action["port"], action["port"])
        if not isinstance(port, int):
            raise ContainerError(f"the probe's port {port!r} is not one of the container's")
        return cls(
            port=port,
            path=action.get("path") or "/",
            delay=spec.get("initialDelaySeconds") or 0,
            period=spec.get("periodSeconds") or 10,
            timeout=spec.get("timeoutSeconds") or 1,
            failures=spec.get("failureThreshold") or 3,
            successes=spec.get("successThreshold") or 1,
        )

    async def verdicts(self, session: aiohttp.ClientSession, address: str, *, eager: bool) -> AsyncIterator[bool]:
        """True or false each time that enough answers in a row say so; `eager` asks often until the first success."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.delay)
        starting_until = loop.time() + (STARTING if eager else 0)
        passed = failed = 0
        while True:
            began = loop.time()
            good = await self._ask(session, address)
            passed, failed = (passed + 1, 0) if good else (0, failed + 1)
            if passed >= self.successes:
                starting_until = 0
                yield True
            elif failed >= self.failures:
                yield False
            period = _STARTING_PERIOD if began < starting_until else self.period
            await asyncio.sleep(max(0.0, began + period - loop.time()))

    async def _ask(self, session: aiohttp.ClientSession, address: str) -> bool:
        limits = aiohttp.ClientTimeout(total=self.timeout)
        try:
            url = f"http://{address}:{self.port}{self.path}"
            async with session.get(url, timeout=limits, allow_redirects=False) as answer:
                return answer.status < _LOWEST_BAD
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
