"""The alert rules in Prometheus' own evaluation, by `promtool test rules`, over series that each case feeds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab import LabError
from lab.telemetry import require
from weighbridge.telemetry.alerts import alerts

STUCK, WAITING = 7200.0, 1800.0
WHERE = 'namespace="test",release="podinfo"'
PHASES = ("idle", "progressing", "waiting", "failed", "promoted")
STABLE, CANARY = "podinfo-aaaaaaaaaa", "podinfo-bbbbbbbbbb"
SERVICE = 'destination_workload_namespace="test",destination_service_name="podinfo"'


def release(phase: str, weight: int, wanted: int, changed: str = "0") -> dict[str, str]:
    """The metrics of a release that stays as it is, a sample a minute for five hours.

    Args:
        phase: that it is in.
        weight: percent that the canary has.
        wanted: percent that the stack asks for.
        changed: of the last decision, Unix time, in promtool's notation; its clock begins at 0.
    """
    found = {
        f"weighbridge_release_phase{{{WHERE},phase={json.dumps(each)}}}": f"{int(each == phase)}x300" for each in PHASES
    }
    return {
        **found,
        f"weighbridge_release_weight{{{WHERE}}}": f"{weight}x300",
        f"weighbridge_release_wanted_weight{{{WHERE}}}": f"{wanted}x300",
        f"weighbridge_release_changed_timestamp_seconds{{{WHERE}}}": f"{changed}x300",
    }


def requests(workload: str, a_minute: str, code: str = "200", **labels: str) -> dict[str, str]:
    """A counter of the mesh, in promtool's notation."""
    more = "".join(f",{key}={json.dumps(value)}" for key, value in labels.items())
    name = f'istio_requests_total{{{SERVICE},destination_workload="{workload}",response_code="{code}"{more}}}'
    return {name: a_minute}


@dataclass(frozen=True)
class Case:
    """A history, and the alerts that fire at its end.

    Attributes:
        fact: what it is.
        series: by name, values in promtool's notation, a sample a minute.
        fires: names of alerts, without "Weighbridge", with what they are about.
        at: minutes from the beginning.
    """

    fact: str
    series: Mapping[str, str]
    fires: Mapping[str, Sequence[str]] = field(default_factory=dict)
    at: int = 200


ABOUT = "podinfo"
GATEWAY = {"job": "gateways", "instance": "10.0.0.1:15090"}
CASES = [
    Case("nothing is released", release("idle", 0, 0)),
    Case("a release is promoted", release("promoted", 0, 0)),
    Case("a step that is an hour old", release("progressing", 10, 10, "7200"), at=180),
    Case("a step that is older than it may be", release("progressing", 10, 10), {"ReleaseStuck": [ABOUT]}),
    Case("all traffic is with the canary", release("progressing", 100, 100)),
    Case("a canary that failed", release("failed", 0, 30), {"ReleaseRolledBack": [ABOUT]}),
    Case("a canary that failed and is held", release("failed", 30, 30), {"ReleaseFailed": [ABOUT]}),
    Case("a gate that waits for a while", release("waiting", 10, 30, "7200"), at=20),
    Case("a gate that waits too long", release("waiting", 10, 30, "10800"), {"ReleaseWaiting": [ABOUT]}),
    Case("a weight that was not reached", release("progressing", 10, 30, "10800"), {"WeightNotReached": [ABOUT]}),
    Case(
        "traffic that stays split",
        {**requests(STABLE, "0+90x300"), **requests(CANARY, "0+10x300")},
        {"TrafficStaysSplit": [STABLE, CANARY]},
    ),
    Case(
        "traffic that moved an hour ago",
        {**requests(STABLE, "0+100x140 14000+50x160"), **requests(CANARY, "0x140 0+50x160")},
    ),
    Case("all traffic is with one revision", {**requests(STABLE, "0+90x300"), **requests(CANARY, "500x300")}),
    Case(
        "workloads that are no revisions",
        {
            **requests("podinfo", "0+90x300"),
            **requests("podinfo-canary", "0+10x300"),
            **requests("x", "0+9x300", "500"),
        },
    ),
    Case(
        "a canary that fails while stable does not",
        {**requests(STABLE, "0+90x300"), **requests(CANARY, "0+8x300"), **requests(CANARY, "0+2x300", "503")},
        {"RevisionFails": [CANARY], "TrafficStaysSplit": [STABLE, CANARY]},
    ),
    Case(
        "both fail, and the canary is not to blame",
        {
            **requests(STABLE, "0+80x300"),
            **requests(STABLE, "0+20x300", "503"),
            **requests(CANARY, "0+8x300"),
            **requests(CANARY, "0+2x300", "503"),
        },
        {"TrafficStaysSplit": [STABLE, CANARY]},
    ),
    Case(
        "a proxy that forgets a series",
        {
            **requests("a", "0+9x300", reporter="source", pod="gw", source_workload="x"),
            **requests("a", "0+9x199 stale", reporter="source", pod="gw", source_workload="y"),
        },
        {"RecordedSeriesUnsound": ["gw"]},
        at=200,
    ),
    Case(
        "one failed request of a canary with few",
        {**requests(STABLE, "0+90x300"), **requests(CANARY, "0+2x300"), **requests(CANARY, "0x197 1x102", "503")},
        {"TrafficStaysSplit": [STABLE, CANARY]},
    ),
    Case(
        "a proxy that was started again, and is called by others since",
        {
            **requests("a", "0+9x199 stale", reporter="source", pod="gw", source_workload="x", **GATEWAY),
            **requests("a", "0+9x199 stale", reporter="source", pod="gw", source_workload="y", **GATEWAY),
            **requests("a", "_x200 0+9x101", reporter="source", pod="gw", source_workload="z", **GATEWAY),
            'envoy_server_uptime{job="gateways",instance="10.0.0.1:15090",pod="gw"}': "0+60x199 5+60x101",
        },
        at=200,
    ),
    Case(
        "a proxy that was started again",
        {
            **requests("a", "0+9x199 0+9x101", reporter="source", pod="gw", source_workload="x"),
            **requests("a", "0+9x199 stale", reporter="source", pod="gw", source_workload="y"),
        },
        at=200,
    ),
]


def run(case: Case, folder: Path) -> str:
    """What promtool says of a case; "" where all is as it should be."""
    groups = alerts(STUCK, WAITING, {"team": "web"}, recorded=30.0)
    (folder / "rules.json").write_text(json.dumps({"groups": groups}), encoding="utf-8")
    names = {rule["alert"] for rule in groups[0]["rules"]}
    for_ = [
        {"eval_time": f"{case.at}m", "alertname": name, "exp_alerts": []}
        for name in sorted(names)
        if name.removeprefix("Weighbridge") not in case.fires
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": for_,
    }
    # Which labels an alert has is its expression's business: here it matters which ones fire, and about what.
    test["promql_expr_test"] = [
        {
            "expr": f'count by (about) (label_replace(label_replace(label_replace(ALERTS{{alertname="Weighbridge{name}",'
            'alertstate="firing",team="web"}, "about", "$1", "release", "(.+)"), "about", "$1", '
            '"destination_workload", "(.+)"), "about", "$1", "pod", "(.+)"))',
            "eval_time": f"{case.at}m",
            "exp_samples": [{"labels": f'{{about="{each}"}}', "value": 1} for each in about],
        }
        for name, about in case.fires.items()
    ]
    file = folder / "test.json"
    file.write_text(json.dumps({"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": [test]}), "utf-8")
    try:
        program = require().path("promtool")
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
    ran = subprocess.run([str(program), "test", "rules", str(file)], capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


@pytest.mark.parametrize("case", CASES, ids=[case.fact for case in CASES])
def test_an_alert_fires_when_it_should(case: Case, tmp_path: Path) -> None:
    """What fires, about what, and that nothing else does."""
    assert run(case, tmp_path) == ""


def test_no_alert_is_without_a_case() -> None:
    """Each one fires in some history."""
    named = {f"Weighbridge{name}" for case in CASES for name in case.fires}
    assert named == {rule["alert"] for rule in alerts(STUCK, WAITING, recorded=15)[0]["rules"]}
