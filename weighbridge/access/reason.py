"""Why a question got no answer, in words of ours: the libraries' texts would show addresses and headers."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

import requests

_DEEPEST = 12
_BROKEN_OFF = (ssl.SSLError, ConnectionResetError, BrokenPipeError, ConnectionAbortedError)


def reason(error: requests.RequestException) -> str:
    """Say what went wrong, to go behind "Prometheus at ...".

    Args:
        error: what requests raised. A plain RequestException was raised by ourselves, and its text is shown.
    """
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return "gave no answer in time"
    if isinstance(error, requests.exceptions.ProxyError):
        status = re.search(r"Tunnel connection failed: (\d{3})", str(error))
        return f"is behind a proxy that {f'refuses access (HTTP {status[1]})' if status else 'cannot be reached'}"
    if isinstance(error, requests.ConnectionError):
        return _connection(error)
    if type(error) is requests.RequestException:
        return str(error)
    return f"cannot be asked ({type(error).__name__})"


def _connection(error: requests.ConnectionError) -> str:
    causes = list(_causes(error))
    tls = next((each for each in causes if isinstance(each, ssl.SSLError) and each.reason), None)
    if isinstance(tls, ssl.SSLError):
        return _tls(tls)
    if any(isinstance(each, _BROKEN_OFF) for each in causes):
        # With TLS 1.3 the client has sent its question before the server looks at the certificate, and whether the
        # alert or the end of the connection is seen first is a matter of luck.
        secure = str(getattr(error.request, "url", "")).startswith("https:")
        return "broke off the connection" + secure * "; it may refuse the client's certificate, or want one"
    return "cannot be reached"


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted ({error.verify_message})"
    if "ALERT" in error.reason:
        # The server says it, and what it mostly does not like is the client's certificate, or that there is none.
        return f"refuses the client's certificate, or wants one ({error.reason})"
    return f"does not speak TLS as expected ({error.reason})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what lies below it, as urllib3 nests them: in `args`, in `reason`, as cause or context."""
    level: list[BaseException] = [error]
    for _ in range(_DEEPEST):
        yield from level
        below = [
            each
            for one in level
            for each in (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
            if isinstance(each, BaseException)
        ]
        level = list({id(each): each for each in below}.values())
        if not level:
            return
