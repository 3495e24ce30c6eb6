"""`python -m lab.agent DIRECTORY`: run the pod agent of the lab in that directory until SIGTERM."""

import asyncio
import logging
import signal
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from lab.agent.container import Surroundings
from lab.agent.node import Node
from lab.agent.usage import exposition
from lab.api import Api

HEALTH_PORT = 10248


async def _run(directory: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    # Every probe is a connection of its own, as a kubelet's are.
    one_each = aiohttp.TCPConnector(force_close=True, limit=0)
    probing = aiohttp.ClientSession(connector=one_each, headers={"User-Agent": "kube-probe/1.36"})
    async with Api(directory / "kubeconfig") as api, probing as probes:
        node = Node(api, Surroundings(directory, probes))
        runner = await _serve_health(node)
        following = asyncio.create_task(node.run())
        stopping = asyncio.create_task(ended.wait())
        done, _ = await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await node.stop()
        await runner.cleanup()
        following.cancel()
        if following in done:
            following.result()


async def _serve_health(node: Node) -> web.AppRunner:
    async def health(_request: web.Request) -> web.Response:
        return web.Response(status=200 if node.registered.is_set() else 503)

    async def usage(_request: web.Request) -> web.Response:
        return web.Response(text=exposition(node.usages))

    app = web.Application()
    app.router.add_get("/healthz", health)
    app.router.add_get("/metrics/cadvisor", usage)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", HEALTH_PORT).start()
    return runner


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_run(Path(sys.argv[1])))
