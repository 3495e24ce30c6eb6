"""Kubeconfigs with a credential plugin in place of a credential, as text for Pulumi's Kubernetes provider.

A credential in a kubeconfig would be in the stack's state, and would go on working for whoever has it. A plugin
(https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins) is a command that
the client runs to get one for a few minutes or hours, with the credentials of whoever runs it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

GOOGLE_PLUGIN = "gke-gcloud-auth-plugin"
ALIBABA_PLUGIN = "ack-ram-tool"

_API = "client.authentication.k8s.io/v1beta1"
"""The version that both plugins answer by default."""


@dataclass(frozen=True)
class Server:
    """An API server.

    Attributes:
        url: its address.
        authority: base64 of the PEM certificate that its own descends from.
    """

    url: str
    authority: str


def google(name: str, server: Server) -> str:
    """The kubeconfig of a GKE cluster.

    The plugin takes Google's application default credentials, as Pulumi's provider does, and not those of gcloud: who
    makes the cluster is who uses it. https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl

    Args:
        name: of the context.
        server: the API server.
    """
    plugin = {
        "command": GOOGLE_PLUGIN,
        "args": ["--use_application_default_credentials"],
        "installHint": f"{GOOGLE_PLUGIN} is not on PATH: gcloud components install {GOOGLE_PLUGIN}",
        "provideClusterInfo": True,
    }
    return _text(name, server, plugin)


def alibaba(name: str, server: Server, cluster: str, region: str, credential: str, profile: str | None) -> str:
    """The kubeconfig of an ACK cluster, as `ack-ram-tool credential-plugin get-kubeconfig` writes it.

    https://github.com/AliyunContainerService/ack-ram-tool, pkg/ctl/credentialplugin/getkubeconfig.go (v0.20).

    Args:
        name: of the context.
        server: the API server.
        cluster: its ID.
        region: that it is in.
        credential: "certificate" for one that lasts three hours, "token" for ack-ram-authenticator's.
        profile: of the aliyun command; None leaves the choice to the environment.
    """
    verb = ["get-token"] if credential == "token" else ["get-credential", "--expiration", "3h"]
    chosen = ["--profile-name", profile] if profile else []
    plugin = {
        "command": ALIBABA_PLUGIN,
        "args": [
            *("credential-plugin", *verb, "--cluster-id", cluster, "--api-version", "v1beta1"),
            *("--region-id", region, *chosen, "--log-level", "error"),
        ],
        "installHint": f"{ALIBABA_PLUGIN} is not on PATH: see https://aliyuncontainerservice.github.io/ack-ram-tool",
        "provideClusterInfo": False,
    }
    return _text(name, server, plugin)


def server(text: str) -> Server:
    """The API server of a kubeconfig's first cluster; its users, and their credentials, are left behind.

    Args:
        text: of the kubeconfig.

    Raises:
        ValueError: it has no such cluster. The text is in no message: it holds credentials.
    """
    try:
        content = YAML(typ="safe", pure=True).load(text)
        cluster = content["clusters"][0]["cluster"]
        return Server(str(cluster["server"]), str(cluster["certificate-authority-data"]))
    except (YAMLError, LookupError, TypeError):
        raise ValueError("the cloud gave a kubeconfig without a cluster") from None


def _text(name: str, at: Server, plugin: dict[str, Any]) -> str:
    exec_ = {"apiVersion": _API, **plugin, "interactiveMode": "Never"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": _named(name, "cluster", {"server": at.url, "certificate-authority-data": at.authority}),
        "contexts": _named(name, "context", {"cluster": name, "user": name}),
        "users": _named(name, "user", {"exec": exec_}),
        "current-context": name,
    }
    return json.dumps(config, indent=2)


def _named(name: str, kind: str, content: dict[str, Any]) -> Sequence[dict[str, Any]]:
    return [{"name": name, kind: content}]
