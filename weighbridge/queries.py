"""PromQL text, and nothing that runs it.

The metrics and their meaning are Istio's standard ones (`istio_requests_total`,
`istio_request_duration_milliseconds`); what is asked of them is what Flagger asks
(pkg/metrics/observers/istio.go), with one difference: the answers are counts by response code over
the window, not a ratio. A ratio loses its numerator when everything fails, and says nothing about n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.workload import workload_name


@dataclass(frozen=True)
class Target:
    """Which series are a release's.

    Attributes:
        release: its name, a DNS label.
        namespace: of its workloads.
        reporter: whose view counts, `destination` (the pod's sidecar) or `source` (its caller, the gateway).
    """

    release: str
    namespace: str
    reporter: str


def quoted(text: str) -> str:
    r"""A PromQL string literal.

    Args:
        text: any text; quotes, backslashes and newlines are escaped as PromQL's grammar has it (Go's rules).
    """
    escaped = text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def counts(target: Target, revisions: Sequence[str], window: int) -> str:
    """Requests over a window, by workload and response code.

    Args:
        target: whose.
        revisions: of the workloads to count, at least one.
        window: seconds.
    """
    by = "destination_workload, response_code"
    return f"sum by ({by}) (increase(istio_requests_total{_series(target, revisions)}[{window}s]))"


def latency(target: Target, revision: str, quantile: float, window: int) -> str:
    """A quantile of the request duration in milliseconds, over a window.

    Args:
        target: whose.
        revision: of the workload.
        quantile: 0..1.
        window: seconds.
    """
    series = _series(target, [revision])
    buckets = f"increase(istio_request_duration_milliseconds_bucket{series}[{window}s])"
    return f"histogram_quantile({quantile!r}, sum by (le) ({buckets}))"


def _series(target: Target, revisions: Sequence[str]) -> str:
    names = [workload_name(target.release, revision) for revision in revisions]
    # Names are DNS labels, so none holds a character that a regular expression reads as more than itself.
    workload = f"={quoted(names[0])}" if len(names) == 1 else f"=~{quoted('|'.join(names))}"
    labels = (
        f"reporter={quoted(target.reporter)}",
        f"destination_workload_namespace={quoted(target.namespace)}",
        f"destination_workload{workload}",
    )
    return "{" + ",".join(labels) + "}"
