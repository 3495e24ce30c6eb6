"""What is handed to Istio: the sections `route` (VirtualService) and `traffic` (DestinationRule).

The keys are Istio's in snake_case. They are spelt out here, since the API server drops what it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, model_validator

from weighbridge import durations
from weighbridge.settings.pods import Word, Words
from weighbridge.settings.rules import Choice, Flag, Span, Text, Whole, fault
from weighbridge.settings.section import IstioSection
from weighbridge.settings.shapes import Listed, Mapped

_HEADER = Text(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "must be the name of an HTTP header")
_PARAMETER = Text(r"[^\x00-\x20\x7f]+", "must be the name of a query parameter")
_TLS = ("DISABLE", "SIMPLE", "ISTIO_MUTUAL")
_SIMPLE = ("LEAST_REQUEST", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN")
_NEEDED = Text(r"[^\x00-\x1f\x7f]+", "must be text", 1024)

Needed = Annotated[str, _NEEDED]
Period = Annotated[float, Span(low=0.001), PlainSerializer(durations.protobuf)]
Count = Annotated[int, Whole(0, 2**31 - 1)]
Switch = Annotated[bool, Flag()]
Percentage = Annotated[int, Whole(0, 100)]


class StringMatch(IstioSection):
    """Exactly one of three ways to match text."""

    exact: Word | None = None
    prefix: Needed | None = None
    regex: Needed | None = None

    @model_validator(mode="after")
    def _one_way(self) -> StringMatch:
        if len(self.model_fields_set) != 1 or self.model_dump(exclude_none=True) == {}:
            raise fault("must hold exactly one of exact, prefix, regex", got=", ".join(sorted(self.model_fields_set)))
        return self


HeaderMatches = Annotated[Mapping[str, StringMatch], Mapped(_HEADER)]
HeaderTexts = Annotated[Mapping[str, Word], Mapped(_HEADER)]


class Match(IstioSection):
    """Conditions that a request must meet, all of them."""

    uri: StringMatch | None = None
    ignore_uri_case: Switch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: HeaderMatches | None = None
    without_headers: HeaderMatches | None = None
    query_params: Annotated[Mapping[str, StringMatch], Mapped(_PARAMETER)] | None = None


class Retries(IstioSection):
    """How often a request is tried again. Without the section Istio tries twice; `attempts: 0` turns that off."""

    attempts: Annotated[int, Whole(0, 100)]
    per_try_timeout: Period | None = None
    retry_on: Annotated[str, Text(r"[a-z0-9-]+(?:,[a-z0-9-]+)*", "must be conditions such as 5xx,reset")] | None = None


class Rewrite(IstioSection):
    """What a request's path or host is before it reaches the workload."""

    uri: Needed | None = None
    authority: Needed | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Rewrite:
        if self.uri is None and self.authority is None:
            raise fault("must hold uri, authority or both", got="neither")
        return self


class Cors(IstioSection):
    """Cross-origin requests."""

    allow_origins: Annotated[tuple[StringMatch, ...], Listed(least=1)] | None = None
    allow_methods: Words | None = None
    allow_headers: Words | None = None
    expose_headers: Words | None = None
    max_age: Period | None = None
    allow_credentials: Switch | None = None


class HeaderChange(IstioSection):
    """Headers to set, add and remove."""

    set: HeaderTexts | None = None
    add: HeaderTexts | None = None
    remove: Words | None = None


class Headers(IstioSection):
    """Changes of the request's and the response's headers."""

    request: HeaderChange | None = None
    response: HeaderChange | None = None


class Route(IstioSection):
    """What the route does beside weighing.

    With `match`, the weights hold for the requests that match. Other requests inside the mesh stay with stable, as
    if there were no canary; on a gateway they are left to whatever else the host has there.
    """

    match: Annotated[tuple[Match, ...], Listed(least=1)] | None = None
    rewrite: Rewrite | None = None
    retries: Retries | None = None
    timeout: Period | None = None
    cors: Annotated[Cors | None, Field(serialization_alias="corsPolicy")] = None
    headers: Headers | None = None


class TcpKeepalive(IstioSection):
    """Probes of an idle connection."""

    probes: Count | None = None
    time: Period | None = None
    interval: Period | None = None


class TcpPool(IstioSection):
    """Limits of TCP connections."""

    max_connections: Count | None = None
    connect_timeout: Period | None = None
    idle_timeout: Period | None = None
    max_connection_duration: Period | None = None
    tcp_keepalive: TcpKeepalive | None = None


class HttpPool(IstioSection):
    """Limits of HTTP requests."""

    http1_max_pending_requests: Count | None = None
    http2_max_requests: Count | None = None
    max_requests_per_connection: Count | None = None
    max_retries: Count | None = None
    max_concurrent_streams: Count | None = None
    idle_timeout: Period | None = None
    h2_upgrade_policy: (
        Annotated[Literal["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"], Choice(("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"))]
        | None
    ) = None
    use_client_protocol: Switch | None = None


class ConnectionPool(IstioSection):
    """Limits towards one subset."""

    tcp: TcpPool | None = None
    http: HttpPool | None = None


class Cookie(IstioSection):
    """The cookie that binds a client to a pod."""

    name: Needed
    ttl: Annotated[float, Span(), PlainSerializer(durations.protobuf)]
    path: Needed | None = None


class ConsistentHash(IstioSection):
    """What binds a client to a pod within its track; it does not bind a client to a track."""

    http_header_name: Needed | None = None
    http_query_parameter_name: Needed | None = None
    http_cookie: Cookie | None = None
    use_source_ip: Switch | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ConsistentHash:
        if len(self.model_dump(exclude_none=True)) != 1:
            ways = ", ".join(type(self).model_fields)
            raise fault(f"must hold exactly one of {ways}", got=", ".join(sorted(self.model_fields_set)) or "none")
        return self


class LoadBalancer(IstioSection):
    """How a pod is chosen within a track."""

    simple: Annotated[Literal["LEAST_REQUEST", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN"], Choice(_SIMPLE)] | None = None
    consistent_hash: ConsistentHash | None = None
    warmup_duration_secs: Period | None = None

    @model_validator(mode="after")
    def _one_way(self) -> LoadBalancer:
        if (self.simple is None) == (self.consistent_hash is None):
            got = "neither" if self.simple is None else "both"
            raise fault("must hold either simple or consistent_hash", got=got)
        return self


class OutlierDetection(IstioSection):
    """When a pod that fails is left out for a while."""

    consecutive_5xx_errors: Count | None = None
    consecutive_gateway_errors: Count | None = None
    consecutive_local_origin_failures: Count | None = None
    split_external_local_origin_errors: Switch | None = None
    interval: Period | None = None
    base_ejection_time: Period | None = None
    max_ejection_percent: Percentage | None = None
    min_health_percent: Percentage | None = None


class Traffic(IstioSection):
    """How the mesh talks to the pods of both tracks."""

    connection_pool: ConnectionPool | None = None
    load_balancer: LoadBalancer | None = None
    outlier_detection: OutlierDetection | None = None
    tls_mode: Annotated[Literal["DISABLE", "SIMPLE", "ISTIO_MUTUAL"], Choice(_TLS)] | None = None
    """MUTUAL is not offered, as it needs certificates that there are no settings for yet."""
