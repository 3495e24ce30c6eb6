"""The kubeconfigs of the clouds' clusters, with a stand-in for each plugin, at a real API server with a real client."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import Lab
from weighbridge.cloud import kubeconfig
from weighbridge.engine.rehearsal.cluster import Access, Cluster
from weighbridge.engine.rehearsal.goal import StepFailed

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}
KINDS: dict[str, Callable[[kubeconfig.Server], str]] = {
    kubeconfig.GOOGLE_PLUGIN: lambda server: kubeconfig.google("demo", server),
    kubeconfig.ALIBABA_PLUGIN: lambda server: kubeconfig.alibaba(
        "demo", server, "c1", "cn-hangzhou", "certificate", "ci"
    ),
}


@pytest.fixture(params=KINDS)
def plugin(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a plugin is looked for first; it is not there yet."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / str(request.param)


def answering(plugin: Path, token: str) -> None:
    """Put the plugin there: it notes its arguments, and answers with a token as Kubernetes asks it to."""
    status = {"token": token}
    answer = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": status}
    script = f"#!/bin/sh\necho \"$@\" > '{plugin}.args'\ncat <<'END'\n{json.dumps(answer)}\nEND\n"
    plugin.write_text(script, encoding="utf-8")
    plugin.chmod(0o755)


def text(lab: Lab, plugin: Path) -> str:
    """The kubeconfig of a cluster whose API server is the lab's."""
    return KINDS[plugin.name](kubeconfig.server(lab.kubeconfig.read_text(encoding="utf-8")))


def test_the_plugins_credential_opens_the_api_server(lab: Lab, plugin: Path) -> None:
    """Server, certificate authority and plugin are all that a client needs; the plugin is called with its own words."""
    config = json.loads(lab.kubeconfig.read_text(encoding="utf-8"))
    token = config["users"][0]["user"]["token"]
    answering(plugin, token)
    given = text(lab, plugin)
    assert token not in given
    live = Cluster(Access(given)).get(NAMESPACE)
    assert live is not None
    assert live["metadata"]["name"] == "kube-system"
    called = Path(f"{plugin}.args").read_text(encoding="utf-8").split()
    assert called[0] in {"--use_application_default_credentials", "credential-plugin"}


def test_without_a_credential_the_api_server_stays_shut(lab: Lab, plugin: Path) -> None:
    """Whoever has the kubeconfig and no credential of their own has nothing: the server says no to what they made up."""
    answering(plugin, "made-up")
    with pytest.raises(StepFailed, match="Unauthorized"):
        Cluster(Access(text(lab, plugin))).get(NAMESPACE)
