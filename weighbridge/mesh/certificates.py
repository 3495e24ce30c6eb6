"""What cert-manager is told: who signs, for which hosts, and how the domain is proven; as plain dicts.

Sources: cert-manager.io/docs/configuration/acme (ClusterIssuer, the solvers `cloudDNS` and `webhook`), and for Alibaba
Cloud the README of the webhook in the table of charts.
"""

from __future__ import annotations

from typing import Any

from weighbridge.mesh.objects import Object, secret_name
from weighbridge.settings.gateway import Gateway
from weighbridge.settings.gateway_tls import AlibabaDns01, Certificate

_API = "cert-manager.io/v1"
_DIRECTORY = {
    "staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
    "production": "https://acme-v02.api.letsencrypt.org/directory",
}
_SOLVER = "alidns-solver"
ID_KEY, SECRET_KEY = "access-token", "secret-key"
"""What the webhook's README calls the two parts of a key pair."""


def issuer_name(gateway: Gateway, certificate: Certificate) -> str:
    """Name of the ClusterIssuer, and of the Secret with its account's key."""
    return f"{gateway.name}-letsencrypt-{certificate.acme}"


def credentials_name(gateway: Gateway, dns01: AlibabaDns01) -> str:
    """Name of the Secret with Alibaba Cloud's key pair."""
    return dns01.secret or f"{gateway.name}-alidns"


def cluster_issuer(gateway: Gateway, certificate: Certificate) -> Object:
    """Build the ClusterIssuer: Let's Encrypt, with the domain proven by DNS-01."""
    name = issuer_name(gateway, certificate)
    acme = {
        "email": certificate.email,
        "server": _DIRECTORY[certificate.acme],
        "privateKeySecretRef": {"name": name},
        "solvers": [{"dns01": _solver(gateway, certificate)}],
    }
    return {"apiVersion": _API, "kind": "ClusterIssuer", "metadata": {"name": name}, "spec": {"acme": acme}}


def certificate_object(gateway: Gateway, certificate: Certificate) -> Object:
    """Build the Certificate of the gateway's hosts, in the gateway's namespace, where its proxy looks for it."""
    name = secret_name(gateway)
    spec = {
        "secretName": name,
        "dnsNames": list(gateway.hosts),
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": issuer_name(gateway, certificate)},
    }
    metadata = {"name": name, "namespace": gateway.namespace}
    return {"apiVersion": _API, "kind": "Certificate", "metadata": metadata, "spec": spec}


def credentials(gateway: Gateway, certificate: Certificate, key_id: Any, key_secret: Any) -> Object:
    """Build the Secret with a key pair of Alibaba Cloud, where cert-manager looks for what a ClusterIssuer names.

    Args:
        gateway: its settings.
        certificate: its settings, with `dns01.alibaba`.
        key_id: of the key, a text or an output.
        key_secret: likewise.
    """
    dns01 = certificate.dns01.alibaba
    if dns01 is None:
        raise ValueError("only Alibaba Cloud's DNS has credentials")
    metadata = {"name": credentials_name(gateway, dns01), "namespace": certificate.cert_manager.namespace}
    data = {ID_KEY: key_id, SECRET_KEY: key_secret}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": data}


def _solver(gateway: Gateway, certificate: Certificate) -> Object:
    google, alibaba = certificate.dns01.google, certificate.dns01.alibaba
    if google:
        # No key is named: cert-manager then asks the node's metadata server, which is Workload Identity.
        return {"cloudDNS": {"project": google.project}}
    if alibaba is None:
        raise ValueError("'dns01' must hold exactly one of google, alibaba")
    name = credentials_name(gateway, alibaba)
    config = {
        "regionId": alibaba.region,
        "accessTokenSecretRef": {"name": name, "key": ID_KEY},
        "secretKeySecretRef": {"name": name, "key": SECRET_KEY},
    }
    return {"webhook": {"groupName": alibaba.group, "solverName": _SOLVER, "config": config}}
