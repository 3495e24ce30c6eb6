"""The servers are built once, whole or not at all, and what is missing is said in one line."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lab import LabError, build, inspection

FAKE_GO = """#!/bin/sh
# Stands for Go: writes to -o what it was asked to build, and notes each call.
echo "$1" >> {calls}
case "$1" in
version) echo "go version {version} linux/amd64" ;;
build) while [ "$1" != -o ]; do shift; done; sleep {pause}; echo "$3" > "$2"; {then} ;;
list) echo {module} ;;
esac
"""


@pytest.fixture
def target(tmp_path: Path) -> build.Servers:
    """An empty cache."""
    return replace(build.servers(), directory=tmp_path / "cache")


def fake_go(directory: Path, *, version: str = "go1.99.0", then: str = "true", pause: str = "0") -> Path:
    """A command that behaves like Go, in `directory`."""
    crds = directory / "module" / build.ISTIO_CRDS
    crds.parent.mkdir(parents=True, exist_ok=True)
    crds.write_text("---\nkind: CustomResourceDefinition\n---\n", encoding="utf-8")
    go = directory / "go"
    words = {"calls": directory / "calls", "module": directory / "module"}
    go.write_text(FAKE_GO.format(version=version, then=then, pause=pause, **words), encoding="utf-8")
    go.chmod(0o755)
    return go


def builds(directory: Path) -> int:
    """How many times the fake Go was asked to build."""
    return (directory / "calls").read_text(encoding="utf-8").split().count("build")


def test_each_server_is_built_once_with_a_line_of_progress(
    tmp_path: Path, target: build.Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five lines with a count and the seconds; a second build does nothing and needs no Go."""
    build.build(target, fake_go(tmp_path))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "building kube-apiserver (1 of 5) ... 0 s"
    assert len(lines) == builds(tmp_path) == 5
    assert target.complete
    build.build(target, Path("/nowhere/go"))
    assert capsys.readouterr().out == ""


def test_a_build_that_fails_leaves_nothing_that_looks_whole(tmp_path: Path, target: build.Servers) -> None:
    """One line with what Go said last; the next build begins with the server that failed."""
    with pytest.raises(LabError, match=r"^`go build` failed: no space left$"):
        build.build(target, fake_go(tmp_path, then="echo no space left >&2; exit 1"))
    assert target.missing == tuple(build.PACKAGES)
    build.build(target, fake_go(tmp_path))
    assert target.complete


def test_a_part_is_built_on_from_where_it_broke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was built before the failure stays, and each program has a line with its count."""
    made = tmp_path / "made"
    broken = fake_go(tmp_path, then='[ "$3" != second ] || { echo no space left >&2; exit 1; }')
    part = build.Part(tmp_path, {"one": "first", "two": "second"}, (), key=())
    with build.making(made), pytest.raises(LabError, match="no space left"):
        part.build(broken, made)
    assert [each.name for each in made.iterdir() if not each.name.startswith(".")] == ["one"]
    capsys.readouterr()
    with build.making(made):
        part.build(fake_go(tmp_path), made)
    assert capsys.readouterr().out == "building two (2 of 2) ... 0 s\n"


def test_a_change_of_one_part_builds_no_other_again(tmp_path: Path) -> None:
    """Each has a key of its own: the files that it pins, its flags, and what else decides what is built."""
    for name in ("go.mod", "go.sum", "main.go"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    parts = {
        "servers": build.Part(tmp_path, {"a": "."}, (), key=("x",)),
        "tools": build.Part(tmp_path, {"a": "."}, (), key=("x",), pinned=("main.go",), prefix="tools-"),
    }
    before = {name: part.place for name, part in parts.items()}
    (tmp_path / "main.go").write_text("changed", encoding="utf-8")
    assert [name for name, part in parts.items() if part.place != before[name]] == ["tools"]
    assert replace(parts["servers"], key=("y",)).place != before["servers"]


def test_a_copy_of_the_module_cache_can_be_written_and_removed(tmp_path: Path) -> None:
    """The cache's folders are read-only: who is not root could neither build on nor clear the lab's part of it."""
    source = tmp_path / "module" / "inner"
    source.mkdir(parents=True)
    (source / "a.go").write_text("package a", encoding="utf-8")
    for each in (source / "a.go", source, source.parent):
        each.chmod(0o555)
    for _ in range(2):
        build.copy(source.parent, tmp_path / "copy")
    copied = [tmp_path / "copy", *(tmp_path / "copy").rglob("*")]
    assert all(each.stat().st_mode & 0o200 for each in copied)
    assert len(copied) == 3


def test_two_builds_at_once_build_each_server_once(tmp_path: Path, target: build.Servers) -> None:
    """The second waits for the first and finds all of it done."""
    go = fake_go(tmp_path, pause="0.1")
    both = [threading.Thread(target=build.build, args=(target, go)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert builds(tmp_path) == 5


def test_an_old_go_on_the_path_is_passed_over_for_the_one_in_the_venv(tmp_path: Path) -> None:
    """go.mod says how new it has to be."""
    (old, new) = (tmp_path / "old", tmp_path / "new")
    fake_go(old, version="go1.25.9")
    assert build.find_go(str(old), fake_go(new).parent) == new / "go"


def test_without_a_new_enough_go_one_line_says_so(tmp_path: Path) -> None:
    """The release that is needed, and where it was looked for."""
    with pytest.raises(LabError, match=r"^Go 1\.26 or newer is needed .* neither PATH nor this venv has it$"):
        build.find_go(str(fake_go(tmp_path, version="go1.25.9").parent), tmp_path / "venv")


def test_a_lab_that_was_not_built_is_one_line(tmp_path: Path) -> None:
    """And the command that builds it."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "lab", "up"], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "lab: the lab's servers are not built yet: run `make lab`\n")


def test_what_objects_are_inspected_with_has_a_key_of_its_own() -> None:
    """A change of the one builds nothing of the other again."""
    assert inspection.inspection().directory != build.servers().directory
    assert inspection.inspection().directory.parent == build.servers().directory.parent


def test_a_module_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    """cert-manager's CRDs and chart are those of one hash; what has another one is not used."""
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\necho \'{"Sum": "h1:other", "Dir": "/nowhere"}\'\n', encoding="utf-8")
    go.chmod(0o755)
    target = inspection.Inspection(tmp_path / "cache")
    target.directory.mkdir()
    (target.directory / ".inspect.partial").touch()
    with pytest.raises(LabError, match=r"cert-manager@v1\.21\.2 must have the hash h1:UWgo.* \(got h1:other\)"):
        inspection.build(target, go)
    assert not target.complete


def test_its_module_pins_what_the_servers_pin() -> None:
    """What Istio's analyzers say in the lab is what the lab's istiod would say."""
    own = (inspection.SOURCES / "go.mod").read_text(encoding="utf-8")
    for line in (build.SOURCES / "go.mod").read_text(encoding="utf-8").splitlines():
        if line.startswith("\tistio.io/"):
            assert line.partition("//")[0].strip() in own
