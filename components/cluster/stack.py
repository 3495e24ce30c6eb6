"""A cluster that another stack made: a platform stack has it, and the stacks of services refer to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import OUTPUTS


@dataclass(frozen=True)
class StackClusterArgs:
    """Where its outputs are.

    Attributes:
        stack: organization/project/stack.
        cluster: which of that stack's `clusters`; None for its `cluster`.
    """

    stack: str
    cluster: str | None = None


class StackCluster(pulumi.ComponentResource):
    """A cluster that another Pulumi stack made; only providers are made here.

    Attributes:
        provider: of its API server.
        mesh_provider: of the mesh's; it reaches the same server where the mesh has none of its own.
        cloud_provider: none.
        outputs: that stack's, all of them secret; None for one that it has not.
    """

    provider: pulumi.ProviderResource
    mesh_provider: pulumi.ProviderResource
    cloud_provider: pulumi.ProviderResource | None = None
    outputs: Mapping[str, pulumi.Input[Any]]

    def __init__(self, name: str, args: StackClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the cluster.

        Args:
            name: of the component.
            args: where its outputs are.
            opts: Pulumi's options.
        """
        super().__init__("weighbridge:index:StackCluster", name, None, opts)
        mine = pulumi.ResourceOptions(parent=self)
        reference = pulumi.StackReference(f"{name}-stack", stack_name=args.stack, opts=mine)
        found: pulumi.Output[Mapping[str, Any]] = pulumi.Output.secret(
            pulumi.Output.all(reference.get_output("cluster"), reference.get_output("clusters")).apply(
                lambda both: _chosen(args, *both)
            )
        )
        self.outputs = {key: _part(found, key) for key in OUTPUTS}
        self.provider = kubernetes.Provider(f"{name}-provider", kubeconfig=self.outputs["kubeconfig"], opts=mine)
        self.mesh_provider = kubernetes.Provider(
            f"{name}-mesh-provider",
            kubeconfig=found.apply(lambda cluster: cluster.get("mesh_kubeconfig") or cluster["kubeconfig"]),
            opts=mine,
        )
        self.register_outputs({})


def _part(found: pulumi.Output[Mapping[str, Any]], key: str) -> pulumi.Output[Any]:
    return found.apply(lambda cluster: cluster.get(key))


def _chosen(args: StackClusterArgs, default: Any, named: Any) -> Mapping[str, Any]:
    """The outputs of the one cluster that is meant.

    Raises:
        pulumi.RunError: the stack has none, or none of that name; one line.
    """
    chosen = (named or {}).get(args.cluster) if args.cluster else default
    if not isinstance(chosen, Mapping) or not chosen.get("kubeconfig"):
        what = f"the output 'clusters' with {args.cluster!r} in it" if args.cluster else "the output 'cluster'"
        raise pulumi.RunError(
            f"the stack {args.stack} must have {what}: it is there after an `up` of a stack whose cluster is gke or ack"
        )
    return chosen
