"""The HTTP session of a Prometheus client: signed, over the TLS and the proxy that the settings say, and nothing else.

What the machine says beside the settings: its proxies (HTTPS_PROXY, HTTP_PROXY, NO_PROXY) and its certificates
(REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE) count where the settings have none. ~/.netrc never does: requests would put what it
finds there in the place of the headers that were set.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.util.retry import Retry

from weighbridge.access.references import Blot, References
from weighbridge.access.signing import SECTION, Signer
from weighbridge.errors import PrometheusError

_REFUSED: Final = (401, 403)
_PROXY_REFUSED: Final = 407


class Session(requests.Session):
    """A session that knows its way in. Whatever is wrong with it is told by the first question, not before.

    Args:
        settings: the section `prometheus`, as its `inputs` gives it.
        references: where secrets are looked up.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None, references: References | None = None) -> None:
        super().__init__()
        self._settings = settings or {}
        self._tls: Mapping[str, str] = self._settings.get("tls", {})
        self._references = references or References(os.environ, lambda _: None)
        self.trust_env = False
        self.hide = Blot()
        self.auth = Signer(self._settings, self._references, self.hide, self._proxies)
        self.hooks["response"].append(self._insist_on_access)

    @property
    def asks_by(self) -> str:
        """The HTTP method of a question. POST is answered from no cache; the clouds' pages know GET alone."""
        return "GET" if {"google", "alibaba"} & set(self._settings.get("auth", {})) else "POST"

    def adapter(self, retry: Retry) -> HTTPAdapter:
        """The connections, which ask for the server's other name where it has one."""
        return _Named(self._tls.get("server_name"), retry)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **given: Any) -> requests.Response:
        """Send a request over the TLS and the proxy of the settings.

        Raises:
            PrometheusError: a file of certificates cannot be used, or a reference leads nowhere.
            requests.RequestException: no answer, or one that is a redirect or a refusal of access.
        """
        own = {"verify": self._trusted(), "cert": self._shown(), "proxies": self._proxies(str(url))}
        return super().request(method, url, *args, **{**given, **own})

    def _proxies(self, url: str) -> dict[str, str]:
        given = self._settings.get("proxy")
        return {"http": given, "https": given} if given else dict(get_environ_proxies(url))

    def _trusted(self) -> str | bool:
        """Whose certificates are trusted. The file is tried here, where its name can still be told."""
        if "ca" not in self._tls:
            return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        path = self._path("ca")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
        except ssl.SSLError:
            raise _unusable("ca", self._tls["ca"], "it does not hold certificates in PEM") from None
        except OSError as error:
            raise _unusable("ca", self._tls["ca"], str(error.strerror)) from None
        return path

    def _shown(self) -> tuple[str, str] | None:
        """The client's certificate and key."""
        if "client_certificate" not in self._tls:
            return None
        certificate, key = (self._path(name) for name in ("client_certificate", "client_key"))
        for name, path in (("client_certificate", certificate), ("client_key", key)):
            try:
                Path(path).read_bytes()
            except OSError as error:
                raise _unusable(name, self._tls[name], str(error.strerror)) from None
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=_no_passphrase)
        except ssl.SSLError as error:
            why = "they do not belong together" if error.reason == "KEY_VALUES_MISMATCH" else "they are not PEM"
            raise _unusable("client_key", self._tls["client_key"], f"with the certificate; {why}") from None
        except ValueError:
            raise _unusable("client_key", self._tls["client_key"], "it has a passphrase") from None
        return certificate, key

    def _path(self, name: str) -> str:
        return str(self._references.folder / Path(self._tls[name]).expanduser())

    def _insist_on_access(self, response: requests.Response, *_args: object, **_kwargs: object) -> None:
        status = response.status_code
        if response.is_redirect or response.is_permanent_redirect:
            # To follow it would hand the credentials to whoever is named, and lose the question, which is posted.
            where = urlsplit(response.headers.get("location", ""))
            to = f" to {where.scheme}://{where.hostname}" if where.scheme and where.hostname else ""
            raise requests.RequestException(self.hide(f"answers with a redirect{to} (HTTP {status}), never followed"))
        if status in _REFUSED:
            raise requests.RequestException(f"refuses access (HTTP {status}): see 'prometheus.auth' and 'tenant'")
        if status == _PROXY_REFUSED:
            raise requests.RequestException(f"is behind a proxy that refuses access (HTTP {status})")


class _Named(HTTPAdapter):
    """Connections to a server whose certificate has another name than its address."""

    def __init__(self, server_name: str | None, retry: Retry) -> None:
        self._name: dict[str, Any] = {"server_hostname": server_name} if server_name else {}
        super().__init__(max_retries=retry)

    def init_poolmanager(self, *args: Any, **given: Any) -> None:
        """Ask for the name on direct connections."""
        super().init_poolmanager(*args, **{**given, **self._name})

    def proxy_manager_for(self, proxy: Any, **given: Any) -> Any:
        """Ask for the name on those through a proxy as well."""
        return super().proxy_manager_for(proxy, **{**given, **self._name})


def _unusable(name: str, path: str, why: str) -> PrometheusError:
    return PrometheusError(f"{SECTION}.tls.{name}: the file {path} cannot be used ({why})")


def _no_passphrase() -> str:
    """Stand in for OpenSSL's own prompt, which would wait for a person at the terminal."""
    raise ValueError("no passphrase")
