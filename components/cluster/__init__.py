"""Clusters of every kind, in one shape: a provider for workloads, one for the mesh's objects, and what is known of it.

existing    a cluster that somebody else made
gke         one on Google Cloud, which the stack makes
ack         one on Alibaba Cloud with a mesh of ASM, which the stack makes
stack       one that another stack made
choice      the one that the settings name; only its cloud's package is imported
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pulumi

OUTPUTS = (
    "cloud",
    "name",
    "location",
    "project",
    "workload_pool",
    "cluster_id",
    "vpc_id",
    "endpoint",
    "kubeconfig",
    "mesh_kubeconfig",
)
"""What a cluster of a cloud says of itself, see `Cluster.outputs`. Other stacks read them: a contract."""


class Cluster(Protocol):
    """What the rest of the program needs of a cluster.

    Attributes:
        provider: of the cluster's API server.
        mesh_provider: of the API server that holds the mesh's objects; the same one on most clusters.
        cloud_provider: of the cloud, for what else the stack makes in the same account and region; None where there is
            none, and the stack's own configuration of the cloud counts.
        outputs: what there is to know of it, for DNS records, Managed Prometheus and other stacks; {} where somebody
            else made it. By the names of `OUTPUTS`, each left out where the cloud has no such thing: `cloud` (google
            or alibaba), `name`, `location` (zone or region), `project` and `workload_pool` of Google, `cluster_id` and
            `vpc_id` of Alibaba, `endpoint` (address of the API server), `kubeconfig` and `mesh_kubeconfig` (secret;
            text, without a credential where the cloud has a plugin for one).
    """

    provider: pulumi.ProviderResource
    mesh_provider: pulumi.ProviderResource
    cloud_provider: pulumi.ProviderResource | None
    outputs: Mapping[str, pulumi.Input[Any]]
