"""PromQL text, and nothing that runs it.

The metrics and their meaning are Istio's standard ones (`istio_requests_total`,
`istio_request_duration_milliseconds`); what is asked of them is what Flagger asks
(pkg/metrics/observers/istio.go), with three differences. The answers are counts by status over the window, not a
ratio: a ratio loses its numerator when everything fails, and says nothing about n. gRPC's own status counts, which
comes with HTTP's 200. And so do failures that only the caller saw.

Each query is made from its meaning, and carries it: who has the samples themselves (`weighbridge.replay`) answers it
without reading PromQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from weighbridge.workload import workload_name

REQUESTS: Final = "istio_requests_total"
BUCKETS: Final = "istio_request_duration_milliseconds_bucket"
RECORDED_REQUESTS: Final = "weighbridge:istio_requests_total"
RECORDED_BUCKETS: Final = "weighbridge:istio_request_duration_milliseconds_bucket"
"""The same for each process, without who called: see `weighbridge.telemetry.recording`."""

NEVER_REACHED: Final = "(.*,)?(UF|UH|UO|NC|NR)(,.*)?"
"""Envoy's response flags of a request that no pod has seen: connection failed, no healthy host, overflow, no cluster,
no route (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage)."""


@dataclass(frozen=True)
class Target:
    """Which series are a release's.

    Attributes:
        release: its name, a DNS label.
        namespace: of its workloads.
        reporter: whose view counts, `destination` (the pod's sidecar) or `source` (its caller, the gateway).
        as_named: whether what stands for a revision is a workload's whole name, as with the canaries of other tools.
        recorded: whether the series of the recording rules are asked, which mean the same.
    """

    release: str
    namespace: str
    reporter: str
    as_named: bool = False
    recorded: bool = False

    @property
    def requests(self) -> str:
        """The metric that counts requests."""
        return RECORDED_REQUESTS if self.recorded else REQUESTS

    @property
    def buckets(self) -> str:
        """The metric that counts them by their duration."""
        return RECORDED_BUCKETS if self.recorded else BUCKETS

    def workload(self, revision: str) -> str:
        """The name under which Prometheus knows a revision."""
        return revision if self.as_named else workload_name(self.release, revision)


@dataclass(frozen=True)
class Series:
    """Some workloads' series of one metric.

    Attributes:
        metric: its name.
        reporter: whose view; None for every one.
        namespace: of the workloads.
        workloads: their names, at least one.
        flags: RE2 that the response flags have to match as a whole; None where they do not matter.
    """

    metric: str
    reporter: str | None
    namespace: str
    workloads: tuple[str, ...]
    flags: str | None = None

    @property
    def text(self) -> str:
        """The selector in PromQL."""
        # A workload's name has letters, digits, '-' and '.', of which a regular expression reads the dot as any.
        names = "|".join(each.replace(".", r"\.") for each in self.workloads)
        workload = f"={quoted(self.workloads[0])}" if len(self.workloads) == 1 else f"=~{quoted(names)}"
        labels = (
            *([] if self.reporter is None else [f"reporter={quoted(self.reporter)}"]),
            f"destination_workload_namespace={quoted(self.namespace)}",
            f"destination_workload{workload}",
            *([] if self.flags is None else [f"response_flags=~{quoted(self.flags)}"]),
        )
        return f"{self.metric}{{{','.join(labels)}}}"

    def has(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Whether a series is one of them."""
        return (
            metric == self.metric
            and self.reporter in {None, labels.get("reporter", "")}
            and labels.get("destination_workload_namespace", "") == self.namespace
            and labels.get("destination_workload", "") in self.workloads
            and (self.flags is None or re.fullmatch(self.flags, labels.get("response_flags", "")) is not None)
        )


@dataclass(frozen=True)
class Increase:
    """By how much series grew over a window, summed.

    Attributes:
        of: the series, each set in `or` with those before.
        by: labels that are kept apart.
        window: seconds.
        quantile: 0..1, of the histogram that the sums are; None for the sums themselves.
    """

    of: tuple[Series, ...]
    by: tuple[str, ...]
    window: int
    quantile: float | None = None

    @property
    def text(self) -> str:
        """The same in PromQL."""
        grown = " or ".join(f"increase({each.text}[{self.window}s])" for each in self.of)
        summed = f"sum by ({', '.join(self.by)}) ({grown})"
        if self.quantile is None:
            return summed
        # histogram_quantile says a number even where a bucket is NaN; nought times their sum makes it NaN as well.
        return f"histogram_quantile({self.quantile!r}, {summed}) + 0 * sum({grown})"


@dataclass(frozen=True)
class Number:
    """How many series there are.

    Attributes:
        of: the series.
    """

    of: Series

    @property
    def text(self) -> str:
        """The same in PromQL."""
        return f"count({self.of.text})"


class Query(str):
    """PromQL with its meaning; everywhere else it is text.

    Attributes:
        means: what is asked.
    """

    means: Increase | Number
    __slots__ = ("means",)

    @classmethod
    def of(cls, means: Increase | Number) -> Self:
        """The query that asks for something."""
        query = cls(means.text)
        query.means = means
        return query

    def __reduce__(self) -> Any:
        # What is copied or saved, as evidence is, is the text.
        return str, (str(self),)


def quoted(text: str) -> str:
    r"""A PromQL string literal.

    Args:
        text: any text; quotes, backslashes and newlines are escaped as PromQL's grammar has it (Go's rules).
    """
    escaped = text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def counts(target: Target, revisions: Sequence[str], window: int) -> Query:
    """Requests over a window, by workload, HTTP status and gRPC status.

    The pod's view knows nothing of requests that never reached it. So what the caller's proxy gave up before it had a
    connection is counted beside it; no request is in both.

    Args:
        target: whose.
        revisions: of the workloads to count, at least one.
        window: seconds.
    """
    seen = [_series(target.requests, target, revisions)]
    if target.reporter == "destination":
        seen.append(Series(target.requests, "source", target.namespace, seen[0].workloads, NEVER_REACHED))
    return Query.of(
        Increase(tuple(seen), ("destination_workload", "response_code", "grpc_response_status"), window),
    )


def buckets(target: Target, revisions: Sequence[str], window: int) -> Query:
    """Requests over a window, by workload and bound of their duration in milliseconds; cumulative.

    Args:
        target: whose.
        revisions: of the workloads, at least one.
        window: seconds.
    """
    return Query.of(Increase((_series(target.buckets, target, revisions),), ("destination_workload", "le"), window))


def remembered(target: Target, revisions: Sequence[str]) -> Query:
    """Whether there are series of some workloads at all: how many.

    Args:
        target: whose.
        revisions: of the workloads, at least one.
    """
    return Query.of(Number(_series(target.requests, target, revisions)))


def latency(target: Target, revision: str, quantile: float, window: int) -> Query:
    """A quantile of the request duration in milliseconds, over a window; NaN where any of the buckets is.

    Args:
        target: whose.
        revision: of the workload.
        quantile: 0..1.
        window: seconds.
    """
    return Query.of(Increase((_series(target.buckets, target, [revision]),), ("le",), window, quantile))


def _series(metric: str, target: Target, revisions: Sequence[str]) -> Series:
    names = tuple(target.workload(revision) for revision in revisions)
    return Series(metric, target.reporter, target.namespace, names)
