"""The network of a GKE cluster: its own, with ranges for pods and Services, and a way out for private nodes."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from weighbridge.settings.cluster import Gke


@dataclass(frozen=True)
class Placed:
    """Where a cluster is put.

    Attributes:
        network: self-link of the VPC network.
        subnetwork: self-link of its subnetwork.
        pods_range: name of the subnetwork's range for pods.
        services_range: name of the one for Services.
        all: what has to be there before the first pod.
    """

    network: pulumi.Input[str]
    subnetwork: pulumi.Input[str]
    pods_range: str
    services_range: str
    all: tuple[pulumi.Resource, ...] = ()


def own_network(name: str, want: Gke, opts: pulumi.ResourceOptions) -> Placed:
    """Declare a network that only this cluster is in.

    Args:
        name: of the component.
        want: the section `cluster`.
        opts: parent, and what the first resource waits for.
    """
    network = gcp.compute.Network(
        f"{name}-network",
        name=want.name,
        project=want.project,
        # A subnetwork in every region of the world would take the ranges that others want.
        auto_create_subnetworks=False,
        opts=opts,
    )
    mine = pulumi.ResourceOptions(parent=opts.parent)
    pods, services = f"{want.name}-pods", f"{want.name}-services"
    subnetwork = gcp.compute.Subnetwork(
        f"{name}-subnetwork",
        name=want.name,
        project=want.project,
        region=want.region,
        network=network.self_link,
        ip_cidr_range=want.network.nodes,
        secondary_ip_ranges=[
            {"range_name": pods, "ip_cidr_range": want.network.pods},
            {"range_name": services, "ip_cidr_range": want.network.services},
        ],
        # Nodes reach Google's APIs, registries among them, without a public address.
        private_ip_google_access=True,
        opts=mine,
    )
    way_out = (_nat(name, want, network, mine),) if want.private_nodes else ()
    return Placed(network.self_link, subnetwork.self_link, pods, services, way_out)


def _nat(name: str, want: Gke, network: gcp.compute.Network, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """The way out for nodes without a public address."""
    router = gcp.compute.Router(
        f"{name}-router",
        name=want.name,
        project=want.project,
        region=want.region,
        network=network.self_link,
        opts=opts,
    )
    return gcp.compute.RouterNat(
        f"{name}-nat",
        name=want.name,
        project=want.project,
        region=want.region,
        router=router.name,
        nat_ip_allocate_option="AUTO_ONLY",
        source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
        opts=opts,
    )
