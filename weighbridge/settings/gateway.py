"""How requests come in: the section `gateway`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import model_validator

from weighbridge.settings.cluster import CLUSTER_NAME
from weighbridge.settings.frozen import Frozen
from weighbridge.settings.gateway_edge import Address, Dns
from weighbridge.settings.gateway_parts import OBJECT, Adopt, Asm, Install, Mtls, Namespace
from weighbridge.settings.gateway_tls import GatewayTls
from weighbridge.settings.names import DNS_NAME, DOMAIN_NAME, NAMESPACE
from weighbridge.settings.references import exactly_one
from weighbridge.settings.rules import Flag, Text, Whole, fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Listed, Mapped

ASM_NAMESPACE = "istio-system"
"""The only one in which ASM's gateways start."""

_HOST = Text(
    rf"\*|\*\.{DNS_NAME}|{DOMAIN_NAME}",
    "must be a host such as example.com or *.example.com, or '*'",
)
_KINDS = ("install", "adopt", "asm")


class Ports(Section):
    """Ports of the gateway's Service."""

    http: Annotated[int, Whole(1, 65_535)] = 80
    """Of plain HTTP."""
    https: Annotated[int, Whole(1, 65_535)] = 443
    """Of HTTPS."""

    @model_validator(mode="after")
    def _differ(self) -> Ports:
        if self.http == self.https:
            raise fault("must not be the one of 'http'", got=str(self.https), key="https")
        return self


class Gateway(Section):
    """The mesh's way in. Releases name it in `gateways`, as `NAMESPACE/NAME`."""

    cluster: Annotated[str, CLUSTER_NAME] | None = None
    """Name of an entry in `clusters`; without it the stack's `cluster`."""
    install: Install | None = None
    """Install Istio. Exactly one of `install`, `adopt` and `asm`."""
    adopt: Adopt | None = None
    """Use an Istio that is there."""
    asm: Asm | None = None
    """Let Alibaba Cloud Service Mesh make the gateway."""
    name: Annotated[str, OBJECT] = "public"
    """Of the Gateway."""
    hosts: Annotated[tuple[Annotated[str, _HOST], ...], Listed(least=1, unique=True)]
    """What is served: names, wildcards such as `*.example.com`, or `*` for every name."""
    ports: Ports = Ports()
    """Ports of the gateway's Service."""
    tls: GatewayTls | None = None
    """The certificate. Without it the gateway speaks plain HTTP, which `insecure` has to say."""
    redirect: Annotated[bool, Flag()] = True
    """Whether plain HTTP is answered with a redirect (301) to HTTPS; otherwise both serve."""
    insecure: Annotated[bool, Flag()] = False
    """Serve plain HTTP without TLS, and mean it."""
    mtls: Mtls | None = None
    """Whether sidecars take plain text."""
    namespaces: Annotated[Mapping[str, Namespace], Mapped(NAMESPACE)] = Frozen()
    """Namespaces of workloads, by name: who gets sidecars."""
    address: Address | None = None
    """A static address."""
    dns: Dns | None = None
    """Records for the hosts."""

    @property
    def namespace(self) -> str:
        """Of the gateway's pods, of the Gateway and of its certificate."""
        return self.install.namespace if self.install else self.adopt.namespace if self.adopt else ASM_NAMESPACE

    @property
    def root_namespace(self) -> str:
        """Of the control plane: an object there holds for the whole mesh."""
        return self.adopt.root_namespace if self.adopt else self.namespace

    @property
    def selector(self) -> Mapping[str, str]:
        """Labels of the gateway's pods."""
        if self.asm:
            return {"istio": self.asm.gateway}
        return self.install.selector if self.install else self.adopt.selector if self.adopt else {}

    @property
    def service(self) -> str:
        """Name of the gateway's Service."""
        if self.asm:
            return f"istio-{self.asm.gateway}"
        return self.install.gateway if self.install else self.adopt.service if self.adopt else ""

    @model_validator(mode="after")
    def _has_one_mesh(self) -> Gateway:
        exactly_one(self, _KINDS)
        return self

    @model_validator(mode="after")
    def _plain_http_is_meant(self) -> Gateway:
        if self.tls is None and not self.insecure:
            raise fault("'tls' is required; 'insecure: true' serves plain HTTP instead", got="nothing")
        if self.tls is not None and self.insecure:
            raise fault("'insecure' must not stand beside 'tls'", got="true")
        if self.tls is None and self.redirect and "redirect" in self.model_fields_set:
            raise fault("'redirect' needs 'tls' beside it", got="true")
        return self

    @model_validator(mode="after")
    def _hosts_can_be_named(self) -> Gateway:
        wants = "tls.certificate" if self.tls and self.tls.certificate else "dns" if self.dns else None
        if wants and "*" in self.hosts:
            raise fault(f"'hosts' must be names, as {wants!r} needs them", got="*")
        domain = self.dns.alibaba.domain if self.dns and self.dns.alibaba else None
        for host in self.hosts:
            if domain and host != domain and not host.endswith(f".{domain}"):
                raise fault(f"'hosts' must be in {domain!r}, the domain of 'dns.alibaba'", got=repr(host))
        return self

    @model_validator(mode="after")
    def _address_fits_the_mesh(self) -> Gateway:
        kind = next(name for name in _KINDS if getattr(self, name))
        fits = {"install": ("google", "alibaba", "ip"), "adopt": ("google", "ip"), "asm": ("alibaba",)}[kind]
        given = next((n for n in ("google", "alibaba", "ip") if self.address and getattr(self.address, n)), None)
        if given and given not in fits:
            raise fault(f"must be {' or '.join(fits)} beside {kind!r}", got=given, key="address")
        if self.asm and self.dns and not self.address:
            # ASM makes the Service some time after its object: nothing could be waited for.
            raise fault("'dns' needs 'address' beside 'asm'", got="nothing")
        return self

    @model_validator(mode="after")
    def _namespaces_are_workloads(self) -> Gateway:
        if self.root_namespace in self.namespaces:
            raise fault("must not hold the mesh's own namespace", got=repr(self.root_namespace), key="namespaces")
        if self.mtls and self.root_namespace in self.mtls.namespaces:
            rule = "must not hold the mesh's own namespace, whose mode is 'mode'"
            raise fault(rule, got=repr(self.root_namespace), key="mtls.namespaces")
        return self

    def serves(self, host: str) -> bool:
        """Whether a request for a host, or for every name that a wildcard stands for, is let in."""
        return any(own in {"*", host} or (own.startswith("*.") and host.endswith(own[1:])) for own in self.hosts)
