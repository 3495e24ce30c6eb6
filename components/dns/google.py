"""Google Cloud: a regional address, records in Cloud DNS, and the identity by which cert-manager proves a domain."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_gcp import compute, dns, projects, serviceaccount

from components.dns import Reserved, record_name, record_type
from weighbridge.mesh.values import SERVICE_ACCOUNT
from weighbridge.settings.gateway_edge import Address, Dns
from weighbridge.settings.gateway_tls import CertManager, GoogleDns01


def reserved(name: str, address: Address, current: pulumi.Input[str] | None, opts: pulumi.ResourceOptions) -> Reserved:
    """Reserve a regional external address.

    Args:
        name: of the resource.
        address: its settings, with `google`.
        current: the one that an adopted gateway has: it is kept, as `gcloud compute addresses create --addresses` does.
        opts: Pulumi's options.
    """
    if address.google is None:
        raise ValueError("only Google Cloud's addresses are made here")
    made = compute.Address(
        name,
        name=address.google.name,
        region=address.google.region,
        project=address.google.project,
        address=current,
        address_type="EXTERNAL",
        description="the mesh's way in",
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=address.protect)),
    )
    return Reserved(made.address, bind=current is None)


def records(
    name: str, settings: Dns, hosts: Sequence[str], ip: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> None:
    """Point hosts at an address.

    Args:
        name: of the component.
        settings: of the DNS, with `google`.
        hosts: names and wildcards.
        ip: the address, which need not be known yet.
        opts: Pulumi's options.
    """
    if settings.google is None:
        raise ValueError("only Cloud DNS' records are made here")
    kind = pulumi.Output.from_input(ip).apply(record_type)
    for host in hosts:
        dns.RecordSet(
            record_name(name, host),
            managed_zone=settings.google.zone,
            project=settings.google.project,
            name=f"{host}.",
            type=kind,
            ttl=int(settings.ttl),
            rrdatas=[ip],
            opts=opts,
        )


def dns01_account(
    name: str, dns01: GoogleDns01, cert_manager: CertManager, account: str, opts: pulumi.ResourceOptions
) -> pulumi.Input[str]:
    """Give cert-manager an identity of Google's that may change the zone; no key of it exists.

    Args:
        name: of the component.
        dns01: its settings.
        cert_manager: whose it is.
        account: id of the service account that is made where the settings name none.
        opts: Pulumi's options.

    Returns:
        The address of the service account.
    """
    if dns01.service_account:
        return dns01.service_account
    made = serviceaccount.Account(
        f"{name}-dns01",
        account_id=account,
        project=dns01.project,
        display_name="proves domains to Let's Encrypt",
        opts=opts,
    )
    # cert-manager lists the project's zones to find the one of a host, which no narrower role of one zone allows.
    projects.IAMMember(
        f"{name}-dns01-zones",
        project=dns01.project,
        role="roles/dns.admin",
        member=pulumi.Output.concat("serviceAccount:", made.email),
        opts=opts,
    )
    pool = f"{dns01.cluster_project or dns01.project}.svc.id.goog"
    serviceaccount.IAMMember(
        f"{name}-dns01-identity",
        service_account_id=made.name,
        role="roles/iam.workloadIdentityUser",
        member=f"serviceAccount:{pool}[{cert_manager.namespace}/{SERVICE_ACCOUNT}]",
        opts=opts,
    )
    return made.email
