"""The stack files that are there to be copied: each loads, with every option that it shows, for program and editor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from tests.unit.test_docs import raw, switched_on
from weighbridge.settings import load
from weighbridge.settings.cluster import Ack, Gke
from weighbridge.settings.schema import stack_schema

STACKS = Path(__file__).resolve().parents[2] / "stacks"
SCHEMA = jsonschema.Draft202012Validator(stack_schema())
KINDS = {"gke": "gke", "ack-asm": "ack", "existing": "existing"}


def written(name: str) -> str:
    """A stack file's text."""
    return (STACKS / f"Pulumi.{name}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_a_copy_is_right_from_the_first_line_on(name: str, kind: str) -> None:
    """It loads, nothing of it is underlined, and it begins at weight 0."""
    text = written(name)
    document = yaml.safe_load(text)
    settings = load(raw(document))
    assert settings.cluster.kind == kind
    assert {release.weight for release in settings.releases.values()} == {0}
    assert text.startswith("# yaml-language-server: $schema=../weighbridge/settings.schema.json\n")
    assert [error.message for error in SCHEMA.iter_errors(document)] == []


def options(name: str) -> dict[str, Any]:
    """A stack file with every option that it has commented out; a section that is one brings its keys along."""
    text = re.sub(r"^( +)# (network):$", r"\1\2:", written(name), flags=re.MULTILINE)
    document: dict[str, Any] = yaml.safe_load(switched_on(text))
    return document


def test_what_is_commented_out_loads_too() -> None:
    """Each option can be switched on as it stands, and the defaults that are shown are the defaults."""
    for name, kind in (("gke", Gke), ("ack-asm", Ack)):
        cluster = load(raw(options(name))).cluster
        assert isinstance(cluster, kind)
        plain = load(raw(yaml.safe_load(written(name)))).cluster
        assert isinstance(plain, kind)
        assert cluster.network == plain.network, name
        assert cluster.nodes.spot, name
        assert cluster != plain, name


@pytest.mark.parametrize("name", ["gke", "ack-asm"])
def test_what_a_stack_makes_is_protected_and_cheap(name: str) -> None:
    """Nothing vanishes by an edit; two machines, no address and no edition that would be charged unasked."""
    cluster = load(raw(yaml.safe_load(written(name)))).cluster
    assert isinstance(cluster, Gke | Ack)
    assert (cluster.protect, cluster.nodes.count, cluster.nodes.spot) == (True, 2, False)
