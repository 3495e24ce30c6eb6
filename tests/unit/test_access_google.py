"""Google's tokens, by google-auth itself, against a token server and a Prometheus on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.loopback import Answer, Loopback, Request, serving
from tests.ways_in import LOOPBACK, Authority, server_context
from weighbridge.access import References, Session
from weighbridge.errors import PrometheusError
from weighbridge.measure import Prometheus

VECTOR = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1, "2"]}]}}
KEY = "weighbridge:prometheus.auth.google"


@dataclass
class Google:
    """A token server, a Prometheus that takes its tokens, and credentials for both in a file.

    Attributes:
        tokens: the token server.
        prometheus: over TLS, as the settings insist on it.
        folder: with the file `credentials`.
        seconds: for which a token is good.
    """

    tokens: Loopback
    prometheus: Loopback
    authority: Authority
    folder: Path
    seconds: int = 3600

    def token(self, _request: Request) -> Answer:
        """Each token has another number."""
        number = len(self.tokens.seen)
        return 200, {"access_token": f"hunter2.token{number}", "expires_in": self.seconds, "token_type": "Bearer"}

    def keep(self, **info: object) -> None:
        """Write credentials."""
        (self.folder / "credentials").write_text(json.dumps(info))

    def service_account(self, who: str = "gate@project.iam.gserviceaccount.com") -> None:
        """Write those of a service account, with a new key."""
        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self.keep(type="service_account", client_email=who, private_key=pem, token_uri=f"{self.tokens.url}/token")

    def client(self, **google: Any) -> Prometheus:
        """A client with `auth: {google: ...}`."""
        settings = {
            "url": self.prometheus.url,
            "auth": {"google": google},
            "tls": {"ca": str(self.authority.path)},
        }
        session = Session(settings, References({}, lambda _: None, self.folder))
        return Prometheus(self.prometheus.url, 5, 0, session=session)

    @property
    def sent(self) -> list[str]:
        """What the Prometheus was sent as `Authorization`."""
        return [request.headers["authorization"] for request in self.prometheus.seen]


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Both servers, and nothing of the machine's own."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    authority = Authority(tmp_path)
    with serving() as tokens, serving(server_context(authority.issue(LOOPBACK))) as prometheus:
        made = Google(tokens, prometheus, authority, tmp_path)
        tokens.answer = made.token
        prometheus.give((200, VECTOR))
        yield made


FILE = {"credentials": {"file": "credentials"}}


def refusal(prometheus: Prometheus) -> str:
    """The one line of a question that gets no answer."""
    with pytest.raises(PrometheusError) as raised:
        prometheus.query("up", 5.0)
    line = str(raised.value)
    assert "\n" not in line
    assert "hunter2" not in line
    return line


def test_a_service_account_s_token_is_sent_and_used_again(google: Google) -> None:
    """It is asked for once, for reading alone, with a signature by the key and not the key."""
    google.service_account()
    client = google.client(**FILE)
    client.query("up", 5.0)
    client.query("up", 5.0)
    assert google.sent == ["Bearer hunter2.token1"] * 2
    assert [request.method for request in google.prometheus.seen] == ["GET", "GET"]
    assert len(google.tokens.seen) == 1
    assert google.tokens.seen[0].form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"


def test_a_token_that_runs_out_is_renewed(google: Google) -> None:
    """By google-auth, before the question that would meet the end of it."""
    google.service_account()
    google.seconds = 1
    client = google.client(**FILE)
    client.query("up", 5.0)
    client.query("up", 5.0)
    assert google.sent == ["Bearer hunter2.token1", "Bearer hunter2.token2"]


def test_a_rotated_key_counts_at_the_next_question(google: Google) -> None:
    """Although the token of the old one would be good for longer."""
    google.service_account()
    client = google.client(**FILE)
    client.query("up", 5.0)
    google.service_account("other@project.iam.gserviceaccount.com")
    client.query("up", 5.0)
    assert google.sent == ["Bearer hunter2.token1", "Bearer hunter2.token2"]


def test_default_credentials_are_google_s_own(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `credentials` $GOOGLE_APPLICATION_CREDENTIALS counts, and whatever else google-auth finds."""
    google.service_account()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google.folder / "credentials"))
    google.client().query("up", 5.0)
    assert google.sent == ["Bearer hunter2.token1"]


REFUSALS = [
    (
        (400, {"error": "invalid_grant", "error_description": "hunter2 is no key"}),
        "Google gives no token (invalid_grant)",
    ),
    ((400, b"hunter2"), "Google gives no token (RefreshError)"),
    ((200, {"nothing": "hunter2"}), "Google gives no token (RefreshError)"),
]


@pytest.mark.parametrize(("answer", "line"), REFUSALS)
def test_a_token_server_that_refuses_is_told_in_one_line(google: Google, answer: Answer, line: str) -> None:
    """By its code alone; Prometheus is not asked."""
    google.service_account()
    google.tokens.give(answer)
    assert refusal(google.client(**FILE)) == f"{KEY}: {line}"
    assert google.prometheus.seen == []


USELESS = [
    ("{", "cannot be used (the JSON is not a whole key)"),
    ("[]", "cannot be used (the JSON is not a whole key)"),
    ('{"type": "service_account", "private_key": "hunter2"}', "cannot be used (the JSON is not a whole key)"),
    ('{"type": "external_account", "x": "hunter2"}', "must be of type service_account or authorized_user"),
]


@pytest.mark.parametrize(("text", "line"), USELESS)
def test_credentials_that_are_none_are_told_in_one_line(google: Google, text: str, line: str) -> None:
    """Nor are those taken that could name commands to run, such as external ones."""
    (google.folder / "credentials").write_text(text)
    assert refusal(google.client(**FILE)) == f"{KEY}.credentials: {line}"


WITHOUT = """
import sys
sys.modules["google.auth"] = None  # as where it is not installed
from pathlib import Path
from weighbridge.access import References, Session
from weighbridge.errors import PrometheusError
from weighbridge.measure import Prometheus
url = "https://127.0.0.1:9"
session = Session({"url": url, "auth": {"google": {}}}, References({}, lambda _: None, Path()))
try:
    Prometheus(url, 5, 0, session=session).query("up", 5.0)
except PrometheusError as error:
    print(error)
"""


def test_the_package_is_missed_only_where_it_is_asked_for() -> None:
    """Everything else works without google-auth; the line names it."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout == f"{KEY}: needs the package google-auth, which is not installed\n"
