"""The documents keep up with the code: what is generated is current, what is linked is there, the example loads."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from docs.settings import FILE, slug, text
from weighbridge.settings import load

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    {
        *(ROOT / name for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(ROOT / "docs").rglob("*.md"),
    }
)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
ADR_LINES = 40


def example() -> tuple[str, dict[str, Any]]:
    """The example stack file, as text and as YAML."""
    written = (ROOT / "stacks" / "Pulumi.example.yaml").read_text(encoding="utf-8")
    return written, yaml.safe_load(written)


def raw(document: dict[str, Any]) -> dict[str, Any]:
    """A stack file's settings, as `load` takes them."""
    prefix = "weighbridge:"
    return {key.removeprefix(prefix): value for key, value in document["config"].items() if key.startswith(prefix)}


def switched_on(written: str) -> str:
    """The example with every setting that it has commented out."""
    return re.sub(r"^( +)# ((?:[a-z]+_)*[a-z]+: [^ ].*)$", _uncommented, written, flags=re.MULTILINE)


def _uncommented(found: re.Match[str]) -> str:
    # A sentence in a comment may look like a key: only what YAML reads as one short value is a setting.
    line = found[2]
    value = line.partition(": ")[2]
    return f"{found[1]}{line}" if value.startswith('"') or " " not in value else found[0]


def test_the_page_of_settings_is_that_of_the_models() -> None:
    """`python -m docs.settings` writes it; whoever changes a model runs that."""
    assert FILE.read_text(encoding="utf-8") == text()


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_each_link_leads_somewhere(page: Path) -> None:
    """A link inside the project names a file that exists, and a heading that the page has."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in _LINK.findall(prose):
        if "://" in target:
            continue
        name, _, anchor = unquote(target).partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", linked.read_text(encoding="utf-8")), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page.name}: {target}"


def test_the_example_stack_loads() -> None:
    """A newcomer's copy of it is right from the first line on, for the program and for an editor."""
    written, document = example()
    schema_line = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", written.splitlines()[0])
    assert schema_line
    schema = json.loads((ROOT / "stacks" / schema_line[1]).read_text(encoding="utf-8"))
    assert load(raw(document)).releases["podinfo"].weight == 0
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)] == []


def test_what_the_example_comments_out_loads_too() -> None:
    """Each option that it shows can be switched on as it stands."""
    written, before = example()
    after = yaml.safe_load(switched_on(written))
    assert load(raw(after))
    assert after["config"]["weighbridge:releases"]["podinfo"].keys() >= {"skip", "reason", "retry", "target_port"}
    assert after != before


_YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SHOWN = [
    pytest.param(yaml.safe_load(found[1]), id=f"{page.name}-{place}")
    for page in PAGES
    for place, found in enumerate(_YAML.finditer(page.read_text(encoding="utf-8")))
    if "weighbridge:cluster" in found[1]
]


@pytest.mark.parametrize("document", _SHOWN)
def test_a_stack_file_that_a_page_shows_loads(document: dict[str, Any]) -> None:
    """Whoever copies it from a page begins with settings that are taken."""
    load(raw({"config": document.get("config", document)}))


def test_the_example_of_metrics_loads() -> None:
    """What docs/metrics.md shows is taken as it stands, in the first release of the example stack."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    shown = _YAML.search(page)
    assert shown
    settings = raw(example()[1])
    next(iter(settings["releases"].values()))["gate"] = yaml.safe_load(shown[1])["gate"]
    gate = next(iter(load(settings).releases.values())).gate
    assert list(gate.metrics) == ["request-success-rate", "not-found", "queue-length"]


def test_a_recording_fits_into_the_readme() -> None:
    """The markers between which the demo's recording is put are there, once and in order."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [readme.count(f"<!-- demo:{end} -->") for end in ("begin", "end")] == [1, 1]
    assert readme.index("<!-- demo:begin -->") < readme.index("<!-- demo:end -->")


def test_the_picture_is_a_picture() -> None:
    """It is whole, and says in words what it shows."""
    picture = ET.parse(ROOT / "docs" / "flow.svg").getroot()  # noqa: S314  our own file
    names = {child.tag.rpartition("}")[2] for child in picture}
    assert {"title", "desc"} <= names


def test_decisions_are_short_and_whole() -> None:
    """Each has context, decision and what it costs, in under forty lines; their numbers have no gap."""
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) < ADR_LINES, path.name
        assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## What it costs"]
