"""The cluster that the settings name. A cloud's package is imported only where a cluster of that cloud is wanted.

The packages are extras of some hundred megabytes, and importing one takes longer than the rest of the program.
"""

from __future__ import annotations

import pulumi

from components.cluster import Cluster
from components.cluster.existing import ExistingCluster, ExistingClusterArgs
from weighbridge import kubeconfig
from weighbridge.settings import cluster as settings


def declared(name: str | None, wanted: settings.Cluster) -> Cluster:
    """Declare one of the clusters.

    Args:
        name: its key in `clusters`; None for the default one, whose resources have the names that they always had.
        wanted: its settings.
    """
    component = f"cluster-{name}" if name else "cluster"
    if isinstance(wanted, settings.Gke):
        from components.cluster.gke import GkeCluster, GkeClusterArgs  # noqa: PLC0415

        return GkeCluster(component, GkeClusterArgs(wanted))
    if isinstance(wanted, settings.Ack):
        from components.cluster.ack import AckCluster, AckClusterArgs  # noqa: PLC0415

        return AckCluster(component, AckClusterArgs(wanted))
    if isinstance(wanted, settings.Stack):
        from components.cluster.stack import StackCluster, StackClusterArgs  # noqa: PLC0415

        return StackCluster(component, StackClusterArgs(wanted.stack, wanted.cluster))
    merged = kubeconfig.merged(wanted.kubeconfig)
    return ExistingCluster(
        component,
        ExistingClusterArgs(
            kubeconfig=pulumi.Output.secret(merged) if merged else wanted.kubeconfig,
            context=wanted.context,
            mesh_kubeconfig=wanted.mesh_kubeconfig,
            mesh_context=wanted.mesh_context,
        ),
    )


def exported(clusters: dict[str | None, Cluster]) -> dict[str, object]:
    """What other stacks may read of the clusters: the stack's outputs `cluster` and `clusters`.

    Args:
        clusters: by their key; None is the default one.

    Returns:
        nothing for a stack whose clusters exist already, so that its state stays as it is.
    """
    named = {name: dict(cluster.outputs) for name, cluster in clusters.items() if name and cluster.outputs}
    default = clusters.get(None)
    return {
        **({"cluster": dict(default.outputs)} if default and default.outputs else {}),
        **({"clusters": named} if named else {}),
    }
