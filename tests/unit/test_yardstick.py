"""What the bench holds the judge to: Wald's test, by his formula and as it is."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bench.judging.results import read, written
from bench.judging.tables import tables
from bench.judging.yardstick import exact, wald

ALPHA, BETA = 0.01, 0.05
DATA = Path(__file__).resolve().parents[2] / "bench" / "results" / "judge.json"


def test_wald() -> None:
    """The figure of the issue: 59 requests for 5% against 0.5%, with errors of 1% and 5%."""
    assert wald(0.005, 0.05, ALPHA, BETA) == pytest.approx(58.7, abs=0.1)


@pytest.mark.parametrize(("error", "requests"), [(0.4, 1), (0.3, 1 + 0.9)])
def test_the_test_itself_by_hand(error: float, requests: float) -> None:
    """50% against 90%: with errors of 40% any answer ends it; with 30% any but a bad first one, and then the second."""
    assert exact(0.5, 0.9, error, error) == pytest.approx(requests)


RATES = [(0.005, 0.2, ALPHA, BETA), (0.005, 0.05, ALPHA, BETA), (0.015, 0.2, ALPHA, BETA), (0.025, 0.005, BETA, ALPHA)]


@pytest.mark.parametrize(("null", "true", "alpha", "beta"), RATES)
def test_the_test_itself_as_it_is_run(null: float, true: float, alpha: float, beta: float) -> None:
    """Run on random answers, it needs what was worked out, within four standard errors; the formula gives less."""
    answers = np.random.default_rng(7).random((8000, 3000), dtype=np.float32) < true
    steps = np.where(answers, math.log(true / null), math.log((1 - true) / (1 - null))).astype(np.float32)
    ratio = steps.cumsum(axis=1)
    ended = (ratio >= math.log((1 - beta) / alpha)) | (ratio <= math.log(beta / (1 - alpha)))
    assert ended.any(axis=1).all()
    needed = ended.argmax(axis=1) + 1
    worked_out = exact(null, true, alpha, beta)
    assert needed.mean() == pytest.approx(worked_out, abs=4 * needed.std() / math.sqrt(len(needed)))
    assert wald(null, true, alpha, beta) < worked_out


def test_the_formula_is_right_where_little_is_stepped_over() -> None:
    """Both are the same within 2% where a request says little, and not at all where it says much."""
    assert exact(0.4, 0.44, ALPHA, BETA) == pytest.approx(wald(0.4, 0.44, ALPHA, BETA), rel=0.02)
    assert exact(0.005, 0.2, ALPHA, BETA) > 1.39 * wald(0.005, 0.2, ALPHA, BETA)


def test_the_data_have_what_is_derived_from_them() -> None:
    """Read and written again they are the same, and the table says in how many cells each limit is kept."""
    about, results = read(DATA.read_text(encoding="utf-8"))
    assert written(about, results) == DATA.read_text(encoding="utf-8")
    kept = [line for line in tables(results) if "kept in" in line]
    assert kept == [
        "Twice Wald's and a look: kept in 75 of 76 cells by the formula, in 76 by the test itself",
    ]
