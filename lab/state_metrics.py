"""`python -m lab.state_metrics DIRECTORY`: a stand-in for kube-state-metrics, which no package registry has.

It reads the same document as the real one (a file of the kind CustomResourceStateMetrics, here `state-metrics.json`)
and serves the same series from the live objects, for the part of the document that Weighbridge uses: one path a metric,
Gauge, StateSet and Info. Of the real one's own series it has `kube_deployment_status_replicas_ready` alone. It was held
to the real one by hand, sample by sample: docs/dashboard.md says when and how.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from lab.api import Api, ApiError
from lab.server import ServerSpec
from weighbridge.sight.state_metrics import custom_resource_state

PORT = 8081
_DOCUMENT = "state-metrics.json"
_DEPLOYMENTS = "/apis/apps/v1/deployments"
_READY = "kube_deployment_status_replicas_ready"
_NATIVE = {"Gauge": "gauge", "StateSet": "gauge", "Info": "gauge"}
"""The text format of Prometheus knows no state sets and no infos; the real one says gauge too."""

Object = Mapping[str, Any]
Sample = tuple[Mapping[str, str], float]


def stand_in(directory: Path, root: Path) -> ServerSpec:
    """The stand-in, with the document that a cluster's kube-state-metrics would get."""
    (directory / _DOCUMENT).write_text(json.dumps(custom_resource_state(), indent=1), encoding="utf-8")
    return ServerSpec(
        name="state-metrics",
        argv=(sys.executable, "-m", "lab.state_metrics", str(directory)),
        env={"PYTHONPATH": str(root)},
        ready=f"http://127.0.0.1:{PORT}/healthz",
    )


def expose(document: Object, objects: Mapping[str, Sequence[Object]]) -> str:
    """The series of a document in the text format.

    Args:
        document: of the kind CustomResourceStateMetrics.
        objects: the live ones by kind.
    """
    lines: list[str] = []
    for resource in document["spec"]["resources"]:
        kind = resource["groupVersionKind"]
        fixed = {f"customresource_{part}": kind[part] for part in ("group", "version", "kind")}
        for metric in resource["metrics"]:
            name = "_".join(part for part in (resource["metricNamePrefix"], metric["name"]) if part)
            lines += [f"# HELP {name} {metric['help']}", f"# TYPE {name} {_NATIVE[metric['each']['type']]}"]
            for each in objects.get(kind["kind"], ()):
                common = fixed | _labels(each, resource["labelsFromPath"])
                lines += [_line(name, {**common, **labels}, value) for labels, value in _samples(each, metric["each"])]
    return "\n".join([*lines, *_deployments(objects.get("Deployment", ())), ""])


def _samples(each: Object, asked: Object) -> Iterator[Sample]:
    what = asked[asked["type"][0].lower() + asked["type"][1:]]
    found = _at(each, what["path"])
    if found is None:
        return
    if asked["type"] == "Gauge":
        yield from _numbers(found)
    elif asked["type"] == "StateSet":
        yield from (({what["labelName"]: state}, float(state == found)) for state in what["list"])
    else:
        labels = _labels(found, what["labelsFromPath"])
        if labels:
            yield labels, 1.0


def _numbers(found: str) -> Iterator[Sample]:
    # What is no number is an error in the real one's log, and no series.
    with contextlib.suppress(ValueError):
        yield {}, float(found)


def _at(each: Any, path: Sequence[str]) -> Any:
    for key in path:
        each = each.get(key) if isinstance(each, Mapping) else None
    return each


def _labels(each: Object, paths: Mapping[str, Sequence[str]]) -> dict[str, str]:
    found = {label: _at(each, path) for label, path in paths.items()}
    return {label: str(value) for label, value in found.items() if value is not None}


def _deployments(deployments: Sequence[Object]) -> list[str]:
    lines = [f"# HELP {_READY} [STABLE] The number of ready replicas per deployment.", f"# TYPE {_READY} gauge"]
    for each in deployments:
        labels = {"deployment": each["metadata"]["name"], "namespace": each["metadata"]["namespace"]}
        lines.append(_line(_READY, labels, float(each.get("status", {}).get("readyReplicas") or 0)))
    return lines


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f"{key}={json.dumps(labels[key], ensure_ascii=False)}" for key in sorted(labels))
    return f"{name}{{{inside}}} {value!r}"


class _Exporter:
    """Lists what the document is about each time it is asked, and tells what it last knew while nobody answers."""

    def __init__(self, api: Api, document: Object) -> None:
        self._api = api
        self._document = document
        self._objects: dict[str, list[Object]] = {}

    async def metrics(self, _request: web.Request) -> web.Response:
        paths = {"Deployment": _DEPLOYMENTS} | {
            kind["kind"]: f"/apis/{kind['group']}/{kind['version']}/{kind['kind'].lower()}s"
            for kind in (each["groupVersionKind"] for each in self._document["spec"]["resources"])
        }
        for kind, path in paths.items():
            try:
                self._objects[kind] = (await self._api.get(path))["items"]
            except (ApiError, aiohttp.ClientError, TimeoutError, OSError):
                continue
        return web.Response(text=expose(self._document, self._objects))


async def _run(directory: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    document = json.loads((directory / _DOCUMENT).read_text(encoding="utf-8"))
    async with Api(directory / "kubeconfig") as api:
        app = web.Application()
        app.router.add_get("/metrics", _Exporter(api, document).metrics)
        app.router.add_get("/healthz", lambda _: _healthy())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", PORT).start()
        await ended.wait()
        await runner.cleanup()


async def _healthy() -> web.Response:
    return web.Response()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1])))
