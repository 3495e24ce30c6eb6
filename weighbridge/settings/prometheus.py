"""The server that the gate asks, and the way in: the section `prometheus`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import model_validator

from weighbridge.durations import format_seconds
from weighbridge.settings.frozen import Frozen
from weighbridge.settings.references import ONE_KEY, Given, Reference, exactly_one
from weighbridge.settings.rules import Flag, Span, Text, Url, Whole, fault, is_loopback
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Mapped
from weighbridge.settings.telemetry import ASKS_NO_URL, MAKES, Adapter, Alerts, Arms, Gmp, Install, Mesh

TENANT_HEADER = "X-Scope-OrgID"
"""What Mimir and Cortex call it."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}"
"""The characters of a header's name: RFC 9110's "token"."""
_HEADER_NAME = Text(_TOKEN, "must be the name of a header")
_HOST_NAME = Text(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", "must be the name of a host")
_FILE = Text(r"[^\x00-\x1f\x7f]+", "must be the path of a file", 1000)
_TENANT = Text(r"[!-~](?:[ -~]*[!-~])?", "must be one line of ASCII, at most 150 characters", 150)

_HTTP_OWN = re.compile(
    r"connection|content-(?:encoding|length|type)|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade",
    re.IGNORECASE,
)
_CREDENTIAL = re.compile(r"auth|cookie|credential|jwt|key|passw|secret|session|signature|token", re.IGNORECASE)
_SCHEME = re.compile(r"(?:basic|bearer|digest|negotiate) ", re.IGNORECASE)


class _Headers(Mapped):
    """Headers by name; a name that is none is not shown, as it may be a whole line of a header."""

    def open(self, value: Any) -> dict[str, Any]:
        """Check the names."""
        if isinstance(value, Mapping) and not all(re.fullmatch(_TOKEN, str(name)) for name in value):
            raise fault(f"each name {_HEADER_NAME.says}", got="a value not shown")
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
        pair = (self.access_key_id is not None, self.access_key_secret is not None)
        if (self.token is None) != all(pair) or (self.token is not None and any(pair)):
            held = [name for name in type(self).model_fields if getattr(self, name) is not None]
            rule = "must hold access_key_id and access_key_secret, or token alone"
            raise fault(rule, got=", ".join(held) or "none")
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


class Prometheus(Section):
    """The server that the gate asks, and what is made for it: by `install`, `gmp` or `arms`, one of them at most."""

    url: Annotated[str, Url()] | None = None
    """Its address, without credentials: it is kept in the state in clear. Required, except with `install` or `gmp`."""
    timeout: Annotated[float, Span(low=0.1, high=300)] = 5.0
    """Time for one question, with all its attempts."""
    retries: Annotated[int, Whole(0, 20)] = 3
    """Attempts after the first that fails."""
    auth: Auth | None = None
    """Who asks."""
    headers: Annotated[Mapping[str, Given], _Headers(_HEADER_NAME)] = Frozen()
    """Sent with each question: name to a text, or to a reference. A credential has to be a reference."""
    tenant: Annotated[str, _TENANT] | None = None
    """Whose series are asked for, where the server keeps those of several."""
    tenant_header: Annotated[str, _HEADER_NAME] = TENANT_HEADER
    """The header that says it: Mimir's and Cortex' by default, THANOS-TENANT for Thanos."""
    tls: Tls | None = None
    """What an https address needs beside the certificates that the machine trusts."""
    proxy: Annotated[str, ProxyUrl()] | None = None
    """A forward proxy, without credentials; without it HTTPS_PROXY, HTTP_PROXY and NO_PROXY count."""
    recorded: Annotated[bool, Flag()] = False
    """Whether the gate asks the series of the recording rules: cheaper where many callers make many series."""
    install: Install | None = None
    """Prometheus in the cluster, by its chart."""
    gmp: Gmp | None = None
    """Google's Managed Service for Prometheus."""
    arms: Arms | None = None
    """Alibaba Cloud's Managed Service for Prometheus."""
    mesh: Mesh = Mesh()
    """What the mesh is told to report."""
    alerts: Alerts | None = None
    """Alert rules for releases."""
    adapter: Adapter | None = None
    """Requests per second for autoscalers."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Prometheus:
        made = [name for name in MAKES if getattr(self, name) is not None]
        if len(made) > 1:
            raise fault(f"must hold at most one of {', '.join(MAKES)}", got=", ".join(made))
        if self.url is None and not set(made) & set(ASKS_NO_URL):
            raise fault("is required", got="nothing", key="url")
        if self.gmp is not None:
            if self.url is not None:
                raise fault("must not stand beside 'gmp', from which it follows", got=repr(self.url), key="url")
            if self.auth is not None and self.auth.google is None:
                raise fault("must be google beside 'gmp'", got="another", key="auth")
        self._makes_what_is_asked(made)
        return self

    def _makes_what_is_asked(self, made: list[str]) -> None:
        if self.recorded and self.gmp is not None:
            raise fault("must be false with 'gmp', which keeps what a rule gives as gauges", "true", "recorded")
        if self.adapter is not None and self.gmp is not None:
            raise fault("must not stand beside 'gmp', which has an adapter of Google's own", "gmp", "adapter")
        if self.adapter is not None:
            self._adapter_gets_answers(self.adapter)
        if self.alerts is not None and not made:
            own = "`python -m weighbridge.telemetry` writes them for a server of your own"
            rule = f"needs one of {', '.join(MAKES)}; {own}"
            raise fault(rule, got="none", key="alerts")
        if self.alerts is not None and self.arms is not None and self.arms.cluster_id is None:
            raise fault("needs 'arms.cluster_id'", got="nothing", key="alerts")

    def _adapter_gets_answers(self, adapter: Adapter) -> None:
        """The credentials and files of a run are not the cluster's, where the adapter asks with none at all."""
        if self.install is not None:
            least = 4 * self.install.scrape_interval
            if adapter.window < least:
                rule = f"must be four times 'install.scrape_interval', {format_seconds(least)}, or more"
                raise fault(rule, got=format_seconds(adapter.window), key="adapter.window")
            return
        held = {"auth": self.auth, "headers": self.headers, "tenant": self.tenant, "tls": self.tls, "proxy": self.proxy}
        for name, each in held.items():
            if each:
                raise fault(f"must not stand beside {name!r}, which only the gate has", got=name, key="adapter")
        if is_loopback(self.inside):
            raise fault("needs a 'url' that pods reach, and not the run's own machine", repr(self.inside), "adapter")

    @property
    def makes(self) -> bool:
        """Whether it makes anything, and is not only asked."""
        own = self.install or (self.gmp and self.gmp.scrape) or (self.arms and self.arms.cluster_id) or self.adapter
        return bool(own) or self.mesh.telemetry or self.mesh.filters

    @property
    def address(self) -> str:
        """Where the gate asks: what is said, else what follows."""
        made = self.gmp or self.install
        return self.url or (made.address if made else "")

    @property
    def inside(self) -> str:
        """Where whoever is in the cluster asks: the Service that `install` makes, however a run gets there."""
        return self.install.address if self.install else self.address

    @model_validator(mode="after")
    def _headers_are_clean(self) -> Prometheus:
        seen: set[str] = set()
        for name, value in self.headers.items():
            rule = self._header_rule(name, value, seen)
            if rule:
                raise fault(rule, got="a value not shown", key=f"headers.{name}")
            seen.add(name.lower())
        return self

    def _header_rule(self, name: str, value: Given, seen: set[str]) -> str | None:
        lower = name.lower()
        if _HTTP_OWN.fullmatch(name):
            return "must not be set, HTTP does it itself"
        if lower in seen:
            return "must not stand there twice, capitals do not count"
        if value.text is not None and (_CREDENTIAL.search(name) or _SCHEME.match(value.text)):
            return "must be a reference, {env: NAME}, {file: PATH} or {config: NAME}, as it is a credential"
        if lower == "authorization" and self.auth is not None:
            return "must not stand beside 'auth', which sets it"
        if lower == self.tenant_header.lower() and self.tenant is not None:
            return "must not stand beside 'tenant', which sets it"
        return None

    @model_validator(mode="after")
    def _parts_agree(self) -> Prometheus:
        if _CREDENTIAL.search(self.tenant_header) or _HTTP_OWN.fullmatch(self.tenant_header):
            raise fault("must be the name of a header for a tenant", got=repr(self.tenant_header), key="tenant_header")
        if self.tenant is None and "tenant_header" in self.model_fields_set:
            raise fault("needs 'tenant' beside it", got=repr(self.tenant_header), key="tenant_header")
        if self.address.startswith("http:") and self.tls is not None:
            raise fault("needs an https 'url'", got=repr(self.address), key="tls")
        if self.address.startswith("http:") and self.auth is not None and self.auth.google is not None:
            raise fault(
                "needs an https 'url', as its tokens open more than a Prometheus", repr(self.address), "auth.google"
            )
        return self

    def inputs(self) -> dict[str, Any]:
        """What the gate is told, and what the state keeps: references, never what they lead to.

        What is not set is left out, so that a new setting is no change for those who do not use it.
        """
        # What is made is not the gate's business: a change of it is no change of what is asked.
        told = self.model_dump(mode="json", exclude_none=True, exclude={*MAKES, "mesh", "alerts", "adapter"})
        told["url"] = self.address
        if self.gmp is not None:
            told.setdefault("auth", {"google": {}})
        if not self.recorded:
            del told["recorded"]
        if not self.headers:
            del told["headers"]
        if self.tenant is None:
            del told["tenant_header"]
        return told
