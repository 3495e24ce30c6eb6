"""The documents of some files: found by kind and name, each with the ledger of what became of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from weighbridge.convert.reading import Ledger, Line, Node, one_line
from weighbridge.errors import SettingsError

DEEPEST = 60
MOST = 200_000
"""Values in one file; an alias counts for each place that it stands in."""

READ_BY_NOBODY = "the settings have nothing of it; it stays as it is"

_SERVER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")


@dataclass(frozen=True)
class Document:
    """One Kubernetes object."""

    value: Mapping[str, Any]
    kind: str
    version: str
    name: str
    fallback: str | None = None
    """The namespace where it names none."""

    @cached_property
    def ledger(self) -> Ledger:
        """What became of its fields."""
        return Ledger(one_line(f"{self.kind} {self.name}".strip()))

    @property
    def root(self) -> Node:
        """Its outermost place."""
        return Node(self.value, (), self.ledger)

    @property
    def group(self) -> str:
        """Its API group; the core one is empty."""
        return self.version.rpartition("/")[0]

    @property
    def namespace(self) -> str | None:
        """The namespace that it names, or the one given for those that name none."""
        metadata = self.value.get("metadata")
        found = metadata.get("namespace") if isinstance(metadata, Mapping) else None
        return found if isinstance(found, str) else self.fallback

    def lines(self) -> list[Line]:
        """Give what is to be said of its fields; of one that nobody has read, that alone."""
        if not self.ledger.taken and not self.ledger.said:
            return [Line(self.ledger.document, "", READ_BY_NOBODY)]
        return self.ledger.lines(self.value)

    def open(self) -> Node:
        """Begin to read it: what every object has is taken, and its `spec` returned."""
        for key in ("apiVersion", "kind"):
            self.root.at(key).used()
        metadata = self.root.at("metadata")
        for key in ("name", "namespace"):
            metadata.at(key).used()
        for key in _SERVER:
            metadata.at(key).leave("the API server writes it", settled=True)
        self.root.at("status").leave("the controller writes it; the gate's state is Pulumi's", settled=True)
        return self.root.at("spec")


@dataclass(frozen=True)
class Documents:
    """All of them, in the order of the files."""

    every: Sequence[Document]

    def of(self, kind: str, group: str) -> list[Document]:
        """Give those of a kind."""
        return [each for each in self.every if each.kind == kind and each.group == group]

    def find(self, kind: str, group: str, name: str | None, namespace: str | None) -> Document | None:
        """Give the one of a name; where both name a namespace, it is the same."""
        for each in self.of(kind, group):
            if each.name == name and (namespace is None or each.namespace in {None, namespace}):
                return each
        return None


def read(files: Mapping[str, str], namespace: str | None = None) -> Documents:
    """Read the documents of some files.

    Args:
        files: the text of each, by its name.
        namespace: of those that name none.

    Raises:
        SettingsError: one is not YAML, or holds what is no Kubernetes object.
    """
    every = [each for name, text in files.items() for each in _documents(name, text)]
    return Documents([replace(each, fallback=namespace) for each in every])


def _documents(file: str, text: str) -> Iterator[Document]:
    try:
        loaded = list(YAML(typ="safe", pure=True).load_all(text))
    except (YAMLError, ValueError, RecursionError) as error:
        # The whole text of the error would show lines of the file, which may hold a secret.
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise SettingsError(f"{file}: must be YAML documents ({where}{_first_line(problem)})") from None
    left = [MOST]
    for value in loaded:
        if value is not None:
            yield from _objects(file, _plain(file, value, left, 0))


def _first_line(problem: object) -> str:
    return str(problem).splitlines()[0][:100] if problem else "it cannot be read"


def _objects(file: str, value: Any) -> Iterator[Document]:
    if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
        raise SettingsError(f"{file}: each document must be a Kubernetes object with a kind (got one without)")
    kind, version, items = value["kind"], value.get("apiVersion"), value.get("items")
    if kind.endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(file, item)
        return
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    yield Document(value, kind, version if isinstance(version, str) else "", name if isinstance(name, str) else "")


def _plain(file: str, value: Any, left: list[int], depth: int) -> Any:
    """Copy what was read, so that an alias is no second name of one value, and neither depth nor size is endless."""
    left[0] -= 1
    if depth > DEEPEST or left[0] < 0:
        raise SettingsError(f"{file}: must be at most {DEEPEST} levels deep and {MOST} values long (got more)")
    if isinstance(value, Mapping):
        return {str(key): _plain(file, inner, left, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(file, inner, left, depth + 1) for inner in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
