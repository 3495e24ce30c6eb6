"""What is asked of a nursery, as JSON; the run's input, its output and its socket come beside it as files."""

from __future__ import annotations

from typing import Final, NamedTuple

LARGEST: Final = 1 << 18
"""Bytes of a request."""


class Request(NamedTuple):
    """One run.

    Attributes:
        words: the arguments of the rehearsal's process.
        folder: the project's.
        env: the whole environment.
    """

    words: tuple[str, ...]
    folder: str
    env: dict[str, str]
