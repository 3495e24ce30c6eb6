"""A file of series: JSON lines, gzip where its name ends in .gz; a header, then a line for each series or answer.

It holds the names and labels that the gate asks by, and no address, credential or header.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from weighbridge.errors import SettingsError
from weighbridge.measure import Sample
from weighbridge.replay import spans
from weighbridge.replay.asked import Instant, Range
from weighbridge.replay.increase import Counter
from weighbridge.replay.series import About, Grid, Recorded

_FORMAT: Final = "weighbridge series"
_VERSION: Final = 1


def write(recorded: Recorded, path: Path) -> None:
    """Write a file.

    Args:
        recorded: what is to be kept.
        path: gzip where it ends in .gz; what was there is replaced.

    Raises:
        SettingsError: it cannot be written.
    """
    text = "".join(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n" for line in _lines(recorded))
    try:
        # No time in gzip's own header: the same series are the same bytes.
        content = text.encode()
        path.write_bytes(gzip.compress(content, mtime=0) if path.name.endswith(".gz") else content)
    except OSError as error:
        raise SettingsError(f"--record {path}: cannot be written ({error.strerror})") from None


def read(path: Path) -> Recorded:
    """Read a file.

    Raises:
        SettingsError: it cannot be read, or is none of ours.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.name.endswith(".gz") else content).decode()
    except OSError as error:
        raise SettingsError(f"--series {path}: cannot be read ({error.strerror or 'not gzip'})") from None
    except (UnicodeDecodeError, EOFError):
        raise SettingsError(f"--series {path}: is damaged") from None
    reading = _Reading()
    try:
        for line in text.splitlines():
            reading.take(json.loads(line))
        return reading.done()
    except (ValueError, KeyError, TypeError, AttributeError):
        rule = f"line {reading.taken + 1} is not what `weighbridge replay --record` writes"
        raise SettingsError(f"--series {path}: {rule}") from None


def _lines(recorded: Recorded) -> Iterator[dict[str, Any]]:
    about = recorded.about
    yield {
        "format": _FORMAT,
        "version": _VERSION,
        "release": about.release,
        "namespace": about.namespace,
        "workloads": list(about.workloads),
        "begin": about.begin,
        "end": about.end,
        "spans": [spans.content(each) for each in about.spans],
    }
    for metric, series in recorded.counters.items():
        for labels, counter in series:
            values = [_number(value) for value in counter.values]
            yield {"series": metric, "labels": dict(labels), "times": list(counter.times), "values": values}
    for (query, at), samples in recorded.instants.items():
        yield {"query": query, "at": at, "samples": _packed(samples)}
    for (query, start, end, step), samples in recorded.ranges.items():
        yield {"query": query, "start": start, "end": end, "step": step, "samples": _packed(samples)}
    for query, grid in recorded.grids.items():
        each = [_packed(samples) for samples in grid.samples]
        yield {"query": query, "every": grid.step, "start": grid.start, "samples": each}


class _Reading:
    """A file, line by line."""

    def __init__(self) -> None:
        self.taken = 0
        self._about: About | None = None
        self._counters: dict[str, list[tuple[Mapping[str, str], Counter]]] = {}
        self._instants: dict[Instant, list[Sample] | None] = {}
        self._ranges: dict[Range, list[Sample] | None] = {}
        self._grids: dict[str, Grid] = {}

    def take(self, line: Mapping[str, Any]) -> None:
        """Take up a line."""
        if self._about is None:
            self._about = _about(line)
        elif "series" in line:
            counter = Counter.of([int(t) for t in line["times"]], [float(v) for v in line["values"]])
            self._counters.setdefault(line["series"], []).append((dict(line["labels"]), counter))
        elif "every" in line:
            samples = [_unpacked(each) for each in line["samples"]]
            self._grids[line["query"]] = Grid(int(line["start"]), int(line["every"]), samples)
        elif "at" in line:
            self._instants[line["query"], float(line["at"])] = _answered(line["samples"])
        else:
            span = (line["query"], float(line["start"]), float(line["end"]), int(line["step"]))
            self._ranges[span] = _answered(line["samples"])
        self.taken += 1

    def done(self) -> Recorded:
        """The whole."""
        if self._about is None:
            raise ValueError
        return Recorded(self._about, self._counters, self._instants, self._ranges, self._grids)


def _about(line: Mapping[str, Any]) -> About:
    if line["format"] != _FORMAT or line["version"] != _VERSION:
        raise ValueError
    return About(
        release=str(line["release"]),
        namespace=str(line["namespace"]),
        workloads=tuple(map(str, line["workloads"])),
        begin=float(line["begin"]),
        end=float(line["end"]),
        spans=tuple(spans.read(each) for each in line["spans"]),
    )


def _packed(samples: Iterable[Sample] | None) -> list[Any] | None:
    return None if samples is None else [[dict(each.labels), each.at, _number(each.value)] for each in samples]


def _answered(packed: Iterable[Any] | None) -> list[Sample] | None:
    return None if packed is None else _unpacked(packed)


def _unpacked(packed: Iterable[Any]) -> list[Sample]:
    return [Sample(dict(labels), float(at), float(value)) for labels, at, value in packed]


def _number(value: float) -> float | int | str:
    """JSON has no NaN and no infinity; whole numbers are shorter without a dot."""
    if not math.isfinite(value):
        return str(value)
    return int(value) if value.is_integer() else value
