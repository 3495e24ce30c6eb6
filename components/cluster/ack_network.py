"""The VPC of an ACK cluster: its own, with a vSwitch in each zone, or one that exists already."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from weighbridge.settings.cluster import Ack


@dataclass(frozen=True)
class Placed:
    """Where a cluster is put.

    Attributes:
        vpc: its ID.
        vswitches: IDs, one for each zone.
    """

    vpc: pulumi.Input[str]
    vswitches: list[pulumi.Input[str]]


def placed(name: str, want: Ack, opts: pulumi.ResourceOptions) -> Placed:
    """Find, or declare, the VPC that a cluster is in.

    Args:
        name: of the component.
        want: the section `cluster`.
        opts: parent and provider.
    """
    given = want.network
    if given.vpc and given.vswitches:
        return Placed(given.vpc, list(given.vswitches))
    vpc = alicloud.vpc.Network(f"{name}-vpc", vpc_name=want.name, cidr_block=given.nodes, opts=opts)
    # Named by its zone and placed by its zone, so that a zone more or less leaves the others as they are.
    switches = [
        alicloud.vpc.Switch(
            f"{name}-vswitch-{zone}",
            vswitch_name=f"{want.name}-{zone}",
            vpc_id=vpc.id,
            zone_id=zone,
            cidr_block=given.vswitch_range(zone),
            opts=opts,
        )
        for zone in want.zones
    ]
    return Placed(vpc.id, [switch.id for switch in switches])
