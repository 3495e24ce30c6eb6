"""What `observability` and the rest of a stack must agree on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from weighbridge.settings.rules import fault

if TYPE_CHECKING:
    from weighbridge.settings.cluster import Cluster
    from weighbridge.settings.gateway import Gateway
    from weighbridge.settings.observability import Entrance, Observability
    from weighbridge.settings.release import Release


def observability_fits(
    seen: Observability, gateway: Gateway | None, clusters: Mapping[str, Cluster], releases: Mapping[str, Release]
) -> None:
    """Insist that its cluster is there, that no release has its hosts, and that the stack's own gateway lets it in.

    Args:
        seen: the section.
        gateway: the stack's own, if it has one.
        clusters: by name.
        releases: by name.

    Raises:
        PydanticCustomError: a rule is broken.
    """
    if seen.cluster is not None and seen.cluster not in clusters:
        raise fault("must be the name of an entry in 'clusters'", got=repr(seen.cluster), key="observability.cluster")
    for key, entrance in seen.entrances.items():
        for release in releases.values():
            if release.cluster == seen.cluster and entrance.gateway in release.gateways:
                _host_is_free(key, entrance, release)
        own = gateway and gateway.cluster == seen.cluster and entrance.gateway == f"{gateway.namespace}/{gateway.name}"
        if gateway and own:
            _gateway_lets_in(key, entrance, gateway)


def _host_is_free(key: str, entrance: Entrance, release: Release) -> None:
    if entrance.host in release.hosts:
        raise fault(f"must not be a host of {release.name!r}", got=repr(entrance.host), key=f"{key}.host")


def _gateway_lets_in(key: str, entrance: Entrance, gateway: Gateway) -> None:
    if not gateway.serves(entrance.host):
        raise fault("must be one that 'gateway' serves", got=repr(entrance.host), key=f"{key}.host")
    if entrance.insecure:
        return
    if gateway.tls is None:
        raise fault("must be true, as 'gateway' has no 'tls'", got="false", key=f"{key}.insecure")
    if entrance.port != gateway.ports.https:
        rule = f"must be {gateway.ports.https}, the 'ports.https' of 'gateway'"
        raise fault(rule, got=str(entrance.port), key=f"{key}.port")
