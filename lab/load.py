"""Load on the gateway from a process of its own: open loop, bounded, without retries.

An open loop sends at its rate whether or not answers come back, as users do; latency counts from the moment at which a
request was due, so that a generator that is held up does not flatter the server.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from lab.errors import LabError

REPORT_EVERY = 0.2
"""Seconds between two reports of a running load."""
LONGEST_ANSWER = 30.0
"""Seconds after which an answer is given up as lost."""
_STOP_WITHIN = LONGEST_ANSWER + 5
_START_WITHIN = 20.0
_ROOT = Path(__file__).resolve().parents[1]
_OK = range(200, 300)


@dataclass(frozen=True)
class LoadStats:
    """What a load has seen: sent = ok + failed + lost + those in flight. Latencies in seconds.

    `failed` were answered with another status than 2xx, `lost` were not answered; `held_back` were due while too many
    were in flight, and never sent.
    """

    sent: int = 0
    ok: int = 0
    failed: int = 0
    lost: int = 0
    held_back: int = 0
    by_status: Mapping[int, int] = field(default_factory=dict)
    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    ended: bool = False
    first_loss: str = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a report; JSON has made text of the statuses."""
        content = json.loads(path.read_text(encoding="utf-8"))
        content["by_status"] = {int(status): number for status, number in content["by_status"].items()}
        return cls(**content)


@dataclass
class Load:
    """The context of one load; `rate` in requests a second, `duration` in seconds."""

    directory: Path
    url: str
    host: str
    rate: float
    duration: float
    in_flight: int
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _report: Path = field(default_factory=Path, init=False)

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._report = self.directory / f"{os.getpid()}-{time.monotonic_ns()}.json"
        words = ["--url", self.url, "--host", self.host, "--rate", str(self.rate), "--duration", str(self.duration)]
        words += ["--in-flight", str(self.in_flight), "--report", str(self._report)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lab", "load", *words],
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._await_first_report()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stats(self) -> LoadStats:
        """What it has seen, at most 0.2 s ago; exact once the load has stopped."""
        return LoadStats.read(self._report)

    def wait(self) -> None:
        """Wait until the load has ended by itself, after its duration."""
        if self._process:
            self._process.wait(self.duration + _STOP_WITHIN)

    def stop(self) -> None:
        """Send nothing more, wait for the answers that are due, and end."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _await_first_report(self) -> None:
        deadline = time.monotonic() + _START_WITHIN
        while not self._report.exists():
            if self._process and self._process.poll() is not None:
                raise LabError("the load ended before it began")
            if time.monotonic() > deadline:
                self.stop()
                raise LabError(f"the load did not begin within {_START_WITHIN:.0f} s")
            time.sleep(0.02)


class Generator:
    """The load's own process."""

    def __init__(self, *, url: str, host: str, rate: float, duration: float, in_flight: int) -> None:
        self._url = url
        self._host = host
        self._rate = rate
        self._duration = duration
        self._limit = in_flight
        self._sent = self._lost = self._held_back = 0
        self._statuses: Counter[int] = Counter()
        self._latencies: list[float] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._first_loss = ""
        self._stop = asyncio.Event()

    async def run(self, report: Path | None) -> LoadStats:
        """Send until the duration is over or SIGTERM comes, then wait for the last answers."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        limits = aiohttp.ClientTimeout(total=LONGEST_ANSWER)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        async with aiohttp.ClientSession(timeout=limits, connector=connector) as session:
            # aiohttp sends a GET again, unasked, when a kept connection was closed: a loss would go unseen.
            session._retry_connection = False  # noqa: SLF001
            reporting = asyncio.create_task(self._report(report)) if report else None
            await self._send_all(session)
            await asyncio.gather(*self._tasks)
            if reporting:
                reporting.cancel()
        stats = self._stats(ended=True)
        if report:
            _write(report, stats)
        return stats

    async def _send_all(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(int(self._rate * self._duration)):
            due = began + number / self._rate
            if await self._stopped_by(due):
                return
            if len(self._tasks) >= self._limit:
                self._held_back += 1
                continue
            task = asyncio.create_task(self._send(session, due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _stopped_by(self, due: float) -> bool:
        wait = due - asyncio.get_running_loop().time()
        if wait <= 0:
            return self._stop.is_set()
        try:
            async with asyncio.timeout(wait):
                await self._stop.wait()
        except TimeoutError:
            return False
        return True

    async def _send(self, session: aiohttp.ClientSession, due: float) -> None:
        self._sent += 1
        try:
            async with session.get(self._url, headers={"Host": self._host}) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._lost += 1
            self._first_loss = self._first_loss or repr(error)
            return
        self._statuses[answer.status] += 1
        self._latencies.append(asyncio.get_running_loop().time() - due)

    async def _report(self, path: Path) -> None:
        while True:
            _write(path, self._stats(ended=False))
            await asyncio.sleep(REPORT_EVERY)

    def _stats(self, *, ended: bool) -> LoadStats:
        ordered = sorted(self._latencies[-10_000:])
        ok = sum(number for status, number in self._statuses.items() if status in _OK)
        return LoadStats(
            sent=self._sent,
            ok=ok,
            failed=self._statuses.total() - ok,
            lost=self._lost,
            held_back=self._held_back,
            by_status=dict(self._statuses),
            p50=_quantile(ordered, 0.5),
            p90=_quantile(ordered, 0.9),
            p99=_quantile(ordered, 0.99),
            ended=ended,
            first_loss=self._first_loss,
        )


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def _write(path: Path, stats: LoadStats) -> None:
    content: dict[str, Any] = asdict(stats)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(path)
