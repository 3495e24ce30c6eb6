"""The arguments of an Argo analysis: what the Rollout gives, over what the templates declare."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from weighbridge.convert.reading import Node

_OWN = {"metadata.namespace": "namespace", "metadata.name": "release"}
_KEYED = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


@dataclass
class Args:
    """Arguments by name, by what they are.

    Attributes:
        texts: plain texts.
        hashes: `Stable` or `Latest`, where it is a pod template's hash.
        own: `namespace` or `release`, where it is the Rollout's own; its name itself stands under an empty key.
        nodes: where each was given, to be marked once it is known whether a metric names it.
    """

    texts: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, list[Node]] = field(default_factory=dict)

    def forget(self, name: str) -> None:
        """Drop what an argument was, as another place says it anew."""
        for values in (self.texts, self.hashes, self.own):
            values.pop(name, None)

    def known(self) -> set[str]:
        """Give the names that have a value."""
        return {*self.texts, *self.hashes, *self.own} - {""}


def args(declared: Sequence[Node], given: Node, rollout: Node) -> Args:
    """Read arguments.

    Args:
        declared: the lists of the templates.
        given: the Rollout's list; of an argument that no template declares, Argo takes no notice.
        rollout: its outermost place, for what refers to it.
    """
    found = Args(own={"": str(rollout.at("metadata", "name").value)})
    names = set()
    for item in [item for each in declared for item in each.items()]:
        names.add(_one(item, found, rollout))
    for item in given.items():
        if item.at("name").value in names:
            _one(item, found, rollout)
        else:
            item.leave("no template declares it", settled=True)
    return found


def resolved(found: Args, namespace: str | None) -> Mapping[str, str]:
    """Give every argument that can be written out, for places that take no variable."""
    own = {
        name: {"namespace": namespace or "", "release": found.own[""]}[ours] for name, ours in found.own.items() if name
    }
    return {**found.texts, **{name: value for name, value in own.items() if value}}


def _one(item: Node, found: Args, rollout: Node) -> str:
    name = item.at("name").text() or ""
    value, source = item.at("value"), item.at("valueFrom")
    if not value and not source:
        return name
    found.forget(name)
    found.nodes.setdefault(name, []).append(item)
    if value:
        found.texts[name] = str(value.scalar())
    elif source.at("podTemplateHashValue"):
        found.hashes[name] = str(source.at("podTemplateHashValue").text())
    elif source.at("fieldRef"):
        _field(name, source.at("fieldRef", "fieldPath"), found, rollout)
    else:
        source.leave("a secret has no place in a query: prometheus.auth and prometheus.headers take references")
    return name


def _field(name: str, path: Node, found: Args, rollout: Node) -> None:
    asked = str(path.text())
    keyed = _KEYED.fullmatch(asked)
    if asked in _OWN:
        found.own[name] = _OWN[asked]
    elif keyed and (value := rollout.at("metadata", keyed[1], keyed[2])):
        found.texts[name] = str(value.value)
    else:
        path.leave("the documents do not say what it is")
