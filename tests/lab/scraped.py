"""A real Prometheus of a test's own, and the exporter that it scrapes, which says what the test wants.

What it says is of two kinds. A history has its own times in it, so that minutes are there after one scrape, the same in
each run. What is live is scraped once a second and gets the time of its scrape, as from any pod.
"""

from __future__ import annotations

import http.client
import json
import math
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.build import require
from lab.server import Server, ServerSpec
from weighbridge.measure import Prometheus, Sample

STABLE, CANARY = "xxxxxxxxxx", "yyyyyyyyyy"
EVERY = 10
"""Seconds between two samples of a history."""
LENGTH = 400
"""Seconds of a history."""


@dataclass(frozen=True)
class Flow:
    """One series of requests: a counter of Istio's with a steady rate.

    Attributes:
        revision: of the workload.
        rate: requests a second.
        labels: over those of an ordinary request.
        begin: seconds before the end at which the series appears; its counter is at zero then.
        end: seconds before the end at which it is gone.
        restarts: seconds before the end at which the counter begins anew.
        value: instead of the counter: the value so many seconds before the end.
        le: a bucket's bound, where the series is one of a histogram.
    """

    revision: str
    rate: float
    labels: Mapping[str, str] = field(default_factory=dict)
    begin: float = LENGTH
    end: float = 0
    restarts: Sequence[float] = ()
    value: Callable[[float], float] | None = None
    le: str | None = None

    def name(self, release: str) -> str:
        """The series as the text format writes it."""
        labels = {
            "reporter": "destination",
            "destination_workload": f"{release}-{self.revision}",
            "destination_workload_namespace": "test",
            "response_code": "200",
            "response_flags": "-",
            **self.labels,
            **({} if self.le is None else {"le": self.le}),
        }
        metric = "istio_requests_total" if self.le is None else "istio_request_duration_milliseconds_bucket"
        return f"{metric}{{{','.join(f'{key}={json.dumps(value)}' for key, value in labels.items())}}}"

    def at(self, before: float) -> float | None:
        """The value so many seconds before the end; None where the series is not there."""
        if not self.end <= before <= self.begin:
            return None
        if self.value:
            return self.value(before)
        return self.rate * (min([self.begin, *(each for each in self.restarts if each >= before)]) - before)


def flow(revision: str, rate: float, code: str = "200", /, **more: object) -> Flow:
    """A flow with what is unlike an ordinary request: fields of `Flow`, and labels."""
    fields = {key: value for key, value in more.items() if key in Flow.__dataclass_fields__}
    labels = {key: str(value) for key, value in more.items() if key not in fields}
    return Flow(revision, rate, {"response_code": code, **labels}, **fields)  # type: ignore[arg-type]


def histogram(revision: str, rates: Mapping[str, float], **more: object) -> list[Flow]:
    """The buckets of a histogram by their bounds, with the rate at which each one rises."""
    return [flow(revision, rate, le=bound, **more) for bound, rate in rates.items()]


def history(release: str, flows: Sequence[Flow], end: float) -> str:
    """Flows in the text format, with their times."""
    lines = []
    for each in flows:
        for before in range(LENGTH, -1, -EVERY):
            value = each.at(before)
            if value is not None:
                lines.append(f"{each.name(release)} {_number(value)} {round(1000 * (end - before))}")
    return "".join(f"{line}\n" for line in lines)


class Exporter:
    """What is scraped.

    Attributes:
        past: a history, given once.
        rising: live series, and by how much each rises from scrape to scrape.
    """

    def __init__(self) -> None:
        self.past = ""
        self.rising: dict[str, float] = {}
        self._values: dict[str, float] = {}
        self._scraped = threading.Condition()
        self._scrapes = 0

    def text(self) -> str:
        """One scrape."""
        with self._scraped:
            self._values = {name: self._values.get(name, 0.0) + more for name, more in self.rising.items()}
            text = self.past + "".join(f"{name} {_number(value)}\n" for name, value in self._values.items())
            self.past = ""
            self._scrapes += 1
            self._scraped.notify_all()
        return text

    def begin_at(self, name: str, value: float) -> None:
        """Let a series appear with a value, which it keeps."""
        with self._scraped:
            self._values[name] = value
            self.rising[name] = 0.0

    def begin_anew(self, *names: str) -> None:
        """Let counters begin at nought again, as those of a process that was restarted between two scrapes."""
        with self._scraped:
            for name in names:
                self._values.pop(name, None)

    def await_scrape(self, within: float = 10.0) -> None:
        """Wait until somebody scrapes again."""
        with self._scraped:
            seen = self._scrapes
            assert self._scraped.wait_for(lambda: self._scrapes > seen, within), "nobody scrapes"


class Scraping:
    """A running Prometheus and its exporter.

    Attributes:
        exporter: that is scraped once a second.
        asked: the client of the gate.
        server: the process.
    """

    def __init__(
        self, exporter: Exporter, port: int, target: int, directory: Path, groups: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.exporter = exporter
        self._data = directory / "data"
        config = directory / "prometheus.json"
        scrape = {"job_name": "test", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
        timing = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        rules = directory / "rules.json"
        rules.write_text(json.dumps({"groups": list(groups)}), encoding="utf-8")
        whole = {"global": timing, "rule_files": [str(rules)], "scrape_configs": [scrape]}
        config.write_text(json.dumps(whole), encoding="utf-8")
        url = f"http://127.0.0.1:{port}"
        argv = (
            str(require().path("prometheus")),
            f"--config.file={config}",
            f"--storage.tsdb.path={self._data}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        )
        self.server = Server(ServerSpec("prometheus", argv, f"{url}/-/ready"), directory)
        self.url = url
        self.asked = Prometheus(url, timeout=10, retries=0)

    def until(self, promql: str, true: Callable[[list[Sample]], object], at: Callable[[], float]) -> list[Sample]:
        """Ask until the answer is as wanted, once after each scrape."""
        for _ in range(30):
            found = self.asked.query(promql, at())
            if true(found):
                return found
            self.exporter.await_scrape()
        raise AssertionError(f"{promql} still gives {found}")

    def forget(self) -> None:
        """Remove all data of a server that was stopped."""
        shutil.rmtree(self._data)


@contextmanager
def scraping(directory: Path, groups: Sequence[Mapping[str, Any]] = ()) -> Iterator[Scraping]:
    """A Prometheus that runs for as long as the block, with groups of rules.

    Raises:
        LabError: the lab's servers are not built.
    """
    exporter = Exporter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.text().encode()
            self.send_response(http.client.OK)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        running = Scraping(exporter, _free_port(), listening.server_port, directory, groups)
        try:
            running.server.start()
            yield running
        finally:
            running.server.kill()
            listening.shutdown()
            thread.join()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def _number(value: float) -> str:
    return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN" if math.isnan(value) else repr(value))
