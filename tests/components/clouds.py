"""Google's and Alibaba Cloud's side of a run on the SDK's mocks: what the program could not have known beforehand.

Credentials are in what Alibaba Cloud answers, as in the real answers, so that a test can look for where they went.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import yaml
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

CA = "Y2VydGlmaWNhdGUgYXV0aG9yaXR5"
KEY = "cHJpdmF0ZSBrZXk="
"""Base64 of a private key: nowhere but in a secret."""
ENDPOINT = "34.118.0.1"
API = "https://47.100.0.1:6443"
MESH_API = "https://10.0.0.9:6443"


def static(server: str) -> str:
    """A kubeconfig with a client certificate and its key, as Alibaba Cloud gives it."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kubernetes", "cluster": {"server": server, "certificate-authority-data": CA}}],
        "contexts": [{"name": "admin", "context": {"cluster": "kubernetes", "user": "admin"}}],
        "current-context": "admin",
        "users": [{"name": "admin", "user": {"client-certificate-data": CA, "client-key-data": KEY}}],
    }
    return yaml.safe_dump(content)


class Clouds:
    """Both clouds, and the stacks that a program may refer to.

    Args:
        stacks: outputs of other stacks, by their full name.
    """

    def __init__(self, stacks: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.stacks = stacks or {}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def computed(self, args: MockResourceArgs) -> Mapping[str, Any] | None:
        """What the resource has become."""
        if args.typ == "pulumi:pulumi:StackReference":
            # The engine reads the other stack in a preview too.
            outputs = self.stacks.get(args.inputs["name"], {})
            return {"name": args.inputs["name"], "outputs": dict(outputs), "secretOutputNames": list(outputs)}
        if not args.typ.startswith(("gcp:", "alicloud:")):
            return None
        computed: dict[str, Mapping[str, Any]] = {
            "Cluster": {
                "endpoint": ENDPOINT,
                "masterAuth": {**args.inputs.get("masterAuth", {}), "clusterCaCertificate": CA},
            },
            "Network": {"selfLink": f"https://google/{args.name}"},
            "Subnetwork": {"selfLink": f"https://google/{args.name}"},
            "Account": {"email": "nodes@demo-project.iam", "member": "serviceAccount:nodes@demo-project.iam"},
            "Address": {"address": "192.0.2.7"},
            "ApplicationLoadBalancer": {"address": "192.0.2.7"},
            "ServiceMesh": {"kubeconfig": static(MESH_API)},
        }
        return computed.get(args.typ.rpartition(":")[2], {})

    def called(self, args: MockCallArgs) -> Mapping[str, Any] | None:
        """The one function that is called: a credential for a cluster."""
        if args.token != "alicloud:cs/getClusterCredential:getClusterCredential":
            return None
        self.asked.append((args.token, args.args))
        return {
            "clusterId": args.args["clusterId"],
            "clusterName": "demo",
            "kubeConfig": static(API),
            "certificateAuthorities": [{"clientCert": CA, "clientKey": KEY, "clusterCert": CA}],
            "expiration": "2026-11-26T18:00:00Z",
            "id": "x",
        }


def google(**more: Any) -> dict[str, Any]:
    """The settings of a cluster on Google Cloud."""
    return {"kind": "gke", "project": "demo-project", "location": "europe-west1-b", "name": "demo", **more}


def alibaba(**more: Any) -> dict[str, Any]:
    """The settings of a cluster on Alibaba Cloud, with a mesh."""
    zones = ["cn-hangzhou-i", "cn-hangzhou-j"]
    return {"kind": "ack", "region": "cn-hangzhou", "zones": zones, "name": "demo", "mesh": {}, **more}


def workload(provider: pulumi.ProviderResource) -> None:
    """Something on a cluster, to see what it waits for."""
    import pulumi_kubernetes as kubernetes  # noqa: PLC0415  as heavy as the clouds

    kubernetes.core.v1.ConfigMap("workload", metadata={"name": "x"}, opts=pulumi.ResourceOptions(provider=provider))
