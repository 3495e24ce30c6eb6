"""Settings under construction, with their comments, and their text as a stack file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from weighbridge.convert.reading import Line, one_line

ADD = "add: "
INDENT = 2
SHORT = 70
"""Characters of a mapping that still fits on one line, in braces."""

_NAMESPACE = "weighbridge:"
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9./_-]*")
_MEANT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that some reader of YAML takes for a truth or for nothing."""


@dataclass
class Section:
    """A mapping of settings, in the order in which they were put."""

    entries: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    above: dict[str, list[str]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    aside: str = ""
    """A comment beside it where it is an item of a list."""

    def put(self, key: str, value: object, comment: str = "") -> None:
        """Put a setting; None and an empty section are left out. A comment stands beside it."""
        if value is None or (isinstance(value, Section) and not value.entries and not value.waiting):
            return
        self.entries[key] = value
        if comment:
            self.beside[key] = one_line(comment)
        if self.waiting:
            self.above[key], self.waiting = self.waiting, []

    def say(self, comment: str) -> None:
        """Put a line of comment above the next setting."""
        self.waiting.append(one_line(comment))

    def add(self, what: str) -> None:
        """Say what is to be added here, as the documents do not have it."""
        self.say(f"{ADD}{what}")

    def need(self, key: str, what: str) -> None:
        """Put a placeholder, which no rule of the settings lets through, for what must be there."""
        self.add(f"{key}: {what}")
        self.put(key, f"<{key}>")

    def plain(self) -> dict[str, Any]:
        """Give the settings as `weighbridge.settings.load` takes them."""
        return {key: _plain(value) for key, value in self.entries.items()}

    def missing(self) -> list[str]:
        """Give what is to be added, from the top down."""
        return list(self._adds())

    def _adds(self) -> Iterator[str]:
        for key, value in self.entries.items():
            yield from _adds(self.above.get(key, ()))
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, Section):
                    yield from inner.missing()
        yield from _adds(self.waiting)


def stack_file(sections: Section, sources: Sequence[str], lines: Sequence[Line]) -> str:
    """Write a stack file.

    Args:
        sections: `cluster`, `prometheus` and `releases`.
        sources: the documents that the releases were read from.
        lines: what has no equal.
    """
    config = CommentedMap()
    inner = _commented(sections, INDENT)
    for key, value in inner.items():
        config[f"{_NAMESPACE}{key}"] = value
    _comments(sections, config, INDENT, _NAMESPACE)
    text = io.StringIO()
    writer = YAML()
    writer.width = 4096
    writer.indent(mapping=INDENT, sequence=2 * INDENT, offset=INDENT)
    writer.dump({"config": config}, text)
    return _head(sources) + text.getvalue() + _tail(lines)


def _head(sources: Sequence[str]) -> str:
    said = [
        "yaml-language-server: $schema=../weighbridge/settings.schema.json",
        "",
        f"Made by `weighbridge convert` from {', '.join(sources)}.",
        "Comments beside a setting name the field that it comes from. Lines with 'add:' name what was not in the",
        "documents. What has no equal stands at the end.",
    ]
    return _hashed(said)


def _tail(lines: Sequence[Line]) -> str:
    open_ones = [str(line) for line in lines if not line.settled]
    settled = [str(line) for line in lines if line.settled]
    said = ["", "No equal, or one with a difference; look at each:", *open_ones] if open_ones else []
    said += ["", "Done in Weighbridge's own way; nothing to do:", *settled] if settled else []
    return _hashed(said)


def _hashed(lines: Sequence[str]) -> str:
    return "".join(f"# {line}\n" if line else "#\n" for line in lines)


def _adds(comments: Sequence[str]) -> Iterator[str]:
    return (comment.removeprefix(ADD) for comment in comments if comment.startswith(ADD))


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.plain()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _commented(value: Any, indent: int) -> Any:
    if isinstance(value, Section):
        found = CommentedMap({_text(key): _commented(inner, indent + INDENT) for key, inner in value.entries.items()})
        _comments(value, found, indent, "")
        return _folded(found, commented=bool(value.above or value.beside))
    if isinstance(value, Mapping):
        return _folded(CommentedMap({_text(key): _commented(inner, indent + INDENT) for key, inner in value.items()}))
    if isinstance(value, (list, tuple)):
        listed = CommentedSeq([_commented(inner, indent + 2 * INDENT) for inner in value])
        asides = {number: inner.aside for number, inner in enumerate(value) if isinstance(inner, Section)}
        for number, aside in asides.items():
            if aside:
                listed.yaml_add_eol_comment(aside, number, column=0)
        return _folded(listed, commented=any(asides.values()))
    return _text(value) if isinstance(value, str) else value


def _comments(section: Section, found: CommentedMap, indent: int, prefix: str) -> None:
    for key, comments in section.above.items():
        found.yaml_set_comment_before_after_key(f"{prefix}{key}", before="\n".join(comments), indent=indent)
    for key, comment in section.beside.items():
        found.yaml_add_eol_comment(comment, f"{prefix}{key}", column=0)


def _folded(found: Any, *, commented: bool = False) -> Any:
    """Put what is short and flat on one line."""
    values = list(found.values()) if isinstance(found, CommentedMap) else list(found)
    flat = all(not isinstance(value, (CommentedMap, CommentedSeq, LiteralScalarString)) for value in values)
    if isinstance(found, CommentedSeq):
        flat = flat or all(isinstance(value, CommentedMap) and value.fa.flow_style() for value in values)
    if flat and not commented and sum(len(str(value)) + 12 for value in values) <= SHORT:
        found.fa.set_flow_style()
    return found


def _text(text: str) -> str:
    """Write a text as lines where it has some, and quote what an older YAML would not read as this text.

    The stack file is also read by the reader of Pulumi's program.
    """
    lines = text.split("\n")
    if len(lines) > 1 and all(line.isprintable() for line in lines):
        block: str = LiteralScalarString(text)
        return block
    if _WORD.fullmatch(text) and text.lower() not in _MEANT:
        return text
    try:
        plain = yaml.safe_load(f"{{a: {text}}}") == yaml.safe_load(f"a: {text}") == {"a": text} and text[:1] != "<"
    except (yaml.YAMLError, ValueError):
        plain = False
    return text if plain and text.lower() not in _MEANT else DoubleQuotedScalarString(text)
