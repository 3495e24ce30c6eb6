"""What people look at: the section `observability`, with Grafana and Kiali."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import model_validator

from weighbridge.settings.cluster import CLUSTER_NAME
from weighbridge.settings.names import DNS_NAME, DOMAIN_NAME, GATEWAY, NAMESPACE
from weighbridge.settings.quantities import Quantity
from weighbridge.settings.rules import Choice, Flag, Text, Url, Whole, fault, is_loopback
from weighbridge.settings.section import Section
from weighbridge.settings.ways_in import TENANT_HEADER

if TYPE_CHECKING:
    from weighbridge.settings.prometheus import Prometheus

_HOST = Text(DOMAIN_NAME, "must be a host such as grafana.example.com")
_SECRET = Text(DNS_NAME, "must be the name of a Secret in 'observability.namespace'")
_CLASS = Text(DNS_NAME, "must be the name of a StorageClass")
_TENANT = Text(r"[!-~](?:[ -~]*[!-~])?", "must be one line of ASCII, at most 150 characters", 150)

SecretName = Annotated[str, _SECRET]


class Entrance(Section):
    """How it is reached from outside: at a host of its own, on a Gateway that is there."""

    host: Annotated[str, _HOST]
    """Its name; the Gateway has to serve it, and the DNS has to lead there."""
    gateway: Annotated[str, GATEWAY]
    """`NAMESPACE/NAME` of the Gateway."""
    port: Annotated[int, Whole(1, 65_535)] = 443
    """The Gateway's port with TLS. On its other ports the host is not answered."""
    insecure: Annotated[bool, Flag()] = False
    """Answer on every port of the Gateway, one without TLS too, and mean it: passwords cross it in clear."""

    @model_validator(mode="after")
    def _port_is_for_tls(self) -> Entrance:
        if self.insecure and "port" in self.model_fields_set:
            raise fault("must not stand beside 'insecure', which answers on every port", got=str(self.port), key="port")
        return self


class Source(Section):
    """The Prometheus that Grafana and Kiali ask, as seen from inside the cluster."""

    url: Annotated[str, Url()]
    """Its address, without credentials."""
    basic_secret: SecretName | None = None
    """A Secret with the keys `username` and `password`, where it asks for them."""
    bearer_secret: SecretName | None = None
    """A Secret with the key `token`, where it asks for one."""
    tenant: Annotated[str, _TENANT] | None = None
    """Whose series are asked for, where the server keeps those of several."""
    tenant_header: Annotated[str, Text(r"[A-Za-z0-9-]{1,100}", "must be the name of a header")] = TENANT_HEADER
    """The header that says it."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Source:
        if self.basic_secret and self.bearer_secret:
            raise fault("must not stand beside 'basic_secret'", got=repr(self.bearer_secret), key="bearer_secret")
        return self


class Storage(Section):
    """A volume, for what people make in Grafana by hand; our dashboard needs none."""

    size: Quantity = "1Gi"
    """Of the volume."""
    class_name: Annotated[str, _CLASS] | None = None
    """Of its StorageClass; without it the cluster's default."""


class Grafana(Section):
    """Grafana by its chart, with the data source and our dashboard."""

    entrance: Entrance | None = None
    """How it is reached from outside; without it by `kubectl port-forward` alone."""
    admin_secret: SecretName | None = None
    """A Secret with the keys `admin-user` and `admin-password`; without it the chart makes one with a password by
    chance, which is nowhere but there."""
    storage: Storage | None = None
    """A volume; without it what is made by hand goes with the pod."""


class Kiali(Section):
    """Kiali by its chart."""

    entrance: Entrance | None = None
    """How it is reached from outside; without it by `kubectl port-forward` alone."""
    auth: Annotated[Literal["token", "anonymous"], Choice(("token", "anonymous"))] = "token"
    """Who gets in: who has a token of the cluster, and sees what its rights allow; or everybody that reaches it."""
    view_only: Annotated[bool, Flag()] = True
    """Whether Kiali may only look. What it writes into a VirtualService of a release the next run takes back."""

    @model_validator(mode="after")
    def _everybody_is_not_let_in_from_outside(self) -> Kiali:
        if self.auth == "anonymous" and self.entrance is not None:
            raise fault("must be token beside 'entrance'", got="'anonymous'", key="auth")
        if self.auth == "anonymous" and not self.view_only:
            raise fault("must be true beside 'auth: anonymous'", got="false", key="view_only")
        return self


class Observability(Section):
    """What people look at."""

    cluster: Annotated[str, CLUSTER_NAME] | None = None
    """Name of an entry in `clusters`; without it the stack's `cluster`."""
    namespace: Annotated[str, NAMESPACE] = "observability"
    """Of Grafana and Kiali."""
    create_namespace: Annotated[bool, Flag()] = True
    """Whether the namespace is made, and goes with them; otherwise it is there already."""
    mesh_namespace: Annotated[str, NAMESPACE] = "istio-system"
    """Of the mesh's control plane, for Kiali."""
    prometheus: Source | None = None
    """Whom they ask; without it the address that the gate asks, if that takes no credentials."""
    grafana: Grafana | None = None
    """Grafana, if wanted."""
    kiali: Kiali | None = None
    """Kiali, if wanted."""

    @model_validator(mode="after")
    def _has_something_to_look_at(self) -> Observability:
        if self.grafana is None and self.kiali is None:
            raise fault("must hold grafana, kiali or both", got="neither")
        return self

    @model_validator(mode="after")
    def _hosts_differ(self) -> Observability:
        hosts = [entrance.host for entrance in self.entrances.values()]
        if len(set(hosts)) < len(hosts):
            raise fault("must not be the one of 'grafana'", got=repr(hosts[0]), key="kiali.entrance.host")
        return self

    @property
    def entrances(self) -> dict[str, Entrance]:
        """How what is reached from outside is reached, by the key of the settings."""
        parts = {"grafana": self.grafana, "kiali": self.kiali}
        return {
            f"observability.{name}.entrance": each.entrance for name, each in parts.items() if each and each.entrance
        }

    def source(self, asked: Prometheus | None) -> Source:
        """Whom Grafana and Kiali ask.

        Args:
            asked: whom the gate asks.

        Raises:
            PydanticCustomError: there is nobody, or the way in is the gate's own.
        """
        if self.prometheus is not None:
            return self.prometheus
        key = "observability.prometheus"
        if asked is None:
            raise fault("is required while there is no 'prometheus'", got="nothing", key=key)
        if asked.install:
            # Whatever leads the run to it, inside the cluster it is the Service that the chart makes.
            return Source.model_validate({"url": asked.inside})
        if asked.gmp or asked.auth or asked.headers or asked.tls or asked.proxy:
            # A run's credentials and files are not the cluster's: Grafana gets a Secret that somebody made for it.
            rule = (
                "is required, as 'prometheus' is reached by what only the gate has (auth, headers, tls, proxy or gmp)"
            )
            raise fault(rule, got="nothing", key=key)
        if is_loopback(asked.address):
            rule = "is required, as the 'url' of 'prometheus' leads pods to themselves, and not to the run's machine"
            raise fault(rule, got="nothing", key=key)
        tenant = {"tenant": asked.tenant, "tenant_header": asked.tenant_header} if asked.tenant else {}
        return Source.model_validate({"url": asked.address, **tenant})
