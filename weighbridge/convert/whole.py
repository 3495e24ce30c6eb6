"""All documents into one stack file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weighbridge import settings
from weighbridge.convert import argo, flagger
from weighbridge.convert.documents import Document, Documents, read
from weighbridge.convert.reading import Line
from weighbridge.convert.server import Server
from weighbridge.convert.writing import Section, stack_file
from weighbridge.errors import SettingsError


@dataclass(frozen=True)
class Converted:
    """What came of some documents.

    Attributes:
        text: the stack file, with comments.
        settings: the same as `weighbridge.settings.load` takes it. A placeholder, `<image>`, is refused there.
        missing: what is to be added, as the documents do not have it.
        lines: what has no equal, or one with a difference.
    """

    text: str
    settings: Mapping[str, Any]
    missing: tuple[str, ...]
    lines: tuple[Line, ...]


def convert(files: Mapping[str, str], *, namespace: str | None = None) -> Converted:
    """Convert each Canary and each Rollout among some documents.

    Args:
        files: the text of each file, by its name.
        namespace: of each Canary and Rollout that names none.

    Raises:
        SettingsError: a file is none of Kubernetes documents, a field has the wrong shape, or there is nothing to
            convert. One line.
    """
    documents, server = read(files, namespace), Server()
    sources = [each for each in documents.every if _reader(each) is not None]
    if not sources:
        found = ", ".join(dict.fromkeys(f"{each.kind} {each.version}" for each in documents.every)) or "nothing"
        versions = ", ".join((*flagger.VERSIONS, argo.VERSION))
        raise SettingsError(f"the documents must hold a Canary or a Rollout of {versions} (got {found[:200]})")
    releases = _releases(sources, documents, server)
    sections = Section()
    sections.put("cluster", {"kind": "existing"}, "the current context of your kubeconfig; `context` names another")
    if not server.section.entries.get("url"):
        sections.add("weighbridge:prometheus: {url: ...}, the server that the gate asks; a weight above 0 needs it")
    else:
        sections.put("prometheus", server.ordered())
    sections.put("releases", releases)
    lines = [line for each in documents.every for line in each.lines()]
    missing, plain = tuple(sections.missing()), sections.plain()
    lines += _refused(plain)
    text = stack_file(sections, [each.ledger.document for each in sources], lines)
    return Converted(text, plain, missing, tuple(lines))


def _reader(document: Document) -> Any:
    if document.kind == "Canary" and document.version in flagger.VERSIONS:
        return flagger.canary
    return argo.rollout if document.kind == "Rollout" and document.version == argo.VERSION else None


def _releases(sources: list[Document], documents: Documents, server: Server) -> Section:
    found = Section()
    for each in sources:
        name, release = _reader(each)(each, documents, server)
        if name in found.entries:
            raise SettingsError(f"{each.ledger.document}: its name must be its own in the stack (got {name!r} twice)")
        found.put(name, release)
    return found


def _refused(plain: Mapping[str, Any]) -> list[Line]:
    """Say by which rule the settings would refuse what came out, where nothing is left to be filled in."""
    if _has_placeholder(plain):
        return []
    try:
        settings.load(plain)
    except SettingsError as error:
        return [Line("settings", "", str(error))]
    return []


def _has_placeholder(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_placeholder(inner) for inner in (*value, *value.values()))
    if isinstance(value, list):
        return any(map(_has_placeholder, value))
    return isinstance(value, str) and re.match(r"<[a-z_]+>", value) is not None
