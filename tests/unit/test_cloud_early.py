"""What is missing for a cluster of a cloud is found out before anything is declared, with nobody asked and nothing read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cluster_cases import ACK, GKE, STACK
from weighbridge.cloud import credentials, early
from weighbridge.errors import EngineError, SettingsError, WeighbridgeError
from weighbridge.settings import load

LOGIN = "weighbridge:cluster: no credentials of Google were found: run `gcloud auth application-default login`"
KEYS = (
    "weighbridge:cluster: no credentials of Alibaba Cloud were found: set ALIBABA_CLOUD_ACCESS_KEY_ID and "
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET, or name a 'profile' of the aliyun command"
)
PAIR = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "i", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"}
NOWHERE = Path("/nowhere")


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """A folder on PATH with both plugins in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gke-gcloud-auth-plugin", "ack-ram-tool"):
        (folder / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return str(folder)


def told(section: dict[str, Any], environ: dict[str, str], *, home: Path = NOWHERE, **more: Any) -> str:
    """The one line by which a cluster is refused."""
    with pytest.raises(WeighbridgeError) as refused:
        check(section, environ, home=home, **more)
    line = str(refused.value)
    assert line.isprintable()
    return line


def check(
    section: dict[str, Any],
    environ: dict[str, str],
    *,
    home: Path = NOWHERE,
    filled: bool = True,
    installed: bool = True,
    config: tuple[str, ...] = (),
) -> list[str]:
    """The warnings for a cluster."""
    machine = early.Machine(config, environ, home, lambda _: installed, NOWHERE)
    return early.check({"cluster": load({"cluster": section}).cluster}, machine, filled=filled)


@pytest.mark.parametrize(
    ("section", "line"),
    [
        (GKE, "'gke' needs a package that is not installed: pip install 'weighbridge[gcp]' (got no pulumi_gcp)"),
        (
            ACK,
            "'ack' needs a package that is not installed: pip install 'weighbridge[alicloud]' (got no pulumi_alicloud)",
        ),
    ],
    ids=["gke", "ack"],
)
def test_a_cloud_whose_package_is_missing_is_one_line(section: dict[str, Any], line: str) -> None:
    """The line says which extra has it; no traceback of an import reaches anybody."""
    assert told(section, PAIR, installed=False) == f"weighbridge:cluster: {line}"


def test_googles_credentials_are_missed(tools: str) -> None:
    """With how to get them."""
    assert told(GKE, {"PATH": tools}) == LOGIN


GOOGLE: list[tuple[str, dict[str, str], tuple[str, ...]]] = [
    ("a key in the environment", {"GOOGLE_CREDENTIALS": "{}"}, ()),
    ("a token in the environment", {"GOOGLE_OAUTH_ACCESS_TOKEN": "ya29"}, ()),
    ("a metadata server by name", {"GCE_METADATA_HOST": "127.0.0.1:8080"}, ()),
    ("a key in the stack's config", {}, ("gcp:credentials",)),
    ("a token in the stack's config", {}, ("gcp:accessToken",)),
]


@pytest.mark.parametrize(("fact", "environ", "config"), GOOGLE, ids=[row[0] for row in GOOGLE])
def test_googles_credentials_are_found_where_the_provider_finds_them(
    tools: str, fact: str, environ: dict[str, str], config: tuple[str, ...]
) -> None:
    """Each of the provider's places is enough."""
    assert check(GKE, environ | {"PATH": tools}, config=config) == [], fact


def test_googles_default_credentials_are_files(tools: str, tmp_path: Path) -> None:
    """The one that gcloud wrote, or the one that a variable names; a named one has to be there."""
    named = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "key.json"), "PATH": tools}
    line = f"weighbridge:cluster: $GOOGLE_APPLICATION_CREDENTIALS names a file that is not there ({tmp_path}/key.json)"
    assert told(GKE, named) == line
    (tmp_path / "key.json").write_text("{}", encoding="utf-8")
    assert check(GKE, named) == []
    folder = tmp_path / ".config" / "gcloud"
    folder.mkdir(parents=True)
    assert told(GKE, {"PATH": tools}, home=tmp_path) == LOGIN
    (folder / "application_default_credentials.json").write_text("{}", encoding="utf-8")
    assert check(GKE, {"PATH": tools}, home=tmp_path) == []


def test_a_machine_of_googles_has_credentials(tmp_path: Path) -> None:
    """Its metadata server has them; whose the machine is stands in a file, so that nobody is asked."""
    product = tmp_path / "product_name"
    product.write_text("Google Compute Engine\n", encoding="utf-8")
    assert credentials.google({}, NOWHERE, (), product) is None
    product.write_text("KVM\n", encoding="utf-8")
    assert credentials.google({}, NOWHERE, (), product) is not None


def test_alibabas_credentials_are_missed(tools: str) -> None:
    """Half a pair is none, and the file of the aliyun command counts only with a profile's name, as for the provider."""
    assert told(ACK, {"PATH": tools}) == KEYS
    assert told(ACK, {"PATH": tools, "ALIBABA_CLOUD_ACCESS_KEY_ID": "i"}) == KEYS


ALIBABA: list[tuple[str, dict[str, str]]] = [
    ("a pair", PAIR),
    ("a pair by the provider's older names", {"ALICLOUD_ACCESS_KEY": "i", "ALICLOUD_SECRET_KEY": "s"}),
    ("a role of the machine", {"ALIBABA_CLOUD_ECS_METADATA": "role"}),
    ("a sidecar that has them", {"ALIBABA_CLOUD_CREDENTIALS_URI": "http://127.0.0.1:6666"}),
]


@pytest.mark.parametrize(("fact", "environ"), ALIBABA, ids=[row[0] for row in ALIBABA])
def test_alibabas_credentials_are_found_where_the_provider_finds_them(
    tools: str, fact: str, environ: dict[str, str]
) -> None:
    """Each of the provider's places is enough."""
    assert check(ACK, environ | {"PATH": tools}) == [], fact


def test_a_profile_has_to_be_there(tools: str, tmp_path: Path) -> None:
    """By the settings' name or the environment's, in the aliyun command's own file or in the one that is named."""
    line = "weighbridge:cluster: the aliyun command has no profile 'ci': run `aliyun configure --profile ci`"
    assert told(ACK | {"profile": "ci"}, {"PATH": tools}, home=tmp_path) == line
    assert told(ACK, {"PATH": tools, "ALICLOUD_PROFILE": "ci"}, home=tmp_path) == line
    file = tmp_path / "profiles.json"
    for content in ("", "[]", '{"profiles": 5}', json.dumps({"profiles": [{"name": "other"}]})):
        file.write_text(content, encoding="utf-8")
        environ = {"PATH": tools, "ALIBABA_CLOUD_CREDENTIALS_FILE": str(file)}
        assert told(ACK | {"profile": "ci"}, environ) == line, content
    file.write_text(json.dumps({"profiles": [{"name": "ci", "access_key_secret": "hush"}]}), encoding="utf-8")
    assert check(ACK | {"profile": "ci"}, environ) == []
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    assert check(ACK | {"profile": "ci"}, {"PATH": tools}, home=tmp_path) == []


@pytest.mark.parametrize(
    ("section", "environ", "plugin"),
    [(GKE, {"GOOGLE_CREDENTIALS": "{}"}, "gke-gcloud-auth-plugin"), (ACK, PAIR, "ack-ram-tool")],
    ids=["gke", "ack"],
)
def test_a_plugin_is_needed_once_something_is_put_on_the_cluster(
    tmp_path: Path, section: dict[str, Any], environ: dict[str, str], plugin: str
) -> None:
    """Before that it is a warning: the cluster can be made without it, and is whole."""
    line = f"weighbridge:cluster: {plugin} is not on PATH, and nothing can be put on the cluster without it: "
    environ = environ | {"PATH": str(tmp_path)}
    assert told(section, environ).startswith(line)
    (warning,) = check(section, environ, filled=False)
    assert warning.startswith(line)


def test_another_stacks_cluster_needs_nothing_here() -> None:
    """Which cloud it is on only that stack knows."""
    assert check(STACK, {}) == []


def test_the_meshs_kubeconfig_has_to_be_there(tools: str, tmp_path: Path) -> None:
    """A file that the settings name for the mesh is looked for like any other kubeconfig."""
    path = str(tmp_path / "asm")
    line = f"weighbridge:cluster.mesh.kubeconfig: must be a kubeconfig that exists (got {path})"
    assert told(ACK | {"mesh": {"kubeconfig": path}}, PAIR | {"PATH": tools}) == line


def test_no_value_of_a_secret_is_in_a_line(tools: str, tmp_path: Path) -> None:
    """Whatever is wrong, no credential is shown: not the pair's half that is there, nor a key."""
    secret = "hunter2"
    for section, environ in (
        (ACK, {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret, "PATH": tools}),
        (GKE, {"GOOGLE_CREDENTIALS": secret, "PATH": str(tmp_path)}),
    ):
        assert secret not in told(section, environ)


def test_each_cluster_has_its_own_key() -> None:
    """The line names the entry that is wrong."""
    both = {"cluster": load({"cluster": STACK}).cluster, "clusters.eu": load({"cluster": GKE}).cluster}
    with pytest.raises(EngineError, match=r"^weighbridge:clusters\.eu: no credentials of Google"):
        early.check(both, early.Machine((), {}, NOWHERE, lambda _: True, NOWHERE), filled=True)
    with pytest.raises(SettingsError, match=r"^weighbridge:clusters\.eu: 'gke' needs a package"):
        early.check(both, early.Machine((), {}, NOWHERE, lambda _: False, NOWHERE), filled=True)
