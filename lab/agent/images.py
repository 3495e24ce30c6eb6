"""From a container of a Pod to the local command that stands for it."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.agent.identity import Identity

APP = "weighbridge.dev/app"
_ROOT = Path(__file__).resolve().parents[2]
_REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_][A-Za-z0-9_.-]*)\))")


class ImageError(Exception):
    """The image cannot be had; the container waits with ErrImagePull and ImagePullBackOff."""


class ContainerError(Exception):
    """The container asks for something that the agent cannot do; it waits with CreateContainerConfigError."""


@dataclass(frozen=True)
class Command:
    """What to execute for a container."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


def command(container: Mapping[str, Any], pod: Identity, directory: Path) -> Command:
    """The command of a container: its own, or the application for an image `weighbridge.dev/app:TAG`.

    Raises:
        ImageError: for another image without a command, as there is no registry to pull it from.
        ContainerError: for an environment that needs more than values and the downward API.
    """
    env = _environment(container, pod)
    own = [expand(word, env) for word in container.get("command") or []]
    args = [expand(word, env) for word in container.get("args") or []]
    base = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), "HOSTNAME": pod.name}
    if own:
        return Command((*own, *args), {**base, **env})
    image = str(container["image"])
    if image.partition(":")[0] != APP:
        raise ImageError(f'failed to pull image "{image}": the lab has no registry; give the container a command')
    application = _application(container, pod, directory)
    return Command((sys.executable, "-m", "lab.app", *args), {**base, **application, **env})


def expand(text: str, env: Mapping[str, str]) -> str:
    """Kubernetes' `$(NAME)` references; an unknown one stays as it is, and `$$` is a dollar."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[1] == "$" else env.get(found[2], found[0])

    return _REFERENCE.sub(value, text)


def _environment(container: Mapping[str, Any], pod: Identity) -> dict[str, str]:
    if container.get("envFrom"):
        raise ContainerError("the lab's pod agent knows no envFrom")
    env: dict[str, str] = {}
    for entry in container.get("env") or []:
        source = entry.get("valueFrom")
        try:
            value = pod.field(source["fieldRef"]["fieldPath"]) if source else expand(entry.get("value", ""), env)
        except KeyError as error:
            raise ContainerError(f"env {entry['name']}: the lab's pod agent knows no source {error}") from None
        env[entry["name"]] = value
    return env


def _application(container: Mapping[str, Any], pod: Identity, directory: Path) -> dict[str, str]:
    ports = container.get("ports") or [{"containerPort": 8080}]
    return {
        "PYTHONPATH": str(_ROOT),
        "IMAGE": str(container["image"]),
        "POD_NAME": pod.name,
        "POD_IP": pod.address,
        "PORT": str(ports[0]["containerPort"]),
        "COUNTS_DIRECTORY": str(directory / "counts" / pod.namespace / pod.workload),
        "DIAL_FILE": str(dial_file(directory, pod.namespace, pod.workload)),
    }


def dial_file(directory: Path, namespace: str, workload: str) -> Path:
    """Where the faults dialled for a workload are kept."""
    return directory / "dials" / namespace / f"{workload}.json"
