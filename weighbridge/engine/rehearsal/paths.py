"""Property paths, as in `ignore_changes=["spec.replicas"]`: what they select, and what they let alone."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

PART = re.compile(r'\["(?P<quoted>[^"]*)"\]|\[(?P<index>\d+)\]|(?P<name>[^.\[\]]+)')
MISSING = object()


def parse(path: str) -> list[str | int]:
    """Split a path into keys and indexes."""
    return [
        int(found["index"]) if found["index"] is not None else found["quoted"] or found["name"]
        for found in PART.finditer(path)
    ]


def find(value: Any, path: Iterable[str | int]) -> Any:
    """Give what stands at a path; `MISSING` where nothing does."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value


def with_ignored(inputs: dict[str, Any], old: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Give the new inputs with the old values at the paths that are to be ignored."""
    result = copy.deepcopy(inputs)
    for *parents, last in filter(None, map(parse, paths)):
        holder, before = find(result, parents), find(old, [*parents, last])
        if not isinstance(holder, dict):
            continue
        if before is MISSING:
            holder.pop(last, None)
        else:
            holder[last] = copy.deepcopy(before)
    return result


def without_foreign(manifest: dict[str, Any], live: dict[str, Any], paths: Iterable[str], own: str) -> dict[str, Any]:
    """Give a manifest without the ignored paths that somebody else than the field manager `own` has set by now.

    Paths through lists stay: who owns what in them is told by the items' keys, not by their places.
    """
    result = copy.deepcopy(manifest)
    entries = live["metadata"].get("managedFields") or ()
    foreign = [entry.get("fieldsV1", {}) for entry in entries if entry.get("manager") != own]
    for *parents, last in filter(None, map(parse, paths)):
        marks = [f"f:{part}" for part in (*parents, last)]
        holder = find(result, parents)
        if isinstance(holder, dict) and any(find(fields, marks) is not MISSING for fields in foreign):
            holder.pop(last, None)
    return result


def changed(old: dict[str, Any], new: dict[str, Any], paths: Iterable[str]) -> bool:
    """Tell whether something that asks for a replacement has changed."""
    return any(find(old, path) != find(new, path) for path in map(parse, paths))
