"""The way in to a Prometheus: who asks, by which headers, and what TLS needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import model_validator

from weighbridge.settings.references import ONE_KEY, Given, Reference, exactly_one, key_pair_or
from weighbridge.settings.rules import Text, Url, fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Mapped

TENANT_HEADER = "X-Scope-OrgID"
"""What Mimir and Cortex call it."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}"
"""The characters of a header's name: RFC 9110's "token"."""
HEADER_NAME = Text(_TOKEN, "must be the name of a header")
_HOST_NAME = Text(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", "must be the name of a host")
_FILE = Text(r"[^\x00-\x1f\x7f]+", "must be the path of a file", 1000)
TENANT = Text(r"[!-~](?:[ -~]*[!-~])?", "must be one line of ASCII, at most 150 characters", 150)

_HTTP_OWN = re.compile(
    r"connection|content-(?:encoding|length|type)|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade",
    re.IGNORECASE,
)
_CREDENTIAL = re.compile(r"auth|cookie|credential|jwt|key|passw|secret|session|signature|token", re.IGNORECASE)
_SCHEME = re.compile(r"(?:basic|bearer|digest|negotiate) ", re.IGNORECASE)


class Headers(Mapped):
    """Headers by name; a name that is none is not shown, as it may be a whole line of a header."""

    def open(self, value: Any) -> dict[str, Any]:
        """Check the names."""
        if isinstance(value, Mapping) and not all(re.fullmatch(_TOKEN, str(name)) for name in value):
            raise fault(f"each name {HEADER_NAME.says}", got="a value not shown")
        return super().open(value)


class ProxyUrl(Url):
    """The address of a proxy."""

    says = "must be the http or https address of a proxy, such as http://proxy.example.com:3128"


class Basic(Section):
    """A name and a password, as RFC 7617 has them."""

    username: Given
    """Who asks: a text, or a reference."""
    password: Reference
    """A reference."""

    @model_validator(mode="after")
    def _name_has_no_colon(self) -> Basic:
        if ":" in (self.username.text or ""):
            raise fault("must not hold ':', which ends the name in a header", got="a value not shown", key="username")
        return self


class Bearer(Section):
    """A token, as RFC 6750 has it."""

    token: Reference
    """A reference."""


class Google(Section):
    """Google's own credentials. Needs the package google-auth, which also renews the tokens."""

    credentials: Reference | None = None
    """A reference to the JSON of a service account's key or of a user; without it Google's default credentials."""


class Alibaba(Section):
    """Alibaba Cloud's Managed Service for Prometheus: a key pair for an instance of V2, a token for one of V1."""

    access_key_id: Given | None = None
    """Of a RAM user with AliyunPrometheusMetricReadAccess: a text, or a reference."""
    access_key_secret: Reference | None = None
    """A reference."""
    token: Reference | None = None
    """A reference to the token that the console generated."""

    @model_validator(mode="after")
    def _is_whole(self) -> Alibaba:
        key_pair_or(self, "token")
        return self


class Auth(Section):
    """Who asks: exactly one of these."""

    model_config = ONE_KEY

    basic: Basic | None = None
    """By name and password."""
    bearer: Bearer | None = None
    """By a token."""
    google: Google | None = None
    """By Google's credentials, as Managed Service for Prometheus wants them."""
    alibaba: Alibaba | None = None
    """By Alibaba Cloud's credentials, as Managed Service for Prometheus (ARMS) wants them."""

    @model_validator(mode="after")
    def _has_one_kind(self) -> Auth:
        exactly_one(self, tuple(type(self).model_fields))
        return self


class Tls(Section):
    """What an https address needs beside the certificates that every machine trusts; all are paths of PEM files.

    There is no setting to trust every certificate: `ca` names the one that is to be trusted.
    """

    ca: Annotated[str, _FILE] | None = None
    """Certificates that the server's must descend from, in place of those that the machine trusts."""
    client_certificate: Annotated[str, _FILE] | None = None
    """What the client shows of itself, with the chain behind it."""
    client_key: Annotated[str, _FILE] | None = None
    """The private key of `client_certificate`, without a passphrase."""
    server_name: Annotated[str, _HOST_NAME] | None = None
    """The name in the server's certificate, where the address has another one."""

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Tls:
        if (self.client_certificate is None) != (self.client_key is None):
            missing = "client_key" if self.client_key is None else "client_certificate"
            raise fault("client_certificate and client_key must come together", got="nothing", key=missing)
        return self


def may_carry_a_tenant(header: str) -> bool:
    """Whether a header is neither HTTP's own nor one for credentials."""
    return not (_CREDENTIAL.search(header) or _HTTP_OWN.fullmatch(header))


def header_rule(name: str, value: Given) -> str | None:
    """What is wrong with a header by itself; None where nothing is."""
    if _HTTP_OWN.fullmatch(name):
        return "must not be set, HTTP does it itself"
    if value.text is not None and (_CREDENTIAL.search(name) or _SCHEME.match(value.text)):
        return "must be a reference, {env: NAME}, {file: PATH} or {config: NAME}, as it is a credential"
    return None
