"""A document's fields, and what became of each: nothing that a reader has not asked for can be forgotten.

Who reads a field marks it: `take` and its like for what was used, `leave` for what has no equal. Whatever is marked by
nobody comes out of `Ledger.lines` as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from weighbridge import durations
from weighbridge.errors import SettingsError
from weighbridge.settings.lines import show

Path = tuple[str | int, ...]

UNKNOWN = "nothing reads it: look whether you need it"

SECRET_PLACES = frozenset({"env", "authentication", "headers", "args", "data", "stringData", "templateVariables"})
"""Fields whose values are not shown in an error."""

_GO_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_GO = re.compile(r"(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+|0")
_GO_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)")


@dataclass(frozen=True)
class Line:
    """One line for people: a field that has no equal, or has one with a difference.

    Attributes:
        document: its kind and name, `Canary podinfo`.
        path: of the field, `spec.analysis.webhooks[0]`.
        why: what is in its place, or what to do.
        settled: nothing is to be done: Weighbridge does it in its own way.
    """

    document: str
    path: str
    why: str
    settled: bool = False

    def __str__(self) -> str:
        return one_line(": ".join(filter(None, (self.document, self.path, self.why))))


@dataclass
class Ledger:
    """What became of the fields of one document."""

    document: str
    taken: set[Path] = field(default_factory=set)
    said: dict[Path, tuple[str, bool]] = field(default_factory=dict)

    def lines(self, value: object) -> list[Line]:
        """Give each field that was left, noted or never asked for, in the order of the document."""
        marks = (*self.taken, *self.said)
        touched = {mark[:length] for mark in marks for length in range(len(mark) + 1)}
        return [
            Line(self.document, spelt(path), *self.said.get(path, (UNKNOWN, False)))
            for path in self._open(value, (), touched)
        ]

    def _open(self, value: object, path: Path, touched: set[Path]) -> Iterator[Path]:
        if path in self.said or path not in touched:
            yield path
        if path in self.taken or path not in touched:
            return
        inside = [(key, child) for key, child in _children(value)]
        if path in self.said and not any((*path, key) in touched for key, _ in inside):
            return  # the note speaks for all of it
        for key, child in inside:
            yield from self._open(child, (*path, key), touched)


@dataclass(frozen=True)
class Node:
    """One place in a document; a place that is not there has the value None."""

    value: Any
    path: Path
    ledger: Ledger

    def __bool__(self) -> bool:
        return self.value is not None

    def at(self, *keys: str) -> Node:
        """Give a place further in; missing on the way is missing at the end.

        Raises:
            SettingsError: something on the way is no mapping.
        """
        node = self
        for key in keys:
            inner = node._mapping().get(key) if node else None
            node = Node(inner, (*node.path, key), self.ledger)
        return node

    def fields(self) -> dict[str, Node]:
        """Give the places in a mapping by their keys. An empty mapping is used up by this."""
        if not self:
            return {}
        if not self._mapping():
            self.used()
        return {key: Node(inner, (*self.path, key), self.ledger) for key, inner in self._mapping().items()}

    def items(self) -> list[Node]:
        """Give the places in a list. An empty list is used up by this."""
        if not self:
            return []
        if not isinstance(self.value, list):
            raise self.wrong("must be a list")
        if not self.value:
            self.used()
        return [Node(inner, (*self.path, number), self.ledger) for number, inner in enumerate(self.value)]

    def used(self, *, deep: bool = False) -> None:
        """Mark a value as used.

        Args:
            deep: whether it may be a mapping or a list, all of which was read at once; else those stay open.
        """
        if self and (deep or not _children(self.value)):
            self.ledger.taken.add(self.path)

    def usual(self, value: object) -> bool:
        """Mark the field as used where it says what is done anyway; tell whether it does."""
        same = self.value is not None and self.value == value and type(self.value) is type(value)
        if same:
            self.used(deep=True)
        return same

    def leave(self, why: str, *, settled: bool = False) -> None:
        """Mark the field, with all that is in it, as left, and say why."""
        if self:
            self.ledger.said[self.path] = (why, settled)
            self.ledger.taken.add(self.path)

    def note(self, why: str, *, settled: bool = False) -> None:
        """Say where the equal of a field differs; what is in it still has to be read."""
        if not self:
            return
        before, done = self.ledger.said.get(self.path, ("", True))
        both = why if before in {"", why} else f"{before}; {why}"
        self.ledger.said[self.path] = (both, settled and done)

    def text(self) -> str | None:
        """Take a text."""
        return None if self._scalar(str, "must be text") is None else str(self.value)

    def whole(self) -> int | None:
        """Take a whole number."""
        number: int | None = self._scalar(int, "must be a whole number")
        return number

    def number(self) -> float | None:
        """Take a number."""
        number: float | None = self._scalar((int, float), "must be a number")
        return number

    def flag(self) -> bool:
        """Take a switch; one that is not there is off."""
        return bool(self._scalar(bool, "must be true or false"))

    def scalar(self) -> str | int | float | bool | None:
        """Take what is neither a mapping nor a list."""
        found: str | int | float | bool | None = self._scalar((str, int, float, bool), "must be a single value")
        return found

    def texts(self) -> list[str]:
        """Take a list of texts."""
        return [text for item in self.items() if (text := item.text()) is not None]

    def words(self) -> dict[str, str]:
        """Take a mapping of names to texts, as labels and annotations are."""
        return {key: text for key, inner in self.fields().items() if (text := inner.text()) is not None}

    def span(self, *, bare: bool = False) -> float | None:
        """Take a duration as Go writes it.

        Args:
            bare: whether a bare number counts, as seconds.

        Returns:
            Seconds.
        """
        if not self:
            return None
        text = str(self.value) if isinstance(self.value, (str, int)) and not isinstance(self.value, bool) else ""
        if bare and re.fullmatch(r"\d{1,9}", text):
            self.used()
            return float(text)
        if not _GO.fullmatch(text):
            raise self.wrong("must be a duration such as 30s or 1m")
        self.used()
        return sum(float(number) * _GO_UNITS[unit] for number, unit in _GO_PART.findall(text))

    def wrong(self, rule: str) -> SettingsError:
        """Make the one line for a field of the wrong shape."""
        got = show(self.value, silent=not SECRET_PLACES.isdisjoint(self.path))
        return SettingsError(f"{self.ledger.document}: '{spelt(self.path)}' {rule} (got {got})")

    def _mapping(self) -> Mapping[str, Any]:
        if not isinstance(self.value, Mapping):
            raise self.wrong("must be a mapping")
        return self.value

    def _scalar(self, kind: type | tuple[type, ...], rule: str) -> Any:
        if not self:
            return None
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(self.value, kinds) or (isinstance(self.value, bool) and bool not in kinds):
            raise self.wrong(rule)
        self.used()
        return self.value


def spelt(path: Path) -> str:
    """Write a path as people do: `spec.steps[2].pause`, with names that hold a dot in quotes."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{_name(part)}" for part in path]
    return "".join(parts).removeprefix(".")


def one_line(text: str) -> str:
    """Keep a text on its line, whatever the documents have in their names: a comment ends where a line does."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def span_text(seconds: float) -> str:
    """Write seconds as the settings read them."""
    return durations.format_seconds(seconds)


def _name(part: str) -> str:
    return part if re.fullmatch(r"[A-Za-z0-9_/-]{1,80}", part) else repr(part[:80])


def _children(value: object) -> list[tuple[str | int, object]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []
