"""A cluster that exists already, by kubeconfig and context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes


@dataclass(frozen=True)
class ExistingClusterArgs:
    """How to reach it. None leaves a choice to the environment, as kubectl does.

    Attributes:
        kubeconfig: path of the file, or a secret output with its text.
        context: in the file.
        mesh_kubeconfig: path of the mesh's own, where the mesh has an API server of its own (ASM).
        mesh_context: in that file.
    """

    kubeconfig: pulumi.Input[str] | None = None
    context: str | None = None
    mesh_kubeconfig: str | None = None
    mesh_context: str | None = None


class ExistingCluster(pulumi.ComponentResource):
    """A cluster that somebody else made; only providers are made here.

    Attributes:
        provider: of its API server.
        mesh_provider: of the mesh's.
        cloud_provider: none.
        outputs: none.
    """

    provider: pulumi.ProviderResource
    mesh_provider: pulumi.ProviderResource
    cloud_provider: pulumi.ProviderResource | None = None
    outputs: Mapping[str, pulumi.Input[Any]]

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the cluster.

        Args:
            name: of the component.
            args: how to reach it.
            opts: Pulumi's options.
        """
        super().__init__("weighbridge:index:ExistingCluster", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        # A path and not the file's text: the state then holds no credential, and the provider reads it in each run.
        self.provider = kubernetes.Provider(
            f"{name}-provider", kubeconfig=args.kubeconfig, context=args.context, opts=mine
        )
        self.mesh_provider = self.provider
        if args.mesh_kubeconfig or args.mesh_context:
            self.mesh_provider = kubernetes.Provider(
                f"{name}-mesh-provider",
                kubeconfig=args.mesh_kubeconfig or args.kubeconfig,
                context=args.mesh_context,
                opts=mine,
            )
        self.outputs = {}
        self.register_outputs({})
