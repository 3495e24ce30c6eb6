"""A replay: what the gate says at other times, in words and as a picture. The server is one of ours."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.replaying import (
    CHECKS,
    OWN,
    SPAN,
    T0,
    Server,
    Y,
    entry,
    series,
    state,
)
from weighbridge.checks import Comparison
from weighbridge.errors import PrometheusError, SettingsError
from weighbridge.judge import Verdict
from weighbridge.measure import Sample
from weighbridge.replay import plot, tell
from weighbridge.replay.asked import Remembering
from weighbridge.replay.figures import points
from weighbridge.replay.series import Recorded
from weighbridge.replay.spans import Span, of_state
from weighbridge.replay.walk import Column, again, walk


def test_a_good_canary_passes_when_its_soak_is_over() -> None:
    """Not before, and the requests count from the weight's first moment on."""
    (found,) = walk(OWN, [SPAN], series())
    assert found.decision
    assert found.decision.evidence.verdict is Verdict.PASS
    assert found.decision.at == pytest.approx(T0 + 90, abs=0.01)
    assert re.fullmatch(r"podinfo 10 -> 50: pass, success rate 100.00% >= 99% \(n=\d+, 1m\)", found.decision.line)
    assert found.decision.spent
    assert found.decision.spent.total == pytest.approx(90, abs=1)
    assert [look.decides for look in found.looks] == [False] * 5 + [True]


def test_a_bad_canary_fails_at_the_first_look_that_shows_it() -> None:
    """Long before its soak is over, and later weights are not reached."""
    later = replace(SPAN, weight=50, since=T0 + 300, until=T0 + 390)
    column = replace(OWN, checks=replace(CHECKS, default_soak=200.0))
    found = walk(column, [SPAN, later], series(bad=0.3))
    decision = found[0].decision
    assert decision
    assert decision.evidence.verdict is Verdict.FAIL
    assert T0 + 60 < decision.at < T0 + 100
    assert decision.line.startswith("podinfo 10 -> 0: rolled back, success rate ")
    assert (found[1].reached, found[1].looks) == (False, ())


def test_a_fail_that_holds_is_halted() -> None:
    """As the gate's own line says with on_failure: hold."""
    column = replace(OWN, checks=replace(CHECKS, roll_back=False, default_soak=200.0))
    (found,) = walk(column, [SPAN], series(bad=0.3))
    assert found.decision
    assert found.decision.line.startswith("podinfo 10 -> 50: halt, ")


def test_silence_is_never_decided() -> None:
    """Every look is taken up to the end of the span, also after the soak."""
    (found,) = walk(OWN, [SPAN], series(canary=0.0))
    assert found.decision is None
    assert len(found.looks) == 6 + 20
    assert found.looks[-1].line.startswith("podinfo 10 -> 50: hold, ")


@given(st.integers(5, 40), st.integers(0, 20), st.floats(0, 0.5))
def test_a_walk_that_remembers_is_the_same_walk(interval: int, warm_up: int, bad: float) -> None:
    """Each question is asked once, however many gates ask it."""
    column = replace(OWN, checks=replace(CHECKS, interval=float(interval), warm_up=float(warm_up)))
    server = Server(series(bad=round(bad, 2)))
    asked = Remembering(server)
    whole = [walk(column, [SPAN], each) for each in (series(bad=round(bad, 2)), asked, asked)]
    assert whole[0] == whole[1] == whole[2]
    assert len(server.asked) == len(set(server.asked))


def test_a_look_that_was_taken_is_taken_again() -> None:
    """The line then and the line now, for each decision that somebody looked for."""
    (seen,) = walk(OWN, [SPAN], series())
    assert seen.decision
    told = {"verdict": "pass", "since": T0, "looked": round(seen.decision.at, 3)}
    history = [entry(0, 0, 10, Y), entry(91, 10, 50, Y, **told, line=seen.decision.line)]
    spans = of_state("podinfo", state(*history), T0 + 300)
    (same,) = again(OWN, spans, series())
    assert (same.same, same.line) == (True, seen.decision.line)
    (other,) = again(OWN, spans, series(bad=0.3))
    assert not other.same
    assert tell.checked([same, other])[0] == "the look of 08:01:30 again: the same line"
    assert tell.checked([other])[0].startswith("the look of 08:01:30 again: another line, podinfo 10 -> 0: rolled back")


def test_a_server_that_dies_in_the_middle_ends_the_replay() -> None:
    """What it would have said is not made up from errors."""
    asked = Remembering(Server(series(), dead_at=T0 + 60))
    asked.require(T0)
    walk(OWN, [SPAN], asked)
    with pytest.raises(PrometheusError, match="cannot be reached"):
        asked.require(T0)


def test_a_server_that_was_gone_for_a_while_ends_the_replay() -> None:
    """It answers again when the walk is over, and its errors are still in the looks."""

    class Away(Server):
        def _note(self, promql: str, at: float, *more: float) -> None:
            super()._note(promql, at, *more)
            if T0 + 60 <= at < T0 + 80:
                raise PrometheusError("Prometheus at http://p cannot be reached")

    asked = Remembering(Away(series()))
    walk(OWN, [SPAN], asked)
    with pytest.raises(PrometheusError, match="cannot be reached"):
        asked.require(T0)


def test_an_answer_that_is_an_error_is_the_gates_to_judge() -> None:
    """A server that answers other questions is not dead."""

    class Strange(Server):
        def query(self, promql: str, at: float) -> list[Sample]:
            if promql.startswith("sum by"):
                raise PrometheusError("Prometheus at http://p gave a partial answer")
            return super().query(promql, at)

    asked = Remembering(Strange(series()))
    (found,) = walk(OWN, [SPAN], asked)
    asked.require(T0)
    assert {look.evidence.verdict for look in found.looks} == {Verdict.ERROR}
    assert {look.spent for look in found.looks} == {None}


def told(*columns: tuple[Column, Recorded], spans: tuple[Span, ...] = (SPAN,)) -> tell.Replay:
    walked = [(column, walk(column, spans, recorded)) for column, recorded in columns]
    return tell.Replay("podinfo", "a server", spans, walked, [])


def test_the_summary_says_what_each_gate_would_have_done() -> None:
    """Passed, rolled back, halted, or never decided; after how long, and what it cost."""
    holding = Column("holding", "podinfo", replace(CHECKS, roll_back=False))
    slow = Column("slow", "podinfo", replace(CHECKS, default_soak=3600.0))
    lines = tell.summaries(told((OWN, series()), (OWN, series(bad=0.3)), (holding, series(bad=0.3)), (slow, series())))
    assert lines[0] == "really: nothing was decided in this time"
    assert lines[1] == "stack: would have passed 10% after 1m30s, 90 requests of the canary, 0 of them failed"
    assert lines[2].startswith("stack: would have rolled back at 10% after 1m10s, ")
    assert lines[2].endswith(" of them failed")
    assert lines[3].startswith("holding: would have halted at 10% after 1m10s, ")
    assert lines[4].startswith("slow: never decided at 10%: podinfo 10 -> 50: pass, success rate 100.00%")


def test_rows_show_what_decided_and_with_verbose_every_look() -> None:
    """A pass before the soak is over is too soon."""
    replay = told((OWN, series()))
    (row,) = tell.rows(replay, verbose=False)
    assert row[:5] == ("08:01:30", "10%", "stack", "pass", "90")
    assert [each[3] for each in tell.rows(replay, verbose=True)] == ["insufficient", *["too soon"] * 4, "pass"]


def test_gates_stand_side_by_side() -> None:
    """One row a weight, one column a gate, beside what really happened."""
    later = replace(SPAN, weight=50, since=T0 + 300, until=T0 + 390)
    slow = Column("slow", "podinfo", replace(CHECKS, default_soak=3600.0))
    head, lines = tell.side_by_side(told((OWN, series(bad=0.3)), (slow, series()), spans=(SPAN, later)))
    assert head == ("weight", "really", "stack", "slow")
    assert [line[0] for line in lines] == ["10%", "50%"]
    assert lines[0][2].startswith("fail after 1m10s, ")
    assert (lines[1][2], lines[0][3]) == ("not reached", "never decided")


def test_a_picture_shows_what_the_gate_saw() -> None:
    """Rates a second, and the percent that was answered well since the warm-up, with its ends where a gate compares."""
    compared = replace(CHECKS, comparison=Comparison(1.0, 1.0, 0.01, 0.05, "hold", None))
    for gates, has_ends in (([CHECKS], False), ([CHECKS, compared], True)):
        (found,) = points(gates, [SPAN], series(bad=0.3))
        first, last = found[0], found[-1]
        assert first.rates == pytest.approx((1.0, 9.0), rel=0.4)
        assert first.bands == (None, None)
        assert last.rates == pytest.approx((1.0, 9.0), rel=0.05)
        canary, stable = last.bands
        assert canary
        assert stable
        assert canary.success == pytest.approx(73, abs=2)
        assert stable.success == 100.0
        assert (canary.low is not None) is has_ends
        if canary.low is not None and canary.high is not None:
            assert canary.low < canary.success < canary.high


def test_a_time_without_an_answer_is_left_out_of_the_picture() -> None:
    """A gap is no zero."""
    (found,) = points([CHECKS], [SPAN], Server(series(), dead_at=T0 + 100))
    assert found
    assert all(each.at < T0 + 100 for each in found)


@pytest.mark.parametrize("ending", [".svg", ".png"])
def test_a_picture_is_drawn(ending: str, tmp_path: Path) -> None:
    """With a lane for each gate, also where nothing was decided; the same bytes each time."""
    later = replace(SPAN, weight=50, since=T0 + 300, until=T0 + 390)
    slow = Column("slow", "podinfo", replace(CHECKS, default_soak=3600.0))
    replay = told((OWN, series(bad=0.3)), (slow, series()), spans=(SPAN, later))
    drawn = []
    for _ in range(2):
        path = tmp_path / f"replay{ending}"
        plot.draw(replay, points([CHECKS], [SPAN, later], series(bad=0.3)), path)
        drawn.append(path.read_bytes())
    assert drawn[0] == drawn[1]
    assert drawn[0].startswith(b"\x89PNG" if ending == ".png" else b"<?xml")


def test_a_picture_of_another_kind_is_refused_before_anything_is_asked() -> None:
    """One line with the option, the rule and the value."""
    with pytest.raises(SettingsError) as refused:
        plot.require(Path("a/b.pdf"))
    assert str(refused.value) == "--plot must be a file that ends in .svg or .png (got 'b.pdf')"
