"""Finds out early, and in one line, that a kubeconfig or its cluster is not there."""

from __future__ import annotations

import json
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
_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
"""Set in every pod."""


def paths(setting: str | None) -> list[Path]:
    """The files that kubectl would read: the setting's, else $KUBECONFIG's, else ~/.kube/config.

    Args:
        setting: a path of the settings, `~` allowed.
    """
    if setting:
        return [Path(os.path.expanduser(setting))]  # noqa: PTH111  Path.expanduser raises for a user that is not there
    listed = [Path(each) for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    return listed or [Path.home() / ".kube" / "config"]


def server(key: str, setting: str | None, context: str | None, section: str = "cluster") -> str | None:
    """The address of the cluster that a kubeconfig's context names.

    Args:
        key: of the setting, for the error.
        setting: the kubeconfig's path, or None for the usual places.
        context: its name, or None for the current one.
        section: of the settings, for the error.

    Returns:
        The URL; None where only the client can tell whether it answers: behind a proxy, or inside a pod, which
        has its cluster's credentials without a file.

    Raises:
        SettingsError: no such file or context, or the file is not a kubeconfig.
    """
    files = [path for path in paths(setting) if path.is_file()]
    if not files and setting is None and context is None and os.environ.get(_IN_CLUSTER):
        return None
    if not files:
        missing = ", ".join(str(path) for path in paths(setting))
        raise SettingsError(f"weighbridge:{section}.{key}: must be a kubeconfig that exists (got {missing})")
    # Several files are merged as kubectl does: the first that names a thing wins.
    contents = [_read(f"{section}.{key}", path) for path in files]
    chosen = context or _current(contents)
    contexts, clusters = (_entries(contents, kind) for kind in ("contexts", "clusters"))
    rule = f"weighbridge:{section}.{key.replace('kubeconfig', 'context')}:"
    if chosen not in contexts:
        raise SettingsError(f"{rule} must be one of {', '.join(map(_printable, contexts)) or 'none'} (got {chosen!r})")
    cluster = _section(clusters.get(_section(contexts[chosen], "context").get("cluster")), "cluster")
    if not isinstance(cluster.get("server"), str) or not cluster["server"]:
        raise SettingsError(f"{rule} must name a cluster with a server (got {chosen!r})")
    return None if cluster.get("proxy-url") or _behind_proxy() else str(cluster["server"])


def merged(setting: str | None) -> str | None:
    """The kubeconfig's text where the provider could not read it for itself: several files in $KUBECONFIG.

    Args:
        setting: a path of the settings, or None for the usual places.

    Returns:
        The files merged as kubectl does, credentials and all; None where one path says it.
    """
    listed = paths(setting)
    if len(listed) <= 1:
        return None
    from kubernetes.config.kube_config import KubeConfigMerger  # noqa: PLC0415  half a second, and seldom needed

    files = [path for path in listed if path.is_file()]
    merger = KubeConfigMerger(os.pathsep.join(map(str, files)))
    text: dict[str, Any] = json.loads(json.dumps(merger.config.value, default=lambda node: node.value))
    # The merger takes the last file's current context, kubectl and we take the first's.
    text["current-context"] = _current([_read("cluster.kubeconfig", path) for path in files])
    return json.dumps(text)


def reach(url: str, timeout: float = 4.0) -> None:
    """Open a connection to an API server, and close it again; no credential is needed for that.

    Args:
        url: of the server.
        timeout: seconds.

    Raises:
        EngineError: it cannot be reached.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)
    except ValueError as error:
        raise EngineError(f"the cluster's address in the kubeconfig is none: {error}") from None
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        # Host and port only: an address may carry a user and a password.
        reason = error.strerror or "timed out"
        raise EngineError(f"the cluster at {parts.scheme}://{host}:{port} cannot be reached: {reason}") from None


def _read(key: str, path: Path) -> Mapping[str, Any]:
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        content = None
    if not isinstance(content, Mapping):
        raise SettingsError(f"weighbridge:{key}: must be a kubeconfig in YAML (got {path})")
    return content


def _current(contents: list[Mapping[str, Any]]) -> Any:
    return next((each["current-context"] for each in contents if each.get("current-context")), None)


def _entries(contents: list[Mapping[str, Any]], kind: str) -> dict[Any, Any]:
    """The named entries of one kind in all files; whatever has another shape is as good as not there."""
    found: dict[Any, Any] = {}
    for content in contents:
        listed = content.get(kind)
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, Mapping) and isinstance(each.get("name"), str):
                found.setdefault(each["name"], each)
    return found


def _section(entry: Any, name: str) -> Mapping[str, Any]:
    section = entry.get(name) if isinstance(entry, Mapping) else None
    return section if isinstance(section, Mapping) else {}


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _behind_proxy() -> bool:
    return any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"))
