"""The load generator loses nothing silently, keeps its rate, and ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from lab.load import Generator, LoadStats

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _load(handler: Handler, *, rate: float, duration: float, in_flight: int = 100) -> LoadStats:
    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 18081)
    await site.start()
    try:
        url = "http://127.0.0.1:18081/"
        return await Generator(url=url, host="me.lab", rate=rate, duration=duration, in_flight=in_flight).run(None)
    finally:
        await runner.cleanup()


def test_every_status_is_counted() -> None:
    """Answers are told apart by status, and carry the Host header that was asked for."""
    seen: list[str] = []

    async def every_fifth_fails(request: web.Request) -> web.Response:
        seen.append(request.host)
        return web.Response(status=503 if len(seen) % 5 == 0 else 200)

    stats = asyncio.run(_load(every_fifth_fails, rate=200, duration=0.5))
    assert (stats.sent, stats.ok, stats.failed, stats.lost) == (100, 80, 20, 0)
    assert stats.by_status == {200: 80, 503: 20}
    assert set(seen) == {"me.lab"}


def test_a_connection_that_is_closed_on_a_request_is_a_loss_and_no_retry() -> None:
    """The server sees each request once, on kept connections too, and the client counts those unanswered as lost."""
    seen: list[int] = []

    async def every_fifth_hangs_up(request: web.Request) -> web.Response:
        seen.append(1)
        if len(seen) % 5 == 0 and request.transport:
            request.transport.close()
        return web.Response()

    stats = asyncio.run(_load(every_fifth_hangs_up, rate=100, duration=1))
    assert len(seen) == stats.sent == 100
    assert (stats.ok, stats.lost) == (80, 20)
    assert "ServerDisconnected" in stats.first_loss


def test_the_rate_does_not_wait_for_the_server() -> None:
    """An open loop: with answers after 400 ms, 200 ms' worth of requests are all sent, and latency is the server's."""

    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.4)
        return web.Response()

    stats = asyncio.run(_load(slow, rate=100, duration=0.2))
    assert stats.sent == stats.ok == 20
    assert stats.p50 == pytest.approx(0.4, abs=0.15)


def test_requests_in_flight_are_bounded() -> None:
    """What was due while too many were in flight is not sent, and is said."""

    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.4)
        return web.Response()

    stats = asyncio.run(_load(slow, rate=100, duration=0.2, in_flight=5))
    assert (stats.sent, stats.held_back) == (5, 15)


def test_it_ends_by_itself() -> None:
    """After its duration, and the last answer."""

    async def quick(_request: web.Request) -> web.Response:
        return web.Response()

    began = time.monotonic()
    stats = asyncio.run(_load(quick, rate=50, duration=1))
    assert stats.ended
    assert 0.9 < time.monotonic() - began < 3
