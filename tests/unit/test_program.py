"""The program itself, `__main__.py`, in a process of its own: each mistake is one line, and nothing is registered."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.engines import rehearsal
from tests.unit.settings_cases import NAME_RULE, RELEASE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project in a folder of its own, without a stack."""
    (tmp_path / "stacks").mkdir()
    for part in ("__main__.py", "Pulumi.yaml"):
        shutil.copy(ROOT / part, tmp_path / part)
    for part in ("components", "weighbridge", ".venv"):
        (tmp_path / part).symlink_to(ROOT / part)
    return tmp_path


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as freed:
        port: int = freed.getsockname()[1]
    return port


def stack(project: Path, **podinfo: Any) -> dict[str, Any]:
    """A good stack, whose cluster is not there."""
    release = {"namespace": "test", "port": 9898, "stable": {"image": "a:1"}, "canary": {"image": "a:2"}, "weight": 0}
    server = f"http://127.0.0.1:{closed_port()}"
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "dev", "context": {"cluster": "c"}}],
        "current-context": "dev",
    }
    path = project / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    return {
        "weighbridge:cluster": {"kind": "existing", "kubeconfig": str(path), "context": "dev"},
        "weighbridge:prometheus": {"url": "http://127.0.0.1:9"},
        "weighbridge:releases": {"podinfo": release | podinfo},
    }


def refusal(project: Path, config: dict[str, Any]) -> str:
    """The one line with which a run of the program ends before anything was registered."""
    (project / "stacks" / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    said: list[str] = []
    result = rehearsal(project).preview(said.append)
    assert not result.ok
    (line,) = result.errors
    assert line.isprintable()
    # The stack itself is the runner's; the engine says a line for itself, and would say one for each resource.
    assert result.changes in ({}, {"create": 1}), said
    assert len(said) == 1, said
    return line


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("a misspelt key", {"wieght": 10}, f"{RELEASE}.wieght: is not a setting; did you mean 'weight'? (got 10)"),
    ("a wrong type", {"port": "http"}, f"{RELEASE}: 'port' must be a whole number from 1 to 65535 (got 'http')"),
    ("off the plan", {"weight": 40}, f"{RELEASE}: 'weight' must be one of 0, 10, 30, 50, 100 (got 40)"),
]


@pytest.mark.parametrize(("fact", "wrong", "line"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_wrong_setting_is_one_line(project: Path, fact: str, wrong: dict[str, Any], line: str) -> None:
    """Key, rule and value, before anything is declared."""
    assert refusal(project, stack(project, **wrong)) == line, fact


def test_a_name_made_to_break_promql_is_one_line(project: Path) -> None:
    """A release's name goes into queries and labels, so it is refused before it gets there."""
    config = stack(project)
    name = 'pod",destination_workload=~".*'
    config["weighbridge:releases"] = {name: config["weighbridge:releases"]["podinfo"]}
    assert refusal(project, config).startswith(f"weighbridge:releases: each name {NAME_RULE} (got ")


def test_a_kubeconfig_that_is_missing_is_one_line(project: Path) -> None:
    """The file is looked for before anything is declared."""
    config = stack(project)
    config["weighbridge:cluster"]["kubeconfig"] = str(project / "nowhere")
    line = f"weighbridge:cluster.kubeconfig: must be a kubeconfig that exists (got {project}/nowhere)"
    assert refusal(project, config) == line


def test_a_cluster_that_cannot_be_reached_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed port is found out before anything is declared."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    line = refusal(project, stack(project))
    assert line.startswith("the cluster at http://127.0.0.1:")
    assert line.endswith(" cannot be reached: Connection refused")
