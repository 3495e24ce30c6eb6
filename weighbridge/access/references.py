"""References -> what they lead to, read anew each time, and kept out of every text that is shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weighbridge.errors import PrometheusError
from weighbridge.settings.references import SECRETS

_LARGEST = 1_000_000
_SHORTEST = 4
"""Characters that a value must have to be hidden: to blot out each `a` spoils a text, and hides nothing."""

HIDDEN = "***"
_REPEATED = "what it says is not shown, as it seems to repeat a credential"


@dataclass(frozen=True)
class References:
    """Where references are looked up.

    Attributes:
        environment: variables by name.
        config: gives a secret of the stack by its full key, `weighbridge-secrets:NAME`; None where there is none.
        folder: at which a relative path begins.
    """

    environment: Mapping[str, str]
    config: Callable[[str], Any]
    folder: Path = field(default_factory=Path)

    def read(self, reference: Mapping[str, str], key: str) -> str:
        """Look one up.

        Args:
            reference: as the settings dump it: one of text, env, file, config, and its value.
            key: of the setting, for the error.

        Raises:
            PrometheusError: there is nothing, or nothing that a header could carry. The value is not in the text.
        """
        ((place, name),) = reference.items()
        if place == "text":
            return name
        value, where = getattr(self, f"_{place}")(name, key)
        if not value:
            raise PrometheusError(f"{key}: {where} is empty")
        return str(value)

    def _env(self, name: str, key: str) -> tuple[str, str]:
        where = f"the environment variable {name}"
        if name not in self.environment:
            raise PrometheusError(f"{key}: {where} is not set")
        return self.environment[name].strip(), where

    def _file(self, name: str, key: str) -> tuple[str, str]:
        where = f"the file {name}"
        try:
            with (self.folder / Path(name).expanduser()).open(encoding="utf-8") as file:
                text = file.read(_LARGEST + 1)
        except (OSError, RuntimeError) as error:  # RuntimeError: a home that cannot be found
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise PrometheusError(f"{key}: {where} cannot be read ({reason})") from None
        except UnicodeDecodeError:
            raise PrometheusError(f"{key}: {where} does not hold text") from None
        if len(text) > _LARGEST:
            raise PrometheusError(f"{key}: {where} holds more than {_LARGEST} characters")
        return text.strip(), where

    def _config(self, name: str, key: str) -> tuple[str, str]:
        where = f"the stack's secret {SECRETS}:{name}"
        value = self.config(f"{SECRETS}:{name}")
        if value is None:
            raise PrometheusError(f"{key}: {where} is not set; `pulumi config set --secret {SECRETS}:{name}` does it")
        return str(value).strip(), where


def config_keys(settings: Mapping[str, Any]) -> list[str]:
    """The full keys of the stack's secrets that a section `prometheus`, as its `inputs` gives it, refers to."""
    found = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found += config_keys(value)
        elif name == "config":
            found.append(f"{SECRETS}:{value}")
    return found


class Blot:
    """Keeps what was read out of texts that are shown: a server may well answer with what it was sent."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._words: set[str] = set()

    def add(self, value: str) -> None:
        """Hide a value from now on, plain and in base64."""
        if len(value) < _SHORTEST:
            return
        encoded = base64.b64encode(value.encode()).decode()
        self._values |= {value, encoded, encoded.rstrip("=")}
        self._words |= {word for each in (value, encoded) for word in re.findall(rf"[A-Za-z0-9]{{{_SHORTEST},}}", each)}

    def __call__(self, text: str) -> str:
        """Hide the values in a text; the whole of a text that has a word of one left, as in an escaped form of it."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return _REPEATED if any(word in text for word in self._words) else text
