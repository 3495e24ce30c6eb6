"""IstioGateway: the mesh and its way in, from the charts to the names in the DNS.

Order: CRDs (base) -> istiod -> gateway; cert-manager -> issuer -> certificate; and then the Gateway, so that nobody is
redirected to an HTTPS that has no certificate yet. An object whose CRD a chart brings waits for the chart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Namespace, NamespacePatch, Secret, Service

from components import charts, dns
from components.dns import Reserved
from weighbridge.mesh import asm, certificates, objects, values
from weighbridge.settings import Gateway
from weighbridge.settings.gateway_tls import Certificate

_ISSUED = {"pulumi.com/waitFor": "condition=Ready"}
"""A run ends when the certificate is there, or says what cert-manager says of it."""


@dataclass(frozen=True)
class IstioGatewayArgs:
    """What the way in is made from.

    Attributes:
        gateway: its settings.
        mesh_provider: of the API server that has the mesh's objects; None where it is the cluster's.
        after: what is there before any of it, those of its parts too that are not on the cluster.
        credentials: Alibaba Cloud's key pair, where the DNS needs it, as secret outputs: `access-token`, `secret-key`.
        cluster: ID that Alibaba Cloud has given the cluster, where the stack knows it.
    """

    gateway: Gateway
    mesh_provider: pulumi.ProviderResource | None = None
    credentials: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    cluster: pulumi.Input[str] | None = None
    after: Sequence[pulumi.Resource] = ()


class IstioGateway(pulumi.ComponentResource):
    """The mesh and its way in.

    Attributes:
        gateway: `namespace/name` of the Gateway, as a release names it.
        address: at which it is reached; None where nothing here knows it.
    """

    gateway: str
    address: pulumi.Output[str | None]

    def __init__(self, name: str, args: IstioGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the way in.

        Args:
            name: of the component.
            args: see `IstioGatewayArgs`.
            opts: Pulumi's options, with the cluster's provider.
        """
        super().__init__("weighbridge:index:IstioGateway", name, None, opts)
        settings = args.gateway
        self._name, self._args = name, args
        self.gateway = f"{settings.namespace}/{settings.name}"
        mesh = self._mesh()
        ip = self._edge(mesh)
        self._policies(mesh)
        certificate = self._certificate(settings.tls.certificate) if settings.tls and settings.tls.certificate else []
        self._istio("gateway", objects.gateway_object(settings), [*mesh, *certificate])
        self.address = pulumi.Output.from_input(ip)
        self.register_outputs({"gateway": self.gateway, "address": self.address})

    def _own(self, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=[*self._args.after, *depends_on])

    def _on_mesh(self, depends_on: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._args.mesh_provider, depends_on=list(depends_on))

    def _istio(self, part: str, body: objects.Object, depends_on: Sequence[pulumi.Resource]) -> CustomResource:
        return _custom(f"{self._name}-{part}", body, self._on_mesh(depends_on))

    def _mesh(self) -> list[pulumi.Resource]:
        """Istio's CRDs and istiod, where they are made here: what each of its objects waits for."""
        install = self._args.gateway.install
        if install is None:
            return []
        space = install.namespace
        base = charts.release(
            f"{self._name}-base", "istio-base", ("istio-base", space), values.base(space), self._own()
        )
        told = values.istiod(space)
        return [base, charts.release(f"{self._name}-istiod", "istiod", ("istiod", space), told, self._own([base]))]

    def _edge(self, mesh: list[pulumi.Resource]) -> pulumi.Input[str] | None:
        """The address, the proxies that answer at it, and the names that lead there."""
        settings = self._args.gateway
        found = self._adopted_address()
        reserved = self._reserved(found)
        ip: pulumi.Input[str] | None = reserved.ip if reserved else found
        if settings.install:
            # With an address of the cloud's own choice, the chart waits until there is one.
            bound = ip if reserved and reserved.bind else None
            told = values.ingress(settings, bound, reserved.annotations if reserved else None)
            place = (settings.install.gateway, settings.install.namespace)
            release = charts.release(f"{self._name}-ingress", "istio-gateway", place, told, self._own(mesh))
            if ip is None and settings.dns:
                # The id is not known before the release is made, so a first preview reads nothing.
                ip = self._service_ip(release.status.apply(lambda status: f"{status.namespace}/{status.name}"))
        elif settings.asm:
            body = asm.istio_gateway(settings, reserved.annotations if reserved else None, self._args.cluster)
            self._istio("asm", body, [])
        if settings.dns and ip is not None:
            kind = "google" if settings.dns.google else "alibaba"
            dns.cloud(kind).records(self._name, settings.dns, settings.hosts, ip, self._own())
        return ip

    def _reserved(self, current: pulumi.Input[str] | None) -> Reserved | None:
        address = self._args.gateway.address
        if address is None:
            return None
        if address.ip:
            return Reserved(address.ip, bind=True)
        kind = "google" if address.google else "alibaba"
        made: Reserved = dns.cloud(kind).reserved(f"{self._name}-address", address, current, self._own())
        return made

    def _adopted_address(self) -> pulumi.Input[str] | None:
        """The address that an adopted gateway has already, where something here needs it."""
        settings = self._args.gateway
        adopted = settings.adopt
        if adopted is None or (settings.address and settings.address.ip) or not (settings.address or settings.dns):
            return None
        return self._service_ip(f"{adopted.namespace}/{adopted.service}")

    def _service_ip(self, identity: pulumi.Input[str]) -> pulumi.Output[str]:
        found = Service.get(f"{self._name}-service", identity, self._own())
        return found.status.apply(lambda status: _ip(status, self._args.gateway.service))

    def _policies(self, mesh: list[pulumi.Resource]) -> None:
        """Who gets sidecars, and whether they take plain text."""
        settings = self._args.gateway
        for name, body in objects.namespaces(settings).items():
            self._namespace(name, body, mesh)
        for name, body in objects.peer_authentications(settings).items():
            self._istio(f"mtls-{name}" if name else "mtls", body, mesh)

    def _namespace(self, name: str, body: objects.Object, mesh: list[pulumi.Resource]) -> None:
        """A namespace of our own, or nothing but the label of somebody else's."""
        settings = self._args.gateway
        made: list[pulumi.Resource] = []
        if settings.namespaces[name].create:
            kept = pulumi.ResourceOptions(protect=settings.namespaces[name].protect)
            own = pulumi.ResourceOptions.merge(self._own(mesh), kept)
            made.append(Namespace(f"{self._name}-namespace-{name}", own, metadata=body["metadata"]))
        # Who injects for ASM looks at the namespaces of the mesh's own API server.
        if not made or settings.asm:
            opts = self._on_mesh([*mesh, *made])
            NamespacePatch(f"{self._name}-injection-{name}", opts, metadata=body["metadata"])

    def _certificate(self, settings: Certificate) -> list[pulumi.Resource]:
        """cert-manager, and the certificate that it orders; on the cluster, where the proxies look for it."""
        gateway, name = self._args.gateway, self._name
        depends_on = self._cert_manager(settings)
        if self._args.credentials:
            key_id, key_secret = (self._args.credentials[key] for key in (certificates.ID_KEY, certificates.SECRET_KEY))
            body = certificates.credentials(gateway, settings, key_id, key_secret)
            secret = Secret(
                f"{name}-credentials",
                self._own(depends_on),
                metadata=body["metadata"],
                type=body["type"],
                string_data=body["stringData"],
            )
            depends_on = [*depends_on, secret]
        issuer = _custom(f"{name}-issuer", certificates.cluster_issuer(gateway, settings), self._own(depends_on))
        body = certificates.certificate_object(gateway, settings)
        body["metadata"]["annotations"] = _ISSUED
        return [_custom(f"{name}-certificate", body, self._own([*depends_on, issuer]))]

    def _cert_manager(self, settings: Certificate) -> list[pulumi.Resource]:
        whose, google, alibaba = settings.cert_manager, settings.dns01.google, settings.dns01.alibaba
        account: pulumi.Input[str] | None = None
        if google:
            identity = f"weighbridge-{self._args.gateway.name}"[:24].rstrip("-") + "-dns01"
            account = dns.cloud("google").dns01_account(self._name, google, whose, identity, self._own())
        made: list[pulumi.Resource] = []
        if whose.install:
            told = values.cert_manager(whose, account)
            place = (values.SERVICE_ACCOUNT, whose.namespace)
            made.append(charts.release(f"{self._name}-cert-manager", "cert-manager", place, told, self._own()))
        if alibaba:
            told = values.alidns_webhook(whose, alibaba)
            place = ("alidns-webhook", whose.namespace)
            made.append(charts.release(f"{self._name}-alidns", "alidns-webhook", place, told, self._own(made)))
        return made


def _custom(name: str, body: objects.Object, opts: pulumi.ResourceOptions) -> CustomResource:
    return CustomResource(
        name,
        api_version=body["apiVersion"],
        kind=body["kind"],
        metadata=body["metadata"],
        spec=body["spec"],
        opts=opts,
    )


def _ip(status: Any, service: str) -> str:
    """The address in a Service's status."""
    balancer = status.load_balancer if status else None
    for ingress in (balancer.ingress if balancer else None) or ():
        if ingress.ip:
            return str(ingress.ip)
    raise pulumi.RunError(
        f"weighbridge:gateway: the Service {service!r} must have an address for the DNS (got none yet)"
    )
