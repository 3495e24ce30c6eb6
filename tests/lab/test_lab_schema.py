"""The shipped dashboard by Grafana's own schema, read strictly; and broken ones, so that the check is known to check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lab import schema
from weighbridge import dashboards


def test_the_dashboard_is_one_by_grafanas_schema() -> None:
    """No field that Grafana does not know, no wrong type, nothing missing: panels, options and queries included."""
    assert schema.complaints(dashboards.canary()) == []


def first(board: dict[str, Any], kind: str) -> dict[str, Any]:
    """The first panel of a kind."""
    found: dict[str, Any] = next(panel for panel in board["panels"] if panel["type"] == kind)
    return found


BROKEN: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("a field that nobody knows", lambda b: b.update(colour="blue"), "unexpected field 'colour'"),
    ("a wrong type", lambda b: b.update(title=5), "title"),
    ("a required field that is gone", lambda b: b.pop("templating"), "templating: required field is missing"),
    ("an unknown field of a panel", lambda b: first(b, "stat").update(colour=1), "unexpected field 'colour'"),
    ("an unknown option of a panel", lambda b: first(b, "stat")["options"].update(graphMood=1), "unexpected field 'graphMood'"),
    ("an option that is gone", lambda b: first(b, "timeseries")["options"].pop("legend"), "legend: required field is missing"),
    ("a unit that is a number", lambda b: first(b, "timeseries")["fieldConfig"]["defaults"].update(unit=5), "fieldConfig"),
    ("a query without PromQL", lambda b: first(b, "stat")["targets"][0].pop("expr"), "expr: required field is missing"),
    ("an unknown field of a query", lambda b: first(b, "stat")["targets"][0].update(promql="up"), "unexpected field 'promql'"),
    ("a query of another data source", lambda b: first(b, "stat")["targets"][0].update(datasource={"type": "x"}), "is not one that is checked"),
    ("a kind of panel that is not checked", lambda b: first(b, "stat").update(type="news"), "'news' is not a kind of panel"),
    ("a variable that holds a list", lambda b: b["templating"]["list"][1].update(name=["a"]), "name"),
    ("an annotation with an unknown field", lambda b: b["annotations"]["list"][0].update(text="x"), "unexpected field 'text'"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "breaks", "line"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_dashboard_is_found(fact: str, breaks: Callable[[dict[str, Any]], object], line: str) -> None:
    """Whatever is broken, in the board, in a panel or in a query, is named."""
    board = json.loads(dashboards.canary())
    breaks(board)
    assert line in "\n".join(schema.complaints(json.dumps(board))), fact


def test_what_is_no_json_is_found() -> None:
    """A file that was cut off is no dashboard."""
    assert schema.complaints(dashboards.canary()[:-10]) != []
