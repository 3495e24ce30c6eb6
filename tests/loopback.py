"""A real HTTP server on loopback that answers as Prometheus would, or as nobody should; the tests say which."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest


class Request(NamedTuple):
    """What a client asked: the path, and the form that it gave in the address, in the body, or in both."""

    path: str
    form: Mapping[str, str]


Body = object
"""Bytes as they are, an iterator of them for a slow answer, else what JSON can say."""

Answer = tuple[int, Body]


class Loopback:
    """A running server: `answer` says what it answers, `seen` what it was asked.

    Attributes:
        url: of the server.
        answer: gives status and body for a request; may be changed at any time.
        seen: every request, in order.
        ended: set when the server stops; whoever holds an answer back waits for it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: Callable[[Request], Answer] = lambda _: (404, {})
        self.seen: list[Request] = []
        self.ended = threading.Event()

    def give(self, *answers: Answer) -> None:
        """Answer in this order; the last answer is given for ever."""
        script = list(answers)
        self.answer = lambda _: script.pop(0) if len(script) > 1 else script[0]

    def drip(self, pause: float = 0.05) -> Iterator[bytes]:
        """A body that comes a byte now and then until the server stops."""
        while not self.ended.wait(pause):
            yield b" "

    @property
    def queries(self) -> list[str]:
        """The PromQL of every request."""
        return [request.form["query"] for request in self.seen]


class _Answers(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        posted = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        request = Request(address.path, dict(parse_qsl(address.query) + parse_qsl(posted)))
        self.server.loopback.seen.append(request)
        status, body = self.server.loopback.answer(request)
        content = body if isinstance(body, bytes | Iterator) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)) if isinstance(content, bytes) else "1000")
        self.end_headers()
        try:
            for piece in [content] if isinstance(content, bytes) else content:
                self.wfile.write(piece)
                self.wfile.flush()
        except OSError:
            return  # the client did not wait for the rest, as it should

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    loopback: Loopback


@dataclass
class Figures:
    """What a healthy Prometheus has counted for one release; give it to a server as its `answer`.

    Attributes:
        codes: requests by response code, over whatever window is asked for.
        p99: milliseconds; None where no histogram is.
        checks: for range queries, the counts of each check by its Unix time; the histogram says nothing there.
        workload: whose figures they are; those of the query where it is None.
    """

    codes: dict[str, float] = field(default_factory=lambda: {"200": 500.0})
    p99: float | None = 12.0
    checks: dict[float, dict[str, float]] = field(default_factory=dict)
    workload: str | None = None

    def __call__(self, request: Request) -> Answer:
        """Answer as the HTTP API does."""
        query = request.form["query"]
        latency = query.startswith("histogram_quantile")
        if request.path.endswith("query_range"):
            return 200, _success("matrix", [] if latency else self._matrix(query))
        at = float(request.form["time"])
        if latency:
            return 200, _success("vector", [] if self.p99 is None else [_point({}, at, self.p99)])
        return 200, _success("vector", [_point(self._labels(query, code), at, n) for code, n in self.codes.items()])

    def _matrix(self, query: str) -> list[dict[str, Any]]:
        codes = dict.fromkeys(code for counts in self.checks.values() for code in counts)
        return [
            {
                "metric": self._labels(query, code),
                "values": [[at, str(counts[code])] for at, counts in self.checks.items() if code in counts],
            }
            for code in codes
        ]

    def _labels(self, query: str, code: str) -> dict[str, str]:
        asked = query.partition('destination_workload="')[2].partition('"')[0]
        return {"destination_workload": self.workload or asked, "response_code": code}


def _point(labels: dict[str, str], at: float, value: float) -> dict[str, Any]:
    return {"metric": labels, "value": [at, str(value)]}


def _success(kind: str, result: list[dict[str, Any]]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server of the test's own."""
    http = _Server(("127.0.0.1", 0), _Answers)
    http.loopback = Loopback(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield http.loopback
    http.loopback.ended.set()
    http.shutdown()
    thread.join()
    http.server_close()
