"""How each release begins, and its tracks, wherever it comes from."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

from weighbridge.convert.documents import Document
from weighbridge.convert.fitting import refusal
from weighbridge.convert.reading import Node
from weighbridge.convert.writing import Section
from weighbridge.settings import Release
from weighbridge.settings.release import NAME

ORDER = (
    *("namespace", "port", "target_port", "hosts", "gateways", "replicas", "workload"),
    *("stable", "weight", "steps", "gate", "route", "traffic"),
)


def named(name: str) -> str:
    """Give a release's name, or the place for one."""
    try:
        NAME.read(name)
    except PydanticCustomError:
        return "<name>"
    return name


def begun(release: Section, document: Document, name: str) -> None:
    """Put what a release begins with."""
    if name == "<name>":
        release.add(f"a name for the release: {NAME.says}")
    if document.namespace is None:
        release.need("namespace", f"{document.ledger.document} names none")
    elif refusal(Release, "namespace", document.namespace):
        document.root.at("metadata", "namespace").leave("it is no DNS label")
        release.need("namespace", "one that is a DNS label")
    else:
        release.put("namespace", document.namespace)


def tracks(release: Section, image: str | None, what: str) -> None:
    """Put the tracks: what the documents run is stable, and nothing is on its way yet."""
    stable = Section()
    if image is None:
        stable.need("image", what)
    else:
        stable.put("image", image)
    release.put("stable", stable)
    release.say("canary: {image: ...} is what shall serve next; the documents name one image, that of stable.")
    release.put("weight", 0)


def rewrite(lost: str, query: Node, metric: Section) -> None:
    """Say that a query asks for what there is no more; the gate would find no series, and hold."""
    query.note(f"it asks for {lost!r}, which there is no more: select by the workload, '{{{{ canary }}}}'")
    metric.add(f"another selector in this query than {lost!r}")


def finished(release: Section) -> Section:
    """Put the settings of a release into the order of the documentation."""
    release.entries = {key: release.entries[key] for key in (*ORDER, *release.entries) if key in release.entries}
    return release
