"""The page of strange answers says what the tests prove."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.strange_cases import CASES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "strange-answers.md").read_text(encoding="utf-8")
TABLE = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
ROWS = [[cell.strip() for cell in row] for row in TABLE[2:]]
FACTS = {case.fact: case for case in CASES}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_each_row_is_a_test(row: list[str]) -> None:
    """A row names a test that exists; where that is a case, verdict and line are the case's."""
    _, verdict, line, test = row
    name = test.strip("`")
    path, _, function = name.partition("::")
    if function:
        written = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {function}\(", written, re.MULTILINE), name
    else:
        case = FACTS[name]
        assert (verdict, line.strip("`")) == (str(case.verdict), case.line.replace("WORKLOAD", "CANARY"))


def test_no_two_histories_share_their_series() -> None:
    """Each case has a release of its own, so that none sees another one's requests."""
    assert len({case.release for case in CASES}) == len(CASES)


def test_the_page_has_every_verdict() -> None:
    """A table that was not read would pass every row."""
    assert {row[1] for row in ROWS} == {"pass", "fail", "insufficient", "error", "as judged"}
    assert len(ROWS) > 50
