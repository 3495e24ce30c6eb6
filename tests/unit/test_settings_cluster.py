"""The sections `cluster` and `clusters`: each kind is read by its own rules, and a mistake is one line."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.unit.cluster_cases import ACK, BAD, GKE, GOOD, STACK
from weighbridge.errors import SettingsError
from weighbridge.settings import load
from weighbridge.settings.schema import stack_schema

SCHEMA = jsonschema.Draft202012Validator(stack_schema())
RELEASE = {"namespace": "test", "port": 9898, "stable": {"image": "a:1"}}


@pytest.mark.parametrize(("fact", "section"), GOOD, ids=[row[0] for row in GOOD])
def test_a_good_cluster_is_read(fact: str, section: dict[str, Any]) -> None:
    """As the default one and as one of several, and the editor's schema takes it too."""
    assert load({"cluster": section}).cluster.kind == section["kind"], fact
    assert load({"cluster": {"kind": "existing"}, "clusters": {"eu": section}}).clusters["eu"].kind == section["kind"]
    assert [error.message for error in SCHEMA.iter_errors({"config": {"weighbridge:cluster": section}})] == []


@pytest.mark.parametrize(("fact", "section", "line"), BAD, ids=[row[0] for row in BAD])
def test_a_mistake_is_one_exact_line(fact: str, section: Any, line: str) -> None:
    """Key, rule and value."""
    with pytest.raises(SettingsError) as refused:
        load({"cluster": section})
    assert str(refused.value) == line, fact


@pytest.mark.parametrize(("fact", "section", "line"), BAD, ids=[row[0] for row in BAD])
def test_a_mistake_in_one_of_several_has_its_key(fact: str, section: Any, line: str) -> None:
    """The same line under the entry's own name."""
    with pytest.raises(SettingsError) as refused:
        load({"cluster": {"kind": "existing"}, "clusters": {"eu": section}})
    there = line.replace("weighbridge:cluster", "weighbridge:clusters.eu", 1)
    assert str(refused.value) == there.replace(".eu: must be a mapping", ": 'eu' must be a mapping"), fact


@pytest.mark.parametrize("key", ["kind", "project", "nodes"])
def test_the_editor_underlines_a_cluster_that_is_wrong(key: str) -> None:
    """A kind that is none, a project that cannot be one, a section that is none."""
    assert list(SCHEMA.iter_errors({"config": {"weighbridge:cluster": GKE | {key: "X"}}}))


def test_a_cluster_that_the_stack_makes_stays_in_use() -> None:
    """Were it left out with its last release, the next `up` would want to delete it; others are left alone."""
    elsewhere = {
        "cluster": {"kind": "existing"},
        "clusters": {"eu": GKE, "cn": ACK, "us": STACK, "home": {"kind": "existing"}},
    }
    assert list(load(elsewhere).used_clusters()) == [None, "cn", "eu"]
    releases = {"podinfo": RELEASE | {"cluster": "us"}}
    assert list(load(elsewhere | {"releases": releases}).used_clusters()) == ["cn", "eu", "us"]
    assert list(load({"cluster": GKE, "clusters": {"us": STACK}, "releases": releases}).used_clusters()) == [None, "us"]


def test_what_is_read_is_read_again_as_it_is() -> None:
    """A section that was read already may be given again."""
    read = load({"cluster": GKE})
    assert load({"cluster": read.cluster}).cluster == read.cluster


def test_the_region_of_a_location() -> None:
    """A zone's region is what is before its letter; a region is its own."""
    zone, region = (
        load({"cluster": GKE | {"location": each}}).cluster for each in ("europe-west12-a", "europe-west12")
    )
    assert {getattr(zone, "region", ""), getattr(region, "region", "")} == {"europe-west12"}
