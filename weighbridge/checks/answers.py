"""From samples to what the judge takes: counts, a scalar, a histogram; what makes no sense is an error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from weighbridge.errors import PrometheusError
from weighbridge.judge import Answered, Counts, count
from weighbridge.measure import Sample


class Asked(Protocol):
    """Something that answers PromQL, as `weighbridge.measure.Prometheus` does."""

    def query(self, promql: str, at: float) -> list[Sample]:
        """The samples at one Unix time."""

    def query_range(self, promql: str, start: float, end: float, step: int) -> list[Sample]:
        """The samples at regular Unix times."""


def counted(samples: Sequence[Sample], workload: str) -> Counts:
    """The requests of one workload in the answer to `queries.counts`.

    Args:
        samples: of one time, one for each workload, status and view.
        workload: whose.

    Raises:
        PrometheusError: a series is there twice, or a count is none.
    """
    if len({tuple(sorted(sample.labels.items())) for sample in samples}) != len(samples):
        raise PrometheusError("Prometheus gave the same series twice")
    answered: dict[Answered, float] = {}
    for sample in samples:
        # The pod's view and the caller's of what never reached a pod are two counts of different requests.
        key = Answered(*(sample.labels.get(f"{name}", "") for name in _TOLD_APART))
        answered[key] = _sum(answered.get(key, 0.0), sample.value)
    try:
        return count(answered, workload)
    except ValueError as error:
        raise PrometheusError(f"Prometheus gave a count that is none: {error}") from None


def scalar(samples: Sequence[Sample]) -> float | None:
    """The one value of an answer; None where there is none.

    Raises:
        PrometheusError: there are several.
    """
    if len(samples) > 1:
        raise PrometheusError(f"Prometheus gave {len(samples)} series where one was asked for")
    return samples[0].value if samples else None


def histogram(samples: Sequence[Sample], workload: str) -> Mapping[float, float]:
    """The requests of one workload up to each bound of its duration, in the answer to `queries.buckets`.

    Args:
        samples: of one time, one for each workload and bound.
        workload: whose.

    Returns:
        Cumulative counts by bound in milliseconds, the last one infinite; empty where there are no requests.

    Raises:
        PrometheusError: a bound or a count is none, or the counts do not rise with the bounds.
    """
    found: dict[float, float] = {}
    for sample in samples:
        if sample.labels.get("destination_workload", "") != workload:
            continue
        try:
            bound = float(sample.labels.get("le", ""))
        except ValueError:
            raise PrometheusError("Prometheus gave a histogram without its bounds") from None
        if math.isnan(bound) or not math.isfinite(sample.value) or sample.value < 0:
            raise PrometheusError(f"Prometheus gave a histogram with {sample.value} requests up to {bound:g}ms")
        # Prometheus 2 wrote "500" where 3 writes "500.0": series of both are of different requests.
        found[bound] = found.get(bound, 0.0) + sample.value
    if found and math.inf not in found:
        raise PrometheusError("Prometheus gave a histogram without its last bucket")
    # Extrapolation and scrapes between two buckets' updates leave fractions: what falls is lifted to what was before.
    rising: dict[float, float] = {}
    for bound in sorted(found):
        rising[bound] = max([found[bound], *list(rising.values())[-1:]])
    return rising


_TOLD_APART = ("destination_workload", "response_code", "grpc_response_status")


def _sum(one: float, other: float) -> float:
    # A count below zero must not vanish in a sum: it is refused by itself.
    return min(one, other) if min(one, other) < 0 else one + other
