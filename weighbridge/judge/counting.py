"""Counts: which requests were answered well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

GRPC_FAULTS: Final = frozenset({"2", "4", "12", "13", "14", "15"})
"""Status codes that are the server's fault: those which google/rpc/code.proto maps to an HTTP status of 5xx (UNKNOWN,
DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS). Over HTTP all of them are answered with 200."""


class Answered(NamedTuple):
    """What requests are told apart by.

    Attributes:
        workload: that they were for.
        code: HTTP's status; "0" where the connection broke before there was any.
        grpc: gRPC's status; "" where the request was none of gRPC.
    """

    workload: str
    code: str
    grpc: str = ""

    @property
    def well(self) -> bool:
        """Whether it was answered well: not 5xx, as Flagger has it (pkg/metrics/observers/istio.go), and answered."""
        return not self.code.startswith("5") and self.code != "0" and self.grpc not in GRPC_FAULTS


@dataclass(frozen=True)
class Counts:
    """Requests over a window.

    Attributes:
        good: those that were answered well; Prometheus extrapolates, so it need not be whole.
        total: all of them.
    """

    good: float
    total: float

    @property
    def bad(self) -> float:
        """Those that were not answered well."""
        return self.total - self.good


def count(samples: Mapping[Answered, float], workload: str) -> Counts:
    """The requests of one workload that were answered well, and all.

    Args:
        samples: requests by what they are told apart by.
        workload: whose.

    Raises:
        ValueError: a count is not a finite number, or is below zero, or says nothing of the response.
    """
    good = total = 0.0
    for answered, value in samples.items():
        if not math.isfinite(value) or value < 0:
            msg = f"{answered.workload} has {value} requests with code {answered.code}"
            raise ValueError(msg)
        if not answered.code:
            msg = f"{answered.workload} has requests without a response code"
            raise ValueError(msg)
        if answered.workload == workload:
            total += value
            good += value if answered.well else 0.0
    return Counts(good, total)
