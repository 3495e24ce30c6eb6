"""Spans of time as people write them (`90s`, `5m`, `1h30m`, `500ms`), and as float seconds."""

from __future__ import annotations

import math
import re

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"

PATTERN = "(?:0|(?=.)" + "".join(rf"(?:{_NUMBER}{unit})?" for unit in _UNITS) + ")"
"""What `parse` reads: each unit once, the larger before the smaller. It is a JSON Schema pattern as well."""

_WHOLE = re.compile(PATTERN)
_PART = re.compile(rf"({_NUMBER})([a-z]+)")


def parse(text: str) -> float:
    """Read a span such as `90s`, `5m`, `1h30m`, `1.5s`, `500ms` or `0`.

    Returns:
        Seconds, rounded to the millisecond.

    Raises:
        ValueError: the text is not a span; its message is the rule, without the value.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError("must be a duration such as 90s, 5m, 1h30m or 500ms")
    milliseconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return round(milliseconds) / 1000


def format_seconds(seconds: float) -> str:
    """Write seconds in the shortest form that `parse` reads back: 90.0 -> `1m30s`, 0.5 -> `500ms`, 0 -> `0s`.

    Every form is a PromQL duration too, so it can stand between the brackets of a range.

    Args:
        seconds: finite and not negative; what is under half a millisecond counts as 0.

    Raises:
        ValueError: the number is negative, infinite or not a number.
    """
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"'seconds' must be a finite number of 0 or more (got {seconds!r})")
    rest = round(seconds * 1000)
    parts = []
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def protobuf(seconds: float) -> str:
    """Write seconds as protobuf's JSON does, the one form that Istio and its CRDs both take: 1.5 -> `1.5s`."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
