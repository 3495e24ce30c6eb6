"""The names that a gateway needs for itself, and what is said when somebody else has one of them.

Nothing that is there already is taken over: a Helm release or an apply would change it in silence, and a later delete
would take it from whoever made it. And nothing that has to be there is made up: where a namespace is missing, the label
that it should get would make one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from weighbridge.mesh import asm, certificates, objects, values
from weighbridge.settings.gateway import Gateway

_RELEASE = "kubernetes:helm.sh/v3:Release"
_KEY = "weighbridge:gateway"
_PLURALS: Mapping[str, str] = {
    "Gateway": "gateways",
    "PeerAuthentication": "peerauthentications",
    "ClusterIssuer": "clusterissuers",
    "Certificate": "certificates",
    "IstioGateway": "istiogateways",
    "Namespace": "namespaces",
    "Secret": "secrets",
}


@dataclass(frozen=True)
class Claim:
    """A name that must be free, or taken, unless it is this stack's already.

    Attributes:
        path: of the object on the API server.
        on_mesh: whether that is the mesh's API server.
        owner: Pulumi's type and the place, `namespace/name`, of the resource of this stack that would have made it.
        line: what is said when it is not as it must be.
        free: whether nobody else may have it; else somebody has to.
    """

    path: str
    on_mesh: bool
    owner: tuple[str, str]
    line: str
    free: bool = True

    def is_owned(self, saved: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether the stack's saved resources, by URN, have it."""
        return any(_type(urn) == self.owner[0] and _place(outputs) == self.owner[1] for urn, outputs in saved.items())


def claims(gateway: Gateway, made: Collection[str] = ()) -> list[Claim]:
    """List the names that a gateway needs, those of whole installations first.

    Args:
        gateway: its settings.
        made: namespaces that the stack's charts make, which need not be there before.
    """
    return [*_installations(gateway), *_objects(gateway), *_labelled(gateway, made)]


def _installations(gateway: Gateway) -> Iterator[Claim]:
    certificate = gateway.tls.certificate if gateway.tls else None
    if gateway.install:
        space = gateway.install.namespace
        yield _deployed("Istio", "istiod", space, f"{_KEY}: 'install' must find no Istio; 'adopt' uses the one")
        name = gateway.install.gateway
        yield _deployed("a gateway", name, space, f"{_KEY}.install: 'gateway' must be a free name, or 'adopt' uses it")
    if certificate and certificate.cert_manager.install:
        rule = f"{_KEY}.tls.certificate.cert_manager: 'install' must be false to use the cert-manager that is there"
        yield _deployed("cert-manager", values.SERVICE_ACCOUNT, certificate.cert_manager.namespace, rule)


def _objects(gateway: Gateway) -> Iterator[Claim]:
    certificate = gateway.tls.certificate if gateway.tls else None
    yield _claim(objects.gateway_object(gateway), "name", on_mesh=True)
    for body in objects.peer_authentications(gateway).values():
        yield _claim(body, "mtls", on_mesh=True)
    for name, body in objects.namespaces(gateway).items():
        if gateway.namespaces[name].create:
            yield _claim(body, f"namespaces.{name}.create", on_mesh=False)
    if gateway.asm:
        yield _claim(asm.istio_gateway(gateway), "asm.gateway", on_mesh=True)
    if certificate:
        yield _claim(certificates.cluster_issuer(gateway, certificate), "name", on_mesh=False)
        yield _claim(certificates.certificate_object(gateway, certificate), "name", on_mesh=False)
        if certificate.dns01.alibaba and certificate.dns01.alibaba.secret is None:
            yield _claim(certificates.credentials(gateway, certificate, "", ""), "name", on_mesh=False)


def _labelled(gateway: Gateway, made: Collection[str]) -> Iterator[Claim]:
    """Namespaces of others, of which this stack has the label alone."""
    for name, settings in gateway.namespaces.items():
        if not (settings.create or name in made):
            line = (
                f"{_KEY}.namespaces: {name!r} must be a namespace that is there, unless its 'create' is true (got none)"
            )
            owner = ("kubernetes:core/v1:NamespacePatch", name)
            yield Claim(f"/api/v1/namespaces/{name}", True, owner, line, free=False)  # noqa: FBT003


def _claim(body: objects.Object, setting: str, *, on_mesh: bool) -> Claim:
    version, kind, metadata = body["apiVersion"], body["kind"], body["metadata"]
    space = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    root = "/api" if version == "v1" else "/apis"
    place = _joined(metadata)
    token = f"kubernetes:{'core/v1' if version == 'v1' else version}:{kind}"
    where, _, key = f"{_KEY}.{setting}".rpartition(".")
    line = f"{where}: '{key}' must lead to names that are free (got {kind} {place}, which this stack did not make)"
    return Claim(f"{root}/{version}{space}/{_PLURALS[kind]}/{metadata['name']}", on_mesh, (token, place), line)


def _deployed(what: str, name: str, namespace: str, rule: str) -> Claim:
    """A Deployment of a chart, whose release has its name."""
    place = f"{namespace}/{name}"
    line = f"{rule} (got {what}, Deployment {place}, which this stack did not make)"
    return Claim(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}", False, (_RELEASE, place), line)  # noqa: FBT003


def _type(urn: str) -> str:
    # urn:pulumi:<stack>::<project>::<parent type>$...$<type>::<name>
    return urn.split("::")[2].rpartition("$")[2]


def _place(outputs: Mapping[str, Any]) -> str:
    """Where an object is, or a Helm release, which has no metadata."""
    metadata = outputs.get("metadata")
    return _joined(metadata if isinstance(metadata, Mapping) else outputs)


def _joined(metadata: Mapping[str, Any]) -> str:
    return "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
