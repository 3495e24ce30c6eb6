"""Clusters of every kind, in one shape: a provider for workloads, and one for the mesh's objects."""

from __future__ import annotations

from typing import Protocol

import pulumi


class Cluster(Protocol):
    """What the rest of the program needs of a cluster.

    Attributes:
        provider: of the cluster's API server.
        mesh_provider: of the API server that holds the mesh's objects; the same one on most clusters.
    """

    provider: pulumi.ProviderResource
    mesh_provider: pulumi.ProviderResource
