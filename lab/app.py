"""The application that the lab's pods run: it answers every path, and its faults can be dialled.

Environment: POD_IP, PORT, POD_NAME, IMAGE, COUNTS_DIRECTORY, DIAL_FILE (all set by the pod agent), and the faults' own.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from lab.counts import Counter
from lab.faults import Faults

FINISH_WITHIN = 10.0
"""Seconds that requests in flight get after SIGTERM."""


class App:
    """One process of the application."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._image = env.get("IMAGE", "weighbridge.dev/app:dev")
        self._pod = env.get("POD_NAME", "")
        self._dialled = Path(env["DIAL_FILE"])
        self.faults = Faults.of(self._image, env, self._dialled)
        self._counter = Counter(Path(env["COUNTS_DIRECTORY"]))

    def routes(self) -> web.Application:
        """The paths that are the lab's own, which are not counted, and every other one."""
        app = web.Application()
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/live", self._live)
        app.router.add_get("/counts", self._counts)
        app.router.add_post("/faults", self._dial)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    def dial_again(self) -> None:
        """Take up what was dialled between this process's start and its first connection."""
        self.faults = self.faults.dialled(self._dialled)

    async def _serve(self, _request: web.Request) -> web.Response:
        faults = self.faults
        if faults.latency:
            await asyncio.sleep(faults.latency)
        failed = random.random() < faults.error_rate  # noqa: S311  chance, not secrecy
        status = 500 if failed else 200
        self._counter.add(status)
        return web.json_response({"version": self._image.rpartition(":")[2], "pod": self._pod}, status=status)

    async def _ready(self, _request: web.Request) -> web.Response:
        return web.Response(status=200 if self.faults.ready else 503)

    async def _live(self, _request: web.Request) -> web.Response:
        return web.Response()

    async def _counts(self, _request: web.Request) -> web.Response:
        return web.json_response(asdict(self._counter.tally))

    async def _dial(self, request: web.Request) -> web.Response:
        try:
            self.faults = self.faults.changed(await request.json())
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        if self.faults.crash:
            os._exit(1)
        return web.json_response(asdict(self.faults))


async def serve(env: Mapping[str, str]) -> None:
    """Serve until SIGTERM; then take no more connections, finish the requests in flight and return."""
    app = App(env)
    if app.faults.crash:
        sys.exit("the application crashes, as it was told to")
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    runner = web.AppRunner(app.routes(), access_log=None, shutdown_timeout=FINISH_WITHIN)
    await runner.setup()
    await web.TCPSite(runner, env.get("POD_IP", "127.0.0.1"), int(env.get("PORT", "8080"))).start()
    app.dial_again()
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(os.environ))
