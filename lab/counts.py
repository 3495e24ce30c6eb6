"""Counts of answered requests in files that the application's processes map into memory.

The kernel keeps what was counted, however the process ends.
"""

import mmap
import os
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_LAYOUT = struct.Struct("=QQ")
_FIRST_SERVER_ERROR = 500


@dataclass(frozen=True)
class Tally:
    """Requests that were answered, and how many of them with a 5xx."""

    answered: int = 0
    failed: int = 0

    def __add__(self, other: Self) -> "Tally":
        return Tally(self.answered + other.answered, self.failed + other.failed)


class Counter:
    """The running count of one process, in a new file of the directory of its workload."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor, _ = tempfile.mkstemp(dir=directory)
        os.truncate(descriptor, _LAYOUT.size)
        memory = mmap.mmap(descriptor, _LAYOUT.size)
        os.close(descriptor)
        self._numbers = memoryview(memory).cast("Q")

    def add(self, status: int) -> None:
        """Count one answer."""
        self._numbers[0] += 1
        if status >= _FIRST_SERVER_ERROR:
            self._numbers[1] += 1

    @property
    def tally(self) -> Tally:
        """What was counted so far."""
        return Tally(*self._numbers)


def read(directory: Path) -> dict[str, Tally]:
    """The tallies of every workload that has a directory of counts in `directory`."""
    return {workload.name: sum(map(_tally, workload.iterdir()), Tally()) for workload in sorted(directory.glob("*"))}


def _tally(path: Path) -> Tally:
    content = path.read_bytes()
    return Tally(*_LAYOUT.unpack(content)) if len(content) == _LAYOUT.size else Tally()
