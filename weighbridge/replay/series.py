"""Answers from recorded samples, as the server that they came from would give them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from weighbridge.errors import PrometheusError, SettingsError
from weighbridge.measure import Sample
from weighbridge.queries import RECORDED_BUCKETS, RECORDED_REQUESTS, Increase, Query, Series
from weighbridge.replay.asked import Instant, Range
from weighbridge.replay.increase import LOOKBACK, Counter, quantile
from weighbridge.replay.spans import Span
from weighbridge.replay.when import day

Labels = Mapping[str, str]

Key = tuple[tuple[str, str], ...]


class Unrecorded(SettingsError):  # noqa: N818  reads as the sentence that the user sees
    """A file of series has no answer to a question."""


@dataclass(frozen=True)
class About:
    """What a file of series is about.

    Attributes:
        release: its name.
        namespace: of its workloads.
        workloads: whose series it has.
        begin: Unix time of the first samples.
        end: Unix time of the last.
        spans: of the release in this time.
    """

    release: str
    namespace: str
    workloads: tuple[str, ...]
    begin: float
    end: float
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Grid:
    """What a query of the user's own gave at regular times.

    Attributes:
        start: Unix time of the first.
        step: whole seconds between two.
        samples: for each time, in order; none where there were none.
    """

    start: int
    step: int
    samples: Sequence[Sequence[Sample]]

    def newest(self, at: float) -> Sequence[Sample] | None:
        """What was given at the newest time that is not after another; None where there is no such."""
        place = math.floor((at - self.start) / self.step)
        return self.samples[place] if 0 <= place < len(self.samples) else None


@dataclass(frozen=True)
class Recorded:
    """A server's series of a time, and its answers to the queries of the user's own.

    Attributes:
        about: see there.
        counters: by metric, each series' labels and samples.
        instants: answers to the user's own queries, by text and Unix time; None where the server gave an error.
        ranges: the same for range queries.
        grids: by text.
    """

    about: About
    counters: Mapping[str, Sequence[tuple[Labels, Counter]]]
    instants: Mapping[Instant, Sequence[Sample] | None] = field(default_factory=dict)
    ranges: Mapping[Range, Sequence[Sample] | None] = field(default_factory=dict)
    grids: Mapping[str, Grid] = field(default_factory=dict)
    _groups: dict[Any, Mapping[Key, Sequence[Counter]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def by_rules(self) -> bool:
        """Whether the counters are those of the recording rules."""
        return not {RECORDED_REQUESTS, RECORDED_BUCKETS}.isdisjoint(self.counters)

    def query(self, promql: str, at: float) -> list[Sample]:
        """The samples at one Unix time; raises `Unrecorded`."""
        if isinstance(promql, Query):
            return self._answer(promql, _milliseconds(at))
        if (promql, at) in self.instants:
            return _given(self.instants[promql, at])
        return self._own(promql, at)

    def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
        """The samples at regular Unix times; raises `Unrecorded`."""
        if (promql, start, end, step) in self.ranges:
            return _given(self.ranges[promql, start, end, step])
        found: list[Sample] = []
        for at in range(_milliseconds(start), _milliseconds(end) + 1, 1000 * step):
            found += self._answer(promql, at) if isinstance(promql, Query) else self._own(promql, at / 1000)
        return found

    def _answer(self, query: Query, at: int) -> list[Sample]:
        means = query.means
        if isinstance(means, Increase):
            self._insist(means.of, at - 1000 * means.window, at)
            return _increase(means, self._grouped(means.of, means.by), at)
        self._insist([means.of], at - LOOKBACK, at)
        number = sum(counter.there(at) for group in self._grouped((means.of,), ()).values() for counter in group)
        return [Sample({}, at / 1000, float(number))] if number else []

    def _grouped(self, of: tuple[Series, ...], by: tuple[str, ...]) -> Mapping[Key, Sequence[Counter]]:
        """The counters that are asked for, by the labels that are kept apart; the same is asked at each look."""
        if (of, by) not in self._groups:
            groups: dict[Key, list[Counter]] = {}
            for series in of:
                # What `or` would leave out, a label set that is in both, there is not: the reporter tells ours apart.
                for labels, counter in self.counters.get(series.metric, ()):
                    if series.has(series.metric, labels):
                        key = tuple((name, labels[name]) for name in by if labels.get(name))
                        groups.setdefault(key, []).append(counter)
            self._groups[of, by] = groups
        return self._groups[of, by]

    def _insist(self, asked: Iterable[Series], start: int, end: int) -> None:
        about = self.about
        for series in asked:
            missing = [each for each in series.workloads if each not in about.workloads]
            if missing or series.namespace != about.namespace:
                name = f"{series.namespace}/{(missing or series.workloads)[0]}"
                raise Unrecorded(f"the file has no series of {name}, only of {', '.join(about.workloads)}; {_HOW}")
        if start < _milliseconds(about.begin) - 1 or end > _milliseconds(about.end) + 1000:
            known = f"{day(about.begin)} to {day(about.end)}"
            asked_for = f"{day(start / 1000)} to {day(end / 1000)}"
            raise Unrecorded(f"the file has series from {known}, not from {asked_for}; {_HOW}")

    def _own(self, promql: str, at: float) -> list[Sample]:
        grid = self.grids.get(promql)
        found = grid.newest(at) if grid else None
        if found is not None:
            return [Sample(each.labels, at, each.value) for each in found]
        text = " ".join(promql.split())
        raise Unrecorded(f"the file has no answer at {day(at)} to: {text[:120]}; {_HOW}")


_HOW = "`weighbridge replay RELEASE --record FILE` with the same --from, --to and --with records it"


def _given(answer: Sequence[Sample] | None) -> list[Sample]:
    if answer is None:
        raise PrometheusError("Prometheus gave no usable answer when it was recorded")
    return list(answer)


def _increase(means: Increase, groups: Mapping[Key, Sequence[Counter]], at: int) -> list[Sample]:
    start = at - 1000 * means.window
    grown = {key: [each.increase(start, at) for each in group] for key, group in groups.items()}
    seen = {key: [each for each in values if each is not None] for key, values in grown.items()}
    sums = {key: _sum(values) for key, values in seen.items() if values}
    if means.quantile is None:
        return [Sample(dict(key), at / 1000, value) for key, value in sums.items()]
    buckets = [(_bound(dict(key).get("le", "")), value) for key, value in sums.items()]
    buckets = [each for each in buckets if not math.isnan(each[0])]
    if not buckets:
        return []
    return [Sample({}, at / 1000, quantile(means.quantile, buckets) + 0 * _sum(list(sums.values())))]


def _sum(values: Sequence[float]) -> float:
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


def _bound(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _milliseconds(at: float) -> int:
    # As the client writes the time.
    return round(float(f"{at:.3f}") * 1000)
