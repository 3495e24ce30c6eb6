"""Grafana's own schema, as a small program that says whether JSON is a dashboard; built once, into the lab's cache."""

import hashlib
import platform
import subprocess
from pathlib import Path

from lab import build
from lab.errors import LabError

SOURCES = Path(__file__).parent / "dashboards"


def program() -> Path:
    """Where the program is, built or not; the place changes with its source and its pinned module."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()}".encode())
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update(hashlib.sha256((SOURCES / name).read_bytes()).digest())
    return build.cache() / f"dashboards-{digest.hexdigest()[:16]}"


def make() -> Path:
    """Build the program unless it is there.

    Raises:
        LabError: there is no Go that is new enough, or the build fails.
    """
    target = program()
    if target.exists():
        return target
    flags = ("-ldflags", "-s -w")
    with build.making(target.parent):
        build.Part(SOURCES, {target.name: "."}, flags, key=()).build(build.own_go(), target.parent)
    return target


def complaints(dashboard: str) -> list[str]:
    """What Grafana's schema does not allow in a dashboard, a line each; [] for a valid one.

    Args:
        dashboard: JSON.

    Raises:
        LabError: the program is not built yet.
    """
    built = program()
    if not built.exists():
        raise LabError("the check of dashboards is not built yet: run `make lab`")
    done = subprocess.run([str(built)], input=dashboard, capture_output=True, text=True, check=False)
    if done.returncode > 1 or done.stderr:
        raise LabError(f"the check of dashboards failed: {done.stderr.strip()}")
    return done.stdout.splitlines()
