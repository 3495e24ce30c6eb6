"""Which changes no test notices, and why that is right: survivors.toml, read and compared."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Change:
    """What tells one change from another, wherever its line moves to.

    Attributes:
        module: path from the root.
        scope: function or class around it, "" for the module itself.
        was: the lines before, without what surrounds them.
        becomes: the lines after; "" where a line is gone.
    """

    module: str
    scope: str
    was: str
    becomes: str


def change(module: str, scope: str, before: str, after: str) -> Change:
    """Between two texts of a module."""
    lines = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "-+"]
    was, becomes = ("\n".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return Change(module, scope, was, becomes)


def read(path: Path) -> dict[Change, str]:
    """The reason for each change that may survive.

    Raises:
        ValueError: one is without a reason, or listed twice.
    """
    found: dict[Change, str] = {}
    for each, why in _listed(tomllib.loads(path.read_text(encoding="utf-8"))["reason"]):
        if each in found or not why.strip():
            raise ValueError(f"{path.name}: {each} must be listed once and have a reason")
        found[each] = why
    return found


def _listed(reasons: Iterable[dict[str, object]]) -> Iterator[tuple[Change, str]]:
    for reason in reasons:
        changes = reason["changes"]
        if not isinstance(changes, list):
            raise TypeError(f"'changes' must be a list (got {changes!r})")
        for scope, was, becomes in changes:
            yield Change(str(reason["module"]), scope, was, becomes), str(reason["why"])
