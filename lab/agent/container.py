"""One container of a Pod: its process, its probes, its restarts and its end."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from lab.agent import images
from lab.agent.identity import Identity
from lab.agent.probes import Probe
from lab.agent.status import ContainerFacts, Running, Terminated, Waiting
from lab.agent.usage import Usage
from lab.namespace import die_with_parent

FIRST_BACK_OFF, LONGEST_BACK_OFF = 1.0, 30.0
"""Seconds before the second restart, doubled for each one after it. A kubelet's are ten times as long."""
STEADY_AFTER = 30.0
"""Seconds of running after which a crash counts as the first one again."""
SHORTEST_GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL even where preStop has used up the grace period."""
PULL_BACK_OFF = 1.0


@dataclass(frozen=True)
class Surroundings:
    """What containers share: the lab's directory and the session that asks their probes."""

    directory: Path
    probes: aiohttp.ClientSession


class Container:
    """Runs one container until it is stopped, or has ended for good."""

    def __init__(
        self, spec: Mapping[str, Any], policy: str, pod: Identity, around: Surroundings, changed: Callable[[], None]
    ) -> None:
        self._spec = spec
        self._policy = policy
        self._pod = pod
        self._around = around
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self.facts = ContainerFacts(spec["name"], spec["image"], Waiting("ContainerCreating"))

    async def run(self) -> None:
        """Start the process, and start it again as the restart policy says."""
        crashes = 0
        while not self._stopping.is_set():
            try:
                ended = await self._run_once()
            except images.ImageError as error:
                return await self._wait_for_image(str(error))
            except (images.ContainerError, OSError) as error:
                self._set(state=Waiting("CreateContainerConfigError", str(error)))
                await self._stopping.wait()
                return None
            self._set(state=ended, ready=False)
            if self._stopping.is_set() or not self._restarts(ended):
                return None
            steady = (ended.until - ended.since).total_seconds() > STEADY_AFTER
            crashes = 1 if steady else crashes + 1
            await self._back_off(ended, crashes)
            self._set(restarts=self.facts.restarts + 1)
        return None

    async def stop(self, grace: float) -> None:
        """Let preStop pass while the process goes on serving, then SIGTERM, then SIGKILL at the end of the grace."""
        self._stopping.set()
        if self._process is None:
            return
        drain = min(self._pre_stop(), grace)
        if drain and await self._ended_within(drain):
            return
        await self._terminate(max(grace - drain, SHORTEST_GRACE))

    @property
    def usage(self) -> Usage | None:
        """Its process, to be measured; None where it has none right now."""
        if self._process is None:
            return None
        return Usage(self._pod.namespace, self._pod.name, self.facts.name, str(self._spec["image"]), self._process.pid)

    def kill(self) -> None:
        """End at once, for a Pod that is gone already."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    async def _run_once(self) -> Terminated:
        command = images.command(self._spec, self._pod, self._around.directory)
        probes = self._probes()
        since = datetime.now(UTC)
        async with self._started(command) as process:
            self._set(state=Running(since), ready="readiness" not in probes)
            async with _background([self._watch(kind, probe) for kind, probe in probes.items()]):
                code = await process.wait()
        return Terminated(code if code >= 0 else 128 - code, since, datetime.now(UTC))

    @contextlib.asynccontextmanager
    async def _started(self, command: images.Command) -> AsyncIterator[asyncio.subprocess.Process]:
        path = self._around.directory / "pods" / f"{self._pod.namespace}_{self._pod.name}_{self.facts.name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command.argv,
                env=command.env,
                cwd=self._around.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # An agent that is killed takes its pods along, as a node would: nothing holds their addresses then.
                preexec_fn=die_with_parent,
            )
        if self._stopping.is_set():
            # Asked to stop while the process was being made: `stop` has found none to end.
            self._signal(signal.SIGKILL)
        process = self._process
        try:
            yield process
        finally:
            # The container is a process group of its own: what its command started ends with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            self._process = None

    def _probes(self) -> dict[str, Probe]:
        ports = self._spec.get("ports") or []
        kinds = ("readiness", "liveness")
        return {kind: Probe.of(self._spec[f"{kind}Probe"], ports) for kind in kinds if self._spec.get(f"{kind}Probe")}

    async def _watch(self, kind: str, probe: Probe) -> None:
        readiness = kind == "readiness"
        async for good in probe.verdicts(self._around.probes, self._pod.address, eager=readiness):
            if readiness:
                self._set(ready=good)
            elif not good and not self._stopping.is_set():
                await self._terminate(SHORTEST_GRACE)

    async def _back_off(self, ended: Terminated, crashes: int) -> None:
        if crashes == 1:
            self._set(last=ended)
            return
        seconds = min(FIRST_BACK_OFF * 2 ** (crashes - 2), LONGEST_BACK_OFF)
        message = f"back-off {seconds:.0f}s restarting failed container={self.facts.name} pod={self._pod.name}"
        self._set(state=Waiting("CrashLoopBackOff", message), last=ended)
        await self._stopped_within(seconds)

    async def _wait_for_image(self, message: str) -> None:
        self._set(state=Waiting("ErrImagePull", message))
        await self._stopped_within(PULL_BACK_OFF)
        self._set(state=Waiting("ImagePullBackOff", f'Back-off pulling image "{self._spec["image"]}": {message}'))
        await self._stopping.wait()

    def _restarts(self, ended: Terminated) -> bool:
        return self._policy == "Always" or (self._policy == "OnFailure" and ended.code != 0)

    def _pre_stop(self) -> float:
        hook = (self._spec.get("lifecycle") or {}).get("preStop") or {}
        return float((hook.get("sleep") or {}).get("seconds") or 0)

    async def _terminate(self, grace: float) -> None:
        self._signal(signal.SIGTERM)
        if not await self._ended_within(grace):
            self._signal(signal.SIGKILL)

    async def _ended_within(self, seconds: float) -> bool:
        process = self._process
        if process is None:
            return True
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            return False
        return True

    async def _stopped_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _signal(self, number: int) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _set(self, **changes: Any) -> None:
        facts = replace(self.facts, **changes)
        if facts != self.facts:
            self.facts = facts
            self._changed()


@contextlib.asynccontextmanager
async def _background(jobs: list[Any]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
