"""Edits of a stack file that are fit for a commit: only the lines that change, comments, order and quoting kept.

ruamel.yaml finds where a value stands; the edit itself is made in the text, so that no other byte can move. Keys may
be written flat (`weighbridge:releases:`) or nested (`weighbridge:` with `releases:` inside).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from weighbridge.errors import SettingsError

NAMESPACE = "weighbridge"
TRACKS = ("stable", "canary")


@dataclass(frozen=True)
class StackFile:
    """One stack's file. Every edit is written at once and whole, or not at all."""

    path: Path

    def set_weight(self, release: str, weight: int) -> None:
        """Write the wanted weight of a release.

        Raises:
            SettingsError: there is no such release, or the file has no place for the edit.
        """
        text = self._read()
        node = self._release(text, release)
        found = _child(node, "weight")
        if found is None:
            self._write(_inserted(text, node, f"weight: {weight}", self._where(release)))
        else:
            self._write(_replaced(text, _scalar(found, f"{self._where(release)}.weight"), str(weight)))

    def set_image(self, release: str, track: str, image: str) -> None:
        """Write the image of a track; a canary that is not there yet begins with it.

        Raises:
            SettingsError: the track is neither stable nor canary, or there is no place for the edit.
        """
        if track not in TRACKS:
            raise SettingsError(f"track must be one of {', '.join(TRACKS)} (got {track!r})")
        text = self._read()
        node = self._release(text, release)
        where = f"{self._where(release)}.{track}"
        place = _child(node, track)
        if place is None:
            self._write(_inserted(text, node, f"{track}: {{image: {_quoted(image)}}}", self._where(release)))
            return
        found = _child(_mapping(place, where), "image")
        if found is None:
            self._write(_inserted(text, place, f"image: {_quoted(image)}", where))
            return
        scalar = _scalar(found, f"{where}.image")
        self._write(_replaced(text, scalar, _in_style(image, scalar.style)))

    def promote(self, release: str) -> None:
        """Make the canary's template the stable one, and take the weight back to 0.

        The canary stays as it is written: equal to stable it is no candidate, and the next one takes its line.

        Raises:
            SettingsError: the release has no canary, or there is no place for the edit.
        """
        text = self._read()
        node = self._release(text, release)
        where = self._where(release)
        stable, canary = _child(node, "stable"), _child(node, "canary")
        if stable is None or canary is None:
            raise SettingsError(f"{where}: 'canary' must be there to be promoted (got none)")
        text = _copied(text, _mapping(canary, f"{where}.canary"), _mapping(stable, f"{where}.stable"), where)
        weight = _child(self._release(text, release), "weight")
        if weight is not None:
            text = _replaced(text, _scalar(weight, f"{where}.weight"), "0")
        self._write(text)

    def _where(self, release: str) -> str:
        return f"{NAMESPACE}:releases.{release}"

    def _release(self, text: str, release: str) -> MappingNode:
        config = _child(_parsed(text, self.path), "config")
        releases = None
        if config is not None:
            nested = _child(config, NAMESPACE)
            releases = _child(config, f"{NAMESPACE}:releases") or (_child(nested, "releases") if nested else None)
        if not isinstance(releases, MappingNode):
            raise SettingsError(f"{self.path}: '{NAMESPACE}:releases' must be a mapping of releases (got none)")
        names = [str(key.value) for key, _ in releases.value]
        if release not in names:
            raise SettingsError(f"release must be one of {', '.join(names) or 'none'} (got '{release}')")
        return _mapping(_child(releases, release), self._where(release))

    def _read(self) -> str:
        try:
            return self.path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{self.path}: cannot be read ({error})") from None

    def _write(self, text: str) -> None:
        """Replace the file at once, after a last look that it still is what it was meant to be."""
        _parsed(text, self.path)
        handle, fresh = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
            Path(fresh).chmod(self.path.stat().st_mode & 0o777)
            Path(fresh).replace(self.path)
        except OSError as error:
            Path(fresh).unlink(missing_ok=True)
            raise SettingsError(f"{self.path}: cannot be written ({error.strerror})") from None


def releases(path: Path) -> Mapping[str, Any]:
    """Read the releases as they are written, in the order of the file.

    Raises:
        SettingsError: the file is not one.
    """
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    config = document.get("config") or {}
    found = config.get(f"{NAMESPACE}:releases") or (config.get(NAMESPACE) or {}).get("releases") or {}
    return found if isinstance(found, Mapping) else {}


def _parsed(text: str, path: Path) -> Node:
    try:
        node = YAML().compose(text)
    except YAMLError as error:
        raise SettingsError(f"{path}: is not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(node, MappingNode):
        raise SettingsError(f"{path}: must hold a mapping (got none)")
    return node


def _child(node: Node, key: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _mapping(node: Node | None, where: str) -> MappingNode:
    if not isinstance(node, MappingNode) or node.anchor is not None:
        raise SettingsError(f"{where}: must be a mapping of its own to be edited (got something else)")
    return node


def _scalar(node: Node, where: str) -> ScalarNode:
    if not isinstance(node, ScalarNode) or node.style in {"|", ">"} or node.anchor is not None:
        raise SettingsError(f"{where}: must be a plain value to be edited (got something else)")
    return node


def _replaced(text: str, node: ScalarNode, value: str) -> str:
    return text[: node.start_mark.index] + value + text[node.end_mark.index :]


def _in_style(value: str, style: str | None) -> str:
    """Quote as the value was quoted before."""
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    return _double(value) if style == '"' else _quoted(value)


def _quoted(value: str) -> str:
    """Write a text so that YAML reads it back as that text, with quotes only where it needs them."""
    try:
        plain = YAML(typ="safe").load(f"[{value}]") == [value] and YAML(typ="safe").load(f"a: {value}") == {"a": value}
    except YAMLError:
        plain = False
    return value if plain else _double(value)


def _double(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _inserted(text: str, node: Node, line: str, where: str) -> str:
    """Put one more entry at the end of a mapping, in the mapping's own style."""
    mapping = _mapping(node, where)
    if not mapping.value:
        raise SettingsError(f"{where}: must have entries already to be edited (got an empty mapping)")
    last_key, last = mapping.value[-1]
    if mapping.flow_style:
        return text[: last.end_mark.index] + f", {line}" + text[last.end_mark.index :]
    indent = " " * last_key.start_mark.column
    end = text.find("\n", _content_end(text, last))
    ending = "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"
    if end < 0:
        return f"{text}{ending}{indent}{line}{ending}"
    return text[: end + 1] + f"{indent}{line}{ending}" + text[end + 1 :]


def _content_end(text: str, node: Node) -> int:
    """Find where a value's own text ends: a block's end mark is past the comments and blank lines that follow it."""
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return _content_end(text, node.value[-1][1])
    if getattr(node, "flow_style", None) is False and node.value:
        return _content_end(text, node.value[-1])
    end: int = node.end_mark.index
    return len(text[:end].rstrip()) if not isinstance(node, ScalarNode) or node.style in {"|", ">"} else end


def _copied(text: str, source: MappingNode, target: MappingNode, where: str) -> str:
    """Write one track's fields over another's.

    Field by field where both have the same ones and they are plain values, so that comments and style stay; else the
    source's text as a whole, moved to the target's indentation.
    """
    theirs = {str(key.value): value for key, value in source.value}
    ours = {str(key.value): value for key, value in target.value}
    plain = all(isinstance(node, ScalarNode) for node in (*theirs.values(), *ours.values()))
    if plain and theirs.keys() == ours.keys():
        for name in sorted(ours, key=lambda name: -ours[name].start_mark.index):
            if theirs[name].value != ours[name].value:
                scalar = _scalar(ours[name], f"{where}.stable.{name}")
                text = _replaced(text, scalar, _in_style(str(theirs[name].value), scalar.style or theirs[name].style))
        return text
    return _moved(text, source, target, where)


def _moved(text: str, source: MappingNode, target: MappingNode, where: str) -> str:
    body = text[source.start_mark.index : _content_end(text, source)]
    if source.flow_style:
        body = text[source.start_mark.index : source.end_mark.index]
    start, end = target.start_mark.index, _content_end(text, target)
    if target.flow_style:
        end = target.end_mark.index
    if source.flow_style != target.flow_style:
        raise SettingsError(f"{where}: 'stable' and 'canary' must be written in one style, both in braces or neither")
    if not source.flow_style:
        shift = target.start_mark.column - source.start_mark.column
        body = "\n".join([_shifted(line, shift) if number else line for number, line in enumerate(body.split("\n"))])
    return text[:start] + body + text[end:]


def _shifted(line: str, columns: int) -> str:
    if not line.strip():
        return line
    return " " * columns + line if columns >= 0 else line[-columns:]
