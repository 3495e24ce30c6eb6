"""What the mesh is told to report: the Telemetry object, and for old meshes the EnvoyFilters of Mixerless telemetry.

Since Istio 1.18 istiod itself gives each proxy the stats filter, and the Telemetry API says which metrics and labels.
Before, filters came as EnvoyFilters in Istio's charts, one set for each minor version, as what a proxy understands
changed with it. Rendered here is what the charts of 1.8 and 1.9 ship (their `telemetryv2_1.8.yaml` and
`telemetryv2_1.9.yaml`), with the filters that are built into the proxy and no WebAssembly: metadata exchange for HTTP
and TCP, stats for HTTP and TCP; inbound, outbound and gateway. Istio has its objects in the root namespace, where they
hold for the whole mesh.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

Object = dict[str, Any]

_STRUCT: Final = "type.googleapis.com/udpa.type.v1.TypedStruct"
_TEXT: Final = "type.googleapis.com/google.protobuf.StringValue"
_HTTP_WASM: Final = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"
_TCP_WASM: Final = "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm"
_EXCHANGE: Final = "type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange"
_PROTOCOL: Final = {"protocol": "istio-peer-exchange"}
_MANAGER: Final = "envoy.filters.network.http_connection_manager"

INBOUND: Final = "SIDECAR_INBOUND"
OUTBOUND: Final = "SIDECAR_OUTBOUND"
GATEWAY: Final = "GATEWAY"
CONTEXTS: Final = (INBOUND, OUTBOUND, GATEWAY)


def telemetry(namespace: str, drop: Sequence[str] = ()) -> Object:
    """Build the mesh-wide Telemetry object: Prometheus' metrics on, without the labels that nobody needs.

    Args:
        namespace: the mesh's root namespace.
        drop: labels of Istio's that the proxies leave out, of all their metrics.
    """
    removed = {label: {"operation": "REMOVE"} for label in sorted(drop)}
    overrides = [{"match": {"metric": "ALL_METRICS"}, "tagOverrides": removed}] if removed else []
    metrics: Object = {"providers": [{"name": "prometheus"}], **({"overrides": overrides} if overrides else {})}
    return {
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        # Istio takes one object a namespace without a selector, and calls its own mesh-default.
        "metadata": {"name": "mesh-default", "namespace": namespace},
        "spec": {"metrics": [metrics]},
    }


def filters(version: str, namespace: str) -> list[Object]:
    """Build the EnvoyFilters of an old mesh.

    Args:
        version: of the proxies, "1.8" or "1.9"; proxies of another version are left alone.
        namespace: the mesh's root namespace.
    """
    build = _Filters(version, namespace)
    return [build.exchange(), build.tcp_exchange(), build.stats(), build.tcp_stats()]


class _Filters:
    """The filters of one version."""

    def __init__(self, version: str, namespace: str) -> None:
        self._version = version
        self._namespace = namespace

    def exchange(self) -> Object:
        """Callers and callees tell each other who they are, by HTTP headers."""
        value = _wasm("istio.metadata_exchange", _HTTP_WASM, {}, "envoy.wasm.metadata_exchange")
        return self._object("metadata-exchange", [self._http(each, value, before_router=False) for each in CONTEXTS])

    def tcp_exchange(self) -> Object:
        """The same by ALPN, for TCP."""
        typed = {"@type": _STRUCT, "type_url": _EXCHANGE, "value": _PROTOCOL}
        value = {"name": "istio.metadata_exchange", "typed_config": typed}
        inbound = self._patch("NETWORK_FILTER", INBOUND, {"listener": {}}, "INSERT_BEFORE", value)
        clusters = [
            self._patch("CLUSTER", each, {"cluster": {}}, "MERGE", {"filters": [value]}) for each in (OUTBOUND, GATEWAY)
        ]
        return self._object("tcp-metadata-exchange", [inbound, *clusters])

    def stats(self) -> Object:
        """Requests and their duration, for HTTP."""
        patches = [self._http(each, _stats(each, _HTTP_WASM, ""), before_router=True) for each in CONTEXTS]
        return self._object("stats-filter", patches)

    def tcp_stats(self) -> Object:
        """Bytes and connections, for TCP."""
        listener = {"listener": {"filterChain": {"filter": {"name": "envoy.filters.network.tcp_proxy"}}}}
        patches = [
            self._patch("NETWORK_FILTER", each, listener, "INSERT_BEFORE", _stats(each, _TCP_WASM, "tcp_"))
            for each in CONTEXTS
        ]
        return self._object("tcp-stats-filter", patches)

    def _object(self, name: str, patches: Sequence[Object]) -> Object:
        return {
            "apiVersion": "networking.istio.io/v1alpha3",
            "kind": "EnvoyFilter",
            "metadata": {"name": f"{name}-{self._version}", "namespace": self._namespace},
            "spec": {"configPatches": list(patches)},
        }

    def _http(self, context: str, value: Object, *, before_router: bool) -> Object:
        # The last one that is inserted before the router runs last: after the exchange, whose findings it counts by.
        router = {"subFilter": {"name": "envoy.filters.http.router"}} if before_router else {}
        listener = {"listener": {"filterChain": {"filter": {"name": _MANAGER, **router}}}}
        return self._patch("HTTP_FILTER", context, listener, "INSERT_BEFORE", value)

    def _patch(self, apply_to: str, context: str, match: Mapping[str, Any], operation: str, value: Object) -> Object:
        version = self._version.replace(".", r"\.")
        return {
            "applyTo": apply_to,
            # The dot behind it: 1.1 must not be 1.10 as well.
            "match": {"context": context, "proxy": {"proxyVersion": rf"^{version}\..*"}, **match},
            "patch": {"operation": operation, "value": value},
        }


def _stats(context: str, type_url: str, prefix: str) -> Object:
    name = "inbound" if context == INBOUND else "outbound"
    own, peer = ("destination", "source") if context == INBOUND else ("source", "destination")
    found = "downstream_peer.cluster_id" if context == INBOUND else "upstream_peer.cluster_id"
    dimensions = {f"{own}_cluster": "node.metadata['CLUSTER_ID']", f"{peer}_cluster": found}
    # At a gateway the Host header is anybody's word, and each word would be a series.
    gateway = {"disable_host_header_fallback": True} if context == GATEWAY and not prefix else {}
    configuration = {"debug": "false", "stat_prefix": "istio", **gateway, "metrics": [{"dimensions": dimensions}]}
    ids = {"root_id": f"stats_{name}"}, {"vm_id": f"{prefix}stats_{name}"}
    return _wasm("istio.stats", type_url, configuration, "envoy.wasm.stats", *ids)


def _wasm(
    name: str,
    type_url: str,
    configuration: Mapping[str, Any],
    code: str,
    root: Mapping[str, str] | None = None,
    machine: Mapping[str, str] | None = None,
) -> Object:
    config = {
        **(root or {}),
        "configuration": {"@type": _TEXT, "value": json.dumps(configuration)},
        # "null" is the proxy's own code, not WebAssembly.
        "vm_config": {
            **(machine or {}),
            "runtime": "envoy.wasm.runtime.null",
            "code": {"local": {"inline_string": code}},
        },
    }
    return {
        "name": name,
        "typed_config": {"@type": _STRUCT, "type_url": type_url, "value": {"config": config}},
    }
