"""The server that the gate asks, and what is made for it: the section `prometheus`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import model_validator

from weighbridge.durations import format_seconds
from weighbridge.settings.frozen import Frozen
from weighbridge.settings.references import Given
from weighbridge.settings.rules import Flag, Span, Url, Whole, fault, is_loopback
from weighbridge.settings.section import Section
from weighbridge.settings.telemetry import ASKS_NO_URL, MAKES, Adapter, Alerts, Arms, Gmp, Install, Mesh
from weighbridge.settings.ways_in import (
    HEADER_NAME,
    TENANT,
    TENANT_HEADER,
    Auth,
    Headers,
    ProxyUrl,
    Tls,
    header_rule,
    may_carry_a_tenant,
)


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
    headers: Annotated[Mapping[str, Given], Headers(HEADER_NAME)] = Frozen()
    """Sent with each question: name to a text, or to a reference. A credential has to be a reference."""
    tenant: Annotated[str, TENANT] | None = None
    """Whose series are asked for, where the server keeps those of several."""
    tenant_header: Annotated[str, HEADER_NAME] = TENANT_HEADER
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
        if lower in seen:
            return "must not stand there twice, capitals do not count"
        if rule := header_rule(name, value):
            return rule
        if lower == "authorization" and self.auth is not None:
            return "must not stand beside 'auth', which sets it"
        if lower == self.tenant_header.lower() and self.tenant is not None:
            return "must not stand beside 'tenant', which sets it"
        return None

    @model_validator(mode="after")
    def _parts_agree(self) -> Prometheus:
        if not may_carry_a_tenant(self.tenant_header):
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
