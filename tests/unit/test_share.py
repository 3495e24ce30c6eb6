"""The share of traffic: when the mesh is said not to have taken the weight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.judge import Counts, Measurement, Pair, Scope, Verdict, traffic_share
from weighbridge.judge.share import Share

SCOPE = Scope(window=300, min_requests=100)
COUNTS = st.one_of(st.integers(0, 40), st.integers(0, 100_000))
WEIGHTS = st.integers(0, 100)
TOLERANCES = st.none() | st.floats(0, 100)


def pair(canary: float, stable: float) -> Pair:
    return Pair(Counts(canary, canary), Counts(stable, stable))


def judged(canary: float, stable: float, weight: int = 10, tolerance: float | None = None) -> Measurement:
    return traffic_share(pair(canary, stable), weight, tolerance, SCOPE, "q")


def allowed(weight: int, tolerance: float | None) -> float:
    return max(1.0, 0.2 * min(weight, 100 - weight)) if tolerance is None else tolerance


CASES = [
    ("as it was set", 1000, 9000, 10, None, Verdict.PASS, "the canary gets 10.00%, 10% is set (n=10000, 5m)"),
    ("a little off", 1150, 8850, 10, None, Verdict.PASS, "the canary gets 11.50%, 10% is set (n=10000, 5m)"),
    (
        "far off",
        3000,
        7000,
        10,
        None,
        Verdict.ERROR,
        "the mesh did not take the weight: the canary gets 30.00%, 10% is set (n=10000, 5m)",
    ),
    (
        "nothing reaches the canary",
        0,
        1000,
        10,
        None,
        Verdict.ERROR,
        "the mesh did not take the weight: the canary gets 0.00%, 10% is set (n=1000, 5m)",
    ),
    ("too few to tell", 3, 7, 10, None, Verdict.PASS, "the canary gets 30.00%, 10% is set (n=10, 5m)"),
    ("silence", 0, 0, 10, None, Verdict.INSUFFICIENT, "the canary gets none of no requests, 10% is set (n=0, 5m)"),
    ("a wide tolerance", 3000, 7000, 10, 25.0, Verdict.PASS, "the canary gets 30.00%, 10% is set (n=10000, 5m)"),
    (
        "no tolerance",
        12000,
        88000,
        10,
        0.0,
        Verdict.ERROR,
        "the mesh did not take the weight: the canary gets 12.00%, 10% is set (n=100000, 5m)",
    ),
    ("a fifth of the smaller track", 8500, 1500, 90, None, Verdict.ERROR, ""),
    ("within a fifth of it", 8900, 1100, 90, None, Verdict.PASS, ""),
    ("at least a point", 250, 9750, 2, None, Verdict.PASS, ""),
    ("and no more than that", 3500, 96500, 2, None, Verdict.ERROR, ""),
    ("a little short, of many", 496_000, 504_000, 50, 0.0, Verdict.ERROR, ""),
    ("a little more, of many", 504_000, 496_000, 50, 0.0, Verdict.ERROR, ""),
    ("silence where nothing is set", 0, 0, 0, 0.0, Verdict.INSUFFICIENT, ""),
    ("silence where all is set", 0, 0, 100, 0.0, Verdict.INSUFFICIENT, ""),
]


@pytest.mark.parametrize(
    ("fact", "canary", "stable", "weight", "tolerance", "verdict", "line"), CASES, ids=[row[0] for row in CASES]
)
def test_traffic_share(
    fact: str, canary: float, stable: float, weight: int, tolerance: float | None, verdict: Verdict, line: str
) -> None:
    """Each share has its verdict and its words."""
    found = judged(canary, stable, weight, tolerance)
    assert found.verdict is verdict, fact
    assert line in {"", found.line}


@given(canary=COUNTS, stable=COUNTS, weight=WEIGHTS, tolerance=TOLERANCES)
def test_a_share_is_never_a_fail(canary: int, stable: int, weight: int, tolerance: float | None) -> None:
    """A mesh off its weight is no canary's fault; and a share that was seen within the tolerance is no error."""
    found = judged(canary, stable, weight, tolerance)
    assert found.verdict in {Verdict.PASS, Verdict.ERROR, Verdict.INSUFFICIENT}
    assert (found.verdict is Verdict.INSUFFICIENT) == (canary + stable == 0)
    if canary + stable and abs(100 * canary / (canary + stable) - weight) <= allowed(weight, tolerance) - 1e-9:
        assert found.verdict is Verdict.PASS


@given(canary=COUNTS, stable=COUNTS, weight=WEIGHTS, tolerance=TOLERANCES)
def test_both_tracks_are_alike(canary: int, stable: int, weight: int, tolerance: float | None) -> None:
    """What is said of the canary's share at a weight, is said of stable's at the rest."""
    assert judged(canary, stable, weight, tolerance).verdict is judged(stable, canary, 100 - weight, tolerance).verdict


@given(canary=COUNTS, stable=COUNTS, weight=WEIGHTS, wide=st.floats(0, 100), narrow=st.floats(0, 1))
def test_more_tolerance_is_no_error(canary: int, stable: int, weight: int, wide: float, narrow: float) -> None:
    """What is within a tolerance is within a wider one."""
    if judged(canary, stable, weight, narrow * wide).verdict is Verdict.PASS:
        assert judged(canary, stable, weight, wide).verdict is Verdict.PASS


@pytest.mark.parametrize("weight", [2, 10, 50])
def test_a_mesh_that_took_the_weight_is_not_accused(weight: int) -> None:
    """Exactly, by dynamic programming: looked at after each of 400 requests, without any tolerance, in at most 1 of 1,000."""
    inside, accused = {0: 1.0}, 0.0
    for total in range(1, 401):
        after: dict[int, float] = {}
        for canary, chance in inside.items():
            for more, part in ((1, weight / 100), (0, 1 - weight / 100)):
                after[canary + more] = after.get(canary + more, 0.0) + chance * part
        off = [each for each in after if judged(each, total - each, weight, 0.0).verdict is Verdict.ERROR]
        accused += sum(after.pop(each) for each in off)
        # What is left to happen is too little to matter.
        inside = {canary: chance for canary, chance in after.items() if chance > 1e-12}
    assert 0 < accused <= 0.001


@given(canary=COUNTS, stable=COUNTS, weight=WEIGHTS)
def test_wagers_are_laid_on_the_weight(canary: int, stable: int, weight: int) -> None:
    """The share that is bet on is the weight, or a higher one that was seen where chance cannot explain it."""
    share = Share.of(pair(canary, stable), weight)
    if share.to_bet_on == weight / 100:
        assert share.low <= weight / 100
    else:
        assert share.to_bet_on == canary / (canary + stable) > weight / 100


def test_a_share_of_nothing_is_unknown() -> None:
    """Without requests nothing was seen, and the weight is bet on."""
    share = Share.of(pair(0, 0), 10)
    assert (share.seen, share.low, share.high, share.to_bet_on) == (None, 0.0, 1.0, 0.1)


def test_a_share_of_one_request_is_seen() -> None:
    """One request is one, whichever track it went to."""
    assert [Share.of(pair(*each), 10).seen for each in ((1, 0), (0, 1))] == [1.0, 0.0]


def test_the_weight_is_bet_on_until_more_is_proven() -> None:
    """A share that may just be the weight is no proof that the mesh sends more."""
    assert Share(weight=0.1, seen=0.3, low=0.1, high=0.5).to_bet_on == 0.1
    assert Share(weight=0.1, seen=0.3, low=0.11, high=0.5).to_bet_on == 0.3


def test_a_share_keeps_what_it_rests_on() -> None:
    """The measurement has the query, the share, what is allowed and the counts; without requests it has no share."""
    line = "the canary gets 11.50%, 10% is set (n=10000, 5m)"
    expected = Measurement("traffic-share", "q", 11.5, "10% +- 2", 1150, 10_000, 300, Verdict.PASS, line)
    assert judged(1150, 8850) == expected
    assert judged(1150, 8850, tolerance=2.5).bound == "10% +- 2.5"
    assert judged(9000, 1000, weight=90).bound == "90% +- 2"
    assert judged(0, 0).value is None
