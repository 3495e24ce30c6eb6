"""Edits of stack files: only what is meant to change changes."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from weighbridge.errors import SettingsError
from weighbridge.stackfile import StackFile, releases

FLAT = """\
# who edits this reads the plan first
config:
  weighbridge:cluster: {kind: existing}   # the lab
  weighbridge:releases:
    podinfo:
      port: 9898
      stable: {image: "example.dev/app:1.0.0"}  # runs since May
      canary: {image: 'example.dev/app:1.1.0'}

      # percent
      weight:   10   # one step at a time
      steps: [10, 30]
    other:
      port: 80
      stable:
        image: example.dev/other:1
        env:
          MODE: slow  # for now
      canary:
        image: example.dev/other:2
        # faster
        env:
          MODE: fast
          LEVEL: "3"
  other:key: "007"
"""
NESTED = """\
config:
  weighbridge:
    releases:
      podinfo:
        stable: {image: example.dev/app:1}
        canary: {image: example.dev/app:2}
        weight: 10
"""


def stack(folder: Path, text: str = FLAT) -> StackFile:
    """A stack file with this text."""
    path = folder / "Pulumi.dev.yaml"
    path.write_bytes(text.encode())
    return StackFile(path)


def edits(file: StackFile, before: str = FLAT) -> list[str]:
    """The lines that differ from what the file was."""
    after = file.path.read_bytes().decode()
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in diff if not line.startswith(("---", "+++", "@@"))]


def test_a_weight_is_one_line_and_its_comment_stays(tmp_path: Path) -> None:
    """Spaces and comment of the edited line are kept, every other line too."""
    file = stack(tmp_path)
    file.set_weight("podinfo", 30)
    assert edits(file) == ["-      weight:   10   # one step at a time", "+      weight:   30   # one step at a time"]


def test_a_weight_that_is_not_there_is_put_at_the_end_of_its_release(tmp_path: Path) -> None:
    """A new line, at the indentation of the release's other keys."""
    file = stack(tmp_path)
    file.set_weight("other", 10)
    assert edits(file) == ["+      weight: 10"]
    assert releases(file.path)["other"]["weight"] == 10


def test_the_namespace_may_be_nested(tmp_path: Path) -> None:
    """`weighbridge:` with `releases:` inside is the same."""
    file = stack(tmp_path, NESTED)
    file.set_weight("podinfo", 30)
    assert edits(file, NESTED) == ["-        weight: 10", "+        weight: 30"]
    assert list(releases(file.path)) == ["podinfo"]


def test_an_image_keeps_its_quotes(tmp_path: Path) -> None:
    """Single quotes stay single quotes."""
    file = stack(tmp_path)
    file.set_image("podinfo", "canary", "example.dev/app:1.2.0")
    assert edits(file) == [
        "-      canary: {image: 'example.dev/app:1.1.0'}",
        "+      canary: {image: 'example.dev/app:1.2.0'}",
    ]


def test_a_canary_that_is_not_there_begins_with_its_image(tmp_path: Path) -> None:
    """A release without a candidate gets one."""
    text = "config:\n  weighbridge:releases:\n    podinfo:\n      stable: {image: a:1}\n"
    file = stack(tmp_path, text)
    file.set_image("podinfo", "canary", "a:2")
    assert edits(file, text) == ["+      canary: {image: a:2}"]


def test_a_promotion_writes_the_canarys_image_and_weight_0(tmp_path: Path) -> None:
    """Two lines, each with its comment and its own quotes."""
    file = stack(tmp_path)
    file.promote("podinfo")
    assert edits(file) == [
        '-      stable: {image: "example.dev/app:1.0.0"}  # runs since May',
        '+      stable: {image: "example.dev/app:1.1.0"}  # runs since May',
        "-      weight:   10   # one step at a time",
        "+      weight:   0   # one step at a time",
    ]


def test_a_promotion_takes_over_every_field_of_the_canary(tmp_path: Path) -> None:
    """Nested fields move as they are written, and nothing else does."""
    file = stack(tmp_path)
    file.promote("other")
    found = releases(file.path)["other"]
    assert found["stable"] == found["canary"] == {"image": "example.dev/other:2", "env": {"MODE": "fast", "LEVEL": "3"}}
    assert "# faster" in file.path.read_text()
    assert not [line for line in edits(file) if "podinfo" in line or "key" in line]


def test_line_ends_of_windows_are_kept(tmp_path: Path) -> None:
    """Every byte but the value's stays."""
    text = FLAT.replace("\n", "\r\n")
    file = stack(tmp_path, text)
    file.set_weight("podinfo", 30)
    assert file.path.read_bytes() == text.replace("weight:   10", "weight:   30").encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("config: {}\n", r"'weighbridge:releases' must be a mapping of releases \(got none\)$"),
        (FLAT.replace("podinfo:", "podinf0:"), r"^release must be one of podinf0, other \(got 'podinfo'\)$"),
        ("config: [\n", "is not valid YAML"),
        (NESTED.replace("weight: 10", "weight: &w 10"), r"podinfo.weight: must be a plain value to be edited"),
        (NESTED.replace("weight: 10", "weight: [10]"), r"podinfo.weight: must be a plain value to be edited"),
    ],
)
def test_an_edit_that_has_no_place_is_one_line_and_changes_nothing(tmp_path: Path, text: str, line: str) -> None:
    """The file stays as it was."""
    file = stack(tmp_path, text)
    with pytest.raises(SettingsError, match=line) as raised:
        file.set_weight("podinfo", 30)
    assert "\n" not in str(raised.value)
    assert file.path.read_text() == text


def test_nothing_but_the_file_is_left_behind(tmp_path: Path) -> None:
    """The edit is atomic: a fresh file takes the old one's place, with its mode."""
    file = stack(tmp_path)
    file.path.chmod(0o640)
    file.set_weight("podinfo", 30)
    assert [path.name for path in tmp_path.iterdir()] == ["Pulumi.dev.yaml"]
    assert file.path.stat().st_mode & 0o777 == 0o640


@given(image=st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30))
def test_any_image_text_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, image: str) -> None:
    """Whatever the text, YAML reads the same one back: quoting never lets it become something else."""
    file = stack(tmp_path_factory.mktemp("stack"))
    for track in ("stable", "canary"):
        file.set_image("podinfo", track, image)
    file.set_image("other", "canary", image)
    config = YAML(typ="safe").load(file.path.read_text(encoding="utf-8"))["config"]["weighbridge:releases"]
    assert config["podinfo"]["stable"]["image"] == config["podinfo"]["canary"]["image"] == image
    assert config["other"]["canary"]["image"] == image
