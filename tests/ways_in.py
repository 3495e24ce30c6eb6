"""What stands between a client and a server: certificates of a test's own, and a forward proxy on loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as paths of PEM files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority, with a folder for what it issues."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = self._certificate(self._name, self._key.public_key(), [], authority=True)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, passphrase: bytes | None = None) -> Pair:
        """Issue a certificate for a host's name or IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            host: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            host = x509.DNSName(name)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._certificate(subject, key.public_key(), [host], authority=False)
        found = Pair(*(self._folder / f"{self.path.stem}-{name}.{kind}" for kind in ("crt", "key")))
        found.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            lock = serialization.BestAvailableEncryption(passphrase)
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        found.key.write_bytes(key.private_bytes(pem, pkcs8, lock))
        return found

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, hosts: list[x509.GeneralName], *, authority: bool
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            # Python 3.13 and later insist on both identifiers.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def server_context(
    pair: Pair, clients: Authority | None = None, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """TLS for a server, which insists on a client's certificate where an authority for them is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.load_cert_chain(pair.certificate, pair.key)
    if clients:
        context.load_verify_locations(clients.path)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@dataclass
class Proxy:
    """A running forward proxy.

    Attributes:
        url: of it.
        seen: the method and the address of each request, in order.
        headers: those that the proxy itself was sent.
        status: with which it refuses; None where it forwards.
    """

    url: str
    seen: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int | None = None


class _Forwards(BaseHTTPRequestHandler):
    server: _ProxyServer

    def do_POST(self) -> None:
        """Forward a plain request."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self._refused():
            return
        address = urlsplit(self.path)
        connection = HTTPConnection(address.netloc)
        connection.request(self.command, address._replace(scheme="", netloc="").geturl(), body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    def do_CONNECT(self) -> None:
        """Pass bytes on in both directions until one side has no more."""
        if self._refused():
            return
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as there:
            self.send_response(200)
            self.end_headers()
            sides = {self.connection: there, there: self.connection}
            while True:
                for side in select.select(list(sides), [], [])[0]:
                    piece = side.recv(65536)
                    if not piece:
                        return
                    sides[side].sendall(piece)

    def _refused(self) -> bool:
        self.close_connection = True
        proxy = self.server.proxy
        proxy.seen.append((self.command, self.path))
        proxy.headers.append(dict(self.headers))
        if proxy.status:
            self.send_response(proxy.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return proxy.status is not None

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class _ProxyServer(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, *_args: object) -> None:
        """Say nothing of a side that broke off."""


@contextmanager
def proxying() -> Iterator[Proxy]:
    """A forward proxy that runs meanwhile."""
    http = _ProxyServer((LOOPBACK, 0), _Forwards)
    http.proxy = Proxy(f"http://{LOOPBACK}:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield http.proxy
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
