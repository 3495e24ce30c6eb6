"""Every Kubernetes object that the project renders, for all tests that hold rendered objects against something real.

A room adds a `Rendered` for each of its settings that changes a shape: `RENDERED` is the whole, and the tests in
`tests/lab/test_rendered.py` then apply it to the real API server, strictly, and show it to Istio's analyzers.
"""

from __future__ import annotations

import base64
import functools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.unit.settings_cases import FULL_ROUTE, FULL_TRAFFIC, FULL_WORKLOAD, good
from tests.ways_in import Authority
from weighbridge import routes, workload
from weighbridge.mesh import certificates, objects
from weighbridge.settings import Gateway, Settings, load
from weighbridge.telemetry import mesh as reports

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Rendered:
    """Objects that belong together.

    Attributes:
        name: of the case.
        objects: what the project renders.
        around: what others have there, without which an analyzer could not judge: pods, Secrets, namespaces.
        unseen: codes of analyzers' messages that are no fault here, each with the reason.
    """

    name: str
    objects: Sequence[Object]
    around: Sequence[Object] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)


def pod(name: str, namespace: str, labels: Mapping[str, str]) -> Object:
    """A pod of somebody's, with a sidecar."""
    containers = [{"name": "app", "image": "app:1"}, {"name": "istio-proxy", "image": "istio/proxyv2:1.31.1"}]
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}}


def namespace(name: str, **labels: str) -> Object:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@functools.cache
def _certificate() -> Mapping[str, str]:
    """A certificate that holds now, and its key."""
    with tempfile.TemporaryDirectory() as folder:
        pair = Authority(Path(folder)).issue("example.com")
        parts = {"tls.crt": pair.certificate, "tls.key": pair.key}
        return {name: base64.b64encode(path.read_bytes()).decode() for name, path in parts.items()}


def secret(name: str, space: str) -> Object:
    """A Secret with a certificate."""
    metadata = {"name": name, "namespace": space}
    data = dict(_certificate())
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def service(name: str, space: str, labels: Mapping[str, str], *ports: int) -> Object:
    """A Service of somebody's."""
    wanted = [{"name": f"http-{port}", "port": port, "targetPort": port, "protocol": "TCP"} for port in ports]
    metadata = {"name": name, "namespace": space}
    spec = {"selector": dict(labels), "ports": wanted}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def stack(gateway: Mapping[str, Any] | None = None, **release: Any) -> Settings:
    """The good stack, with a gateway, and some keys of its release changed."""
    raw = good()
    raw["releases"]["podinfo"] |= release
    return load(raw | ({"gateway": gateway} if gateway else {}))


ALIBABA = {"access_key_id": {"env": "ID"}, "access_key_secret": {"env": "SECRET"}}
GATEWAYS: Mapping[str, dict[str, Any]] = {
    "plain": {"adopt": {}, "hosts": ["*"], "insecure": True},
    "both": {"adopt": {}, "hosts": ["*.example.com"], "tls": {"secret": "mine"}, "redirect": False},
    "everything": {
        "install": {},
        "hosts": ["example.com", "*.example.com"],
        "tls": {
            "certificate": {
                "email": "ops@example.com",
                "acme": "staging",
                "dns01": {"google": {"project": "my-project"}},
            },
            "min_version": "1.3",
        },
        "mtls": {"mode": "PERMISSIVE", "namespaces": {"prod": "STRICT"}},
        "namespaces": {"prod": {"create": True}, "old": {"injection": False}},
    },
    "alibaba": {
        "adopt": {"namespace": "istio-ingress", "selector": {"app": "edge"}, "revision": "1-31"},
        "hosts": ["shop.example.com"],
        "ports": {"http": 8080, "https": 8443},
        "tls": {
            "certificate": {"email": "ops@example.com", "acme": "production", "dns01": {"alibaba": ALIBABA}},
        },
        "namespaces": {"prod": {}},
    },
}
"""Sections `gateway`, as a stack file has them."""


def of_gateway(gateway: Gateway) -> list[Object]:
    """Every object of a gateway but ASM's, whose CRD nobody can have."""
    found = [*objects.namespaces(gateway).values(), objects.gateway_object(gateway)]
    found += objects.peer_authentications(gateway).values()
    certificate = gateway.tls.certificate if gateway.tls else None
    if certificate:
        found.append(certificates.cluster_issuer(gateway, certificate))
        found.append(certificates.certificate_object(gateway, certificate))
        if certificate.dns01.alibaba:
            found.append(certificates.credentials(gateway, certificate, "id", "not-a-secret"))
    return list(found)


def _gateway(name: str, raw: Mapping[str, Any]) -> Rendered:
    gateway = stack(raw).gateway
    assert gateway
    around = [
        pod("ingress", gateway.namespace, gateway.selector),
        service(gateway.service, gateway.namespace, gateway.selector, gateway.ports.http, gateway.ports.https),
    ]
    if secret_name := objects.secret_name(gateway):
        around.append(secret(secret_name, gateway.namespace))
    return Rendered(f"gateway, {name}", of_gateway(gateway), around)


def _release(name: str, weight: int, **keys: Any) -> Rendered:
    raw = {"adopt": {}, "hosts": ["*.example.com"], "insecure": True}
    both = stack(raw, **keys)
    release = both.releases["podinfo"]
    tracks = [track for track in (release.stable, release.canary) if track]
    revisions = [workload.revision(release, track) for track in tracks]
    roles = routes.Roles(revisions[0], revisions[-1], weight)
    made: list[Object] = [workload.service(release)]
    for track in tracks:
        made.append(workload.deployment(release, track))
        scaler = workload.autoscaler(release, track)
        made += [scaler] if scaler else []
    made += [routes.destination_rule(release, roles), routes.virtual_service(release, roles, "d-1")]
    gateway = _gateway("of the release", raw)
    labelled = [namespace("test", **{"istio-injection": "enabled"})]
    pods = [pod(f"podinfo-{each}", "test", {"app": "podinfo", "version": each}) for each in revisions]
    return Rendered(f"release, {name}", made, [*gateway.objects, *gateway.around, *labelled, *pods])


UNRANKED = {
    "IST0133": "every EnvoyFilter gets it: use another API where there is one, and before Istio 1.18 there is none",
    "IST0151": "a priority is a field that Istio 1.8 and 1.9 do not have",
    "IST0155": "the same",
}

RENDERED: list[Rendered] = [
    *(_gateway(name, raw) for name, raw in GATEWAYS.items()),
    _release("with nothing but what it needs", 10),
    _release(
        "with everything",
        10,
        hosts=["podinfo.example.com"],
        gateways=["istio-system/public"],
        workload=FULL_WORKLOAD,
        route=FULL_ROUTE,
        traffic=FULL_TRAFFIC,
    ),
    _release("after its promotion", 100, hosts=["podinfo.example.com"], gateways=["istio-system/public"]),
    Rendered("telemetry", [reports.telemetry("istio-system", ["source_principal"])], [namespace("istio-system")]),
    *(
        Rendered(f"filters of {each}", reports.filters(each, "istio-system"), [namespace("istio-system")], UNRANKED)
        for each in ("1.8", "1.9")
    ),
]
"""All of them. A room appends its own."""
