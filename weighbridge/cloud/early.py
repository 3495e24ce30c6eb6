"""What is missing for a cluster, found out before anything is declared: one line, and nothing half made."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from weighbridge import kubeconfig
from weighbridge.cloud import credentials
from weighbridge.cloud.kubeconfig import ALIBABA_PLUGIN, GOOGLE_PLUGIN
from weighbridge.errors import EngineError, SettingsError
from weighbridge.settings.cluster import Ack, Cluster, Existing, Gke, Stack

_HINTS = {
    GOOGLE_PLUGIN: f"gcloud components install {GOOGLE_PLUGIN}, or the package google-cloud-cli-{GOOGLE_PLUGIN}",
    ALIBABA_PLUGIN: "see https://aliyuncontainerservice.github.io/ack-ram-tool",
}


@dataclass(frozen=True)
class Machine:
    """What of the machine and the stack matters here.

    Attributes:
        config: keys of the stack's config, with their namespace; no value.
        environ: the environment.
        home: of the user.
        has: whether a Python package is installed.
        product: the file in which the machine says whose it is.
    """

    config: Collection[str] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    home: Path = field(default_factory=Path.home)
    has: Callable[[str], bool] = lambda package: importlib.util.find_spec(package) is not None
    product: Path = credentials.PRODUCT


def check(clusters: Mapping[str, Cluster], machine: Machine, *, filled: bool) -> list[str]:
    """Find out whether the clusters are there, or can be made.

    Args:
        clusters: by their key in the settings.
        machine: where this runs.
        filled: whether the stack puts something on its clusters.

    Returns:
        warnings, one line each.

    Raises:
        SettingsError: a package is missing, or a kubeconfig.
        EngineError: credentials or a plugin are missing, or a cluster does not answer.
    """
    servers: list[str | None] = []
    warnings = []
    for key, cluster in clusters.items():
        if isinstance(cluster, Existing):
            servers += _existing(key, cluster)
        else:
            warnings += _cloud(key, cluster, machine, filled=filled)
    for server in dict.fromkeys(servers):
        if server:
            kubeconfig.reach(server)
    return warnings


def _existing(key: str, cluster: Existing) -> list[str | None]:
    """The addresses of a cluster that exists already."""
    found = [kubeconfig.server("kubeconfig", cluster.kubeconfig, cluster.context, key)]
    if cluster.mesh_kubeconfig or cluster.mesh_context:
        mesh = cluster.mesh_kubeconfig or cluster.kubeconfig
        found.append(kubeconfig.server("mesh_kubeconfig", mesh, cluster.mesh_context, key))
    return found


def _cloud(key: str, cluster: Gke | Ack | Stack, machine: Machine, *, filled: bool) -> list[str]:
    """What a cluster of a cloud needs: the package, credentials, and the plugin once something is put on it."""
    if isinstance(cluster, Stack):
        return []  # which cloud it is on only its outputs say
    package, extra, plugin = ("pulumi_gcp", "gcp", GOOGLE_PLUGIN)
    if isinstance(cluster, Ack):
        package, extra, plugin = ("pulumi_alicloud", "alicloud", ALIBABA_PLUGIN)
    if not machine.has(package):
        rule = f"{cluster.kind!r} needs a package that is not installed: pip install 'weighbridge[{extra}]'"
        raise SettingsError(f"weighbridge:{key}: {rule} (got no {package})")
    if isinstance(cluster, Gke):
        missing = credentials.google(machine.environ, machine.home, machine.config, machine.product)
    else:
        missing = credentials.alibaba(machine.environ, machine.home, cluster.profile)
        if cluster.mesh and cluster.mesh.kubeconfig:
            kubeconfig.server("kubeconfig", cluster.mesh.kubeconfig, None, f"{key}.mesh")
    if missing:
        raise EngineError(f"weighbridge:{key}: {missing}")
    if shutil.which(plugin, path=machine.environ.get("PATH", os.defpath)):
        return []
    line = f"weighbridge:{key}: {plugin} is not on PATH, and nothing can be put on the cluster without it"
    if filled:
        raise EngineError(f"{line}: {_HINTS[plugin]}")
    return [f"{line}: {_HINTS[plugin]}"]
