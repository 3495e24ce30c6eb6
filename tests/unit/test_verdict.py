"""Verdicts: what a measurement's evidence says, and how several make one."""

from __future__ import annotations

from itertools import product

import pytest

from weighbridge.judge import Evidence, Measurement, Scope, Verdict, combine, joined, unmeasured

SCOPE = Scope(window=300, min_requests=100)
ORDER = (Verdict.FAIL, Verdict.ERROR, Verdict.INSUFFICIENT, Verdict.PASS)
"""What weighs more comes first."""


def measured(verdict: Verdict, line: str = "", *, dry_run: bool = False) -> Measurement:
    return Measurement("m", "q", 1.0, ">= 1", None, 500.0, 300, verdict, line or f"it is {verdict}", dry_run)


def test_the_words_of_a_verdict_are_in_every_state() -> None:
    """They are in saved states and in CI's outputs, so they never change."""
    assert [str(each) for each in ORDER] == ["fail", "error", "insufficient", "pass"]


ENOUGH = [(100, True), (99.99, False), (101, True), (0, False)]


@pytest.mark.parametrize(("total", "enough"), ENOUGH)
def test_the_minimum_itself_is_enough(total: float, enough: bool) -> None:
    """Fewer requests than the minimum say nothing; Prometheus extrapolates, so a part of one is no whole one."""
    assert SCOPE.enough(total) is enough


def test_evidence_is_counted_in_whole_requests() -> None:
    """A part of a request is not shown: what is needed is not there yet."""
    assert SCOPE.evidence(1204.7) == "(n=1204, 5m)"
    assert SCOPE.needed(99.7) == "99 of 100 requests needed (n=99, 5m)"


@pytest.mark.parametrize(("first", "second"), list(product(ORDER, ORDER)))
def test_the_heavier_verdict_speaks(first: Verdict, second: Verdict) -> None:
    """A fail before an error before too little before a pass, in whatever order; the first of equals speaks."""
    heavier = min(first, second, key=ORDER.index)
    speaker = "first" if heavier is first else "second"
    both = (measured(first, "first"), measured(second, "second"))
    assert combine(both, 300) == Evidence(heavier, speaker, both, 300)
    single = [combine([each], 300) for each in both]
    assert joined(*single) == Evidence(heavier, speaker, both, 300)


def test_a_dry_run_only_reports() -> None:
    """It is kept beside the others and has no part in the verdict; alone it is no judgement, so it passes nothing."""
    broken, fine = measured(Verdict.FAIL, dry_run=True), measured(Verdict.PASS)
    assert combine([broken, fine], 300) == Evidence(Verdict.PASS, "it is pass", (broken, fine), 300)
    alone = combine([measured(Verdict.PASS, dry_run=True)], 300)
    assert (alone.verdict, alone.line, len(alone.measurements)) == (
        Verdict.ERROR,
        "no metric is set, so nothing was judged",
        1,
    )
    assert alone.window == 0


def test_two_looks_at_the_same_are_the_same_evidence() -> None:
    """When it was looked is no part of what was seen."""
    assert Evidence(Verdict.PASS, "fine", since=1.0, looked=2.0) == Evidence(Verdict.PASS, "fine")


def test_evidence_of_nothing_has_no_measurement_and_no_window() -> None:
    """Nobody looked: no window, no time from which on, no time of the look."""
    nothing = Evidence(Verdict.ERROR, "gone")
    assert (nothing.measurements, nothing.window, nothing.since, nothing.looked) == ((), 0, 0.0, 0.0)


def test_a_metric_that_could_not_be_had_is_an_error() -> None:
    """It has no value, no bound and no good requests, and says why."""
    found = unmeasured("m", "q", "Prometheus refused", SCOPE, 7.0)
    assert found == Measurement("m", "q", None, "", None, 7.0, 300, Verdict.ERROR, "Prometheus refused", dry_run=False)
    assert found.dry_run is False
