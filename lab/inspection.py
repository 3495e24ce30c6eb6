"""What rendered objects and chart values are held against: Istio's analyzers, Helm, real charts, cert-manager's CRDs.

It has a key of its own in the cache, so that a change here builds no server again. Its Go module pins what the servers'
pins, and Helm besides, so most of it is compiled already when the servers are.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab import build as servers
from lab.errors import LabError
from weighbridge.charts import CHARTS

SOURCES = servers.SOURCES / "inspect"
CERT_MANAGER = "github.com/cert-manager/cert-manager"
CERT_MANAGER_SUM = "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68="
"""Of the module's zip, as Go writes it into a go.sum. It holds for the version in the table of charts."""

ISTIO_CHARTS: Mapping[str, str] = {
    "istio-base": "manifests/charts/base",
    "istiod": "manifests/charts/istio-control/istio-discovery",
    "istio-gateway": "manifests/charts/gateway",
}
"""Istio's charts as they are in its sources, of the commit that the lab's istiod is built from."""

_CERT_MANAGER_CHART = "deploy/charts/cert-manager"
_CERT_MANAGER_CRDS = "deploy/crds"
_FLAGS = ("-ldflags", "-s -w")
PART = servers.Part(
    SOURCES,
    {"inspect": "."},
    _FLAGS,
    (CERT_MANAGER_SUM, *ISTIO_CHARTS.values(), *_FLAGS),
    pinned=("go.mod", "go.sum", "main.go"),
    prefix="inspect-",
)


@dataclass(frozen=True)
class Inspection:
    """Where the program, the charts and the CRDs are."""

    directory: Path

    @property
    def program(self) -> Path:
        """The executable."""
        return self.directory / "inspect"

    @property
    def crds(self) -> Path:
        """cert-manager's CustomResourceDefinitions, a JSON list."""
        return self.directory / "cert-manager-crds.json"

    def chart(self, name: str) -> Path:
        """The folder of a chart, by its name in the table of charts."""
        return self.directory / "charts" / name

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to make."""
        return self.program.exists() and self.crds.exists() and self.chart("cert-manager").exists()

    def analyze(self, objects: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        """What `istioctl analyze` says of a set of objects: `code`, `level` and `line` of each message."""
        said = self._ask(yaml.safe_dump_all(objects), "analyze")
        return [json.loads(line) for line in said.splitlines()]

    def template(self, chart: str, name: str, namespace: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The objects that Helm makes of a chart with these values; hooks are among them.

        Raises:
            LabError: the chart does not take the values.
        """
        said = self._ask(json.dumps(values), "template", str(self.chart(chart)), name, namespace)
        return [json.loads(line) for line in said.splitlines()]

    def _ask(self, given: str, *arguments: str) -> str:
        command = [str(self.program), *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"inspect {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def inspection() -> Inspection:
    """Its place in the cache, made or not; it changes with its sources, and with cert-manager's version."""
    return Inspection(PART.place)


def require() -> Inspection:
    """The inspection, built before.

    Raises:
        LabError: it is not, saying how to build it.
    """
    found = inspection()
    if not found.complete:
        raise LabError("what objects are inspected with is not built yet: run `make lab`")
    return found


def build(target: Inspection | None = None, go: Path | None = None) -> Inspection:
    """Make what is missing, with a line of progress.

    Raises:
        LabError: there is no Go that is new enough, a download or the build fails, or a hash is not the pinned one.
    """
    target = target or inspection()
    if target.complete:
        return target
    go = go or servers.own_go()
    with servers.making(target.directory):
        PART.build(go, target.directory)
        _copy_charts(go, target)
    return target


def _copy_charts(go: Path, target: Inspection) -> None:
    istio = Path(servers.run([str(go), "list", "-m", "-f", "{{.Dir}}", "istio.io/istio"], SOURCES).strip())
    cert_manager = _cert_manager(go)
    for name, folder in ISTIO_CHARTS.items():
        servers.copy(istio / folder, target.chart(name))
    found = [each for path in _definitions(cert_manager) for each in yaml.load_all(path.read_text("utf-8"), _LOADER)]
    target.crds.write_text(json.dumps(found), encoding="utf-8")
    # The last of all, as it is what `complete` looks for.
    servers.copy(cert_manager / _CERT_MANAGER_CHART, target.chart("cert-manager"))


def _definitions(module: Path) -> list[Path]:
    return sorted(module.joinpath(_CERT_MANAGER_CRDS).glob("*.yaml"))


def _cert_manager(go: Path) -> Path:
    """Download the module of the version in the table of charts, and hold it to its hash."""
    wanted = f"{CERT_MANAGER}@{CHARTS['cert-manager'].version}"
    # Nothing is imported from it, so no go.sum can pin it: the hash is compared here, and no server is asked for it.
    environment = {"GONOSUMDB": "*", "GOFLAGS": "-mod=mod"}
    told = servers.run([str(go), "mod", "download", "-json", wanted], Path("/"), environment)
    found = json.loads(told)
    if found["Sum"] != CERT_MANAGER_SUM:
        raise LabError(f"{wanted} must have the hash {CERT_MANAGER_SUM} (got {found['Sum']})")
    return Path(found["Dir"])
