"""What the charts are told: their values, as plain dicts. What is not said here is left to the chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weighbridge.settings.gateway import Gateway
from weighbridge.settings.gateway_tls import AlibabaDns01, CertManager

SERVICE_ACCOUNT = "cert-manager"
"""Of cert-manager's pods: the name of its Helm release."""

_STATUS_PORT = 15021
Values = dict[str, Any]


def base(namespace: str) -> Values:
    """Values of the chart `base`: Istio's CRDs, and the revision whose webhook validates what they hold."""
    return {"defaultRevision": "default", "global": {"istioNamespace": namespace}}


def istiod(namespace: str) -> Values:
    """Values of the chart `istiod`."""
    return {"global": {"istioNamespace": namespace}}


def ingress(gateway: Gateway, ip: Any = None, annotations: Mapping[str, Any] | None = None) -> Values:
    """Values of the chart `gateway`.

    Args:
        gateway: its settings, with `install`.
        ip: a static address for its load balancer, a text or an output.
        annotations: of its Service.
    """
    if gateway.install is None:
        raise ValueError("only an installed gateway has a chart")
    replicas = gateway.install.replicas
    service: Values = {"type": "LoadBalancer", "ports": _ports(gateway)}
    if ip is not None:
        service["loadBalancerIP"] = ip
    if annotations:
        service["annotations"] = dict(annotations)
    values: Values = {
        "service": service,
        "autoscaling": {"enabled": True, "minReplicas": replicas.min, "maxReplicas": replicas.max},
    }
    if replicas.min > 1:
        values["podDisruptionBudget"] = {"maxUnavailable": 1}
    return values


def cert_manager(settings: CertManager, service_account: Any = None) -> Values:
    """Values of the chart `cert-manager`.

    Args:
        settings: whose cert-manager it is.
        service_account: address of a Google service account that it may act as, a text or an output.
    """
    values: Values = {
        "crds": {"enabled": True},
        # The chart's own choice is kube-system, which GKE's Autopilot lets nobody write to.
        "global": {"leaderElection": {"namespace": settings.namespace}},
    }
    if service_account is not None:
        values["serviceAccount"] = {"annotations": {"iam.gke.io/gcp-service-account": service_account}}
    return values


def alidns_webhook(settings: CertManager, dns01: AlibabaDns01) -> Values:
    """Values of the chart `alidns-webhook`."""
    return {
        "groupName": dns01.group,
        "certManager": {"namespace": settings.namespace, "serviceAccountName": SERVICE_ACCOUNT},
    }


def _ports(gateway: Gateway) -> list[Values]:
    ports = {"status-port": _STATUS_PORT, "http2": gateway.ports.http}
    if gateway.tls:
        ports["https"] = gateway.ports.https
    return [{"name": name, "port": port, "targetPort": port, "protocol": "TCP"} for name, port in ports.items()]
