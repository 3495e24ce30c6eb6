"""The gateway of Alibaba Cloud Service Mesh: its own object on the mesh's API server, from which ASM makes the pods.

Source: alibabacloud.com/help/en/asm/sidecar/crd-fields-for-an-asm-gateway (fields, and that the namespace must be
istio-system), and the example body of the API's CreateASMGateway. The CRD is not public: nothing here holds it to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weighbridge.mesh.objects import Object
from weighbridge.settings.gateway import ASM_NAMESPACE, Gateway

_PREFIX = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer"


def load_balancer(identity: Any) -> dict[str, Any]:
    """Annotations of a Service that make it use a load balancer that exists, a text or an output being its id."""
    # Without the second one the cloud's controller leaves a load balancer's listeners as it found them.
    return {f"{_PREFIX}-id": identity, f"{_PREFIX}-force-override-listeners": "true"}


def istio_gateway(gateway: Gateway, annotations: Mapping[str, Any] | None = None, made: Any = None) -> Object:
    """Build ASM's IstioGateway.

    Args:
        gateway: its settings, with `asm`.
        annotations: of its Service; without any the load balancer is ASM's own.
        made: id of the cluster that the stack makes, a text or an output, where the settings name none.
    """
    asm = gateway.asm
    if asm is None:
        raise ValueError("only ASM has an IstioGateway")
    ports = {"http-0": gateway.ports.http, **({"https-1": gateway.ports.https} if gateway.tls else {})}
    spec = {
        "gatewayType": "ingress",
        "clusterIds": list(asm.clusters or [made]),
        "replicaCount": asm.replicas,
        "serviceType": "LoadBalancer",
        "serviceAnnotations": dict(annotations or {f"{_PREFIX}-address-type": asm.reach}),
        "ports": [{"name": n, "port": p, "targetPort": p, "protocol": "TCP"} for n, p in ports.items()],
    }
    return {
        "apiVersion": "istio.alibabacloud.com/v1beta1",
        "kind": "IstioGateway",
        "metadata": {"name": asm.gateway, "namespace": ASM_NAMESPACE},
        "spec": spec,
    }
