"""Alert rules for releases: stuck, waiting, failed, rolled back, and what the mesh's own series show without the rest.

The metrics of the releases come from kube-state-metrics, which reads the annotations of the VirtualServices
(`weighbridge_release_...`, see docs/telemetry.md). Where it is not there those alerts stay silent; the last ones need
nothing but Istio's series, and know our workloads by the revision at the end of their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from weighbridge.durations import format_seconds
from weighbridge.queries import RECORDED_REQUESTS, REQUESTS
from weighbridge.telemetry.labels import OWN

Rule = dict[str, Any]

GROUP: Final = "weighbridge-releases"
_EVERY: Final = 60.0
_REVISION: Final = 'destination_workload=~".+-[0-9a-f]{10}"'
_SERVICE: Final = "destination_workload_namespace, destination_service_name"
_RELEASE: Final = "{{ $labels.namespace }}/{{ $labels.release }}"
_MOVED: Final = 0.02
_FAILING: Final = 0.05
_SOUND: Final = 0.01
_SEVERAL: Final = 5
"""Failures in five minutes that somebody is told of: one failed request of three is no rate of failures."""


def alerts(
    stuck: float, waiting: float, labels: Mapping[str, str] | None = None, recorded: float | None = None
) -> list[Rule]:
    """Build the groups of alert rules, as a rule file has them.

    Args:
        stuck: seconds that a canary may have the same weight.
        waiting: seconds that a gate may hold a release.
        labels: put on each alert.
        recorded: seconds between two evaluations of the recording rules; None where there are none.
    """
    rules = [*_of_releases(stuck, waiting), *_of_the_mesh(stuck)]
    if recorded is not None:
        rules.append(_unsound(recorded))
    for rule in rules:
        rule["labels"] = {**(labels or {}), **rule["labels"]}
    return [{"name": GROUP, "interval": format_seconds(_EVERY), "rules": rules}]


def _alert(name: str, expr: str, held: float, severity: str, summary: str, description: str) -> Rule:
    return {
        "alert": f"Weighbridge{name}",
        "expr": expr,
        **({"for": format_seconds(held)} if held else {}),
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "description": description},
    }


def _of_releases(stuck: float, waiting: float) -> list[Rule]:
    status = "`weighbridge status --release {{ $labels.release }}` says why."
    on = "on (namespace, release)"
    failed = 'weighbridge_release_phase{phase="failed"} == 1'
    return [
        _alert(
            "ReleaseRolledBack",
            f"{failed} and {on} weighbridge_release_weight == 0",
            0,
            "warning",
            f"{_RELEASE} was rolled back",
            f"The canary failed and has no traffic any more. {status} Its pods stay until a green run asks for weight "
            "0: set `weight: 0`, or a new `canary`.",
        ),
        _alert(
            "ReleaseFailed",
            f"{failed} and {on} weighbridge_release_weight > 0",
            0,
            "critical",
            f"{_RELEASE} failed and still gets traffic",
            f"The canary failed and, with `on_failure: hold`, keeps its share of the requests. {status} "
            "`weight: 0` and `pulumi up` take the traffic back at once.",
        ),
        _alert(
            "ReleaseWaiting",
            'weighbridge_release_phase{phase="waiting"} == 1',
            waiting,
            "warning",
            f"{_RELEASE} waits for a verdict",
            f"The gate has held the release for {format_seconds(waiting)}: too few requests, Prometheus gives no "
            f"usable answer, or the run did not await the soak. {status} Nothing is asked until the next `pulumi up`.",
        ),
        _alert(
            "ReleaseStuck",
            f"(time() - weighbridge_release_changed_timestamp_seconds > {stuck:.0f}) and {on} "
            f"(weighbridge_release_weight > 0 < 100) and {on} "
            '(weighbridge_release_phase{phase="progressing"} == 1)',
            0,
            "warning",
            f"{_RELEASE} stands still",
            "The canary has had the same share of the requests for {{ $value | humanizeDuration }}. The next step is a "
            "commit: raise `weight` to the next of `steps`, or set it to 0.",
        ),
        _alert(
            "WeightNotReached",
            "weighbridge_release_wanted_weight != weighbridge_release_weight "
            f"unless {on} (weighbridge_release_phase{{phase=~'failed|waiting'}} == 1)",
            waiting,
            "warning",
            f"{_RELEASE} has not the weight that was asked for",
            "The stack asks for {{ $value }}%, and the routes have another weight: a run was cut off, or never "
            f"finished. `pulumi up` goes on where it ended. {status}",
        ),
    ]


def _of_the_mesh(stuck: float) -> list[Rule]:
    counted = f"{REQUESTS}{{{_REVISION}}}"
    each = f"sum by ({_SERVICE}, destination_workload) (rate({counted}[10m]))"
    share = f"({each} / on ({_SERVICE}) group_left sum by ({_SERVICE}) (rate({counted}[10m])))"
    before = share.replace("[10m]", f"[10m] offset {format_seconds(stuck)}")
    failed = f'{REQUESTS}{{{_REVISION},response_code=~"5.."}}'
    errors = "(sum by ({0}, destination_workload) (rate({1}[5m])) / sum by ({0}, destination_workload) (rate({2}[5m])))"
    bad = errors.format(_SERVICE, failed, counted)
    several = f"sum by ({_SERVICE}, destination_workload) (increase({failed}[5m])) > {_SEVERAL}"
    # A revision without a single failure has no failed series: it is the one in `each` that is not in `bad`.
    other = f"(count by ({_SERVICE}) ({each} > 0 unless {bad} > {_SOUND}) > 0)"
    of = "{{ $labels.destination_workload_namespace }}/{{ $labels.destination_workload }}"
    return [
        _alert(
            "TrafficStaysSplit",
            f"({share} > {_SOUND} < {1 - _SOUND}) and (abs({share} - {before}) < {_MOVED})",
            0,
            "warning",
            f"{of} keeps a part of the requests",
            "It gets {{ $value | humanizePercentage }} of its service's requests, as it did "
            f"{format_seconds(stuck)} ago: a release stands between two revisions and nobody moves it. Raise its "
            "`weight`, or set it to 0.",
        ),
        _alert(
            "RevisionFails",
            f"({bad} > {_FAILING}) and ({several}) and on ({_SERVICE}) {other}",
            120,
            "critical",
            f"{of} fails and the other revision does not",
            "{{ $value | humanizePercentage }} of its requests end with a 5xx, and below 1% of the other revision's. "
            "`pulumi up --refresh` judges the canary again, and takes its traffic back where it is the one that fails.",
        ),
    ]


def _unsound(interval: float) -> Rule:
    without = f"without ({', '.join(OWN)})"
    some = '{reporter=~"source|destination"}'
    back = format_seconds(max(60.0, 2 * interval))
    span = format_seconds(2 * max(60.0, 2 * interval))
    # After a restart, none of the series from before need be there again to show a reset: the proxy's uptime does.
    fewer = f"count {without} ({REQUESTS}{some}) < count {without} ({REQUESTS}{some} offset {back})"
    return _alert(
        "RecordedSeriesUnsound",
        f"({fewer}) unless (max {without} (resets({REQUESTS}{some}[{span}])) > 0) "
        f"unless on (job, instance) (envoy_server_uptime < {2 * max(60.0, 2 * interval):.0f})",
        0,
        "critical",
        "A proxy forgets series, and the recorded ones count its requests anew",
        "{{ $labels.pod }} in {{ $labels.namespace }} reports fewer series of "
        f"{REQUESTS} than before without having been started again, so that the sums in {RECORDED_REQUESTS} fall. Set "
        "`prometheus.recorded: false`, or take `sidecar.istio.io/statsEvictionInterval` off.",
    )
