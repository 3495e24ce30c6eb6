"""What the recorded series save the gate: samples that Prometheus touches for each question, raw against recorded.

Run by `make bench-recorded`. Both are asked of one server in one run, over the same window; `stats=all` of the query
API tells the samples. What the rules themselves touch, at each evaluation, stands beside it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.lab.scraped import CANARY, STABLE, Scraping, flow, scraping
from weighbridge import queries
from weighbridge.telemetry.recording import recording

CALLERS = 40
PODS = 2
BOUNDS = ("0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "+Inf")
WINDOW = 60
ROUNDS = 20


def series() -> dict[str, float]:
    """Each pod of both revisions is called by each caller."""
    found = {}
    for revision, rate in ((STABLE, 9.0), (CANARY, 1.0)):
        for pod in range(PODS):
            for caller in range(CALLERS):
                who = {"pod": f"{revision}-{pod}", "source_workload": f"caller-{caller}"}
                found[flow(revision, 0, **who).name("bench")] = rate
                for bound in BOUNDS:
                    found[flow(revision, 0, le=bound, **who).name("bench")] = rate
    return found


def asked(running: Scraping, promql: str, at: float) -> tuple[int, float]:
    """Samples that a question touches, and milliseconds that it takes the server; the median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        url = f"{running.url}/api/v1/query?{urlencode({'query': promql, 'time': at, 'stats': 'all'})}"
        with urlopen(url, timeout=30) as answer:  # noqa: S310  loopback
            stats = json.load(answer)["data"]["stats"]
        times.append(1000 * stats["timings"]["evalTotalTime"])
    return int(stats["samples"]["totalQueryableSamples"]), sorted(times)[ROUNDS // 2]


def main() -> None:
    """Scrape for a window, then ask."""
    with tempfile.TemporaryDirectory() as folder, scraping(Path(folder), recording(1.0)) as running:
        running.exporter.rising = series()
        there = f"count_over_time({queries.RECORDED_REQUESTS}[5m])"
        running.until("up", lambda found: found, time.time)
        while not (found := running.asked.query(there, time.time())) or found[0].value < WINDOW + 2:
            running.exporter.await_scrape()
        at = time.time()
        raw, recorded = (queries.Target("bench", "test", "destination", recorded=each) for each in (False, True))
        both = (CANARY, STABLE)
        rows = [
            ("requests by status", *(queries.counts(each, both, WINDOW) for each in (raw, recorded))),
            ("requests by duration", *(queries.buckets(each, both, WINDOW) for each in (raw, recorded))),
            ("a quantile of the duration", *(queries.latency(each, CANARY, 0.99, WINDOW) for each in (raw, recorded))),
        ]
        print(f"{CALLERS} callers, {PODS} pods of each revision, {len(BOUNDS)} buckets, {WINDOW} samples a series")
        print(f"{'':<30}{'samples raw':>13}{'recorded':>10}{'ratio':>7}{'ms raw':>9}{'recorded':>10}{'ratio':>7}")
        for name, one, other in rows:
            (samples, took), (fewer, quicker) = asked(running, str(one), at), asked(running, str(other), at)
            print(f"{name:<30}{samples:>13}{fewer:>10}{samples / fewer:>7.1f}{took:>9.2f}{quicker:>10.2f}"
                  f"{took / quicker:>7.1f}")  # fmt: skip
        for rule in recording(1.0)[0]["rules"]:
            samples, took = asked(running, rule["expr"], at)
            print(f"an evaluation of {rule['record']}: {samples} samples, {took:.2f} ms")


if __name__ == "__main__":
    main()
