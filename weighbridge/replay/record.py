"""What a replay needs, off a server: the raw samples of a release's workloads, and the user's own answers."""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from weighbridge.checks import Asked
from weighbridge.errors import PrometheusError
from weighbridge.measure import Sample
from weighbridge.queries import BUCKETS, REQUESTS, Query, Series
from weighbridge.replay.asked import Remembering
from weighbridge.replay.increase import LOOKBACK, Counter
from weighbridge.replay.series import About, Grid, Recorded
from weighbridge.replay.spans import Span

LARGEST: Final = 20_000
"""Samples that one answer may have."""

_POINTS: Final = 5_000
"""Points of one range query; Prometheus gives at most 11,000 of a series."""

_PART: Final = 60

_FINEST: Final = 50_000
"""Points of a grid; a longer time has a coarser one."""

_LABELS: Final = (
    "reporter",
    "destination_workload_namespace",
    "destination_workload",
    "response_code",
    "grpc_response_status",
    "response_flags",
    "le",
)
"""Labels by which the gate asks. Who called, and in which pod, stays where it is."""


class Raw(Asked, Protocol):
    """A server that gives raw samples, as `weighbridge.measure.Prometheus` does."""

    def samples(self, promql: str, at: float) -> list[Sample]:
        """The samples of a range selector."""


def about(release: str, namespace: str, spans: Iterable[Span]) -> About:
    """What a recording of some spans has to be about.

    It begins earlier than they do: an instant looks back from where it is, and the gate's search for the first series
    begins up to a sixtieth of its window before that.
    """
    spans = tuple(spans)
    workloads = tuple(dict.fromkeys(name for span in spans for name in span.workloads))
    begin = min(span.since - (span.until - span.since) / _PART for span in spans) - LOOKBACK / 1000 - 1
    return About(release, namespace, workloads, begin, max(span.until for span in spans), spans)


def record(what: About, server: Raw, asked: Remembering, metrics: Sequence[str] = (REQUESTS, BUCKETS)) -> Recorded:
    """Read a time off a server.

    Args:
        what: see there.
        server: is asked for samples.
        asked: of the same server, after the walks: which questions of the user's own they had.
        metrics: names of those that the gate asks.

    Raises:
        PrometheusError: the server gives no usable answer.
    """
    counters = {metric: _counters(metric, what, server) for metric in metrics}
    instants = {key: _kept(found) for key, found in asked.instants.items() if _is_own(key[0])}
    ranges = {key: _kept(found) for key, found in asked.ranges.items() if _is_own(key[0])}
    # What is asked once looks back over the whole window, and no other time asks the same.
    often = Tally(text for text, _ in instants)
    texts = {text for text, *_ in ranges} | {text for text, times in often.items() if times > 1}
    grids = {text: _grid(text, what, server) for text in sorted(texts)}
    return Recorded(what, counters, instants, ranges, {text: grid for text, grid in grids.items() if grid})


def _is_own(text: str) -> bool:
    return not isinstance(text, Query)


def _kept(found: list[Sample] | PrometheusError) -> list[Sample] | None:
    # An error's text has the server's address in it.
    return None if isinstance(found, PrometheusError) else found


def _counters(metric: str, what: About, server: Raw) -> list[tuple[dict[str, str], Counter]]:
    selector = Series(metric, None, what.namespace, what.workloads).text
    samples: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
    for start, end in _chunks(selector, math.floor(what.begin), math.ceil(what.end), server):
        for each in server.samples(f"{selector}[{end - start}s]", end):
            # A server before Prometheus 3 gives the sample on the boundary to both neighbours: by time it is one.
            samples.setdefault(tuple(sorted(each.labels.items())), {})[round(1000 * each.at)] = each.value
    found = []
    for labels, by_time in sorted(samples.items()):
        times = sorted(by_time)
        kept = {name: value for name, value in labels if name in _LABELS}
        found.append((kept, Counter.of(times, [by_time[at] for at in times])))
    return found


def _chunks(selector: str, start: int, end: int, server: Raw) -> Iterator[tuple[int, int]]:
    """A time in parts that each have no more samples than one answer may have."""
    total = server.query(f"sum(count_over_time({selector}[{end - start}s]))", end)
    if not total:
        return
    if total[0].value <= LARGEST or end - start <= 1:
        yield start, end
        return
    middle = (start + end) // 2
    yield from _chunks(selector, start, middle, server)
    yield from _chunks(selector, middle, end, server)


def _grid(text: str, what: About, server: Raw) -> Grid | None:
    """What a query of the user's own gives at whole seconds; None where the server has an error for it."""
    start, end = math.floor(what.begin), math.ceil(what.end)
    step = max(1, math.ceil((end - start) / _FINEST))
    times = range(start, end + 1, step)
    by_time: dict[int, list[Sample]] = {}
    try:
        for first in range(0, len(times), _POINTS):
            part = times[first : first + _POINTS]
            for each in server.query_range(text, part[0], part[-1], step):
                by_time.setdefault(round(each.at), []).append(each)
    except PrometheusError:
        return None
    return Grid(start, step, [by_time.get(at, []) for at in times])
