"""A gate with credentials: they reach Prometheus, and nothing else: no output, no saved property, no evidence."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.components.wire import Delivery
from tests.loopback import Answer, Figures, Loopback, Request, serving
from weighbridge.settings import load

WORDS = {"environment": "hunter2environment", "file": "hunter2file", "config": "hunter2config"}
NAMES = [*WORDS.values(), *(base64.b64encode(word.encode()).decode() for word in WORDS.values())]


def inputs(url: str, folder: Path) -> dict[str, Any]:
    """A section `prometheus` with a secret of each place, as the gate is told it."""
    (folder / "key").write_text(f"{WORDS['file']}\n")
    section = {
        "url": url,
        "retries": 0,
        "timeout": "2s",
        "auth": {"basic": {"username": {"env": "WB_WHO"}, "password": {"config": "password"}}},
        "headers": {"X-Api-Key": {"file": str(folder / "key")}},
        "tenant": "blue",
    }
    prometheus = load({"cluster": {"kind": "existing"}, "prometheus": section}).prometheus
    assert prometheus is not None
    return prometheus.inputs()


def pair() -> str:
    """What the server is to be sent as its `Authorization`."""
    return "Basic " + base64.b64encode(f"{WORDS['environment']}:{WORDS['config']}".encode()).decode()


def guarded(request: Request) -> Answer:
    """Healthy figures, for those who bring the right credentials."""
    own = (request.headers.get("authorization"), request.headers.get("x-api-key"), request.headers.get("x-scope-orgid"))
    return Figures()(request) if own == (pair(), WORDS["file"], "blue") else (401, {})


def told(request: Request) -> str:
    """All that a client has sent of itself, plain and decoded."""
    sent = request.headers["authorization"]
    return f"{sent} {base64.b64decode(sent.partition(' ')[2]).decode()} {request.headers['x-api-key']}"


ANSWERS: list[tuple[str, Callable[[Request], Answer]]] = [
    ("healthy", guarded),
    ("a bad canary", Figures({"200": 10.0, "500": 490.0})),
    ("a refusal", lambda request: (401, told(request).encode())),
    ("a fault", lambda request: (500, told(request).encode())),
    ("a wrong query", lambda request: (400, {"status": "error", "error": told(request)})),
    ("a partial answer", lambda request: (200, {"status": "success", "data": {}, "warnings": [told(request)]})),
    ("no JSON", lambda request: (200, told(request).encode())),
]


@pytest.mark.parametrize("answer", [row[1] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_no_secret_leaves_a_gate_but_to_prometheus(
    server: Loopback,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    answer: Callable[[Request], Answer],
) -> None:
    """Through create, preview, update and refresh: what is saved and what is printed is searched for each of them."""
    monkeypatch.setenv("WB_WHO", WORDS["environment"])
    delivery = Delivery(None, {"weighbridge-secrets:password": WORDS["config"]})
    delivery.wish["prometheus"] = inputs(server.url, tmp_path)
    server.answer = answer
    delivery.at(10).aged()
    delivery.preview(weight=30)
    after = delivery.up(weight=30)
    delivery.aged().gate.refresh()
    saved = json.dumps([delivery.gate.inputs, delivery.gate.outputs, delivery.record.outputs])
    printed = "".join(capfd.readouterr())
    assert after["reason"] in printed
    assert not [word for word in [*NAMES, pair()] if word in saved + printed]
    assert server.seen
    for request in server.seen:
        assert (request.headers["authorization"], request.headers["x-api-key"]) == (pair(), WORDS["file"])


def test_credentials_open_the_gate(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With them the canary is judged, and without one of them the weight holds: an error is no verdict on a canary."""
    monkeypatch.setenv("WB_WHO", WORDS["environment"])
    server.answer = guarded
    delivery = Delivery(None, {"weighbridge-secrets:password": WORDS["config"]})
    delivery.wish["prometheus"] = inputs(server.url, tmp_path)
    assert delivery.at(10).aged().up(weight=30)["approved_weight"] == 30
    (tmp_path / "key").write_text("the wrong one")
    held = delivery.aged().up(weight=50)
    assert (held["approved_weight"], held["phase"]) == (30, "waiting")
    assert "refuses access (HTTP 401)" in held["reason"]


NOWHERE = [
    ("no variable", "weighbridge:prometheus.auth.basic.username: the environment variable WB_WHO is not set"),
    (
        "no secret",
        "weighbridge:prometheus.auth.basic.password: the stack's secret weighbridge-secrets:password is not set",
    ),
    ("no file", "weighbridge:prometheus.headers.X-Api-Key: the file "),
]


@pytest.mark.parametrize(("what", "line"), NOWHERE)
def test_a_missing_secret_holds_the_weight(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, line: str
) -> None:
    """Neither a failed canary nor a traceback: the run is red, the live weight stays, the line says what is missing."""
    monkeypatch.setenv("WB_WHO", WORDS["environment"])
    server.answer = guarded
    delivery = Delivery(None, {} if what == "no secret" else {"weighbridge-secrets:password": WORDS["config"]})
    delivery.wish["prometheus"] = inputs(server.url, tmp_path)
    if what == "no variable":
        monkeypatch.delenv("WB_WHO")
    if what == "no file":
        (tmp_path / "key").unlink()
    delivery.at(10).aged().preview(weight=30)
    held = delivery.up(weight=30)
    assert (held["approved_weight"], held["phase"]) == (10, "waiting")
    assert line in held["reason"]
    assert delivery.aged().gate.refresh()["approved_weight"] == 10
    assert server.seen == []


def test_a_redirect_gives_nothing_away(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate holds, and the other host is never asked."""
    monkeypatch.setenv("WB_WHO", WORDS["environment"])
    delivery = Delivery(None, {"weighbridge-secrets:password": WORDS["config"]})
    delivery.wish["prometheus"] = inputs(server.url, tmp_path)
    with serving() as other:
        server.give((307, {}))
        server.headers["Location"] = other.url
        held = delivery.at(10).aged().up(weight=30)
        assert other.seen == []
    assert (held["approved_weight"], "never followed" in held["reason"]) == (10, True)
