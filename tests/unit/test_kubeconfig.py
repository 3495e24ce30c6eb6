"""A kubeconfig that is not there, or a cluster that is not: one line each, and early."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from weighbridge import kubeconfig
from weighbridge.errors import EngineError, SettingsError, WeighbridgeError

PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no kubeconfig of the machine that the tests run on."""
    for name in (*PROXIES, "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)


def content(current: str | None, **servers: str) -> dict[str, object]:
    """A kubeconfig with a cluster and a context for each server, all of one name."""
    return {
        "clusters": [{"name": f"c-{name}", "cluster": {"server": url}} for name, url in servers.items()],
        "contexts": [{"name": name, "context": {"cluster": f"c-{name}"}} for name in servers],
        **({"current-context": current} if current is not None else {}),
    }


def written(path: Path, what: object) -> str:
    path.write_text(what if isinstance(what, str) else yaml.safe_dump(what), encoding="utf-8")
    return str(path)


def told(setting: str | None, context: str | None = None, key: str = "kubeconfig") -> str:
    """The one line by which a kubeconfig is refused."""
    with pytest.raises(WeighbridgeError) as refused:
        kubeconfig.server(key, setting, context)
    line = str(refused.value)
    assert line.isprintable()
    return line


def test_the_current_context_names_the_server(tmp_path: Path) -> None:
    """Without a context the current one counts, with one that one."""
    path = written(tmp_path / "config", content("dev", dev="https://dev:6443", prod="https://prod"))
    assert kubeconfig.server("kubeconfig", path, None) == "https://dev:6443"
    assert kubeconfig.server("kubeconfig", path, "prod") == "https://prod"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The line has the key, the rule and the path."""
    path = str(tmp_path / "nowhere")
    assert told(path) == f"weighbridge:cluster.kubeconfig: must be a kubeconfig that exists (got {path})"
    assert told(path, key="mesh_kubeconfig").startswith("weighbridge:cluster.mesh_kubeconfig: ")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """What exists but cannot be read as a file is not a kubeconfig."""
    assert told(str(tmp_path)).endswith(f"must be a kubeconfig that exists (got {tmp_path})")


def test_the_usual_places_are_named_where_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a setting, $KUBECONFIG's files or ~/.kube/config are what is missing."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert told(None).endswith(f"(got {tmp_path}/.kube/config)")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(["/no/a", "/no/b"]))
    assert told(None).endswith("(got /no/a, /no/b)")


def test_a_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` in the setting is the user's home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    written(tmp_path / "config", content("dev", dev="https://dev"))
    assert kubeconfig.server("kubeconfig", "~/config", None) == "https://dev"


@pytest.mark.parametrize("text", ["", "just words", "[1, 2]", "a: [", "a: 1\na: 2\n", "\t", "\0"], ids=repr)
def test_what_is_no_kubeconfig_is_refused(tmp_path: Path, text: str) -> None:
    """Broken YAML, and YAML that is no mapping, are one line with the path."""
    path = written(tmp_path / "config", text)
    assert told(path) == f"weighbridge:cluster.kubeconfig: must be a kubeconfig in YAML (got {path})"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 is no kubeconfig."""
    path = tmp_path / "config"
    path.write_bytes(b"\xff\xfe\x00")
    assert told(str(path)).endswith(f"must be a kubeconfig in YAML (got {path})")


def test_an_unknown_context_lists_those_that_there_are(tmp_path: Path) -> None:
    """The line has the contexts that may be chosen."""
    path = written(tmp_path / "config", content("dev", dev="https://dev", prod="https://prod"))
    assert told(path, "prdo") == "weighbridge:cluster.context: must be one of dev, prod (got 'prdo')"
    empty = written(tmp_path / "empty", content(None))
    assert told(empty, "dev") == "weighbridge:cluster.context: must be one of none (got 'dev')"


@pytest.mark.parametrize("cluster", [{}, {"server": ""}, {"certificate-authority": "ca.pem"}])
def test_a_cluster_without_a_server_is_refused(tmp_path: Path, cluster: dict[str, str]) -> None:
    """A context has to lead to an address."""
    config = content("dev", dev="x") | {"clusters": [{"name": "c-dev", "cluster": cluster}]}
    path = written(tmp_path / "config", config)
    assert told(path) == "weighbridge:cluster.context: must name a cluster with a server (got 'dev')"


def test_several_files_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A context of one file may name a cluster of another; the first that names a thing wins; a missing file is none."""
    one = content("dev", dev="https://first") | {"contexts": [{"name": "dev", "context": {"cluster": "c-dev"}}]}
    other = content("prod", dev="https://second", prod="https://prod")
    files = [written(tmp_path / "a", one), str(tmp_path / "missing"), written(tmp_path / "b", other)]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(files))
    assert kubeconfig.server("kubeconfig", None, None) == "https://first"
    assert kubeconfig.server("kubeconfig", None, "prod") == "https://prod"


def test_the_current_context_may_be_in_a_later_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As kubectl has it: the first file that has one says which context is current."""
    files = [
        written(tmp_path / "a", content(None, dev="https://dev")),
        written(tmp_path / "b", content("prod", prod="https://prod")),
    ]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(files))
    assert kubeconfig.server("kubeconfig", None, None) == "https://prod"


def test_an_unknown_context_of_the_mesh_is_named_as_such(tmp_path: Path) -> None:
    """Whoever reads the line has to find the key in the stack file: `mesh_context`."""
    path = written(tmp_path / "config", content("dev", dev="https://dev"))
    assert told(path, "asm", key="mesh_kubeconfig").startswith("weighbridge:cluster.mesh_context: ")


SHAPES: list[tuple[str, dict[str, object]]] = [
    ("a context of null", {"contexts": [{"name": "dev", "context": None}]}),
    ("a cluster of null", {"clusters": [{"name": "c-dev", "cluster": None}]}),
    ("a cluster that is text", {"clusters": [{"name": "c-dev", "cluster": "x"}]}),
    ("contexts that are a number", {"contexts": 5}),
    ("contexts that are texts", {"contexts": ["dev"]}),
]


@pytest.mark.parametrize(("fact", "part"), SHAPES, ids=[row[0] for row in SHAPES])
def test_a_kubeconfig_of_another_shape_is_refused_in_one_line(
    tmp_path: Path, fact: str, part: dict[str, object]
) -> None:
    """A kubeconfig edited by hand breaks with a line, not with a traceback."""
    path = written(tmp_path / "config", content("dev", dev="https://dev") | part)
    assert told(path).startswith("weighbridge:cluster."), fact


@pytest.mark.parametrize("name", PROXIES)
def test_behind_a_proxy_only_the_client_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Where a proxy stands before the cluster, no address is given that could be tried."""
    path = written(tmp_path / "config", content("dev", dev="https://dev"))
    monkeypatch.setenv(name, "http://proxy:3128")
    assert kubeconfig.server("kubeconfig", path, None) is None


@pytest.fixture
def listening() -> Iterator[int]:
    """A port that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_listens_is_reached(listening: int) -> None:
    """A connection is enough; no credential is sent."""
    kubeconfig.reach(f"https://127.0.0.1:{listening}")


def test_a_closed_port_is_refused_at_once(listening: int) -> None:
    """Nobody there is one line, in well under a second."""
    with socket.create_server(("127.0.0.1", 0)) as freed:
        port = freed.getsockname()[1]
    assert port != listening
    started = time.monotonic()
    with pytest.raises(EngineError) as refused:
        kubeconfig.reach(f"https://127.0.0.1:{port}")
    assert time.monotonic() - started < 0.5
    line = f"the cluster at https://127.0.0.1:{port} cannot be reached: Connection refused"
    assert str(refused.value) == line


def test_a_server_that_does_not_answer_meets_the_timeout(listening: int) -> None:
    """A full queue of connections is like a firewall that drops them: one line when the time is up."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        with socket.create_connection(deaf.getsockname()), socket.socket() as waiting:
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
            with pytest.raises(EngineError, match=r"cannot be reached: timed out$"):
                kubeconfig.reach(f"https://127.0.0.1:{deaf.getsockname()[1]}", timeout=0.2)
    assert listening


def test_a_name_that_is_none_is_one_line() -> None:
    """A host that cannot be resolved is told with the address."""
    with pytest.raises(EngineError) as refused:
        kubeconfig.reach("https://no-such-host.invalid:6443", timeout=1)
    assert str(refused.value).startswith("the cluster at https://no-such-host.invalid:6443 cannot be reached: ")
    assert str(refused.value).isprintable()


def test_an_address_that_is_none_is_one_line() -> None:
    """Half an IPv6 address is a mistake in the kubeconfig, not in the program."""
    with pytest.raises(EngineError):
        kubeconfig.reach("https://[::1")


def test_a_port_that_is_none_did_not_time_out() -> None:
    """A port too high is told as what it is."""
    with pytest.raises(EngineError) as refused:
        kubeconfig.reach("https://127.0.0.1:99999")
    assert "timed out" not in str(refused.value)


def test_no_password_is_shown() -> None:
    """Credentials in a server's address are in no error."""
    with socket.create_server(("127.0.0.1", 0)) as freed:
        port = freed.getsockname()[1]
    with pytest.raises(EngineError) as refused:
        kubeconfig.reach(f"https://admin:hunter2@127.0.0.1:{port}")
    assert "hunter2" not in str(refused.value)


def test_a_wrong_setting_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    """What the stack file got wrong is a SettingsError, what the network got wrong an EngineError."""
    with pytest.raises(SettingsError):
        kubeconfig.server("kubeconfig", str(tmp_path / "nowhere"), None)


def test_several_files_reach_the_provider_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list in $KUBECONFIG is no path that a provider could read: it gets the merged text; one file stays a path."""
    files = [
        written(tmp_path / "a", content("dev", dev="https://dev")),
        written(tmp_path / "b", content("prod", prod="https://prod")),
    ]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(files))
    merged = json.loads(kubeconfig.merged(None) or "")
    assert {each["name"] for each in merged["contexts"]} == {"dev", "prod"}
    assert merged["current-context"] == "dev"
    monkeypatch.setenv("KUBECONFIG", files[0])
    assert kubeconfig.merged(None) is None
