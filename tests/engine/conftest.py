"""The engines that the scenarios run on: the rehearsal always, the real one where it is found."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab
from tests.engine.delivery import Delivery, deliver
from tests.engine.engines import Kind, nursery
from weighbridge.engine.choose import missing

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """Let the nursery import its packages while the lab starts."""
    nursery()


@pytest.fixture(params=["rehearsal", "pulumi"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """The engine's kind; a scenario that cannot run on the real one says so by its name."""
    kind: Kind = request.param
    why = missing() if kind == "pulumi" else None
    if why:
        pytest.skip(f"{request.node.name} did not run on the real engine: {why}")
    return kind


@pytest.fixture
def delivery(lab: Lab, kind: Kind, tmp_path: Path) -> Iterator[Delivery]:
    """A release of its own, taken away after the test."""
    release = deliver(lab, tmp_path / "project", f"d{next(_numbers)}", kind)
    yield release
    release.remove()
