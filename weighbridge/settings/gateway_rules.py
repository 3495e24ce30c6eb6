"""The rules between the section `gateway` and the rest of a stack."""

from __future__ import annotations

from collections.abc import Mapping

from weighbridge.settings.cluster import Ack, Cluster, Existing, Gke
from weighbridge.settings.gateway import Gateway
from weighbridge.settings.release import Release
from weighbridge.settings.rules import fault


def gateway_fits(
    gateway: Gateway, cluster: Cluster, clusters: Mapping[str, Cluster], releases: Mapping[str, Release]
) -> None:
    """Insist that the gateway has its cluster, and serves what releases ask it for.

    Raises:
        PydanticCustomError: it does not; with the key of the section that is wrong.
    """
    if gateway.cluster is not None and gateway.cluster not in clusters:
        rule = (
            f"'cluster' must be one of {', '.join(clusters)}" if clusters else "'cluster' needs an entry in 'clusters'"
        )
        raise fault(rule, got=repr(gateway.cluster), key="gateway")
    _asm_has_its_server(gateway, clusters[gateway.cluster] if gateway.cluster else cluster)
    for release in releases.values():
        _is_served(gateway, release)


def _asm_has_its_server(gateway: Gateway, cluster: Cluster) -> None:
    if gateway.asm is None:
        return
    if isinstance(cluster, Gke):
        raise fault("'asm' needs a cluster of Alibaba Cloud", got="kind 'gke'", key="gateway")
    if isinstance(cluster, Existing) and not (cluster.mesh_kubeconfig or cluster.mesh_context):
        where = f"clusters.{gateway.cluster}" if gateway.cluster else "cluster"
        rule = "'asm' needs 'mesh_kubeconfig' in its cluster, as the mesh has an API server of its own"
        raise fault(rule, got=f"{where} without it", key="gateway")
    if isinstance(cluster, Ack) and cluster.mesh is None:
        raise fault("'asm' needs 'mesh' in its cluster", got="kind 'ack' without it", key="gateway")
    if gateway.asm.clusters is None and not isinstance(cluster, Ack):
        raise fault("'clusters' is required where this stack makes no cluster", got="nothing", key="gateway.asm")


def _is_served(gateway: Gateway, release: Release) -> None:
    """A host that the Gateway does not serve would be answered with a 404, and Istio says nothing of it."""
    if f"{gateway.namespace}/{gateway.name}" not in release.gateways or release.cluster != gateway.cluster:
        return
    for host in release.hosts:
        if not gateway.serves(host):
            rule = f"'hosts' must be served by the Gateway, which has {', '.join(gateway.hosts)}"
            raise fault(rule, got=repr(host), key=f"releases.{release.name}")
