"""The requests that a look has to judge: each question is asked once, whoever wants the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from weighbridge import queries
from weighbridge.checks.answers import counted, histogram
from weighbridge.checks.view import View
from weighbridge.errors import PrometheusError
from weighbridge.judge import Counts, Look, Pair
from weighbridge.judge.words import milliseconds

_BEYOND: Final = float("inf")

Histogram = Mapping[float, float]
"""Cumulative requests by bound in milliseconds."""


@dataclass(frozen=True)
class Traffic:
    """The requests of both tracks, over the whole window and over shorter ones that end with it.

    Attributes:
        view: the look.
        query: that counts the requests of the whole window.
        pair: what it gave.
    """

    view: View
    query: str
    pair: Pair

    @classmethod
    def ask(cls, view: View) -> Traffic:
        """Count the requests of the whole window.

        Raises:
            PrometheusError: there is no usable answer.
        """
        query = queries.counts(view.checks.target, view.revisions, view.window)
        return cls(view, query, _pair(view, query))

    @cached_property
    def looks(self) -> list[Look]:
        """The requests from each of the starts on; the bad ones were not answered well."""
        found = [Look(0, self.pair, self.view.window)]
        for start, seconds in self.view.windows[1:]:
            query = queries.counts(self.view.checks.target, self.view.revisions, seconds)
            found.append(Look(start, _pair(self.view, query), seconds))
        return found

    @property
    def bucket_query(self) -> str:
        """The query that counts the requests of the whole window by their duration."""
        return queries.buckets(self.view.checks.target, self.view.revisions, self.view.window)

    @cached_property
    def bounds(self) -> list[float]:
        """The bounds of the mesh's histogram in milliseconds, but the last one; empty where there is no histogram.

        Proxies of two versions may have other buckets: only bounds that all have can be compared.
        """
        known = [set(found) for _, _, pair in self._histograms for found in pair if found]
        return sorted(set.intersection(*known) - {_BEYOND}) if known else []

    def beyond(self, bound: float, setting: str) -> list[Look]:
        """The requests from each of the starts on; the bad ones took longer than a bound.

        Args:
            bound: milliseconds.
            setting: the key that says it, for the error.

        Raises:
            PrometheusError: it is no bound of the histogram, or there is no usable answer.
        """
        if self.bounds and bound not in self.bounds:
            near = sorted(self.bounds, key=lambda each: abs(each - bound))[:2]
            nearest = " or ".join(milliseconds(each) for each in sorted(near))
            rule = f"{setting!r} must be a bound of the mesh's histogram, such as {nearest}"
            raise PrometheusError(f"{rule} (got {milliseconds(bound)})")
        return [Look(start, Pair(*(_split(each, bound) for each in pair)), s) for start, s, pair in self._histograms]

    @cached_property
    def _histograms(self) -> list[tuple[int, int, tuple[Histogram, Histogram]]]:
        view, found = self.view, []
        for start, seconds in view.windows:
            query = queries.buckets(view.checks.target, view.revisions, seconds)
            samples = view.prometheus.query(query, view.now)
            canary, stable = (histogram(samples, view.workload(each)) for each in (view.live.canary, view.live.stable))
            found.append((start, seconds, (canary, stable)))
        return found


def _pair(view: View, query: str) -> Pair:
    samples = view.prometheus.query(query, view.now)
    return Pair(*(counted(samples, view.workload(revision)) for revision in (view.live.canary, view.live.stable)))


def _split(found: Histogram, bound: float) -> Counts:
    if not found:
        return Counts(0.0, 0.0)
    if bound not in found:
        # A track that was scraped with other bounds than the other one.
        raise PrometheusError(f"Prometheus gave a histogram without the bound {milliseconds(bound)}")
    return Counts(found[bound], found[_BEYOND])
