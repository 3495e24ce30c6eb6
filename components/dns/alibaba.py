"""Alibaba Cloud: a load balancer with a public address that stays, and records in its DNS."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_alicloud import dns, slb

from components.dns import Reserved, record_name, record_type
from weighbridge.mesh.asm import load_balancer
from weighbridge.settings.gateway_edge import Address, Dns


def reserved(name: str, address: Address, current: pulumi.Input[str] | None, opts: pulumi.ResourceOptions) -> Reserved:
    """Make a classic load balancer (CLB); its public address lives as long as it does.

    Args:
        name: of the resource.
        address: its settings, with `alibaba`.
        current: not used, as an adopted gateway keeps its own load balancer.
        opts: Pulumi's options.
    """
    del current
    if address.alibaba is None:
        raise ValueError("only Alibaba Cloud's load balancers are made here")
    made = slb.ApplicationLoadBalancer(
        name,
        load_balancer_name=address.alibaba.name,
        address_type="internet",
        # Without a size the instance is charged by use, which takes no size.
        instance_charge_type=None if address.alibaba.spec else "PayByCLCU",
        load_balancer_spec=address.alibaba.spec,
        delete_protection="on" if address.protect else "off",
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=address.protect)),
    )
    return Reserved(made.address, load_balancer(made.id))


def records(
    name: str, settings: Dns, hosts: Sequence[str], ip: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> None:
    """Point hosts at an address.

    Args:
        name: of the component.
        settings: of the DNS, with `alibaba`.
        hosts: names and wildcards, all in the domain.
        ip: the address, which need not be known yet.
        opts: Pulumi's options.
    """
    if settings.alibaba is None:
        raise ValueError("only Alibaba Cloud's records are made here")
    domain = settings.alibaba.domain
    kind = pulumi.Output.from_input(ip).apply(record_type)
    for host in hosts:
        dns.AlidnsRecord(
            record_name(name, host),
            domain_name=domain,
            # A record bears its name within the domain; the domain's own is "@".
            rr="@" if host == domain else host.removesuffix(f".{domain}"),
            type=kind,
            value=ip,
            ttl=int(settings.ttl),
            opts=opts,
        )
