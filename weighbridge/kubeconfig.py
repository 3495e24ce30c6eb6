"""Finds out early, and in one line, that a kubeconfig or its cluster is not there."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from weighbridge.errors import EngineError, SettingsError

_PORTS = {"https": 443, "http": 80}


def paths(setting: str | None) -> list[Path]:
    """The files that kubectl would read: the setting's, else $KUBECONFIG's, else ~/.kube/config.

    Args:
        setting: a path of the settings, `~` allowed.
    """
    if setting:
        return [Path(setting).expanduser()]
    listed = [Path(each) for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    return listed or [Path.home() / ".kube" / "config"]


def server(key: str, setting: str | None, context: str | None) -> str | None:
    """The address of the cluster that a kubeconfig's context names.

    Args:
        key: of the setting, for the error.
        setting: the kubeconfig's path, or None for the usual places.
        context: its name, or None for the current one.

    Returns:
        The URL; None where a proxy stands before it, so that only the client can tell whether it answers.

    Raises:
        SettingsError: no such file or context, or the file is not a kubeconfig.
    """
    files = [path for path in paths(setting) if path.is_file()]
    if not files:
        missing = ", ".join(str(path) for path in paths(setting))
        raise SettingsError(f"weighbridge:cluster.{key}: must be a kubeconfig that exists (got {missing})")
    # Several files are merged as kubectl does: the first that names a thing wins.
    merged: dict[str, Any] = {"clusters": [], "contexts": []}
    for path in files:
        content = _read(key, path)
        merged["clusters"] += content.get("clusters") or []
        merged["contexts"] += content.get("contexts") or []
        merged.setdefault("current-context", content.get("current-context") or None)
    chosen = context or merged["current-context"]
    entry = _named(merged["contexts"], chosen)
    if entry is None:
        known = ", ".join(str(each.get("name")) for each in merged["contexts"]) or "none"
        raise SettingsError(f"weighbridge:cluster.context: must be one of {known} (got {chosen!r})")
    cluster = (_named(merged["clusters"], entry.get("context", {}).get("cluster")) or {}).get("cluster", {})
    if not cluster.get("server"):
        raise SettingsError(f"weighbridge:cluster.context: must name a cluster with a server (got {chosen!r})")
    return None if cluster.get("proxy-url") or _behind_proxy() else str(cluster["server"])


def reach(url: str, timeout: float = 4.0) -> None:
    """Open a connection to an API server, and close it again; no credential is needed for that.

    Args:
        url: of the server.
        timeout: seconds.

    Raises:
        EngineError: it cannot be reached.
    """
    parts = urlsplit(url)
    try:
        address = (parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443))
        socket.create_connection(address, timeout).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "timed out"
        raise EngineError(f"the cluster at {parts.scheme}://{parts.netloc} cannot be reached: {reason}") from None


def _read(key: str, path: Path) -> Mapping[str, Any]:
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        content = None
    if not isinstance(content, Mapping):
        raise SettingsError(f"weighbridge:cluster.{key}: must be a kubeconfig in YAML (got {path})")
    return content


def _named(entries: list[Mapping[str, Any]], name: str | None) -> Mapping[str, Any] | None:
    return next((each for each in entries if isinstance(each, Mapping) and each.get("name") == name), None)


def _behind_proxy() -> bool:
    return any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"))
