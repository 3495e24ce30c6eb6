"""Google's tokens, made and renewed by google-auth, which is imported only where it is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import requests

from weighbridge.errors import PrometheusError

SCOPE = "https://www.googleapis.com/auth/monitoring.read"
"""What reading from Managed Service for Prometheus needs: its documentation of the API `monitoring.googleapis.com`."""

_METADATA = ("http://metadata.google.internal", "http://169.254.169.254")
"""The server that a machine of Google's gets its tokens from. It is on the machine's own link, never behind a proxy."""

Proxies = Callable[[str], dict[str, str]]
"""The proxies for an address."""


class GoogleTokens:
    """The credentials of one client; a token is used until google-auth says that it has to be renewed.

    Args:
        proxies: for the questions to Google's token server.
    """

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies
        self._made: tuple[str | None, Any] | None = None

    def headers(self, secret: str | None, url: str, key: str) -> dict[str, str]:
        """The headers that say who asks: the token, and the project that pays where the credentials name one.

        Args:
            secret: JSON of a service account's key or of a user's credentials; None for Google's default ones.
            url: that is asked.
            key: of the setting, for the error.

        Raises:
            PrometheusError: google-auth is not installed, or gets no token.
        """
        try:
            import google.auth.exceptions  # noqa: PLC0415  nobody else needs it
            import google.auth.transport.requests  # noqa: PLC0415
        except ImportError:
            raise PrometheusError(f"{key}: needs the package google-auth, which is not installed") from None
        found: dict[str, str] = {}
        try:
            if self._made is None or self._made[0] != secret:
                self._made = (secret, _credentials(secret, key))
            with _Direct(self._proxies) as session:
                transport = google.auth.transport.requests.Request(session)
                self._made[1].before_request(transport, "POST", url, found)
        except google.auth.exceptions.GoogleAuthError as error:
            raise PrometheusError(f"{key}: {_reason(error)}") from None
        return found


class _Direct(requests.Session):
    """A session for Google's token servers: through the same proxy as Prometheus, without what ~/.netrc says."""

    def __init__(self, proxies: Proxies) -> None:
        super().__init__()
        self.trust_env = False
        self._proxies = proxies

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **given: Any) -> requests.Response:
        """Send a request."""
        given["proxies"] = {} if str(url).startswith(_METADATA) else self._proxies(str(url))
        return super().request(method, url, *args, **given)


def _credentials(secret: str | None, key: str) -> Any:
    import google.auth  # noqa: PLC0415
    import google.oauth2.credentials  # noqa: PLC0415
    import google.oauth2.service_account  # noqa: PLC0415

    if secret is None:
        return google.auth.default(scopes=[SCOPE])[0]
    # Not Google's own loader of any kind: its other kinds can name commands to run and addresses to ask.
    try:
        info = json.loads(secret)
        kind = info.get("type")
        if kind == "service_account":
            account: Any = google.oauth2.service_account.Credentials
            return account.from_service_account_info(info, scopes=[SCOPE])
        if kind == "authorized_user":
            user: Any = google.oauth2.credentials.Credentials
            return user.from_authorized_user_info(info, scopes=[SCOPE])
    except (ValueError, AttributeError, TypeError):
        raise PrometheusError(f"{key}.credentials: cannot be used (the JSON is not a whole key)") from None
    raise PrometheusError(f"{key}.credentials: must be of type service_account or authorized_user")


def _reason(error: Exception) -> str:
    """What went wrong, in words of ours: the library's text may hold what Google's server answered."""
    kind = type(error).__name__
    if kind == "DefaultCredentialsError":
        return "there are no Google credentials; `gcloud auth application-default login` makes some"
    code = re.match(r"[a-z_]{1,40}(?=:|$)", str(error.args[0])) if error.args else None
    return f"Google gives no token ({code[0] if code else kind})"
