"""Times as people write them."""

from __future__ import annotations

import datetime as dt

from weighbridge import durations
from weighbridge.errors import SettingsError


def read(text: str, option: str, now: float) -> float:
    """Read a time: ISO 8601 (UTC where it names no zone), `now`, or a span before now such as `-2h`.

    Args:
        text: what was written.
        option: where, for the error.
        now: Unix time, seconds.

    Returns:
        Unix time, seconds.

    Raises:
        SettingsError: it is none of them.
    """
    try:
        if text == "now":
            return now
        if text.startswith("-"):
            return now - durations.parse(text[1:])
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        rule = "must be a time such as 2026-11-22T20:00:00Z, -2h or now"
        raise SettingsError(f"{option} {rule} (got {text[:60]!r})") from None
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()


def clock(at: float) -> str:
    """Write the time of day in UTC."""
    return f"{_utc(at):%H:%M:%S}"


def day(at: float) -> str:
    """Write day and time in UTC."""
    return f"{_utc(at):%Y-%m-%d %H:%M:%S}Z"


def _utc(at: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, dt.UTC)
