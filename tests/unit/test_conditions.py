"""Conditions: what they mean beside Argo Rollouts' expr-lang, what they refuse, and that they run nothing else."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.conditions import DEEPEST, LONGEST, read
from weighbridge.evaluate import FUNCTIONS, MOST, Result

NAN, INF = math.nan, math.inf

HOLDS: list[tuple[str, Result, bool]] = [
    # Argo's documentation (docs/features/analysis.md) and tests (utils/evaluate/evaluate_test.go)
    ("result[0] >= 0.95", [0.95], True),
    ("result[0] >= 0.95", [0.94999], False),
    ("result[0] > 0", [0.5], True),
    ("result >= 0.95", 0.97, True),
    ("result > 1", 5.0, True),
    ("len(result) > 0 && result[0] >= 0.95", [0.97], True),
    ("len(result) == 0 || result[0] >= 0.95", [0.9], False),
    ("isNaN(result) || result >= 0.95", NAN, True),
    ("isNaN(result[0]) or result[0] >= 0.95", [NAN], True),
    ("isInf(result)", INF, True),
    ("isInf(result)", -INF, True),
    ("default(result, 0) < 0.05", 0.01, True),
    ("default(result[0], 0) < 0.05", [0.1], False),
    ("2 in result", [1.0, 2.0], True),
    ("3 not in result", [1.0, 2.0], True),
    ("asInt(result[0]) == 1", [1.9], True),
    ("asFloat(result[0]) == 1.9", [1.9], True),
    ("all(result, # > 1)", [1.5, 2.0], True),
    ("all(result, {# > 1})", [0.5, 2.0], False),
    ("any(result, # > 1) && true", [0.5, 2.0], True),
    ("any(result, isNaN(#) || # > 5)", [0.5, NAN], True),
    ("all(result, # <= result[0])", [2.0, 1.0], True),
    # the order in which operators bind (expr-lang's parser/operator/operator.go)
    ("!true == false", [1.0], True),
    ("not true == false", [1.0], True),
    ("!(result[0] > 1)", [1.0], True),
    ("not isNaN(result[0]) and result[0] > 0.5", [1.0], True),
    ("true || false && false", [1.0], True),
    ("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9", [1.0], True),
    ("-result[0] < 0", [1.0], True),
    ("result[0] / 4 == .25", [1.0], True),
    ("(1 < 2) == true", [1.0], True),
    ("result[-1] == 3", [1.0, 3.0], True),
    ("result[len(result) - 1] == 3e0", [1.0, 3.0], True),
    ("007 == 7", [1.0], True),
    ("\tresult[0]\n>= 1", [1.0], True),
    ("result[0] != 1", [2.0], True),
    ("true != (result[0] < 1)", [2.0], True),
]

UNSAID: list[tuple[str, Result, str]] = [
    ("result[0] > 0", [NAN], "'result[0] > 0' compares with NaN"),
    ("!(result[0] > 0)", [NAN], "'!(result[0] > 0)' compares with NaN"),
    ("result[0] == result[0]", [NAN], "'result[0] == result[0]' compares with NaN"),
    ("1 in result", [2.0, NAN], "'1 in result' compares with NaN"),
    ("asInt(result) > 0", NAN, "'asInt(result) > 0' compares with NaN"),
    ("result[1] > 0", [1.0], "'result[1] > 0' asks for more series than the 1 that there are"),
    ("result[0] > 0", 1.0, "'result[0] > 0' takes a number for a list: the query gives a scalar"),
    ("len(result) > 0", 1.0, "'len(result) > 0' takes a number for a list: the query gives a scalar"),
    ("all(result, # > 0)", 1.0, "'all(result, # > 0)' takes a number for a list: the query gives a scalar"),
    ("result > 0", [1.0], "'result > 0' has all series at once where a number belongs"),
    ("result == 1", [1.0], "'result == 1' has all series at once where a number belongs"),
    ("isNaN(result)", [1.0], "'isNaN(result)' has all series at once where a number belongs"),
    ("default(result, 0) < 1", [0.5], "'default(result, 0) < 1' has all series at once where a number belongs"),
    ("result[0]", [1.0], "'result[0]' is neither true nor false"),
    ("result", 1.0, "'result' is neither true nor false"),
    ("result[0] && true", [1.0], "'result[0] && true' has a number where true or false belongs"),
    ("!result[0]", [1.0], "'!result[0]' has a number where true or false belongs"),
    ("any(result, # + 1)", [1.0], "'any(result, # + 1)' has a number where true or false belongs"),
    ("result[0] == true", [1.0], "'result[0] == true' has true or false where a number belongs"),
    ("true > false", [1.0], "'true > false' has true or false where a number belongs"),
    ("-true == 1", [1.0], "'-true == 1' has true or false where a number belongs"),
    ("result[0.5] > 1", [1.0], "'result[0.5] > 1' has an index that is not a whole number"),
    ("result[true] > 1", [1.0], "'result[true] > 1' has an index that is not a whole number"),
    ("1 / result[0] > 1", [0.0], "'1 / result[0] > 1' divides by zero"),
    ("asInt(result[0]) > 1", [INF], "'asInt(result[0]) > 1' cannot be evaluated (OverflowError)"),
    ("len(result) > 1", [1.0] * (MOST + 1), "10001 series, more than 10000"),
]

HAS = "it has result, numbers, comparisons, && || !, + - * /, in, len, isNaN, isInf, asFloat, asInt, default, all, any"
SHAPE = "must be a condition such as result[0] >= 0.95"
REFUSED = [
    ("result[0] ? true : false", f"must do without the choice '?': {HAS}"),
    ("result[0:1]", f"must do without the slice ':': {HAS}"),
    ("result ?? 1 > 0", f"must do without '??': {HAS}"),
    ("result | all(# > 1)", f"must do without the pipe '|': {HAS}"),
    ("result.value > 1", f"must do without the member '.': {HAS}"),
    ("result == 'ok'", f"must do without text in quotes: {HAS}"),
    ('result == "ok"', f"must do without text in quotes: {HAS}"),
    ("result[0] % 2 == 0", f"must do without '%': {HAS}"),
    ("result[0] ** 2 > 1", f"must do without '**': {HAS}"),
    ("result[0] ^ 2 > 1", f"must do without '^': {HAS}"),
    ("2 in 1..3", f"must do without '1..3': {HAS}"),
    ("result[0] = 1", f"must do without '=': {HAS}"),
    ("result[0] == [1]", f"must do without a list in brackets: {HAS}"),
    ("result[0] in (1, 2)", f"must do without two values in brackets: {HAS}"),
    ("{1}", f"must do without a map: {HAS}"),
    ("all(result, {{# > 1}})", f"must do without a map: {HAS}"),
    ("isNil(result)", f"must do without 'isNil': {HAS}"),
    ("result[0] > nil", f"must do without 'nil': {HAS}"),
    ("sum(result) > 1", f"must do without 'sum': {HAS}"),
    ("0x1F > 1", f"must do without '0x1F': {HAS}"),
    ("1_000 > 1", f"must do without '1_000': {HAS}"),
    ("# > 1", f"must do without '#' outside of all and any: {HAS}"),
    ("all(result, any(result, # > 1))", f"must do without all and any inside of all: {HAS}"),
    ("result[0] >= 0.95 // the rate", f"must do without 'the': {HAS}"),
    ("all(result)", "must be asked of all series, as in all(result, # > 1)"),
    ("all(result, # > 1", "must close each '('"),
    ("len(result, result)", "must give len 1 argument"),
    ("default(result) > 1", "must give default 2 arguments"),
    ("len == 1", "must call len, as in len(result)"),
    ("result(0)", "must call one of len, isNaN, isInf, asFloat, asInt, default, all, any"),
    ("len(result)[0] > 1", "must have an index behind result alone"),
    ("1 < result[0] < 2", "must have brackets around one of two comparisons in a row"),
    ("result[0] >=", SHAPE),
    ("", SHAPE),
    ("  ", SHAPE),
    ("result[0] > 1 result[0] > 1", SHAPE),
    ("!" * (DEEPEST + 1) + "true", "must be simpler: it has too many operations inside of one another"),
    ("1 +" * (DEEPEST + 1) + "1 > 0", "must be simpler: it has too many operations inside of one another"),
    ("(" * 240 + "true" + ")" * 240, SHAPE),
    ("true" + " " * LONGEST, f"must have at most {LONGEST} characters"),
]

ATTEMPTS = [
    "__import__('os').system('id')",
    "().__class__.__bases__[0].__subclasses__()",
    "result.__class__",
    "result.append(1)",
    "[x for x in result]",
    "(lambda: 1)()",
    "exec(result)",
    "eval(result)",
    "open(result)",
    "print(result)",
    "len(*result)",
    "len(x=result)",
    "f'{result}'",
    "(result := 1)",
    "result[0] if true else false",
    "result; result",
    "result\\\n",
    "import os",
    "_each > 1",
    "True",
    "None",
    "globals()",
    "all(result, # > 1) for _each in result",
    "all(result, # > 1 for _each in result)",
    "all(result, __import__)",
    "ｅval(result)",  # noqa: RUF001  Python reads full-width letters as plain ones
    "9**9**9**9 > 1",
    "await result",
    "yield result",
    "@result",
    "`id`",
    "$env > 1",
]


@pytest.mark.parametrize(("text", "result", "holds"), HOLDS, ids=[f"{row[0]} {row[1]}" for row in HOLDS])
def test_what_a_condition_means(text: str, result: Result, holds: bool) -> None:
    """A condition means what it means to Argo."""
    assert read(text).holds(result) is holds


@pytest.mark.parametrize(("text", "result", "line"), UNSAID, ids=[row[0] for row in UNSAID])
def test_what_cannot_be_said(text: str, result: Result, line: str) -> None:
    """Where Argo, or Python, would make something of nonsense, there is an error of one line."""
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        read(text).holds(result)


@pytest.mark.parametrize(("text", "rule"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_what_is_no_condition(text: str, rule: str) -> None:
    """What Argo can and this cannot is refused by its name, before anything is asked."""
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        read(text)


@pytest.mark.parametrize("text", ATTEMPTS)
def test_nothing_but_a_condition_is_read(text: str) -> None:
    """Whatever else Python could be made to do is refused as it is read."""
    with pytest.raises(ValueError, match=r"^must "):
        read(text)


WORDS = [
    *FUNCTIONS,
    "result",
    "in",
    "and",
    "or",
    "not",
    "true",
    "#",
    "&&",
    "||",
    "!",
    "==",
    "<",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
]


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.sampled_from([*WORDS, ",", "-", "0", "1.5", "result[0]"]), max_size=14).map(" ".join),
    )
)
def test_any_text_is_a_condition_or_is_refused_in_one_line(text: str) -> None:
    """No text ends in anything but true, false, or one printable line that says why not."""
    answers: list[object] = []
    for result in ([1.0, NAN], 1.0):
        try:
            answers.append(read(text).holds(result))
        except ValueError as error:
            answers.append(str(error))
    assert all(isinstance(each, bool) or (isinstance(each, str) and len(each) < 3 * LONGEST) for each in answers)
    assert not any(isinstance(each, str) and "\x00" in each for each in answers)


def test_the_most_work_that_a_condition_can_ask_for_is_little() -> None:
    """As many loops as fit, over as many series as there may be, end at once: all loops together have one limit."""
    condition = read(" && ".join(["all(result, # >= 0)"] * 21))
    assert condition.holds([1.0] * (MOST // 21)) is True
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"cannot be evaluated \(IterableTooLong\)$"):
        condition.holds([1.0] * MOST)
    assert time.monotonic() - began < 2


def test_reading_a_condition_does_not_load_the_library() -> None:
    """The packages simpleeval and promql-parser are for gates that have metrics of their own: settings without any load neither."""
    program = "import sys, weighbridge.settings, weighbridge.checks; print({'simpleeval', 'promql_parser'} & set(sys.modules))"
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "set()"
