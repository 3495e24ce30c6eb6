"""What an environment of ARMS, Alibaba Cloud's Managed Service for Prometheus, is told: scrape jobs and alert rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from weighbridge import durations
from weighbridge.telemetry.jobs import jobs
from weighbridge.telemetry.text import plain

_MESH: Final = ("envoy-stats", "gateways", "pilot")
"""ARMS' own collectors have the nodes, cAdvisor and the API servers already."""


@dataclass(frozen=True)
class Alert:
    """An alert rule as ARMS has it.

    Attributes:
        name: of the rule.
        expression: PromQL.
        minutes: that it has to hold.
        message: what is told.
        labels: of the alert, its severity among them.
    """

    name: str
    expression: str
    minutes: int
    message: str
    labels: Mapping[str, str]


def custom_jobs(version: str, interval: float) -> str:
    """Write the mesh's scrape jobs, as the YAML of a custom job of the environment.

    Args:
        version: of Istio.
        interval: seconds between two scrapes.
    """
    every = durations.format_seconds(interval)
    found = [{**each, "scrape_interval": every} for each in jobs(version, _MESH)]
    return plain({"scrape_configs": found})


def alerts(groups: Sequence[Mapping[str, Any]]) -> Iterator[Alert]:
    """Take the alert rules out of their groups.

    Args:
        groups: as a rule file has them.
    """
    for group in groups:
        for rule in group["rules"]:
            if "alert" in rule:
                held = durations.parse(rule["for"]) if "for" in rule else 0.0
                told = rule["annotations"]
                yield Alert(
                    rule["alert"],
                    rule["expr"],
                    # It knows whole minutes, and none shorter than one.
                    max(1, round(held / 60)),
                    f"{told['summary']}. {told['description']}",
                    dict(rule["labels"]),
                )
