"""What tries telemetry out: promtool, a Prometheus that finds targets in Kubernetes, prometheus-adapter, Google's CRDs.

It has a key of its own in the cache, so that a change here builds no server again. Its Go module has the versions that
the servers' module has, so most of it is compiled already when the servers are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from lab import build as servers
from lab.errors import LabError

SOURCES: Final = Path(__file__).parent / "adapter"
PROGRAMS: Final[Mapping[str, str]] = {
    "promtool": "github.com/prometheus/prometheus/cmd/promtool",
    "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
    "adapter": "sigs.k8s.io/prometheus-adapter/cmd/adapter",
}
# Of all that Prometheus can find targets by, Kubernetes alone: the clouds' SDKs would take most of the time.
_FLAGS: Final = ("-tags", "remove_all_sd,enable_kubernetes_sd", "-ldflags", "-s -w")
_ADAPTER: Final = "sigs.k8s.io/prometheus-adapter"
_FITTED: Final[Mapping[str, Mapping[str, str]]] = {
    "cmd/adapter/adapter.go": {
        "stopCh := genericapiserver.SetupSignalHandler()": (
            "running := genericapiserver.SetupSignalContext(); stopCh := running.Done()"
        ),
        "cmd.Run(stopCh)": "cmd.Run(running)",
        # Its description of the API is generated for 1.30's types; without it the library takes its own.
        "if cmd.OpenAPIConfig == nil {": "if false {",
        "if cmd.OpenAPIV3Config == nil {": "if false {",
    },
    # A negative time limit, which Prometheus' older library wrote as "", and the newer one writes as it is.
    "pkg/client/api.go": {"return time.Since(deadline), true": "return time.Until(deadline), true"},
}
"""The adapter's newest release calls libraries as of Kubernetes 1.30; these lines fit it to those that the lab has."""
_ENGINE: Final = "github.com/GoogleCloudPlatform/prometheus-engine"
_ENGINE_VERSION: Final = "v0.17.2"
_ENGINE_SUM: Final = "h1:b4Sau/04Xn0wqGyGABUzLVOSlM7BxsZHbcYEXP3EDeg="
"""Of the module's zip, as Go writes it into a go.sum."""
_ENGINE_CRDS: Final = "manifests/setup.yaml"
PART: Final = servers.Part(
    SOURCES, PROGRAMS, _FLAGS, (*PROGRAMS.values(), *_FLAGS, _ENGINE_SUM, json.dumps(_FITTED)), prefix="telemetry-"
)


@dataclass(frozen=True)
class Tools:
    """Where they are."""

    directory: Path

    @property
    def google_crds(self) -> Path:
        """CustomResourceDefinitions of Google's managed collection, a JSON list."""
        return self.directory / "google-crds.json"

    def path(self, name: str) -> Path:
        """The executable of a program, by its name in `PROGRAMS`."""
        return self.directory / name

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to make."""
        return self.google_crds.exists() and all(self.path(name).exists() for name in PROGRAMS)


def tools() -> Tools:
    """Their place in the cache, made or not."""
    return Tools(PART.place)


def require() -> Tools:
    """The tools, built before.

    Raises:
        LabError: when some are missing, saying how to build them.
    """
    found = tools()
    if not found.complete:
        raise LabError("what tries telemetry out is not built yet: run `make lab`")
    return found


def build(target: Tools | None = None) -> Tools:
    """Build what is missing, with a line of progress each.

    Raises:
        LabError: when there is no Go that is new enough, or a build fails.
    """
    target = target or tools()
    if target.complete:
        return target
    go = servers.own_go()
    with servers.making(target.directory):
        PART.build(go, target.directory, f"-modfile={_fitted(go, target.directory)}")
        if not target.google_crds.exists():
            _copy_crds(go, target.google_crds)
    return target


def _fitted(go: Path, directory: Path) -> Path:
    """Copy the adapter, fit it, and give a go.mod that has the copy in its place."""
    servers.run([str(go), "mod", "download", _ADAPTER], SOURCES)
    source = Path(servers.run([str(go), "list", "-m", "-f", "{{.Dir}}", _ADAPTER], SOURCES).strip())
    copy = directory / "adapter-source"
    servers.copy(source, copy)
    for name, lines in _FITTED.items():
        text = (source / name).read_text(encoding="utf-8")
        for old, new in lines.items():
            if text.count(old) != 1:
                raise LabError(f"{source / name} has not the line that is fitted: {old}")
            text = text.replace(old, new)
        (copy / name).write_text(text, encoding="utf-8")
    shutil.copyfile(SOURCES / "go.sum", directory / "go.sum")
    module = (SOURCES / "go.mod").read_text(encoding="utf-8")
    place = directory / "go.mod"
    place.write_text(f"{module}\nreplace {_ADAPTER} => {copy}\n", encoding="utf-8")
    return place


def _copy_crds(go: Path, place: Path) -> None:
    said = servers.run([str(go), "mod", "download", "-json", f"{_ENGINE}@{_ENGINE_VERSION}"], SOURCES)
    module = json.loads(said)
    if module["Sum"] != _ENGINE_SUM:
        raise LabError(f"{_ENGINE} {_ENGINE_VERSION} is not the one that was pinned: its sum is {module['Sum']}")
    text = (Path(module["Dir"]) / _ENGINE_CRDS).read_text(encoding="utf-8")
    found = [each for each in yaml.safe_load_all(text) if each and each["kind"] == "CustomResourceDefinition"]
    partial = place.with_suffix(".partial")
    partial.write_text(json.dumps(found), encoding="utf-8")
    partial.replace(place)
