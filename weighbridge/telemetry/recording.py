"""Recording rules that make the gate's questions cheap and keep their answers right.

Istio counts for each pair of caller and callee. What the gate asks has neither the caller nor the names of the callee
in it, so those are summed away beforehand. What tells processes apart (job, instance, pod, whatever the scrape put
there) stays: `increase` has to see a restart of one process as a reset. A sum over processes would turn the restart of
one into a fall of the sum, which `increase` takes for a reset of all of them.

Within one process the sum is sound, as its counters begin anew together. It would not be where a process forgets
single series, which Istio's proxies only do when they are told to (`sidecar.istio.io/statsEvictionInterval`); an alert
says so (`weighbridge.telemetry.alerts`).

A counter that is not there has counted nothing. So where a process is known already, a series that appears in it (the
first 503 of a pod) is recorded as 0 first, and with its value an evaluation later: no request of it is lost, which with
the raw series the first ones are. Of a process that has just come into sight nothing is known: its series begin with
their values, as the raw ones do. Known is a process by all labels that are not the mesh's, so that a change of the
scrape's relabelling makes new processes, and not new requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from weighbridge.durations import format_seconds
from weighbridge.queries import BUCKETS, RECORDED_BUCKETS, RECORDED_REQUESTS, REQUESTS, quoted
from weighbridge.telemetry.labels import ASKED, OUTCOME, REST

Group = dict[str, Any]

GROUP: Final = "weighbridge-requests"


def recording(interval: float, namespaces: Sequence[str] = ()) -> list[Group]:
    """Build the groups of recording rules, as a rule file has them.

    Args:
        interval: seconds between two evaluations; the scrape interval is the sensible one.
        namespaces: of the workloads to record; none records every one.
    """
    rules = [
        _rule(RECORDED_REQUESTS, REQUESTS, (*ASKED, *OUTCOME), REST, interval, namespaces),
        _rule(RECORDED_BUCKETS, BUCKETS, (*ASKED, "le"), (*OUTCOME, *REST), interval, namespaces),
    ]
    return [{"name": GROUP, "interval": format_seconds(interval), "rules": rules}]


def _rule(
    record: str, metric: str, kept: Sequence[str], dropped: Sequence[str], interval: float, namespaces: Sequence[str]
) -> dict[str, str]:
    names = "|".join(sorted(namespaces))
    only = f"{{destination_workload_namespace=~{quoted(names)}}}" if names else ""
    now = f"sum without ({', '.join(dropped)}) ({metric}{only})"
    before = f"{record} offset {format_seconds(interval)}"
    new = f"({now} unless {before})"
    known = f"group without ({', '.join(kept)}) ({before})"
    return {"record": record, "expr": f"0 * ({new} and ignoring ({', '.join(kept)}) {known}) or {now}"}
