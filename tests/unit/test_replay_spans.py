"""Which spans are replayed: by the history in the gate's state, or by the options."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.replaying import (
    CANARY,
    STABLE,
    T0,
    X,
    Y,
    Z,
    entry,
    state,
)
from weighbridge.errors import SettingsError
from weighbridge.judge import Evidence, Verdict
from weighbridge.plan import Move, MoveKind
from weighbridge.replay import when
from weighbridge.replay.chosen import Known, Which, chosen
from weighbridge.replay.spans import Span, of_state, walks
from weighbridge.state import recorded

HISTORY = (
    entry(0, 0, 0, X),
    entry(100, 0, 10, Y),
    entry(400, 10, 10, Y, verdict="insufficient", since=T0 + 101.5, looked=T0 + 399.0),
    entry(700, 10, 50, Y, verdict="pass", since=T0 + 101.5, looked=T0 + 699.0),
    entry(900, 50, 0, Y, verdict="fail", since=T0 + 702.0, looked=T0 + 899.0),
    entry(1000, 0, 10, Z),
)


def test_the_history_says_which_weight_was_live_when() -> None:
    """From when the mesh had a weight, where a look knows it, to the look that ended it; what is live lasts until now."""
    found = of_state("podinfo", state(*HISTORY), T0 + 1200)
    assert [(each.weight, each.canary, each.since - T0, each.until - T0) for each in found] == [
        (10, CANARY, 101.5, 699.0),
        (50, CANARY, 702.0, 899.0),
        (10, f"podinfo-{Z}", 1000.0, 1200.0),
    ]
    assert [each.verdict for each in found[0].decided] == ["insufficient", "pass"]
    assert {each.stable for each in found} == {STABLE}


def test_a_new_revision_at_the_same_weight_is_another_span() -> None:
    """It took the place of the old one at the first step."""
    found = of_state("podinfo", state(entry(0, 0, 10, Y), entry(50, 10, 10, Z)), T0 + 90)
    assert [(each.canary[-1], each.since - T0, each.until - T0) for each in found] == [("2", 0, 50), ("3", 50, 90)]


def test_a_walk_is_one_candidate_at_rising_weights() -> None:
    """A second try of the same candidate is another walk."""
    weights = [(10, CANARY), (50, CANARY), (10, CANARY), (10, CANARY), (10, STABLE)]
    spans = [Span(weight, canary, "", T0, T0) for weight, canary in weights]
    assert [[each.weight for each in walk_] for walk_ in walks(spans)] == [[10, 50], [10], [10], [10]]


KNOWN = Known("podinfo", STABLE, CANARY, of_state("podinfo", state(*HISTORY), T0 + 1200), T0 + 1200)

CHOSEN = [
    ("the newest walk", Which(), [(10, f"podinfo-{Z}", 1000, 1200)]),
    ("all that is in a time", Which("-600s"), [(10, CANARY, 600, 699), (50, CANARY, 702, 899), (10, f"podinfo-{Z}", 1000, 1200)]),
    ("until", Which("-1200s", "-600s"), [(10, CANARY, 101.5, 600)]),
    ("a revision", Which("-20m", weight=25, canary=Z), [(25, f"podinfo-{Z}", 0, 1200)]),
    ("another tool's", Which("-20m", "-10m", 25, "podinfo-primary", "podinfo"), [(25, "podinfo", 0, 600)]),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "which", "spans"), CHOSEN, ids=[row[0] for row in CHOSEN])
def test_the_options_say_which_spans(fact: str, which: Which, spans: list[tuple[Any, ...]]) -> None:
    """By the history, or by names."""
    found = [(each.weight, each.canary, each.since - T0, each.until - T0) for each in chosen(which, KNOWN)]
    assert found == spans, fact


REFUSED = [
    (Which("yesterday"), "--from must be a time such as 2026-11-22T20:00:00Z, -2h or now (got 'yesterday')"),
    (Which("-2h", "-2x"), "--to must be a time such as 2026-11-22T20:00:00Z, -2h or now (got '-2x')"),
    (Which("-1h", "-2h"), "--from must be before --to, 2027-01-15 06:20:00Z (got 2027-01-15 07:20:00Z)"),
    (Which("-1s", "now", canary="a"), "--weight must be the canary's percent of the traffic, from 1 to 100 (got nothing)"),
    (Which("-1s", weight=0), "--weight must be the canary's percent of the traffic, from 1 to 100 (got 0)"),
    (Which(weight=10), "--from must say when the canary had its weight (got nothing)"),
    (Which("-1s", weight=1, canary='"}'), "--canary must be a revision or the name of a workload (got '\"}')"),
    (Which("-1s", weight=1, stable=Y), f"--canary must be another workload than --stable (got {CANARY} twice)"),
    (Which("-3h", "-2h"), "the history of podinfo has no weight above 0 in this time; --from, --weight, --canary and --stable say what to replay"),
]  # fmt: skip


@pytest.mark.parametrize(("which", "line"), REFUSED)
def test_a_mistake_in_the_options_is_one_line(which: Which, line: str) -> None:
    """With the rule and the value."""
    with pytest.raises(SettingsError) as refused:
        chosen(which, KNOWN)
    assert str(refused.value) == line


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine nine hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


WHEN = [
    ("now", T0),
    ("-90s", T0 - 90),
    ("-1h30m", T0 - 5400),
    ("2027-01-15T08:00:00Z", T0),
    ("2027-01-15T08:00:00", T0),
    ("2027-01-15T09:00:00+01:00", T0),
]


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(("text", "at"), WHEN)
def test_a_time_is_read(text: str, at: float) -> None:
    """ISO 8601, in UTC where it names no zone, wherever the machine stands; `now`; a span before it."""
    assert when.read(text, "--from", T0) == at


def test_a_decision_keeps_when_was_looked() -> None:
    """To the millisecond, as Prometheus was asked, with the stable revision of that time; nothing where nobody looked."""
    before, move = state(), Move(MoveKind.ADVANCE, 10, 50, judged=True)
    evidence = Evidence(Verdict.PASS, "because", since=T0 + 0.1234, looked=T0 + 60.5678)
    newest = recorded(before, move, evidence, Y, T0 + 61).history[-1]
    assert (newest["since"], newest["looked"], newest["stable"]) == (T0 + 0.123, T0 + 60.568, X)
    unseen = recorded(before, move, None, Y, T0 + 61).history[-1]
    assert not {"since", "looked"} & set(unseen)
