"""TLS and proxies on the way to Prometheus: real certificates, a real handshake, a real forward proxy, on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Loopback, serving
from tests.ways_in import LOOPBACK, Authority, Pair, Proxy, proxying, server_context
from weighbridge.access import References, Session
from weighbridge.errors import PrometheusError
from weighbridge.measure import Prometheus

VECTOR = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1, "2"]}]}}
TOKEN = "hunter2-token"
BEARER = {"bearer": {"token": {"env": "TOKEN"}}}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxies and certificates are no part of these facts."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def client(url: str, folder: Path = Path(), **settings: Any) -> Prometheus:
    """A client with settings as the gate is told them."""
    references = References({"TOKEN": TOKEN}, lambda _: None, folder)
    return Prometheus(url, 5, 0, session=Session({"url": url, **settings}, references))


def refusal(prometheus: Prometheus) -> str:
    """The one line of a question that gets no answer."""
    with pytest.raises(PrometheusError) as raised:
        prometheus.query("up", 5.0)
    line = str(raised.value)
    assert "\n" not in line
    assert TOKEN not in line
    return line


@dataclass(frozen=True)
class Site:
    """A Prometheus behind TLS that wants a client's certificate."""

    server: Loopback
    authority: Authority
    client: Pair
    folder: Path

    def tls(self, **more: object) -> dict[str, str]:
        """Settings that lead in, changed; a None takes a key away."""
        own = {"ca": self.authority.path, "client_certificate": self.client.certificate, "client_key": self.client.key}
        return {key: str(value) for key, value in {**own, **more}.items() if value is not None}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server at 127.0.0.1 whose certificate has that address."""
    authority = Authority(tmp_path)
    with serving(server_context(authority.issue(LOOPBACK), clients=authority)) as server:
        server.give((200, VECTOR))
        yield Site(server, authority, authority.issue("gate"), tmp_path)


def test_own_authority_and_client_certificate_lead_in(site: Site) -> None:
    """The server's certificate descends from `ca`, and it takes the client's."""
    assert client(site.server.url, tls=site.tls()).query("up", 5.0)


def test_paths_begin_at_the_project(site: Site) -> None:
    """As the gate's working folder is the project's, the command reads the same files from wherever it is called."""
    tls = {key: Path(value).name for key, value in site.tls().items()}
    assert client(site.server.url, site.folder, tls=tls).query("up", 5.0)


def test_a_machine_s_bundle_does_not_take_the_place_of_the_authority(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQUESTS_CA_BUNDLE counts where `ca` is not set, and nowhere else."""
    other = Authority(site.folder, "other")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.path))
    assert client(site.server.url, tls=site.tls()).query("up", 5.0)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(site.authority.path))
    assert client(site.server.url, tls=site.tls(ca=None)).query("up", 5.0)
    assert "not trusted" in refusal(client(site.server.url, tls=site.tls(ca=other.path)))


def test_a_server_that_no_authority_vouches_for_is_sent_nothing(site: Site) -> None:
    """Without `ca` the handshake fails, before any header."""
    said = refusal(client(site.server.url, tls=site.tls(ca=None), auth=BEARER))
    assert said.startswith(f"Prometheus at {site.server.url} has a certificate that is not trusted (")
    assert site.server.seen == []


def test_another_name_in_the_certificate_is_asked_for(tmp_path: Path) -> None:
    """`server_name` is what the certificate has to say, in place of the host in the address."""
    authority = Authority(tmp_path)
    with serving(server_context(authority.issue("prometheus.example.com"))) as server:
        server.give((200, VECTOR))
        ca = str(authority.path)
        assert client(server.url, tls={"ca": ca, "server_name": "prometheus.example.com"}).query("up", 5.0)
        for tls in ({"ca": ca}, {"ca": ca, "server_name": "other.example.com"}):
            assert "has a certificate that is not trusted (" in refusal(client(server.url, tls=tls))


@pytest.mark.parametrize("other", [False, True], ids=["none", "another authority's"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_s_certificate_that_is_not_taken_is_told_so(
    tmp_path: Path, version: ssl.TLSVersion, other: bool
) -> None:
    """None, and one that the server does not know: with TLS 1.3 the alert may come too late to be read."""
    authority, wrong = Authority(tmp_path), Authority(tmp_path, "other").issue("gate")
    tls = {"ca": str(authority.path)}
    if other:
        tls |= {"client_certificate": str(wrong.certificate), "client_key": str(wrong.key)}
    with serving(server_context(authority.issue(LOOPBACK), authority, version)) as server:
        said = refusal(client(server.url, tls=tls)).removeprefix(f"Prometheus at {server.url} ")
        alert = said.startswith("refuses the client's certificate, or wants one (")
        cut = said == "broke off the connection; it may refuse the client's certificate, or want one"
        assert alert or (cut and version == ssl.TLSVersion.TLSv1_3)
        assert server.seen == []


def test_an_address_without_tls_is_told_so(server: Loopback) -> None:
    """Https to a server that speaks http is no matter of trust."""
    said = refusal(client(server.url.replace("http", "https")))
    assert said.endswith(("does not speak TLS as expected (WRONG_VERSION_NUMBER)", "(RECORD_LAYER_FAILURE)"))


BROKEN = [
    ("ca", "nowhere.pem", "ca", "nowhere.pem", "No such file or directory"),
    ("ca", "garbage.pem", "ca", "garbage.pem", "it does not hold certificates in PEM"),
    ("ca", ".", "ca", ".", "Is a directory"),
    ("client_certificate", "nowhere.pem", "client_certificate", "nowhere.pem", "No such file or directory"),
    ("client_certificate", "garbage.pem", "client_key", "authority-gate.key", "with the certificate; they are not PEM"),
    ("client_key", "nowhere.key", "client_key", "nowhere.key", "No such file or directory"),
    (
        "client_key",
        "authority-127.0.0.1.key",
        "client_key",
        "authority-127.0.0.1.key",
        "with the certificate; they do not belong together",
    ),
    ("client_key", "authority-locked.key", "client_key", "authority-locked.key", "it has a passphrase"),
]


@pytest.mark.parametrize(("key", "file", "named", "shown", "why"), BROKEN, ids=[f"{r[0]} {r[4]}" for r in BROKEN])
def test_a_file_that_cannot_be_used_is_named(site: Site, key: str, file: str, named: str, shown: str, why: str) -> None:
    """The line has the setting, the path and the reason; nobody is asked for a passphrase."""
    (site.folder / "garbage.pem").write_text("-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n")
    site.authority.issue("locked", passphrase=b"hunter2")
    tls = {**{name: Path(path).name for name, path in site.tls().items()}, key: file}
    said = refusal(client(site.server.url, site.folder, tls=tls))
    assert said == f"weighbridge:prometheus.tls.{named}: the file {shown} cannot be used ({why})"
    assert site.server.seen == []


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A forward proxy."""
    with proxying() as found:
        yield found


def test_plain_questions_go_through_the_proxy(server: Loopback, proxy: Proxy) -> None:
    """With the headers of the way in, which the server gets as they are."""
    server.give((200, VECTOR))
    assert client(server.url, proxy=proxy.url, auth=BEARER).query("up", 5.0)
    assert [method for method, _ in proxy.seen] == ["POST"]
    assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_proxy_sees_nothing_of_a_question_over_tls(tmp_path: Path, proxy: Proxy) -> None:
    """It is asked for a tunnel; the token goes through it, to a server that is asked for by its own name."""
    authority = Authority(tmp_path)
    with serving(server_context(authority.issue("prometheus.example.com"))) as server:
        server.give((200, VECTOR))
        tls = {"ca": str(authority.path), "server_name": "prometheus.example.com"}
        assert client(server.url, proxy=proxy.url, auth=BEARER, tls=tls).query("up", 5.0)
        assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert proxy.seen == [("CONNECT", server.url.removeprefix("https://"))]
    assert TOKEN not in str(proxy.headers)


@pytest.mark.parametrize("secure", [False, True])
def test_a_proxy_that_refuses_is_told_from_the_server(tmp_path: Path, proxy: Proxy, secure: bool) -> None:
    """By a plain answer as by a refused tunnel."""
    proxy.status = 407
    with serving(server_context(Authority(tmp_path).issue(LOOPBACK)) if secure else None) as server:
        said = refusal(client(server.url, proxy=proxy.url, auth=BEARER))
        assert said == f"Prometheus at {server.url} is behind a proxy that refuses access (HTTP 407)"
        assert server.seen == []


def test_a_proxy_that_is_gone_is_told_from_the_server(server: Loopback) -> None:
    """The server is there, and is not asked past the proxy."""
    said = refusal(client(server.url, proxy="http://127.0.0.1:9", auth=BEARER))
    assert said == f"Prometheus at {server.url} is behind a proxy that cannot be reached"
    assert server.seen == []


def test_the_machine_s_proxy_counts_where_none_is_set(
    server: Loopback, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY with its password, which is neither Prometheus' nor shown; NO_PROXY takes it back."""
    server.give((200, VECTOR))
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:hunter2@"))
    assert client(server.url).query("up", 5.0)
    assert len(proxy.seen) == 1
    assert "proxy-authorization" in {name.lower() for name in proxy.headers[0]}
    monkeypatch.setenv("NO_PROXY", LOOPBACK)
    assert client(server.url).query("up", 5.0)
    assert len(proxy.seen) == 1
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", "http://me:hunter2@127.0.0.1:9")
    assert "hunter2" not in refusal(client(server.url))


def test_the_proxy_of_the_settings_wins_over_the_machine_s(
    server: Loopback, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither HTTP_PROXY nor NO_PROXY leads around it."""
    server.give((200, VECTOR))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert client(server.url, proxy=proxy.url).query("up", 5.0)
    monkeypatch.setenv("NO_PROXY", "*")
    assert client(server.url, proxy=proxy.url).query("up", 5.0)
    assert len(proxy.seen) == 2
