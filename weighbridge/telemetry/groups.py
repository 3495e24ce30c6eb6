"""The groups of rules that a stack asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.telemetry.alerts import alerts
from weighbridge.telemetry.recording import recording

if TYPE_CHECKING:
    from weighbridge.settings.prometheus import Prometheus


def groups(given: Prometheus) -> list[dict[str, Any]]:
    """Build them, as a rule file has them; recording rules are only for a server that the stack installs.

    Args:
        given: the section `prometheus`.
    """
    interval = given.install.scrape_interval if given.install and given.recorded else None
    found = [] if interval is None else recording(interval)
    if given.alerts:
        asked = given.alerts
        found += alerts(asked.stuck, asked.waiting, asked.labels, interval)
    return found
