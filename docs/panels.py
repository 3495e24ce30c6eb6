"""What the dashboard shows: its rows and panels as data, from which the JSON and its page are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from weighbridge.plan import Phase
from weighbridge.sight import state_metrics, tracks

COLOURS: Final = {"stable": "blue", "canary": "orange", "set": "purple", "wanted": "text"}
"""One colour for one thing, in every panel."""

PHASES: Final = {Phase.IDLE: 0, Phase.PROGRESSING: 1, Phase.WAITING: 2, Phase.FAILED: 3, Phase.PROMOTED: 4}
PHASE_COLOURS: Final = {
    Phase.IDLE: "text",
    Phase.PROGRESSING: "blue",
    Phase.WAITING: "orange",
    Phase.FAILED: "red",
    Phase.PROMOTED: "green",
}

NAMES: Final = tracks.RAW
"""Whom the panels ask: `tracks.RECORDED` where only the recorded series are kept."""

Steps = Mapping[float | None, str]
"""Thresholds: from this value on (None: from the beginning) that colour."""


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: what stands over it.
        says: what it shows, for its tooltip and for the page.
        asks: legend -> PromQL; a legend may hold labels, `{{phase}}`.
        kind: the picture; `name` shows the series' legends instead of their values.
        unit: Grafana's id of it.
        width: of 24.
        height: in Grafana's rows.
        steps: thresholds.
        high: the top of the axis.
    """

    title: str
    says: str
    asks: Mapping[str, str]
    kind: Literal["stat", "name", "timeseries", "phases"] = "timeseries"
    unit: str = "short"
    width: int = 12
    height: int = 8
    steps: Steps | None = None
    high: float | None = None


_GOOD: Final[Steps] = {None: "red", 95: "orange", 99: "green"}
_BOTH: Final = tracks.TRACKS


def _stat(title: str, says: str, query: str, unit: str, width: int = 3) -> Panel:
    return Panel(title, says, {title.lower(): query}, "stat", unit, width, 4)


def _quantile(percent: int) -> Panel:
    return Panel(
        f"Request duration, P{percent}",
        f"The time within which {percent} of 100 requests were answered, from the histogram's buckets.",
        {track: tracks.duration(track, percent / 100, NAMES) for track in _BOTH},
        unit="ms",
        width=8,
    )


def _revision(track: str) -> Panel:
    says = f"The revision that {track} points at: its workload is the release's name and this."
    return Panel(f"{track.capitalize()}", says, {f"{{{{{track}}}}}": tracks.revision(track)}, "name", "short", 4, 4)


RELEASE: Final = (
    Panel(
        "Phase",
        "Where the release is: idle, progressing, waiting (held), failed or promoted.",
        {"{{phase}}": tracks.phase()},
        "name",
        "short",
        4,
        4,
    ),
    _stat("Weight", "Percent of the requests that the gate approved for the canary.", tracks.weight(), "percent"),
    _stat("Wanted", "Percent that the stack file asks for.", tracks.weight(state_metrics.WANTED), "percent"),
    _stat("Seen", "Percent of the requests that the canary really gets.", tracks.share(NAMES), "percent"),
    _stat("Since", "Time since the weight was approved.", f"time() - {tracks.weight(state_metrics.CHANGED)}", "s"),
    _revision("stable"),
    _revision("canary"),
    Panel(
        "Share of the traffic against the weight",
        "What the canary gets, beside the weight that the gate approved and the one that the stack file asks for. The "
        "gate holds a weight that the mesh did not take.",
        {"canary": tracks.share(NAMES), "set": tracks.weight(), "wanted": tracks.weight(state_metrics.WANTED)},
        unit="percent",
        height=7,
        high=100,
    ),
    Panel(
        "Phase over time",
        "The phase in the past.",
        {"phase": tracks.phases({str(phase): number for phase, number in PHASES.items()})},
        "phases",
        height=7,
    ),
)

COMPARED: Final = (
    Panel(
        "Success rate now",
        "Percent of the requests that were answered well: neither 5xx, nor without any answer, nor a gRPC status that "
        "is the server's fault. What never reached a pod counts as well.",
        {track: tracks.success(track, NAMES) for track in _BOTH},
        "stat",
        "percent",
        4,
        8,
        _GOOD,
    ),
    Panel(
        "Success rate",
        "The same over time. The gate judges counts over a window, so it may see what a point here hides.",
        {track: tracks.success(track, NAMES) for track in _BOTH},
        unit="percent",
        width=10,
        steps=_GOOD,
        high=100,
    ),
    Panel(
        "Request rate",
        "Requests a second.",
        {track: tracks.requests(track, names=NAMES) for track in _BOTH},
        unit="reqps",
        width=10,
    ),
    *(_quantile(percent) for percent in (50, 90, 99)),
    Panel(
        "Failures by code",
        "Requests a second that were not answered well, by HTTP status (0: no answer) and gRPC status.",
        {
            f"{track} {{{{response_code}}}} {{{{grpc_response_status}}}}": tracks.failures(
                track, ("response_code", "grpc_response_status"), NAMES
            )
            for track in _BOTH
        },
        unit="reqps",
        width=8,
    ),
    Panel(
        "Answers by code",
        "Requests a second by HTTP status.",
        {f"{track} {{{{response_code}}}}": tracks.requests(track, ("response_code",), NAMES) for track in _BOTH},
        unit="reqps",
        width=8,
    ),
    Panel(
        "Requests in flight",
        "How many requests are being answered, on average: the seconds of all requests that are spent in one second.",
        {track: tracks.in_flight(track) for track in _BOTH},
        width=8,
    ),
)

PODS: Final = (
    Panel(
        "Pods ready",
        "Pods that may get requests, as kube-state-metrics counts them.",
        {track: tracks.ready(track) for track in _BOTH},
        width=6,
    ),
    Panel(
        "CPU",
        "Cores that the pods use, their proxies left out.",
        {track: tracks.usage(track, "container_cpu_usage_seconds_total") for track in _BOTH},
        width=6,
    ),
    Panel(
        "Memory",
        "What the pods hold, their proxies left out.",
        {track: tracks.usage(track, "container_memory_working_set_bytes") for track in _BOTH},
        unit="bytes",
        width=6,
    ),
    Panel(
        "Request rate by workload",
        "Every workload of the release, whatever its role: it needs no metric of the releases.",
        {"{{destination_workload}}": tracks.by_revision(NAMES)},
        unit="reqps",
        width=6,
    ),
)

ROWS: Final = {"$release": RELEASE, "Canary against stable": COMPARED, "Pods": PODS}
