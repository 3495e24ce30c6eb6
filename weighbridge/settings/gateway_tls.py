"""Where the gateway's certificate comes from: the section `tls` of `gateway`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from weighbridge.settings.gateway_parts import OBJECT
from weighbridge.settings.names import NAMESPACE
from weighbridge.settings.references import ONE_KEY, Given, Reference, exactly_one, key_pair_or
from weighbridge.settings.rules import Choice, Flag, Text
from weighbridge.settings.section import Section

_EMAIL = Text(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "must be an address of e-mail")
PROJECT = Text(r"[a-z](?:[a-z0-9-]{4,28}[a-z0-9])", "must be the id of a Google Cloud project", 30)
_ACCOUNT = Text(
    r"[a-z](?:[a-z0-9-]{4,28}[a-z0-9])@[a-z][a-z0-9-]{4,28}[a-z0-9]\.iam\.gserviceaccount\.com",
    "must be the address of a Google service account",
)
REGION = Text(r"[a-z]+-[a-z0-9-]*[a-z0-9]", "must be the id of a region")
_GROUP = Text(
    r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+", "must be the name of an API group"
)


class GoogleDns01(Section):
    """By Cloud DNS, with Workload Identity: no key of a service account is made or kept."""

    project: Annotated[str, PROJECT]
    """Of the zone."""
    cluster_project: Annotated[str, PROJECT] | None = None
    """Of the GKE cluster, whose workload identity pool it is; without it that of the one that the stack makes, else the
    zone's."""
    service_account: Annotated[str, _ACCOUNT] | None = None
    """Of Google, with the right to change the zone and to be used by cert-manager; without it one is made."""


class AlibabaDns01(Section):
    """By Alibaba Cloud DNS, through a webhook of cert-manager's, which needs a key pair of a RAM user."""

    region: Annotated[str, REGION] = "cn-hangzhou"
    """Of the API that is called."""
    secret: Annotated[str, OBJECT] | None = None
    """A Secret in cert-manager's namespace with the keys `access-token` (the key's id) and `secret-key`."""
    access_key_id: Given | None = None
    """Of a RAM user who may change the domain's records: a text, or a reference. The Secret is then made here."""
    access_key_secret: Reference | None = None
    """A reference."""
    group: Annotated[str, _GROUP] = "acme.weighbridge.dev"
    """API group under which the webhook is registered; no other webhook of the cluster may have it."""

    @model_validator(mode="after")
    def _is_whole(self) -> AlibabaDns01:
        key_pair_or(self, "secret")
        return self


class Dns01(Section):
    """Who keeps the domain's DNS: exactly one of these. Only DNS-01 proves a wildcard."""

    model_config = ONE_KEY

    google: GoogleDns01 | None = None
    """Google Cloud DNS."""
    alibaba: AlibabaDns01 | None = None
    """Alibaba Cloud DNS."""

    @model_validator(mode="after")
    def _has_one_kind(self) -> Dns01:
        exactly_one(self, ("google", "alibaba"))
        return self


class CertManager(Section):
    """Whose cert-manager it is."""

    install: Annotated[bool, Flag()] = True
    """Whether it is installed here, with its CRDs, in the pinned version. Otherwise it must be there."""
    namespace: Annotated[str, NAMESPACE] = "cert-manager"
    """Of cert-manager."""


class Certificate(Section):
    """A certificate for the gateway's hosts, which cert-manager orders from Let's Encrypt and renews."""

    email: Annotated[str, _EMAIL]
    """To whom Let's Encrypt writes."""
    acme: Annotated[Literal["staging", "production"], Choice(("staging", "production"))]
    """Which Let's Encrypt: nobody trusts staging's certificates, and production allows few orders a week."""
    dns01: Dns01
    """How it is proven that the hosts are yours."""
    cert_manager: CertManager = CertManager()
    """Whose cert-manager it is."""


class GatewayTls(Section):
    """Where the certificate comes from: exactly one of `secret` and `certificate`."""

    secret: Annotated[str, OBJECT] | None = None
    """A Secret of the type kubernetes.io/tls in the gateway's namespace, which somebody else looks after."""
    certificate: Certificate | None = None
    """From Let's Encrypt, by cert-manager."""
    min_version: Annotated[Literal["1.2", "1.3"], Choice(("1.2", "1.3"))] = "1.2"
    """Oldest version of TLS that is spoken, in quotes."""

    @model_validator(mode="after")
    def _has_one_source(self) -> GatewayTls:
        exactly_one(self, ("secret", "certificate"))
        return self
