"""A cluster that exists already."""

from __future__ import annotations

from typing import Annotated, Literal

from weighbridge.settings.rules import Choice, Text
from weighbridge.settings.section import Section

Path = Annotated[str, Text(r"[^\x00-\x1f\x7f]+", "must be the path of a file", 1000)]
Context = Annotated[str, Text(r"[^\x00-\x1f\x7f]+", "must be the name of a context in the kubeconfig")]


class Existing(Section):
    """A cluster that exists already."""

    kind: Annotated[Literal["existing"], Choice(("existing",))]
    """What sort of cluster: one that exists already."""
    kubeconfig: Path | None = None
    """Path of the kubeconfig; without it $KUBECONFIG counts, then ~/.kube/config."""
    context: Context | None = None
    """Context in the kubeconfig; without it the current one."""
    mesh_kubeconfig: Path | None = None
    """Path of the kubeconfig of the mesh's own API server, where it has one (Alibaba ASM)."""
    mesh_context: Context | None = None
    """Context in the mesh's kubeconfig."""
