"""Numbers as people read them beside a bound: never rounded to its other side."""

from __future__ import annotations

from typing import Final

_SECOND: Final = 1000
"""Milliseconds."""


def percent(value: float, bound: float) -> str:
    """A percentage with the two decimals people expect, and more where rounding would hide which side it is on."""
    for digits in range(2, 7):
        shown = f"{value:.{digits}f}"
        if (float(shown) >= bound) == (value >= bound):
            return f"{shown}%"
    return f"{value!r}%"


def plain(number: float) -> str:
    """A setting's number as it was written: 99, 99.5, 99.99999."""
    return f"{number:.12g}"


def apart(value: float, bound: float) -> str:
    """A duration with as many digits as show on which side of its bound it is."""
    for digits in range(1, 7):
        shown = milliseconds(value, digits)
        if value == bound or shown != milliseconds(bound, digits):
            return shown
    return f"{value!r}ms"


def milliseconds(value: float, digits: int = 1) -> str:
    """As Flagger writes it: `12.5ms`, `500ms`, `1.515s`."""
    if value >= _SECOND:
        return f"{value / _SECOND:.{digits + 2}f}".rstrip("0").rstrip(".") + "s"
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + "ms"
