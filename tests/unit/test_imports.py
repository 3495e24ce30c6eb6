"""What imports what: the contracts of pyproject.toml, and what a run on an existing cluster has to load."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[2]
CLOUDS = ("pulumi_gcp", "pulumi_alicloud")


def test_the_contracts_are_kept() -> None:
    """Decisions import no engine, network client or clock; the library no component; nothing that ships the lab."""
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def loaded(modules: str) -> set[str]:
    """The top-level packages in a process that has imported some modules."""
    program = f"import sys, {modules}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


def ran(config: dict[str, Any], **environ: str) -> dict[str, Any]:
    """How a run of the whole program ends, in a fresh interpreter: its resources, its error, its packages."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.components.program"],
        cwd=ROOT,
        env={**os.environ, **environ},
        input=json.dumps(config),
        capture_output=True,
        text=True,
        check=True,
    )
    # A gate prints its decision before it.
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_a_stack_on_an_existing_cluster_needs_no_cloud(tmp_path: Path) -> None:
    """The clouds are extras of hundreds of megabytes: a run of the program, with a release, imports neither of them."""
    with socket.create_server(("127.0.0.1", 0)) as api:
        server = f"http://127.0.0.1:{api.getsockname()[1]}"
        content = {
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "current-context": "c",
        }
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(json.dumps(content), encoding="utf-8")
        release = {"namespace": "test", "port": 9898, "stable": {"image": "a:1"}}
        existing = {"kind": "existing", "kubeconfig": str(kubeconfig)}
        run = ran({"cluster": existing, "releases": {"podinfo": release}})
    assert run["error"] == ""
    assert "kubernetes:apps/v1:Deployment" in run["types"]
    assert not set(run["packages"]) & set(CLOUDS)
    assert {"pulumi", "pulumi_kubernetes"} <= set(run["packages"])


def test_each_cloud_imports_its_own_package_alone(tmp_path: Path) -> None:
    """A stack on Google Cloud does not load Alibaba Cloud's package; the first run that imports one shows it does."""
    gke = {"kind": "gke", "project": "demo-project", "location": "europe-west1-b", "name": "demo"}
    run = ran({"cluster": gke}, GOOGLE_CREDENTIALS="{}", PATH=str(tmp_path))
    assert "gcp:container/cluster:Cluster" in run["types"]
    assert set(run["packages"]) & set(CLOUDS) == {"pulumi_gcp"}


def test_the_settings_need_no_engine() -> None:
    """What reads the stack file starts neither Pulumi nor a network client, so that editing one is quick."""
    found = loaded("weighbridge.settings, weighbridge.plan, weighbridge.judge, weighbridge.summary")
    assert not found & {"pulumi", "pulumi_kubernetes", "requests", "prometheus_api_client", "kubernetes", "components"}
