"""etcd, kube-apiserver and kube-controller-manager: how they are started, and the files that they need."""

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from lab.build import Servers
from lab.namespace import NODE_ADDRESS
from lab.server import ServerSpec

API = "https://127.0.0.1:6443"
CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
)
"""Only what the lab uses: the node and pod collectors would reap pods of a node that missed a heartbeat."""


@dataclass(frozen=True)
class Access:
    """The files by which the control plane is reached."""

    directory: Path
    token: str

    @property
    def kubeconfig(self) -> Path:
        """For clients; written by `write_kubeconfig` once the API server has made its certificate."""
        return self.directory / "kubeconfig"

    @property
    def certificate(self) -> Path:
        """The API server's self-signed certificate, with its authority."""
        return self.directory / "pki" / "apiserver.crt"

    @property
    def key(self) -> Path:
        """The certificate's private key."""
        return self.directory / "pki" / "apiserver.key"

    @property
    def tokens(self) -> Path:
        """The API server's static token file."""
        return self.directory / "pki" / "tokens.csv"

    @property
    def account_key(self) -> Path:
        """The key that signs service account tokens."""
        return self.directory / "pki" / "service-accounts.key"


def prepare(directory: Path) -> Access:
    """Write the token file and the signing key into a new lab directory."""
    access = Access(directory, secrets.token_urlsafe(32))
    access.tokens.parent.mkdir(parents=True, exist_ok=True)
    access.tokens.write_text(f'{access.token},lab,lab,"system:masters"\n', encoding="utf-8")
    access.account_key.write_text(_new_key(), encoding="utf-8")
    for secret in (access.tokens, access.account_key):
        secret.chmod(0o600)
    return access


def write_kubeconfig(access: Access) -> None:
    """Write the kubeconfig (context `lab`), readable by its owner only."""
    authority = base64.b64encode(access.certificate.read_bytes()).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": {"server": API, "certificate-authority-data": authority}}],
        "users": [{"name": "lab", "user": {"token": access.token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
    }
    access.kubeconfig.touch(mode=0o600)
    access.kubeconfig.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def etcd(servers: Servers, directory: Path) -> ServerSpec:
    """The API server's store; nothing in it outlives the lab, so it need not sync to the disk."""
    return ServerSpec(
        name="etcd",
        argv=(
            str(servers.path("etcd")),
            f"--data-dir={directory / 'etcd'}",
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--initial-advertise-peer-urls=http://127.0.0.1:2380",
            "--initial-cluster=default=http://127.0.0.1:2380",
            # One member needs no quiet time before it elects itself.
            "--heartbeat-interval=10",
            "--election-timeout=100",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
        ready="http://127.0.0.1:2379/readyz",
    )


def kube_apiserver(servers: Servers, access: Access) -> ServerSpec:
    """The API server, with RBAC and without the admission of service accounts (pods here mount no tokens)."""
    return ServerSpec(
        name="kube-apiserver",
        argv=(
            str(servers.path("kube-apiserver")),
            "--etcd-servers=http://127.0.0.1:2379",
            "--bind-address=127.0.0.1",
            f"--advertise-address={NODE_ADDRESS}",
            "--secure-port=6443",
            f"--cert-dir={access.certificate.parent}",
            f"--token-auth-file={access.tokens}",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={access.account_key}",
            f"--service-account-signing-key-file={access.account_key}",
            "--enable-priority-and-fairness=false",
            "--profiling=false",
            "--shutdown-delay-duration=0s",
        ),
        ready=f"{API}/readyz",
    )


def kube_controller_manager(servers: Servers, access: Access) -> ServerSpec:
    """The controllers that turn Deployments into Pods and Services into endpoints."""
    return ServerSpec(
        name="kube-controller-manager",
        argv=(
            str(servers.path("kube-controller-manager")),
            f"--kubeconfig={access.kubeconfig}",
            f"--controllers={','.join(CONTROLLERS)}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            # The API server's certificate serves here too: making another one costs a second of processor time.
            f"--tls-cert-file={access.certificate}",
            f"--tls-private-key-file={access.key}",
            "--authentication-skip-lookup=true",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            "--profiling=false",
        ),
        ready="https://127.0.0.1:10257/healthz",
    )


def _new_key() -> str:
    """A P-256 private key in PEM (SEC 1, RFC 5915): any number below the curve's order; readers derive the rest."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    number = (1 + secrets.randbelow(order - 1)).to_bytes(32, "big")
    curve = bytes.fromhex("a00a06082a8648ce3d030107")
    body = b"\x02\x01\x01" + b"\x04\x20" + number + curve
    text = base64.encodebytes(b"\x30" + bytes([len(body)]) + body).decode().replace("\n", "")
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN EC PRIVATE KEY-----\n{lines}\n-----END EC PRIVATE KEY-----\n"
