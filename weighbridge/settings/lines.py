"""Pydantic's report as the one line that a user reads: `<key>: <rule> (got <value>)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

NAMESPACE = "weighbridge"
LONGEST = 60
_SILENT = frozenset({"env", "dns01"})
_PROMETHEUS = "prometheus"
_PLAIN = frozenset({"url", "timeout", "retries", "tenant", "tenant_header", "tls", "proxy"})
"""What may be shown of the section `prometheus`: the rest is, or was meant to be, a way in."""

_OBSERVABILITY = "observability"
_HIDDEN = re.compile(r"secret|passw|token|key")


def one_line(error: ValidationError) -> str:
    """Say the first error of a report in one line."""
    first = error.errors(include_url=False)[0]
    context: dict[str, Any] = first.get("ctx", {})
    path = list(first["loc"])
    if first["type"] == "missing":
        return _line(path, "is required", "nothing")
    rule, key = str(context.get("rule", first["msg"])), context.get("key")
    got = context.get("got") or show(_input(first, key), silent=_is_silent(path, key))
    if key is not None:
        return f"{_key([*path, key])}: {rule} (got {cut(got)})"
    return _line(path, rule, got) if rule.startswith("must ") else f"{_key(path)}: {rule} (got {cut(got)})"


def show(value: object, *, silent: bool = False) -> str:
    """Show a value for the brackets of an error, without what could be a secret in it."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if silent:
        return "a value not shown"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if any(isinstance(item, (Mapping, list)) for item in value) else _repr(value)
    return _repr(value)


def cut(text: str) -> str:
    """Keep a text on the line, and short."""
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _is_silent(path: list[int | str], key: object) -> bool:
    parts = [*path, key] if key is not None else path
    if len(parts) > 1 and parts[0] == _PROMETHEUS:
        return parts[1] not in _PLAIN
    if len(parts) > 1 and parts[0] == _OBSERVABILITY:
        # The name of a Secret may be the secret itself, and an unknown key a password.
        return _HIDDEN.search(str(parts[-1])) is not None
    # A key that the stack file does not have at all may be a secret that was set under the wrong namespace.
    return (not path and key is not None) or not _SILENT.isdisjoint(map(str, parts))


def _repr(value: object) -> str:
    if isinstance(value, str) and "\n" in value and len(value) > LONGEST:
        return f"text of {value.count(chr(10)) + 1} lines"  # such as a whole kubeconfig
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return re.sub(r"//.*@", "//***@", re.sub(r"(://[^?#]*[?#]).*", r"\1***", text))


def _input(first: ErrorDetails, key: object) -> object:
    section = first["input"]
    if key is None or not isinstance(section, Mapping):
        return section
    return next((value for name, value in section.items() if str(name) == key), None)


def _line(path: list[int | str], rule: str, got: str) -> str:
    """Put the last part of the path in quotes; a section at the top has none above it."""
    if len(path) <= 1:
        return f"{_key(path)}: {rule} (got {cut(got)})"
    start = max((i for i, part in enumerate(path) if isinstance(part, str)), default=0)
    start = max(start, 1)
    name = _key(path[start:]).removeprefix(f"{NAMESPACE}:")
    return f"{_key(path[:start])}: '{name}' {rule} (got {cut(got)})"


def _key(path: list[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_safe(part)}" for part in path)
    return f"{NAMESPACE}:{text.removeprefix('.')}" if text else NAMESPACE


def _safe(part: object) -> str:
    text = str(part)
    return text if re.fullmatch(r"[A-Za-z0-9_./-]{1,80}", text) else cut(repr(text))
