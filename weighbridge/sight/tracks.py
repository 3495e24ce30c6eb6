"""PromQL of the dashboard: what stable and canary do, told apart by the metrics of the releases.

The queries hold Grafana's variables (`$namespace`, `$release`, `$reporter`, `$__rate_interval`). A track is the
workload `<release>-<revision>` whose revision `weighbridge_release_info` names at that very moment, so that a graph
goes on through a promotion: the same workload is the canary's before it and stable's after it. Where a track has no
revision, no query gives a series for it, and none of the other track's is wrong for that.

What a good answer is, is the gate's own meaning: `weighbridge.judge.counting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from weighbridge.judge.counting import GRPC_FAULTS
from weighbridge.queries import BUCKETS, NEVER_REACHED, REQUESTS
from weighbridge.sight import state_metrics as series

TRACKS: Final = ("stable", "canary")
RELEASE: Final = 'namespace="$namespace",release="$release"'
"""Matchers of the chosen release's own series."""
WORKLOADS: Final = "$release-[0-9a-f]{10}"
"""RE2 of the release's workloads: a revision has ten hex digits, so `podinfo-api-...` is none of `podinfo`'s."""

_THEIRS: Final = f'destination_workload_namespace="$namespace",destination_workload=~"{WORKLOADS}"'
_SEEN: Final = 'reporter="$reporter"'
_NEVER_SEEN: Final = f'reporter="source",response_flags=~"{NEVER_REACHED}"'
_BAD: Final = ('response_code=~"5..|0"', f'grpc_response_status=~"{"|".join(sorted(GRPC_FAULTS, key=int))}"')
_DURATIONS: Final = REQUESTS.replace("requests_total", "request_duration_milliseconds_sum")


@dataclass(frozen=True)
class Names:
    """The metrics that are asked: the mesh's own, or what recording rules made of them, with the same labels.

    Attributes:
        requests: the counter of requests.
        buckets: of the histogram of their durations, milliseconds.
    """

    requests: str = REQUESTS
    buckets: str = BUCKETS


RAW: Final = Names()
RECORDED: Final = Names(f"weighbridge:{REQUESTS}", f"weighbridge:{BUCKETS}")
"""Counters without the labels of the callers: cheaper to ask, where the recording rules are loaded."""


def role(track: str, workload: str = "destination_workload") -> str:
    """A series of value 1 that has the name of a track's workload as a label; none where the track has no revision.

    Args:
        track: `stable` or `canary`.
        workload: the label's name.
    """
    named = f'{series.INFO}{{{RELEASE},{track}!=""}}'
    # More than one kube-state-metrics may tell the same.
    return f'max by ({workload}) (label_join({named}, "{workload}", "-", "release", "{track}"))'


def _rate(metric: str, *matchers: str) -> str:
    return f"rate({metric}{{{','.join(matchers)}}}[$__rate_interval])"


def _of(track: str, rates: str) -> str:
    return f"({rates}) * on (destination_workload) group_left () {role(track)}"


def _by(labels: tuple[str, ...], vector: str) -> str:
    return f"sum by ({', '.join(labels)}) ({vector})" if labels else f"sum({vector})"


def _answered(names: Names, *only: str) -> str:
    """What the pods' proxies saw, and what their callers' gave up before."""
    seen = _rate(names.requests, _SEEN, _THEIRS, *only)
    return f"{seen} or {_rate(names.requests, _NEVER_SEEN, _THEIRS, *only)}"


def requests(track: str, by: tuple[str, ...] = (), names: Names = RAW) -> str:
    """Requests a second of a track."""
    return _by(by, _of(track, _answered(names)))


def failures(track: str, by: tuple[str, ...] = (), names: Names = RAW) -> str:
    """Requests a second that were not answered well."""
    return _by(by, _of(track, " or ".join(_answered(names, bad) for bad in _BAD)))


def success(track: str, names: Names = RAW) -> str:
    """Percent of the requests that were answered well; nothing where there are no requests."""
    every = requests(track, names=names)
    # A counter of failures that never was is not there, rather than 0.
    return f"100 * (1 - ({failures(track, names=names)} or 0 * {every}) / ({every} > 0))"


def share(names: Names = RAW) -> str:
    """Percent of the release's requests that reach the canary."""
    every = f"sum({_answered(names)})"
    return f"100 * ({requests('canary', names=names)} or 0 * {every}) / ({every} > 0)"


def by_revision(names: Names = RAW) -> str:
    """Requests a second of each workload of the release, whatever its role; needs no metric of the releases."""
    return _by(("destination_workload",), _answered(names))


def duration(track: str, quantile: float, names: Names = RAW) -> str:
    """A quantile of the request duration in milliseconds."""
    buckets = _of(track, _rate(names.buckets, _SEEN, _THEIRS))
    return f"histogram_quantile({quantile:g}, {_by(('le',), buckets)})"


def in_flight(track: str) -> str:
    """Requests in flight, on average: by Little's law, the seconds of all requests that are spent in one second."""
    return f"sum({_of(track, _rate(_DURATIONS, _SEEN, _THEIRS))}) / 1000"


def weight(name: str = series.WEIGHT) -> str:
    """A number of the chosen release: percent, or Unix time."""
    return f"max({name}{{{RELEASE}}})"


def phase() -> str:
    """The phase that the release is in: a series of value 1 with the label `phase`."""
    return f"max by (phase) ({series.PHASE}{{{RELEASE}}}) == 1"


def phases(numbers: dict[str, int]) -> str:
    """The phase as a number, for a picture of the past.

    Args:
        numbers: of the phases; one of them is 0.
    """
    each = (f'{number} * max({series.PHASE}{{{RELEASE},phase="{name}"}})' for name, number in numbers.items())
    return " + ".join(each)


def decisions() -> str:
    """When each weight was approved, Unix time in milliseconds, with the weight as a label."""
    told = f'count_values("weight", {weight()})'
    return f"1000 * {weight(series.CHANGED)} * on () group_left (weight) {told}"


def revision(track: str) -> str:
    """A series of value 1 with a track's revision as a label."""
    return f'max by ({track}) ({series.INFO}{{{RELEASE},{track}!=""}})'


def ready(track: str) -> str:
    """Pods of a track that are ready, as kube-state-metrics counts them."""
    where = f'namespace="$namespace",deployment=~"{WORKLOADS}"'
    found = f"max by (deployment) (kube_deployment_status_replicas_ready{{{where}}})"
    return f"sum({found} * on (deployment) group_left () {role(track, 'deployment')})"


def usage(track: str, metric: str) -> str:
    """What the pods of a track use, their proxies left out.

    Args:
        track: `stable` or `canary`.
        metric: cAdvisor's; `container_cpu_usage_seconds_total` gives cores, others what they measure.
    """
    where = f'namespace="$namespace",pod=~"{WORKLOADS}-.+",container!="",container!~"POD|istio-proxy"'
    used = f"rate({metric}{{{where}}}[$__rate_interval])" if metric.endswith("_total") else f"{metric}{{{where}}}"
    named = f'label_replace({used}, "destination_workload", "$1", "pod", "({WORKLOADS})-.+")'
    return f"sum({_of(track, named)})"
