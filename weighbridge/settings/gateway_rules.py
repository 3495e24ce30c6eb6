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
    its = clusters[gateway.cluster] if gateway.cluster else cluster
    _asm_has_its_server(gateway, its)
    _address_is_near(gateway, its)
    for release in releases.values():
        _is_served(gateway, release)


def at_home(gateway: Gateway, cluster: Cluster) -> Gateway:
    """Fill in what the cluster says where the gateway says nothing: the project, of one that the stack makes on GKE.

    Args:
        gateway: its settings.
        cluster: that it is in.
    """
    if not isinstance(cluster, Gke):
        return gateway
    found = gateway
    address = found.address
    if address and address.google and address.google.project is None:
        google = address.google.model_copy(update={"project": cluster.project})
        found = found.model_copy(update={"address": address.model_copy(update={"google": google})})
    tls, certificate = found.tls, found.tls.certificate if found.tls else None
    if tls and certificate and certificate.dns01.google and certificate.dns01.google.cluster_project is None:
        pool = certificate.dns01.google.model_copy(update={"cluster_project": cluster.project})
        dns01 = certificate.dns01.model_copy(update={"google": pool})
        ordered = certificate.model_copy(update={"dns01": dns01})
        found = found.model_copy(update={"tls": tls.model_copy(update={"certificate": ordered})})
    return found


def _address_is_near(gateway: Gateway, cluster: Cluster) -> None:
    """A load balancer takes no address of another region or cloud, and waits for one for ever."""
    address = gateway.address
    if address is None:
        return
    if isinstance(cluster, Gke) and address.google and address.google.region != cluster.region:
        rule = f"must be {cluster.region}, the cluster's"
        raise fault(f"'region' {rule}", got=repr(address.google.region), key="gateway.address.google")
    other = {Gke: ("alibaba", "Alibaba Cloud"), Ack: ("google", "Google Cloud")}.get(type(cluster))
    if other and getattr(address, other[0]):
        raise fault(f"{other[0]!r} needs a cluster of {other[1]}", got=f"kind {cluster.kind!r}", key="gateway.address")


def _asm_has_its_server(gateway: Gateway, cluster: Cluster) -> None:
    if gateway.asm is None:
        return
    if isinstance(cluster, Gke):
        raise fault("'asm' needs a cluster of Alibaba Cloud", got="kind 'gke'", key="gateway")
    if isinstance(cluster, Existing) and gateway.asm.clusters is None:
        raise fault("'clusters' is required, as nobody here made the cluster", got="nothing", key="gateway.asm")
    if isinstance(cluster, Existing) and not (cluster.mesh_kubeconfig or cluster.mesh_context):
        where = f"clusters.{gateway.cluster}" if gateway.cluster else "cluster"
        rule = "'asm' needs 'mesh_kubeconfig' in its cluster, as the mesh has an API server of its own"
        raise fault(rule, got=f"{where} without it", key="gateway")
    if isinstance(cluster, Ack) and cluster.mesh is None:
        raise fault("'asm' needs 'mesh' in its cluster", got="kind 'ack' without it", key="gateway")


def _is_served(gateway: Gateway, release: Release) -> None:
    """A host that the Gateway does not serve would be answered with a 404, and Istio says nothing of it."""
    if f"{gateway.namespace}/{gateway.name}" not in release.gateways or release.cluster != gateway.cluster:
        return
    for host in release.hosts:
        if not gateway.serves(host):
            rule = f"'hosts' must be served by the Gateway, which has {', '.join(gateway.hosts)}"
            raise fault(rule, got=repr(host), key=f"releases.{release.name}")
