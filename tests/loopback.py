"""A real HTTP server on loopback that answers as Prometheus would, or as nobody should; the tests say which."""

from __future__ import annotations

import json
import math
import re
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest


class Request(NamedTuple):
    """What a client asked: the path, the form that it gave in the address, in the body, or in both, headers, method."""

    path: str
    form: Mapping[str, str]
    headers: Mapping[str, str] = {}
    method: str = "POST"


Body = object
"""Bytes as they are, an iterator of them for a slow answer, else what JSON can say."""

Answer = tuple[int, Body]


class Loopback:
    """A running server: `answer` says what it answers, `seen` what it was asked.

    Attributes:
        url: of the server.
        answer: gives status and body for a request; may be changed at any time.
        seen: every request, in order.
        headers: sent with each answer.
        ended: set when the server stops; whoever holds an answer back waits for it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: Callable[[Request], Answer] = lambda _: (404, {})
        self.seen: list[Request] = []
        self.headers: dict[str, str] = {}
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
        form = dict(parse_qsl(address.query) + parse_qsl(posted))
        request = Request(
            address.path, form, {name.lower(): value for name, value in self.headers.items()}, self.command
        )
        self.server.loopback.seen.append(request)
        status, body = self.server.loopback.answer(request)
        content = body if isinstance(body, bytes | Iterator) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)) if isinstance(content, bytes) else "1000")
        for name, value in self.server.loopback.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for piece in [content] if isinstance(content, bytes) else content:
                self.wfile.write(piece)
                self.wfile.flush()
        except OSError:
            return  # the client did not wait for the rest, as it should

    do_GET = do_POST  # noqa: N815  http.server's own name

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    loopback: Loopback

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that broke off, in the middle of a TLS handshake for one."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@dataclass
class Figures:
    """What a healthy Prometheus has counted for one release's canary; give it to a server as its `answer`.

    Of stable it knows nothing: who asks for the share of traffic is told that the canary has all of it.

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
            return 200, _success("matrix", self._matrix(query) if query.startswith("sum by") else [])
        at = float(request.form["time"])
        if query.startswith("sum by (destination_workload, le)"):
            return 200, _success("vector", self._histogram(query, at))
        if latency:
            return 200, _success("vector", [] if self.p99 is None else [_point({}, at, self.p99)])
        return 200, _success("vector", [_point(self._labels(query, code), at, n) for code, n in self.codes.items()])

    def _histogram(self, query: str, at: float) -> list[dict[str, Any]]:
        """All requests took as long as the quantile says."""
        total = sum(self.codes.values())
        labels = {"destination_workload": self._labels(query, "")["destination_workload"]}
        took = math.inf if self.p99 is None else self.p99
        bounds = {"100": 100.0, "500": 500.0, "1000": 1000.0, "+Inf": math.inf}
        return [_point(labels | {"le": le}, at, total if took <= bound else 0.0) for le, bound in bounds.items()]

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
        # The canary is the first of several workloads.
        asked = re.search('destination_workload=~?"([^"|]+)', query)
        return {"destination_workload": self.workload or (asked[1] if asked else ""), "response_code": code}


def _point(labels: dict[str, str], at: float, value: float) -> dict[str, Any]:
    return {"metric": labels, "value": [at, str(value)]}


def _success(kind: str, result: list[dict[str, Any]]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """A server that runs meanwhile, over TLS where a context is given."""
    http = _Server(("127.0.0.1", 0), _Answers)
    if tls:
        # The handshake is the connection's own thread's: a client that fails in it must not stop the server.
        http.socket = tls.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    http.loopback = Loopback(f"{'https' if tls else 'http'}://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield http.loopback
    finally:
        http.loopback.ended.set()
        http.shutdown()
        thread.join()
        http.server_close()


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server of the test's own."""
    with serving() as loopback:
        yield loopback
