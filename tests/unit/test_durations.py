"""Durations: what is read and how it is written."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge import durations

YEAR = 365 * 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("500ms", 0.5),
        ("1s500ms", 1.5),
        ("1.5s", 1.5),
        ("0.5h", 1800.0),
        ("1d", 86_400.0),
        ("1d2h3m4s5ms", 93_784.005),
        ("0", 0.0),
        ("0s", 0.0),
    ],
)
def test_a_span_is_read_as_seconds(text: str, seconds: float) -> None:
    """Each unit is read, alone and with smaller ones after it."""
    assert durations.parse(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "m",
        "5 m",
        " 5m",
        "5m ",
        "5m\n",
        "-5m",
        "+5m",
        "5M",
        "30m1h",
        "5m5m",
        "1.s",
        ".5s",
        "1e3s",
        "\u0665m",
        "5min",
        "1w",
    ],
)
def test_what_is_not_a_span_is_refused(text: str) -> None:
    """A number needs its unit, units fall, and nothing else is let in."""
    with pytest.raises(ValueError, match=re.escape("must be a duration such as 90s, 5m, 1h30m or 500ms")):
        durations.parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (8, "8s"),
        (60, "1m"),
        (90, "1m30s"),
        (5400, "1h30m"),
        (0.5, "500ms"),
        (1.5, "1s500ms"),
        (0.0004, "0s"),
    ],
)
def test_seconds_are_written_in_the_shortest_form(seconds: float, text: str) -> None:
    """Units that are nought are left out."""
    assert durations.format_seconds(seconds) == text


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf])
def test_what_is_no_span_of_time_is_not_written(seconds: float) -> None:
    """A negative or endless span is a mistake of the caller."""
    with pytest.raises(ValueError, match="'seconds' must be a finite number of 0 or more"):
        durations.format_seconds(seconds)


@given(st.floats(0, YEAR))
def test_what_is_written_is_read_back_to_the_millisecond(seconds: float) -> None:
    """Writing and reading lose no more than the rounding."""
    assert durations.parse(durations.format_seconds(seconds)) == round(seconds * 1000) / 1000


@given(st.floats(0, YEAR))
def test_what_is_written_is_a_promql_duration(seconds: float) -> None:
    """Prometheus takes whole numbers with falling units."""
    promql = r"(?=.)([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?"
    assert re.fullmatch(promql, durations.format_seconds(seconds))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0s"), (90.0, "90s"), (1.5, "1.5s"), (0.03, "0.03s"), (100.0, "100s")]
)
def test_protobuf_has_seconds_only(seconds: float, text: str) -> None:
    """Protobuf's JSON knows no unit but the second."""
    assert durations.protobuf(seconds) == text
