"""How the gateway is found from outside: the sections `address` and `dns` of `gateway`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import model_validator

from weighbridge.settings.gateway_tls import PROJECT, REGION
from weighbridge.settings.names import DOMAIN_NAME
from weighbridge.settings.references import exactly_one
from weighbridge.settings.rules import Flag, Rule, Span, Text, fault
from weighbridge.settings.section import Section

_NAME = Text(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", "must be a DNS label that begins with a letter, at most 63", 63)
_ZONE = Text(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", "must be the name of a managed zone, and not its domain", 63)
_SPEC = Text(r"slb\.[a-z0-9]+\.[a-z]+", "must be a specification such as slb.s1.small")
DOMAIN = Text(DOMAIN_NAME, "must be a domain such as example.com")


@dataclass(frozen=True)
class Ip(Rule):
    """An IP address, of either version."""

    def read(self, value: Any) -> str:
        """Return it as it is usually written."""
        try:
            return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
        except ValueError:
            raise fault("must be an IP address") from None

    def describe(self) -> dict[str, Any]:
        """Describe the text."""
        return {"type": "string", "pattern": "^[0-9a-fA-F:.]+$"}


class GoogleAddress(Section):
    """A regional external address, as the load balancer of a GKE Service needs it; a global one fits none."""

    region: Annotated[str, REGION]
    """Of the cluster."""
    project: Annotated[str, PROJECT] | None = None
    """Of the address; without it that of a GKE cluster that the stack makes, else Google's default project."""
    name: Annotated[str, _NAME] = "istio-gateway"
    """In Google Cloud."""


class AlibabaAddress(Section):
    """A classic load balancer (CLB) of its own, whose public address stays while it does.

    It is in the region, and of the profile, of the cluster that the stack makes; else in that of `alicloud:region`.
    """

    name: Annotated[str, _NAME] = "istio-gateway"
    """In Alibaba Cloud."""
    spec: Annotated[str, _SPEC] | None = None
    """Its size; without it Alibaba charges by use."""


class Address(Section):
    """A static address: exactly one of `google`, `alibaba` and `ip`."""

    google: GoogleAddress | None = None
    """Reserved on Google Cloud. With `adopt` it is the one that the gateway has already."""
    alibaba: AlibabaAddress | None = None
    """That of a load balancer on Alibaba Cloud."""
    ip: Annotated[str, Ip()] | None = None
    """One that somebody else has reserved."""
    protect: Annotated[bool, Flag()] = True
    """Whether Pulumi refuses to delete it: DNS and other people's firewalls point at it."""

    @model_validator(mode="after")
    def _has_one_kind(self) -> Address:
        exactly_one(self, ("google", "alibaba", "ip"))
        if self.ip is not None and "protect" in self.model_fields_set:
            raise fault(
                "must not stand beside 'ip', which is not made here", got=str(self.protect).lower(), key="protect"
            )
        return self


class GoogleDns(Section):
    """Google Cloud DNS."""

    zone: Annotated[str, _ZONE]
    """Name of the managed zone, which must exist."""
    project: Annotated[str, PROJECT] | None = None
    """Of the zone; without it Google's default project."""


class AlibabaDns(Section):
    """Alibaba Cloud DNS."""

    domain: Annotated[str, DOMAIN]
    """The domain, which must exist there. Each host is in it."""


class Dns(Section):
    """A record for each host, the apex and wildcards among them: exactly one of `google` and `alibaba`."""

    google: GoogleDns | None = None
    """Google Cloud DNS."""
    alibaba: AlibabaDns | None = None
    """Alibaba Cloud DNS."""
    ttl: Annotated[float, Span(low=60, high=86_400, whole=True)] = 600.0
    """How long others may remember a record. The free edition of Alibaba Cloud DNS takes no less than ten minutes."""

    @model_validator(mode="after")
    def _has_one_kind(self) -> Dns:
        exactly_one(self, ("google", "alibaba"))
        return self
