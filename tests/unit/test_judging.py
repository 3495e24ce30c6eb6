"""What the bench of the judge rests on: its arithmetic is the judge's own, and the other rules are as they were read."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from bench.judging import ours
from bench.judging.ours import Ours
from bench.judging.peers import RULES, Checked, Rule
from bench.judging.picture import RULES as DRAWN
from bench.judging.picture import Panel, picture
from bench.judging.results import Result, read, written
from bench.judging.runs import Cell, Outcome, run
from bench.judging.streams import Array, Stream, Traffic, always
from weighbridge.judge import Allowed, Look, Question, Scope, Verdict, compare
from weighbridge.judge.sequential import not_worse, starts, turned_worse, worse

ALLOWED = Allowed(margin=0, detect=1, alpha=0.01, beta=0.05)
SHARES = (0.01, 0.1, 0.5, 0.9)
MARGINS = (0.0, 0.01, 0.2)


def counts(seed: int, many: int = 200) -> Array:
    """Of all sizes, with and without bad answers, some of a single track."""
    random = np.random.default_rng(seed)
    found = random.poisson(np.exp(random.uniform(-2, 8, (4, many)))).astype(float)
    return np.asarray(found * random.integers(0, 4, (4, many)).clip(max=1))


def evidence(found: Array) -> Array:
    """With one end for all that is hopeless."""
    return np.maximum(found, -1e6)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("margin", MARGINS)
def test_the_arithmetic_is_the_judges(share: float, margin: float) -> None:
    """On random counts the bench's evidence is what `worse`, `not_worse` and `turned_worse` say, to nine digits."""
    many = counts(1)
    pairs = [ours.pair(many[:, row]) for row in range(many.shape[1])]
    against = np.array([worse(each, share, margin) for each in pairs])
    assert evidence(ours.worse(many, share, margin)) == pytest.approx(evidence(against), rel=1e-9, abs=1e-9)
    good = np.array([not_worse(each, share, margin + 0.01) for each in pairs])
    assert evidence(ours.not_worse(many, share, margin + 0.01)) == pytest.approx(evidence(good), rel=1e-9, abs=1e-9)
    windows = {start: counts(start) for start in (0, 4, 6)}
    turned = [
        turned_worse([Look(start, ours.pair(each[:, row])) for start, each in windows.items()], share, margin)
        for row in range(many.shape[1])
    ]
    found = evidence(ours.turned_worse(windows, share, margin))
    assert found == pytest.approx(evidence(np.array(turned)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("margin", MARGINS)
def test_nothing_that_matters_is_skipped(share: float, margin: float) -> None:
    """The evidence never comes to more than the ceiling by which the bench leaves releases out."""
    many = counts(2, 2000)
    compared = many[:, many[2] + many[3] > 0]
    assert (ours.worse(compared, share, margin) <= ours.ceiling(compared, share, margin) + 1e-9).all()


SCENES = [
    ("bad", Traffic(60, always(0.05), always(0.005)), ALLOWED),
    ("healthy", Traffic(300, always(0.005), always(0.005)), ALLOWED),
    ("worse within the margin", Traffic(60, always(0.01), always(0.005)), replace(ALLOWED, margin=1)),
    ("turns bad", Traffic(60, lambda now: 0.005 if now < 450 else 0.3, always(0.005)), ALLOWED),
    ("the mesh is off its weight", Traffic(60, always(0.3), always(0.25), share=0.3), ALLOWED),
]


@pytest.mark.parametrize(("fact", "traffic", "allowed"), SCENES, ids=[scene[0] for scene in SCENES])
def test_the_verdicts_are_the_judges(fact: str, traffic: Traffic, allowed: Allowed) -> None:
    """Look by look, the bench ends the releases that `compare` fails or passes, and no other."""
    releases, last = 12, 60
    judging = Ours(releases, traffic.weight, allowed, min_requests=100, unseen=0, thorough=last)
    stream, now = Stream(traffic, 10, 7), np.zeros((4, releases))
    before, undecided, ended = {0: now}, np.ones(releases, bool), 0
    for number in range(1, last + 1):
        more = stream.between(number, releases)
        found = judging.look(number, more, undecided) & undecided
        now = now + more
        for row in np.flatnonzero(undecided):
            windows = [Look(start, ours.pair((now - before[start])[:, row])) for start in starts(number)]
            verdict = compare(windows, traffic.weight, allowed, Question("", "", ""), Scope(10 * number, 100)).verdict
            assert found[row] == (verdict in {Verdict.FAIL, Verdict.PASS}), fact
            assert judging.passed[row] == (verdict is Verdict.PASS), fact
        before[number] = now
        undecided &= ~found
        ended += int(found.sum())
    assert ended or "margin" in fact or "healthy" in fact


def failures(rule: Rule, minutes: list[tuple[int, int]]) -> list[bool]:
    """At which minute a rule rolls back, given the bad and good answers of each."""
    checked = Checked(rule, 1, 60)
    return [
        bool(checked.look(n, np.array([[bad], [good], [0], [0]]), np.ones(1, bool))[0])
        for n, (bad, good) in enumerate(minutes, 1)
    ]


FLAGGER, ARGO = replace(RULES[0], threshold=2), replace(RULES[2], threshold=2)
BAD, GOOD, SILENT = (10, 90), (0, 100), (0, 0)


def test_flagger_rolls_back_at_the_check_after() -> None:
    """Failed checks add up, those without data too; the check after the one that reached the threshold rolls back."""
    assert failures(FLAGGER, [BAD, GOOD, BAD, GOOD, GOOD]) == [False, False, False, True, True]
    assert failures(FLAGGER, [SILENT, SILENT, GOOD]) == [False, False, True]
    assert not any(failures(FLAGGER, [BAD, GOOD, (1, 99), GOOD]))


def test_argo_rolls_back_at_once() -> None:
    """Failed measurements add up, those without data are left out; the one beyond the limit rolls back."""
    assert failures(ARGO, [BAD, GOOD, SILENT, BAD, GOOD]) == [False, False, False, True, True]
    assert not any(failures(ARGO, [BAD, (5, 95), GOOD]))


def test_a_check_spans_a_minute() -> None:
    """Looked at every 10 s, a rule of one check a minute decides at each sixth look, on all of the minute."""
    checked = Checked(replace(ARGO, threshold=1), 1, 10)
    second = np.array([[1.0], [9.0], [0.0], [0.0]])
    assert [bool(checked.look(n, second, np.ones(1, bool))[0]) for n in range(1, 8)] == [False] * 5 + [True, False]


def test_a_cell_is_the_same_each_time() -> None:
    """The same seed gives the same outcome, and dropping the releases that are done changes nothing that is counted."""
    cell = Cell("bad", "", Traffic(60, always(0.2), always(0.005)), ALLOWED, 10, 100, peers=True)
    first, again = run(cell, 50, 1), run(cell, 50, 1)
    assert first == again
    assert [each.rolled_back for each in first] == [50] * 5
    assert first[0].requests is not None
    assert first[0].requests < 60
    assert first[1].requests == pytest.approx(360, rel=0.05)


def outcomes(requests: float | None) -> list[Outcome]:
    return [Outcome(rule, 100, 100 if requests else 0, 0, 0, requests, requests) for rule in DRAWN]


def test_the_picture_is_the_same_each_time() -> None:
    """The same data, written and read again, gives the same picture, in well-formed SVG."""
    facts = {"margin": 0, "gap": 10, "looks": 500, "base": 0.5}
    results = [
        *(Result("bad", f"{n}", n, {**facts, "rate": 5, "per_minute": n}, outcomes(100)) for n in (60, 300)),
        *(Result("peers", f"{n}", n, {**facts, "per_minute": n}, outcomes(None)) for n in (5, 20, 60, 300, 1200)),
    ]
    drawn = picture(results)
    about, again = read(written({"date": "2026-01-01"}, results))
    assert (about, again, picture(again)) == ({"date": "2026-01-01"}, results, drawn)
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314  our own text


@pytest.mark.parametrize("requests", [1, 10**6])
def test_the_picture_hides_nothing_behind_its_ends(requests: float) -> None:
    """A number that the axis does not reach is refused, and not drawn at the axis' end."""
    with pytest.raises(ValueError, match="the ends of the axis"):
        Panel(0, 100).across(requests)
