"""What says who asks: the headers of each request, made anew for it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.auth import AuthBase

from weighbridge.access.google import GoogleTokens, Proxies
from weighbridge.access.references import Blot, References
from weighbridge.errors import PrometheusError

SECTION = "weighbridge:prometheus"

AUTHORIZATION = "Authorization"


class Signer(AuthBase):
    """Puts the headers on a request, after everything else that a session would put there.

    Args:
        settings: the section `prometheus`, as its `inputs` gives it.
        references: where secrets are looked up.
        blot: learns what must never be shown.
        proxies: for the questions that Google's tokens need.
    """

    def __init__(self, settings: Mapping[str, Any], references: References, blot: Blot, proxies: Proxies) -> None:
        self._settings = settings
        self._references = references
        self._blot = blot
        self._google_tokens = GoogleTokens(proxies)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request.

        Raises:
            PrometheusError: what should sign it is not there.
        """
        for key, name, value in self._headers(str(request.url)):
            if not re.fullmatch(r"[\t -~]+", value):
                raise PrometheusError(f"{SECTION}.{key}: holds what a header cannot carry, such as a line's end")
            request.headers[name] = value
        return request

    def _headers(self, url: str) -> Iterator[tuple[str, str, str]]:
        """Setting, name and value of each header."""
        for name, reference in self._settings.get("headers", {}).items():
            yield f"headers.{name}", name, self._read(reference, f"headers.{name}")
        if "tenant" in self._settings:
            yield "tenant", self._settings["tenant_header"], self._settings["tenant"]
        for kind, given in self._settings.get("auth", {}).items():
            key = f"auth.{kind}"
            found = self._google(given, key, url) if kind == "google" else {AUTHORIZATION: self._word(kind, given, key)}
            for name, value in found.items():
                yield key, name, value

    def _word(self, kind: str, given: Mapping[str, Any], key: str) -> str:
        """What stands in `Authorization`."""
        if kind == "basic":
            return self._pair(given, key, "username", "password")
        if kind == "bearer":
            return f"Bearer {self._read(given['token'], f'{key}.token')}"
        # Alibaba's page "Access Prometheus monitoring data through HTTP API URLs": an instance of V2 takes a RAM user's
        # key pair by basic authentication, one of V1 the token of its console, without a scheme before it.
        if "token" in given:
            return self._read(given["token"], f"{key}.token")
        return self._pair(given, key, "access_key_id", "access_key_secret")

    def _google(self, given: Mapping[str, Any], key: str, url: str) -> dict[str, str]:
        secret = self._read(given["credentials"], f"{key}.credentials") if "credentials" in given else None
        found = self._google_tokens.headers(secret, url, f"{SECTION}.{key}")
        for name, value in found.items():
            if name.lower() == AUTHORIZATION.lower():
                self._blot.add(value.partition(" ")[2])
        return found

    def _pair(self, given: Mapping[str, Any], key: str, who: str, secret: str) -> str:
        name, word = (self._read(given[part], f"{key}.{part}") for part in (who, secret))
        if ":" in name:
            raise PrometheusError(f"{SECTION}.{key}.{who}: must not hold ':', which ends the name in a header")
        pair = base64.b64encode(f"{name}:{word}".encode()).decode()
        self._blot.add(pair)
        return f"Basic {pair}"

    def _read(self, reference: Mapping[str, str], key: str) -> str:
        value = self._references.read(reference, f"{SECTION}.{key}")
        if "text" not in reference:
            self._blot.add(value)
        return value
