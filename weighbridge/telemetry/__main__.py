"""Write what a Prometheus of one's own needs: `python -m weighbridge.telemetry jobs|rules`, YAML on standard output."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from weighbridge.durations import parse
from weighbridge.telemetry.alerts import alerts
from weighbridge.telemetry.jobs import jobs
from weighbridge.telemetry.recording import recording
from weighbridge.telemetry.text import plain


def _span(text: str) -> float:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error} (got {text!r})") from None


def text(arguments: Sequence[str]) -> str:
    """The YAML that is asked for.

    Args:
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m weighbridge.telemetry", description=__doc__)
    parser.add_argument("what", choices=("jobs", "rules"))
    parser.add_argument("--mesh", default="1.31", help="minor version of Istio (default: %(default)s)")
    parser.add_argument("--interval", type=_span, default=15.0, help="of the recording rules (default: 15s)")
    parser.add_argument("--namespaces", nargs="*", default=(), help="to record; without it every one")
    parser.add_argument("--stuck", type=_span, default=7200.0, help="a canary may have one weight (default: 2h)")
    parser.add_argument("--waiting", type=_span, default=1800.0, help="a gate may hold a release (default: 30m)")
    asked = parser.parse_args(arguments)
    found: dict[str, Any]
    if asked.what == "jobs":
        found = {"scrape_configs": jobs(asked.mesh)}
    else:
        recorded = recording(asked.interval, asked.namespaces)
        found = {"groups": [*recorded, *alerts(asked.stuck, asked.waiting, {}, asked.interval)]}
    return plain(found)


if __name__ == "__main__":
    sys.stdout.write(text(sys.argv[1:]))
