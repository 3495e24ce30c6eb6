"""The plan's table, row by row, and the rules that hold for every state and every wish."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.errors import Refused
from weighbridge.plan import Live, Move, MoveKind, Phase, Wanted, decide, next_weight, override_label

STEPS = (10, 30, 50, 100)
X, Y, Z = "xxxxxxxxxx", "yyyyyyyyyy", "zzzzzzzzzz"


def live(weight: int = 0, phase: Phase = Phase.PROGRESSING, canary: str = Y, **more: Any) -> Live:
    return replace(Live(weight, phase, stable=X, canary=canary if weight else ""), **more)


def want(weight: int = 0, stable: str = X, canary: str = Y, **more: Any) -> Wanted:
    return replace(Wanted(weight, stable, canary, STEPS), **more)


MOVES = [
    ("the first run starts with all traffic on stable", None, want(0), MoveKind.BOOTSTRAP, 0, False),
    ("the first run may start a canary at the first step", None, want(10), MoveKind.START, 10, False),
    ("a wish below the live weight is approved at once", live(50), want(30), MoveKind.LOWER, 30, False),
    ("a wish for 0 is approved at once", live(50), want(0), MoveKind.LOWER, 0, False),
    ("a wish for 0 ends a hold", live(100, Phase.WAITING), want(0), MoveKind.LOWER, 0, False),
    ("a wish for 0 ends a failure", live(0, Phase.FAILED, failed=Y), want(0), MoveKind.LOWER, 0, False),
    ("the live weight is kept", live(30), want(30), MoveKind.KEEP, 30, False),
    ("nothing to release is kept", live(0, Phase.IDLE), want(0), MoveKind.KEEP, 0, False),
    ("a new revision starts again at the first step", live(50), want(10, canary=Z), MoveKind.START, 10, False),
    ("a new revision may be taken to 0", live(50), want(0, canary=Z), MoveKind.LOWER, 0, False),
    ("from 0 the first step needs no verdict", live(0, Phase.IDLE), want(10), MoveKind.START, 10, False),
    ("the next step needs a verdict", live(10), want(30), MoveKind.ADVANCE, 30, True),
    ("a held step is judged again", live(10, Phase.WAITING), want(30), MoveKind.ADVANCE, 30, True),
    ("a skip needs a reason and still a verdict", live(10), want(50, skip="why"), MoveKind.ADVANCE, 50, True),
    ("promotion after the last step needs a verdict", live(100), want(0, stable=Y), MoveKind.PROMOTE, 0, True),
    ("promotion before it needs a reason", live(30), want(0, stable=Y, reason="why"), MoveKind.PROMOTE, 0, False),
    ("a failed revision stays down", live(0, Phase.FAILED, failed=Y), want(10), MoveKind.STAY_FAILED, 0, False),
    ("a failed revision stays down at any wish", live(0, Phase.FAILED, failed=Y), want(50), MoveKind.STAY_FAILED, 0, False),
    ("a held failure stays where it is", live(30, Phase.FAILED, failed=Y), want(50), MoveKind.STAY_FAILED, 30, False),
    ("a failed revision does not get what another one has", live(50, failed=Z), want(30, canary=Z), MoveKind.STAY_FAILED, 50, False),
    ("not even the first step of it", live(50, failed=Z), want(10, canary=Z), MoveKind.STAY_FAILED, 50, False),
    ("another's failure keeps nobody from lowering", live(50, failed=Z), want(30), MoveKind.LOWER, 30, False),
    ("a held failure stays at its own weight", live(30, Phase.FAILED, failed=Y), want(30), MoveKind.STAY_FAILED, 30, False),
    ("a held failure may be lowered", live(30, Phase.FAILED, failed=Y), want(10), MoveKind.LOWER, 10, False),
    ("a retry starts again", live(0, Phase.FAILED, failed=Y), want(10, retry=1), MoveKind.START, 10, False),
    ("a new revision after a failure starts", live(0, Phase.FAILED, failed=Y), want(10, canary=Z), MoveKind.START, 10, False),
    ("a promotion that failed stays failed", live(0, Phase.FAILED, failed=Y), want(0, stable=Y), MoveKind.STAY_FAILED, 0, False),
    ("stable may be replaced with a reason", live(0, Phase.IDLE), want(0, stable=Z, reason="why"), MoveKind.REPLACE, 0, False),
    ("a plan that changed goes on at the step above", replace(live(30)), replace(want(40), steps=(20, 40)), MoveKind.ADVANCE, 40, True),
    ("a first step is left out with a reason", live(0, Phase.IDLE), want(30, skip="why"), MoveKind.START, 30, False),
    ("so it is in the first run", None, want(30, skip="why"), MoveKind.START, 30, False),
    ("from 0 it is a start, whichever revision was there last", replace(live(0, Phase.IDLE), canary=Y), want(10), MoveKind.START, 10, False),
    ("a kept weight of a hold ends it", live(30, Phase.WAITING), want(30), MoveKind.KEEP, 30, False),
    ("a failed canary is promoted with a reason", live(30, Phase.FAILED, failed=Y), want(0, stable=Y, reason="why"), MoveKind.PROMOTE, 0, False),
    ("a plan that ends lower has had its last step", live(100), replace(want(0, stable=Y), steps=(10, 50)), MoveKind.PROMOTE, 0, True),
    ("one percent is a weight", live(1), replace(want(0, stable=Y), steps=(1,)), MoveKind.PROMOTE, 0, True),
    ("the retry that has failed already is none", live(0, Phase.FAILED, failed=Y, retry=1), want(10, retry=1), MoveKind.STAY_FAILED, 0, False),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "before", "wanted", "kind", "end", "judged"), MOVES, ids=[row[0] for row in MOVES])
def test_move(fact: str, before: Live | None, wanted: Wanted, kind: MoveKind, end: int, judged: bool) -> None:
    """Each row of the table leads to its move, from the live weight, with the reason that allowed it."""
    start, reason = before.weight if before else 0, wanted.skip or wanted.reason
    assert decide("podinfo", before, wanted) == Move(kind, start, end, judged, reason), fact


REFUSALS = [
    ("first run", None, want(30), "podinfo: 'weight' must be the next step, 10, unless 'skip' says why (got 30)"),
    ("next step", live(10), want(50), "podinfo: 'weight' must be the next step, 30, unless 'skip' says why (got 50)"),
    (
        "new revision",
        live(30),
        want(50, canary=Z),
        "podinfo: 'weight' must be 0 or the first step, 10, as the revision is new (got 50)",
    ),
    (
        "new revision, with a skip",
        live(30),
        want(30, canary=Z, skip="why"),
        "podinfo: 'weight' must be 0 or the first step, 10, as the revision is new (got 30)",
    ),
    (
        "retry in the middle",
        live(0, Phase.FAILED, failed=Y),
        want(30, retry=1),
        "podinfo: 'weight' must be the next step, 10, unless 'skip' says why (got 30)",
    ),
    (
        "stable without a reason",
        live(30),
        want(0, stable=Z),
        f"podinfo: 'stable' must stay {X} or become the canary that passed its last step, unless 'reason' says why (got {Z})",
    ),
    (
        "promotion too early",
        live(30),
        want(0, stable=Y),
        "podinfo: 'stable' must wait for the canary's last step, 100, unless 'reason' says why (live weight 30)",
    ),
    (
        "promotion and start in one",
        live(100),
        want(10, stable=Y, canary=Z),
        "podinfo: 'weight' must be 0 in the run that changes 'stable' (got 10)",
    ),
    (
        "retry of a promotion",
        live(0, Phase.FAILED, failed=Y),
        want(0, stable=Y, retry=1),
        f"podinfo: 'stable' must go back to {X}, a retry starts at the first step (got {Y})",
    ),
    (
        "a reason that was used",
        live(30, overrides=(("why", "advance 10 -> 50"),)),
        want(100, skip="why"),
        "podinfo: the reason must be a new one, it has allowed 'advance 10 -> 50' already (got 'why')",
    ),
    (
        "a reason that was used, after another",
        live(30, overrides=(("because", "advance 30 -> 100"), ("why", "advance 10 -> 50"))),
        want(100, skip="why"),
        "podinfo: the reason must be a new one, it has allowed 'advance 10 -> 50' already (got 'why')",
    ),
    (
        "a reason that was used for a start, for a promotion",
        live(30, overrides=(("why", "start 0 -> 30"),)),
        want(0, stable=Y, reason="why"),
        "podinfo: the reason must be a new one, it has allowed 'start 0 -> 30' already (got 'why')",
    ),
    (
        "a new revision at one percent",
        live(1),
        replace(want(10, canary=Z), steps=(1, 10)),
        "podinfo: 'weight' must be 0 or the first step, 1, as the revision is new (got 10)",
    ),
    (
        "an empty reason",
        live(10),
        want(50, skip=""),
        "podinfo: 'weight' must be the next step, 30, unless 'skip' says why (got 50)",
    ),
    (
        "a reason that was used, for a start",
        live(0, Phase.IDLE, overrides=(("why", "advance 10 -> 50"),)),
        want(30, skip="why"),
        "podinfo: the reason must be a new one, it has allowed 'advance 10 -> 50' already (got 'why')",
    ),
    (
        "a reason that was used, for another stable",
        live(30, overrides=(("why", "advance 10 -> 50"),)),
        want(0, stable=Z, reason="why"),
        "podinfo: the reason must be a new one, it has allowed 'advance 10 -> 50' already (got 'why')",
    ),
    (
        "promotion of a canary without traffic",
        replace(live(0, Phase.IDLE), canary=Y),
        want(0, stable=Y),
        f"podinfo: 'stable' must stay {X} or become the canary that passed its last step, unless 'reason' says why (got {Y})",
    ),
]


@pytest.mark.parametrize(("fact", "before", "wanted", "line"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_refusal(fact: str, before: Live | None, wanted: Wanted, line: str) -> None:
    """What the plan does not have is refused in one line: name, rule, value."""
    with pytest.raises(Refused) as refused:
        decide("podinfo", before, wanted)
    assert str(refused.value) == line, fact


def test_a_reason_allows_the_same_move_again() -> None:
    """A run that is repeated after a hold needs no second reason."""
    used = override_label(Move(MoveKind.ADVANCE, 10, 50))
    move = decide("podinfo", live(10, Phase.WAITING, overrides=(("why", used),)), want(50, skip="why"))
    assert move.override == "why"


def test_next_weight_after_the_last_is_none() -> None:
    """After the last step comes promotion, and no weight."""
    assert [next_weight(STEPS, weight) for weight in (0, 10, 20, 100)] == [10, 30, 30, None]


TEXTS = [
    (Move(MoveKind.ADVANCE, 10, 30), "10 -> 30"),
    (Move(MoveKind.LOWER, 30, 0), "30 -> 0"),
    (Move(MoveKind.PROMOTE, 100, 0), "100 -> promote"),
    (Move(MoveKind.REPLACE, 30, 0), "stable"),
    (Move(MoveKind.KEEP, 30, 30), "at 30"),
]


@pytest.mark.parametrize(("move", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_the_text_of_a_move(move: Move, text: str) -> None:
    """A move reads as people say it; its label, by which a reason is used up, names its kind as well."""
    assert (move.text, override_label(move)) == (text, f"{move.kind} {text}")


def test_the_words_in_saved_states() -> None:
    """Phases and the kinds in labels are in saved states, so they never change."""
    assert [str(each) for each in Phase] == ["idle", "progressing", "waiting", "failed", "promoted"]
    kinds = ["bootstrap", "keep", "lower", "start", "advance", "promote", "replace", "stay failed"]
    assert [str(each) for each in MoveKind] == kinds


def test_what_is_not_said_is_not_there() -> None:
    """No revision is "", no reason is None, and nothing is judged, retried or used up unless it is said."""
    assert Live(0, Phase.IDLE, X) == Live(0, Phase.IDLE, X, canary="", failed="", retry=0, overrides=())
    assert Wanted(0, X, Y, STEPS) == Wanted(0, X, Y, STEPS, skip=None, reason=None, retry=0)
    assert Move(MoveKind.KEEP, 0, 0) == Move(MoveKind.KEEP, 0, 0, judged=False, override=None)


revisions = st.sampled_from([X, Y, Z])
states = st.builds(
    Live,
    weight=st.sampled_from([0, *STEPS]),
    phase=st.sampled_from(Phase),
    stable=st.just(X),
    canary=st.sampled_from([Y, Z]),
    failed=st.sampled_from(["", Y, Z]),
    retry=st.integers(0, 2),
)
wishes = st.builds(
    Wanted,
    weight=st.sampled_from([0, *STEPS]),
    stable=revisions,
    canary=revisions,
    steps=st.just(STEPS),
    skip=st.none(),
    reason=st.none(),
    retry=st.integers(0, 2),
)


@given(states, wishes)
def test_no_weight_rises_unjudged_beyond_the_first_step(before: Live, wanted: Wanted) -> None:
    """Without a verdict and without a reason, nothing goes above the live weight but the first step from new."""
    try:
        move = decide("podinfo", before, wanted)
    except Refused:
        return
    if not move.judged and move.end > before.weight:
        assert (move.kind, move.end) == (MoveKind.START, STEPS[0])
    if move.kind is MoveKind.ADVANCE:
        assert move.end == next_weight(STEPS, before.weight)


@given(states, wishes)
def test_nothing_blocks_a_way_back(before: Live, wanted: Wanted) -> None:
    """With stable as it is, a wish for 0 is approved at once from every state."""
    move = decide("podinfo", before, replace(wanted, weight=0, stable=X))
    assert (move.end, move.judged) == (0, False)


@example(live(50, failed=Z), want(30, canary=Z))
@given(states, wishes)
def test_a_new_revision_never_gets_more_than_the_first_step(before: Live, wanted: Wanted) -> None:
    """While another revision has traffic, a new one gets the first step at most."""
    if wanted.stable != X or wanted.canary in (before.canary, X) or before.weight == 0:
        return
    try:
        move = decide("podinfo", before, wanted)
    except Refused:
        return
    assert move.end <= max(STEPS[0], before.weight if move.kind is MoveKind.STAY_FAILED else 0)
