"""What imports what: the contracts of pyproject.toml, and what a run on an existing cluster has to load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_an_existing_cluster_needs_no_cloud() -> None:
    """The clouds are extras of hundreds of megabytes: what the program imports for an existing cluster loads none."""
    found = loaded("components.cluster.existing, components.gate, components.release, components.saved")
    assert not found & set(CLOUDS)
    assert {"pulumi", "pulumi_kubernetes"} <= found


def test_the_settings_need_no_engine() -> None:
    """What reads the stack file starts neither Pulumi nor a network client, so that editing one is quick."""
    found = loaded("weighbridge.settings, weighbridge.plan, weighbridge.judge, weighbridge.summary")
    assert not found & {"pulumi", "pulumi_kubernetes", "requests", "prometheus_api_client", "kubernetes", "components"}
