"""The lines that people read and grep for, word by word."""

from __future__ import annotations

import pytest

from weighbridge.judge import Evidence, Verdict
from weighbridge.plan import Move, MoveKind
from weighbridge.summary import forecast, judged, progress, rolled_back, unjudged

ADVANCE = Move(MoveKind.ADVANCE, 10, 30, judged=True)
PROMOTE = Move(MoveKind.PROMOTE, 100, 0, judged=True)
GOOD = Evidence(Verdict.PASS, "success rate 100.00% >= 99% (n=412, 8s)")
BAD = Evidence(Verdict.FAIL, "success rate 69.17% < 99% (n=1204, 5m)")
FEW = Evidence(Verdict.INSUFFICIENT, "12 of 100 requests needed (n=12, 8s)")
DOWN = Evidence(Verdict.ERROR, "Prometheus at http://p cannot be reached")

LINES = [
    (judged("podinfo", ADVANCE, GOOD), "podinfo 10 -> 30: pass, success rate 100.00% >= 99% (n=412, 8s)"),
    (judged("podinfo", ADVANCE, BAD), "podinfo 10 -> 30: halt, success rate 69.17% < 99% (n=1204, 5m)"),
    (judged("podinfo", ADVANCE, FEW), "podinfo 10 -> 30: hold, 12 of 100 requests needed (n=12, 8s)"),
    (judged("podinfo", ADVANCE, DOWN), "podinfo 10 -> 30: hold, Prometheus at http://p cannot be reached"),
    (judged("podinfo", PROMOTE, GOOD), "podinfo 100 -> promote: pass, success rate 100.00% >= 99% (n=412, 8s)"),
    (rolled_back("podinfo", ADVANCE, BAD), "podinfo 10 -> 0: rolled back, success rate 69.17% < 99% (n=1204, 5m)"),
    (rolled_back("podinfo", PROMOTE, BAD), "podinfo 100 -> 0: rolled back, success rate 69.17% < 99% (n=1204, 5m)"),
    (forecast("podinfo", ADVANCE, GOOD, 0), "podinfo 10 -> 30: forecast pass, success rate 100.00% >= 99% (n=412, 8s)"),
    (
        forecast("podinfo", ADVANCE, GOOD, 92.4),
        "podinfo 10 -> 30: forecast pass, success rate 100.00% >= 99% (n=412, 8s), soak has 1m32s left",
    ),
    (
        progress("podinfo", ADVANCE, FEW, 0.2),
        "podinfo 10 -> 30: soaking, 1s left, 12 of 100 requests needed (n=12, 8s)",
    ),
    (unjudged("podinfo", Move(MoveKind.BOOTSTRAP, 0, 0)), "podinfo at 0: first run, all traffic on stable"),
    (unjudged("podinfo", Move(MoveKind.LOWER, 50, 10)), "podinfo 50 -> 10: lowered at once"),
    (
        unjudged("podinfo", Move(MoveKind.REPLACE, 50, 0, override="an emergency")),
        "podinfo stable: stable replaced, an emergency",
    ),
]


@pytest.mark.parametrize(("line", "words"), LINES, ids=[words.partition(",")[0] for _, words in LINES])
def test_a_line_is_what_it_is(line: str, words: str) -> None:
    """The wording is a promise to whoever greps for it."""
    assert line == words


@pytest.mark.parametrize("kind", MoveKind)
def test_every_move_has_words(kind: MoveKind) -> None:
    """No kind of move is left without a line, with a reason or without."""
    for override in (None, "why"):
        line = unjudged("podinfo", Move(kind, 10, 30, override=override))
        assert line.isprintable()
        assert line.endswith("why") == (override is not None)
