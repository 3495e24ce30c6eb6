"""Whose mesh it is, and what holds in it: `install`, `adopt`, `asm`, `mtls` and `namespaces` of `gateway`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import model_validator

from weighbridge.settings.frozen import Frozen
from weighbridge.settings.rules import Choice, Flag, Text, Whole, fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Listed, Mapped

_MODES = ("PERMISSIVE", "STRICT", "DISABLE")
_DNS_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAMESPACE = Text(_DNS_LABEL, "must be a DNS label: lower-case letters, digits and '-', at most 63", 63)
OBJECT = Text(r"[a-z](?:[a-z0-9-]{0,60}[a-z0-9])?", "must be a DNS label that begins with a letter, at most 62", 62)
_LABEL = Text(r"[a-z0-9A-Z][a-z0-9A-Z./_-]*", "must be the name of a label", 317)
_VALUE = Text(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", "must be a label's value", 63)
_CLUSTER_ID = Text(r"[A-Za-z0-9-]+", "must be the id of an ACK cluster", 63)
# The chart takes the prefix off for the label `istio`, by which all the world selects this gateway.
_RELEASE = Text(r"istio-[a-z](?:[a-z0-9-]*[a-z0-9])?", "must be a DNS label that begins with 'istio-', at most 53", 53)

Mode = Annotated[Literal["PERMISSIVE", "STRICT", "DISABLE"], Choice(_MODES)]
NamespaceName = Annotated[str, NAMESPACE]
"""A revision of Istio bears a name of the same form, such as 1-31."""


class Replicas(Section):
    """Between how many pods the gateway is scaled, by its CPU."""

    min: Annotated[int, Whole(1, 1000)] = 2
    """The fewest. One would make each restart of a node an outage."""
    max: Annotated[int, Whole(1, 1000)] = 5
    """The most."""

    @model_validator(mode="after")
    def _rise(self) -> Replicas:
        if self.max < self.min:
            raise fault(f"must be {self.min} or more, the 'min'", got=str(self.max), key="max")
        return self


class Install(Section):
    """Istio by its charts base, istiod and gateway, in the pinned version."""

    namespace: NamespaceName = "istio-system"
    """Of istiod, of the gateway, and of the Gateway."""
    gateway: Annotated[str, _RELEASE] = "istio-ingressgateway"
    """Name of the gateway's Helm release, Deployment and Service."""
    replicas: Replicas = Replicas()
    """Of the gateway."""

    @property
    def selector(self) -> dict[str, str]:
        """The label that the chart gives the gateway's pods: its name without the prefix."""
        return {"istio": self.gateway.removeprefix("istio-")}


class Adopt(Section):
    """A mesh that is there already, and that somebody else looks after. Nothing of it is changed."""

    namespace: NamespaceName = "istio-system"
    """Of the ingress gateway's pods, and of the Gateway that is made for them."""
    selector: Annotated[Mapping[str, Annotated[str, _VALUE]], Mapped(_LABEL)] = Frozen({"istio": "ingressgateway"})
    """Labels of the ingress gateway's pods."""
    service: Annotated[str, OBJECT] = "istio-ingressgateway"
    """The ingress gateway's Service, whose address the DNS records get where `address` names none."""
    root_namespace: NamespaceName = "istio-system"
    """Of istiod: an object there holds for the whole mesh."""
    revision: NamespaceName | None = None
    """Of the control plane that injects sidecars; without it the default one."""

    @model_validator(mode="after")
    def _selects_something(self) -> Adopt:
        if not self.selector:
            raise fault("must hold a label, or every proxy of the mesh would be a gateway", got="none", key="selector")
        return self


class Asm(Section):
    """Alibaba Cloud Service Mesh: its own object `IstioGateway` makes the gateway, on the mesh's API server."""

    clusters: Annotated[tuple[Annotated[str, _CLUSTER_ID], ...], Listed(least=1, unique=True)] | None = None
    """Ids of the ACK clusters that the gateway runs in; without it the one that this stack makes."""
    gateway: Annotated[str, OBJECT] = "ingressgateway"
    """Name of the gateway. Its pods are labelled `istio: NAME`, its Service is `istio-NAME`."""
    replicas: Annotated[int, Whole(1, 1000)] = 2
    """Pods of the gateway."""
    reach: Annotated[Literal["internet", "intranet"], Choice(("internet", "intranet"))] = "internet"
    """From where its load balancer can be reached, where `address` names none."""


class Mtls(Section):
    """Whether sidecars take plain text: Istio's PeerAuthentication."""

    mode: Mode | None = None
    """For the whole mesh. Without it nothing is said, and Istio's own default is PERMISSIVE."""
    namespaces: Annotated[Mapping[str, Mode], Mapped(NAMESPACE)] = Frozen()
    """For one namespace, by its name."""

    @model_validator(mode="after")
    def _not_empty(self) -> Mtls:
        if self.mode is None and not self.namespaces:
            raise fault("must hold mode, namespaces or both", got="neither")
        return self


class Namespace(Section):
    """A namespace of workloads."""

    injection: Annotated[bool, Flag()] = True
    """Whether its new pods get a sidecar. Pods that run already get one when they are started again."""
    create: Annotated[bool, Flag()] = False
    """Whether it is made here, and protected. Otherwise it must exist, and nothing but its label is touched."""
