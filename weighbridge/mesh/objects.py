"""Istio's objects, and the namespaces that get sidecars, as plain dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weighbridge.settings.gateway import Gateway

_NETWORKING = "networking.istio.io/v1"
_SECURITY = "security.istio.io/v1"
_TLS = {"1.2": "TLSV1_2", "1.3": "TLSV1_3"}
_WHOLE = "default"
"""The name under which an object is the one for its namespace, or for the mesh in istiod's own."""

Object = dict[str, Any]


def secret_name(gateway: Gateway) -> str | None:
    """Name of the Secret that has the gateway's certificate; None where there is no TLS."""
    if gateway.tls is None:
        return None
    return gateway.tls.secret or f"{gateway.name}-tls"


def gateway_object(gateway: Gateway) -> Object:
    """Build the Gateway: its hosts on HTTP, redirected where there is TLS, and on HTTPS."""
    hosts = list(gateway.hosts)
    http: Object = {
        "port": {"number": gateway.ports.http, "name": "http", "protocol": "HTTP"},
        "hosts": hosts,
    }
    servers = [http]
    if gateway.tls:
        if gateway.redirect:
            http["tls"] = {"httpsRedirect": True}
        tls = {
            "mode": "SIMPLE",
            "credentialName": secret_name(gateway),
            "minProtocolVersion": _TLS[gateway.tls.min_version],
        }
        port = {"number": gateway.ports.https, "name": "https", "protocol": "HTTPS"}
        servers.append({"port": port, "hosts": hosts, "tls": tls})
    spec = {"selector": dict(gateway.selector), "servers": servers}
    return _object(_NETWORKING, "Gateway", gateway.name, gateway.namespace, spec)


def peer_authentications(gateway: Gateway) -> dict[str, Object]:
    """Build the PeerAuthentications: by namespace, the mesh's under ""."""
    if gateway.mtls is None:
        return {}
    modes: Mapping[str, str] = gateway.mtls.namespaces
    found = {name: _authentication(name, mode) for name, mode in modes.items()}
    if gateway.mtls.mode:
        found[""] = _authentication(gateway.root_namespace, gateway.mtls.mode)
    return found


def namespaces(gateway: Gateway) -> dict[str, Object]:
    """Build the namespaces, by name: with the label by which istiod gives new pods a sidecar, or none."""
    return {name: _namespace(gateway, name) for name in gateway.namespaces}


def _namespace(gateway: Gateway, name: str) -> Object:
    revision = gateway.adopt.revision if gateway.adopt else None
    wanted = gateway.namespaces[name].injection
    # Beside `istio-injection` a revision's label counts for nothing, so only one of the two is written.
    label = (
        {"istio.io/rev": revision} if wanted and revision else {"istio-injection": "enabled" if wanted else "disabled"}
    )
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": label}}


def _authentication(namespace: str, mode: str) -> Object:
    return _object(_SECURITY, "PeerAuthentication", _WHOLE, namespace, {"mtls": {"mode": mode}})


def _object(version: str, kind: str, name: str, namespace: str, spec: Object) -> Object:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
