"""istiod and the gateway: how they are started, and the configuration that lets upstream Envoy serve Istio."""

import json
from pathlib import Path
from typing import Any

from lab.build import Servers
from lab.server import ServerSpec

GATEWAY_PORT = 8080
ADMIN_PORT = 15000
_XDS_PORT = 15010
_STATS = ("cluster.", "server.", "http.")
_SELECTOR = {"istio": "ingressgateway"}

GATEWAY: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "public", "namespace": "istio-system"},
    "spec": {
        "selector": _SELECTOR,
        "servers": [{"port": {"number": GATEWAY_PORT, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    },
}
"""The Gateway that releases attach to, as `istio-system/public`."""


def istiod(servers: Servers, directory: Path, kubeconfig: Path) -> ServerSpec:
    """Istio's control plane: plain-text xDS, no webhooks, no certificates."""
    mesh = directory / "mesh.json"
    # With automatic mTLS every cluster waits for certificates, which nobody hands out here.
    mesh.write_text(json.dumps({"enableAutoMtls": False, "ingressControllerMode": "OFF"}), encoding="utf-8")
    return ServerSpec(
        name="istiod",
        argv=(
            str(servers.path("pilot-discovery")),
            "discovery",
            f"--kubeconfig={kubeconfig}",
            f"--meshConfig={mesh}",
            f"--grpcAddr=127.0.0.1:{_XDS_PORT}",
            "--httpAddr=127.0.0.1:15080",
            "--httpsAddr=",
            "--secureGRPCAddr=",
            "--monitoringAddr=127.0.0.1:15014",
            "--profile=false",
            "--shutdownDuration=0s",
        ),
        env={
            "POD_NAME": "istiod-lab",
            "POD_NAMESPACE": "istio-system",
            # Upstream Envoy lacks the filters that these two would send it.
            "PILOT_ENABLE_ALPN_FILTER": "false",
            "PILOT_ENABLE_METADATA_EXCHANGE": "false",
            "PILOT_ENABLE_GATEWAY_API": "false",
            "VALIDATION_WEBHOOK_CONFIG_NAME": "",
            "INJECTION_WEBHOOK_CONFIG_NAME": "",
            "ENABLE_CA_SERVER": "false",
            # Secrets are for proxies that say who they are, and nobody here has a certificate to say it with.
            "XDS_AUTH_PLAINTEXT": "true",
        },
        ready="http://127.0.0.1:15080/ready",
    )


ACCOUNT = "istio-ingressgateway"
"""The gateway's service account: istiod asks the API server who it is, and whether it may read Secrets."""

PERMISSION: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/api/v1/namespaces/istio-system/serviceaccounts", {"metadata": {"name": ACCOUNT}}),
    (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/istio-system/roles",
        {
            "metadata": {"name": ACCOUNT},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch", "list"]}],
        },
    ),
    (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/istio-system/rolebindings",
        {
            "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "istio-system"}],
        },
    ),
)
"""What the gateway may, as Istio's chart allows it."""

TOKEN_PATH = f"/api/v1/namespaces/istio-system/serviceaccounts/{ACCOUNT}/token"
TOKEN_REQUEST: dict[str, Any] = {"spec": {"audiences": ["istio-ca"], "expirationSeconds": 30 * 86_400}}
"""For longer than a lab in the background is kept; a real proxy renews its own."""


def write_bootstrap(directory: Path, token: str) -> None:
    """Write the gateway's configuration, by which it finds istiod and says who it is."""
    bootstrap = _bootstrap_file(directory)
    bootstrap.touch(mode=0o600)
    bootstrap.write_text(json.dumps(_bootstrap(token), indent=1), encoding="utf-8")


def _bootstrap_file(directory: Path) -> Path:
    return directory / "envoy.json"


def gateway(servers: Servers, directory: Path) -> ServerSpec:
    """The gateway: upstream Envoy, configured by istiod over ADS as any Istio gateway is."""
    return ServerSpec(
        name="gateway",
        argv=(
            str(servers.envoy),
            *("--config-path", str(_bootstrap_file(directory))),
            *("--concurrency", "1"),
            *("--log-level", "warning"),
            *("--drain-time-s", "1"),
            "--disable-hot-restart",
        ),
        ready=f"http://127.0.0.1:{ADMIN_PORT}/ready",
    )


def _bootstrap(token: str) -> dict[str, Any]:
    identity = [{"key": "authorization", "value": f"Bearer {token}"}, {"key": "clusterid", "value": "Kubernetes"}]
    ads = {
        "api_type": "GRPC",
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "istiod"}, "initial_metadata": identity}],
        "set_node_on_first_message_only": True,
    }
    return {
        "node": {
            "id": "router~127.0.0.1~gw-1.istio-system~istio-system.svc.cluster.local",
            "cluster": "public.istio-system",
            "metadata": {
                "NAMESPACE": "istio-system",
                "CLUSTER_ID": "Kubernetes",
                "ISTIO_VERSION": "1.31.0",
                "LABELS": _SELECTOR,
            },
        },
        "admin": {"address": _address(ADMIN_PORT)},
        "dynamic_resources": {
            "lds_config": {"ads": {}, "resource_api_version": "V3"},
            "cds_config": {"ads": {}, "resource_api_version": "V3"},
            "ads_config": ads,
        },
        "static_resources": {"clusters": [_istiod_cluster()]},
        # Histograms show what was merged at the last flush: by default that would be up to 5 s ago.
        "stats_flush_interval": "0.2s",
        "stats_config": {
            "use_all_default_tags": False,
            "stats_tags": [
                {"tag_name": "cluster_name", "regex": "^cluster(\\.(.+);)"},
                {"tag_name": "response_code", "regex": "_rq(_(\\d{3}))$"},
            ],
            "stats_matcher": {"inclusion_list": {"patterns": [{"prefix": prefix} for prefix in _STATS]}},
        },
    }


def _istiod_cluster() -> dict[str, Any]:
    http2 = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    endpoint = {"endpoint": {"address": _address(_XDS_PORT)}}
    return {
        "name": "istiod",
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "load_assignment": {"cluster_name": "istiod", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
