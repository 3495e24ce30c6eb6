"""The ways in to Prometheus, each on a real server on loopback: what is sent, and what is never shown."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.loopback import Loopback, Request, serving
from weighbridge.access import References, Session, config_keys
from weighbridge.access.references import HIDDEN, Blot
from weighbridge.errors import PrometheusError
from weighbridge.measure import Prometheus

SECRET = "hunter2-öß+/=&<\"x\\y' z"
WORD = "hunter2-token+/=x"
VECTOR = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1, "2"]}]}}
KEPT = {"weighbridge-secrets:word": WORD}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxies and certificates are no part of these facts."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def client(url: str, folder: Path, retries: int = 0, **settings: Any) -> Prometheus:
    """A client with settings as the gate is told them, and secrets in all three places."""
    (folder / "word").write_text(f"{WORD}\n")
    references = References({"WORD": WORD, "SECRET": SECRET}, KEPT.get, folder)
    return Prometheus(url, 5, retries, session=Session({"url": url, **settings}, references))


def refusal(prometheus: Prometheus) -> str:
    """The one line of a question that gets no answer."""
    with pytest.raises(PrometheusError) as raised:
        prometheus.query("up", 5.0)
    line = str(raised.value)
    assert "\n" not in line
    assert WORD not in line
    return line


def basic(name: str, word: str) -> str:
    """What RFC 7617 makes of a name and a password."""
    return "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()


WAYS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "basic",
        {"auth": {"basic": {"username": {"text": "me"}, "password": {"env": "SECRET"}}}},
        {"authorization": basic("me", SECRET)},
    ),
    (
        "basic, the name a reference too",
        {"auth": {"basic": {"username": {"file": "word"}, "password": {"config": "word"}}}},
        {"authorization": basic(WORD, WORD)},
    ),
    ("bearer by environment", {"auth": {"bearer": {"token": {"env": "WORD"}}}}, {"authorization": f"Bearer {WORD}"}),
    ("bearer by file", {"auth": {"bearer": {"token": {"file": "word"}}}}, {"authorization": f"Bearer {WORD}"}),
    ("bearer by config", {"auth": {"bearer": {"token": {"config": "word"}}}}, {"authorization": f"Bearer {WORD}"}),
    (
        "Alibaba V2: the key pair",
        {"auth": {"alibaba": {"access_key_id": {"text": "LTAI5t"}, "access_key_secret": {"env": "WORD"}}}},
        {"authorization": basic("LTAI5t", WORD)},
    ),
    ("Alibaba V1: the token alone", {"auth": {"alibaba": {"token": {"env": "WORD"}}}}, {"authorization": WORD}),
    (
        "headers",
        {"headers": {"X-Team": {"text": "payments"}, "X-Api-Key": {"env": "WORD"}}},
        {"x-team": "payments", "x-api-key": WORD},
    ),
    ("a tenant of Mimir", {"tenant": "blue", "tenant_header": "X-Scope-OrgID"}, {"x-scope-orgid": "blue"}),
    ("a tenant of Thanos", {"tenant": "blue", "tenant_header": "THANOS-TENANT"}, {"thanos-tenant": "blue"}),
    (
        "all at once",
        {
            "auth": {"bearer": {"token": {"env": "WORD"}}},
            "headers": {"X-Team": {"text": "payments"}},
            "tenant": "blue",
            "tenant_header": "X-Scope-OrgID",
        },
        {"authorization": f"Bearer {WORD}", "x-team": "payments", "x-scope-orgid": "blue"},
    ),
]


@pytest.mark.parametrize(("settings", "sent"), [way[1:] for way in WAYS], ids=[way[0] for way in WAYS])
def test_a_way_in_is_what_the_server_is_sent(
    server: Loopback, tmp_path: Path, settings: dict[str, Any], sent: Mapping[str, str]
) -> None:
    """Each question carries the headers of its way in, and no credential beside them."""
    server.give((200, VECTOR))
    prometheus = client(server.url, tmp_path, **settings)
    assert prometheus.query("up", 5.0)
    assert prometheus.query_range("up", 1.0, 2.0, 1) == []
    for request in server.seen:
        assert {name: request.headers[name] for name in sent} == dict(sent)
        assert ("authorization" in request.headers) == ("authorization" in sent)


MISSING = [
    ("no variable", {"env": "NOBODY"}, "the environment variable NOBODY is not set"),
    ("an empty variable", {"env": "EMPTY"}, "the environment variable EMPTY is empty"),
    ("no file", {"file": "nowhere"}, "the file nowhere cannot be read (No such file or directory)"),
    ("a folder", {"file": "."}, "the file . cannot be read (Is a directory)"),
    ("no text", {"file": "binary"}, "the file binary does not hold text"),
    ("too much", {"file": "/dev/zero"}, "the file /dev/zero holds more than 1000000 characters"),
    (
        "no secret of the stack",
        {"config": "nobody"},
        "the stack's secret weighbridge-secrets:nobody is not set; `pulumi config set --secret weighbridge-secrets:nobody` does it",
    ),
]


CLOUDS: list[tuple[str, dict[str, Any], str]] = [
    ("none", {}, "POST"),
    ("bearer", {"auth": {"bearer": {"token": {"env": "WORD"}}}}, "POST"),
    ("Alibaba", {"auth": {"alibaba": {"token": {"env": "WORD"}}}}, "GET"),
]


@pytest.mark.parametrize(("settings", "method"), [row[1:] for row in CLOUDS], ids=[row[0] for row in CLOUDS])
def test_a_question_is_posted_but_where_a_cloud_s_page_says_get(
    server: Loopback, tmp_path: Path, settings: dict[str, Any], method: str
) -> None:
    """Both kinds of question, each with its PromQL and time."""
    server.give((200, VECTOR))
    prometheus = client(server.url, tmp_path, **settings)
    prometheus.query("up", 5.0)
    prometheus.query_range("up", 1.0, 2.0, 1)
    assert [(request.method, request.form["query"]) for request in server.seen] == [(method, "up")] * 2


@pytest.mark.parametrize(("reference", "line"), [row[1:] for row in MISSING], ids=[row[0] for row in MISSING])
def test_a_reference_that_leads_nowhere_is_an_error(
    server: Loopback, tmp_path: Path, reference: dict[str, str], line: str
) -> None:
    """The line names the setting and the place; the server is never asked without what it wants."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    settings = {"auth": {"bearer": {"token": reference}}}
    session = Session({"url": server.url, **settings}, References({"EMPTY": " \n"}, lambda _: None, tmp_path))
    said = refusal(Prometheus(server.url, 5, 0, session=session))
    assert said == f"weighbridge:prometheus.auth.bearer.token: {line}"
    assert server.seen == []


@pytest.mark.parametrize("word", [f"{WORD}\r\nX-Evil: 1", "hunter2-tökén", "hunter2\x00token"])
def test_a_secret_that_no_header_can_carry_is_an_error(server: Loopback, word: str) -> None:
    """A secret cannot end its header and begin another, and is not shown for having tried."""
    settings = {"url": server.url, "headers": {"X-Api-Key": {"env": "WORD"}}}
    prometheus = Prometheus(
        server.url, 5, 0, session=Session(settings, References({"WORD": word}, lambda _: None, Path()))
    )
    line = "weighbridge:prometheus.headers.X-Api-Key: holds what a header cannot carry, such as a line's end"
    assert refusal(prometheus) == line
    assert server.seen == []


def test_a_rotated_file_counts_at_the_next_question(server: Loopback, tmp_path: Path) -> None:
    """One client sends the new token as soon as the file has it, and hides both."""
    server.give((200, VECTOR), (500, b"no: hunter2-token+/=x, no: another-token"))
    prometheus = client(server.url, tmp_path, auth={"bearer": {"token": {"file": "word"}}})
    prometheus.query("up", 5.0)
    (tmp_path / "word").write_text("another-token")
    assert refusal(prometheus).endswith(f" 500: no: {HIDDEN}, no: {HIDDEN}")
    assert [each.headers["authorization"] for each in server.seen] == [f"Bearer {WORD}", "Bearer another-token"]


REFUSED = [(401, "refuses access (HTTP 401)"), (403, "refuses access (HTTP 403)")]


@pytest.mark.parametrize(("status", "line"), REFUSED)
def test_a_refusal_is_told_by_its_number_alone(server: Loopback, tmp_path: Path, status: int, line: str) -> None:
    """What the server says of a credential is not repeated; it is asked once, as nothing passes by itself."""
    server.give((status, {"error": "you are unwelcome"}))
    said = refusal(client(server.url, tmp_path, retries=3, auth={"bearer": {"token": {"env": "WORD"}}}))
    assert said == f"Prometheus at {server.url} {line}: see 'prometheus.auth' and 'tenant'"
    assert len(server.seen) == 1


def echoed(request: Request) -> list[str]:
    """What a talkative server may make of the credentials it was sent."""
    given = [request.headers["authorization"], request.headers["x-api-key"]]
    pair = base64.b64decode(given[0].partition(" ")[2]).decode()
    return [*given, pair, base64.b64encode(given[1].encode()).decode(), repr(pair)]


ECHOES: list[tuple[str, Callable[[Request], tuple[int, object]]]] = [
    ("an error as JSON", lambda request: (400, {"status": "error", "error": echoed(request)})),
    ("an error as text", lambda request: (422, " ".join(echoed(request)).encode())),
    ("a fault that is tried again", lambda request: (503, " ".join(echoed(request)).encode())),
    ("the header alone", lambda request: (500, echoed(request)[0].encode())),
    ("a warning", lambda request: (200, VECTOR | {"warnings": [" ".join(echoed(request))]})),
    ("a refusal", lambda request: (401, " ".join(echoed(request)).encode())),
]


@pytest.mark.parametrize("echo", [row[1] for row in ECHOES], ids=[row[0] for row in ECHOES])
def test_a_server_that_repeats_a_secret_does_not_get_it_shown(
    server: Loopback, tmp_path: Path, echo: Callable[[Request], tuple[int, object]]
) -> None:
    """Neither the password, nor its pair in base64, nor a key in a header comes out again, whole or in half."""
    server.answer = echo
    settings = {
        "auth": {"basic": {"username": {"text": "mine"}, "password": {"env": "SECRET"}}},
        "headers": {"X-Api-Key": {"env": "WORD"}},
    }
    line = refusal(client(server.url, tmp_path, retries=1, **settings))
    said = line.removeprefix(f"Prometheus at {server.url}")
    for secret in echoed(server.seen[0]):
        assert not [word for word in re.findall("[A-Za-z0-9]{6,}", secret) if word in said]


@pytest.mark.parametrize("start", [140, 150, 155, 159])
def test_a_long_text_is_not_cut_in_the_middle_of_a_secret(server: Loopback, tmp_path: Path, start: int) -> None:
    """Half a secret would not be found any more, and is half a secret."""
    server.give((500, f"{'.' * start}{WORD}".encode()))
    said = refusal(client(server.url, tmp_path, auth={"bearer": {"token": {"env": "WORD"}}}))
    assert "h" not in said.rpartition("...")[2]


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_what_was_read_is_blotted_out_of_any_text(secret: str, before: str, after: str) -> None:
    """Plain or in base64, whatever stands around it."""
    blot = Blot()
    blot.add(secret)
    for form in (secret, base64.b64encode(secret.encode()).decode()):
        shown = blot(f"{before}{form}{after}")
        assert form not in shown or form in f"{before}{HIDDEN}{after}"


@given(st.text("abcXYZ019+/=&<>\"'\\ %", min_size=4, max_size=40), st.integers(1, 3))
def test_a_secret_with_a_word_in_it_is_found_in_any_escape(secret: str, depth: int) -> None:
    """JSON in JSON, a repr of a quotation: who nests them often enough still does not get a word of it shown."""
    words = re.findall("[A-Za-z0-9]{4,}", secret)
    for escape in (json.dumps, repr, quote, html.escape):
        blot, text = Blot(), secret
        blot.add(secret)
        for _ in range(depth):
            text = escape(text)
        assert not [word for word in words if word in blot(text)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(server: Loopback, tmp_path: Path, status: int) -> None:
    """No other host learns anything, and the line names where it led, without what stands in its query."""
    with serving() as other:
        server.give((status, {}))
        server.headers["Location"] = f"{other.url}/login?state={WORD}"
        said = refusal(client(server.url, tmp_path, auth={"bearer": {"token": {"env": "WORD"}}}))
        assert other.seen == []
    to = "to http://127.0.0.1 "
    assert said == f"Prometheus at {server.url} answers with a redirect {to}(HTTP {status}), never followed"


@pytest.mark.parametrize("settings", [{}, {"auth": {"bearer": {"token": {"env": "WORD"}}}}], ids=["none", "bearer"])
def test_what_netrc_says_counts_nowhere(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    """Without a rule of ours a machine's ~/.netrc would take the place of the header that was set, or go unasked."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.give((200, VECTOR))
    client(server.url, tmp_path, **settings).query("up", 5.0)
    assert server.seen[0].headers.get("authorization") == (f"Bearer {WORD}" if settings else None)


def test_the_secrets_of_the_stack_are_found_in_the_settings() -> None:
    """The command reads them before a run, wherever they stand."""
    settings = {
        "url": "http://a",
        "auth": {"basic": {"username": {"text": "me"}, "password": {"config": "one"}}},
        "headers": {"X-Api-Key": {"config": "two"}, "X-Other": {"env": "config"}},
    }
    assert config_keys(settings) == ["weighbridge-secrets:one", "weighbridge-secrets:two"]
