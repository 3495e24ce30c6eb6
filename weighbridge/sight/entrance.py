"""The VirtualService by which a Service of the cluster is reached from outside, through a Gateway that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weighbridge.settings.observability import Entrance


def virtual_service(service: str, namespace: str, port: int, entrance: Entrance) -> dict[str, Any]:
    """Build the VirtualService.

    Only requests that came in at the Gateway's TLS port are answered, unless the settings say otherwise: a Gateway may
    well serve the same host without TLS, and then everybody on the way would read the passwords.

    Args:
        service: its name.
        namespace: of the Service, and of the VirtualService.
        port: of the Service.
        entrance: host and Gateway.
    """
    there = {"host": f"{service}.{namespace}.svc.cluster.local", "port": {"number": port}}
    route: dict[str, Any] = {"name": "primary", "route": [{"destination": there}]}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": service, "namespace": namespace, "labels": {"app": service}},
        "spec": {
            "hosts": [entrance.host],
            "gateways": [entrance.gateway],
            "http": [route if entrance.insecure else {"match": [{"port": entrance.port}], **route}],
        },
    }


def address(entrance: Entrance) -> str:
    """Where people find it."""
    if entrance.insecure:
        return f"http://{entrance.host}"
    return f"https://{entrance.host}" + ("" if entrance.port == 443 else f":{entrance.port}")  # noqa: PLR2004  HTTPS
