"""Finds the Pulumi CLI and its Kubernetes plugin, or fetches them by the SDK's own installer; quick to give up."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from weighbridge.errors import EngineError

SITE = "get.pulumi.com"
PLUGIN = "kubernetes"
PLUGIN_SITES = {"get.pulumi.com", "github.com"}
PROBE_SECONDS = 2.0
INSTALL_SECONDS = 180.0
FORGET_SECONDS = 600.0
"""How long a site that could not be reached is not asked again, so that each command need not pay for it."""


@dataclass(frozen=True)
class Cli:
    """A usable CLI: `root` holds `bin/pulumi`."""

    root: Path
    why: str


def find(home: Path | None = None, path: str | None = None, stamp: Path | None = None) -> Cli:
    """Give the CLI, its Kubernetes plugin at its side.

    Args:
        home: $PULUMI_HOME; None for the environment's, else ~/.pulumi.
        path: folders to search, as in $PATH; None for the environment's.
        stamp: the file whose age remembers a failed try; None for one in the user's cache.

    Raises:
        EngineError: either cannot be had; the line says which and why, and nothing half-installed is left.
    """
    home = home or Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    stamp = stamp or _cache() / "no-pulumi"
    cli = _on_disk(home, path) or _installed(home, stamp)
    if not _has_plugin(home, path):
        _fetch_plugin(cli, stamp)
    return cli


def _on_disk(home: Path, path: str | None) -> Cli | None:
    """Look in $PATH, then where the installers put it."""
    if found := shutil.which("pulumi", path=path):
        return Cli(Path(found).resolve().parent.parent, f"Pulumi CLI at {found}")
    for root in (home, *sorted((home / "versions").glob("*"), reverse=True)):
        if os.access(root / "bin" / "pulumi", os.X_OK):
            return Cli(root, f"Pulumi CLI at {root / 'bin' / 'pulumi'}")
    return None


def _installed(home: Path, stamp: Path) -> Cli:
    if not _worth_asking(SITE, stamp):
        raise EngineError("no Pulumi CLI on PATH, and its download cannot be reached")
    from pulumi._version import version  # noqa: PLC0415  the SDK takes most of a second to import

    root, fresh = home / "versions" / str(version), home / "versions" / f".{version}.{os.getpid()}"
    command = "import sys, pulumi.automation as a; a.PulumiCommand.install(root=sys.argv[1])"
    try:
        # In a process of its own, for a deadline, and under another name, so that no half install is ever found.
        _run([sys.executable, "-c", command, str(fresh)], INSTALL_SECONDS)
        fresh.replace(root)
    except (OSError, subprocess.SubprocessError):
        _remember(stamp)
        raise EngineError("no Pulumi CLI on PATH, and its installer failed") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Cli(root, f"Pulumi CLI {version} installed at {root}")


def _has_plugin(home: Path, path: str | None) -> bool:
    return shutil.which(f"pulumi-resource-{PLUGIN}", path=path) is not None or any(
        re.fullmatch(rf"resource-{PLUGIN}-v[\d.]+", folder.name) for folder in (home / "plugins").glob("resource-*")
    )


def _fetch_plugin(cli: Cli, stamp: Path) -> None:
    missing = EngineError(f"{cli.why}, but no plugin '{PLUGIN}', and its download cannot be reached")
    if not all(_worth_asking(site, stamp) for site in sorted(PLUGIN_SITES)):
        raise missing
    from importlib.metadata import version  # noqa: PLC0415  only on the way to a download

    command = [str(cli.root / "bin" / "pulumi"), "plugin", "install", "resource", PLUGIN, version("pulumi-kubernetes")]
    try:
        _run(command, INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError):
        _remember(stamp)
        raise missing from None


def _worth_asking(site: str, stamp: Path) -> bool:
    """Tell whether a download can be tried: it was not in vain a while ago, and the site takes a connection."""
    try:
        if time.time() - stamp.stat().st_mtime < FORGET_SECONDS:
            return False
    except OSError:
        pass
    if _reachable(site):
        return True
    _remember(stamp)
    return False


def _reachable(site: str) -> bool:
    """Open a connection, through the proxy that downloads would use if there is one."""
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or ""
    found = re.match(r"(?:\w+://)?(?:[^@/]*@)?(?P<host>[^:/]+):(?P<port>\d+)", proxy)
    target = (found["host"], int(found["port"])) if found else (site, 443)
    try:
        # Name resolution has no time limit of its own; in a process it can be given one.
        code = f"import socket; socket.create_connection({target!r}, {PROBE_SECONDS}).close()"
        _run([sys.executable, "-S", "-c", code], 2 * PROBE_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _run(command: list[str], seconds: float) -> None:
    subprocess.run(
        command,
        check=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _remember(stamp: Path) -> None:
    try:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
    except OSError:
        # Nowhere to remember it: the next command finds out again, in seconds.
        return


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weighbridge"
