"""Property values as they cross the SDK's wire: plain JSON, with marks for secrets, unknowns and references.

The marks are Pulumi's own, from `pulumi.runtime.rpc` (`_special_sig_key` and its neighbours). They are part of the
protocol between the SDK and every engine; they are repeated here so that a state file can be read without the SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2

Properties = dict[str, Any]

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PROVIDER_KEY = "__provider"


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Read a bag of properties; numbers come as floats, as every provider gets them."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Write a bag of properties."""
    struct = struct_pb2.Struct()
    struct.update(dict(properties))
    return struct


def secret(value: Any) -> Properties:
    """Mark a value as secret."""
    return {SIGNATURE: SECRET, "value": value}


def is_secret(value: Any) -> bool:
    """Tell whether this value itself carries the secret mark."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def has_secret(value: Any) -> bool:
    """Tell whether a secret is anywhere inside."""
    return any(is_secret(part) for part in walk(value))


def has_unknown(value: Any) -> bool:
    """Tell whether something inside is known only after the run."""
    return any(isinstance(part, str) and part == UNKNOWN for part in walk(value))


def plain(value: Any) -> Any:
    """Take the marks off: secrets in clear, a reference to a resource as its id."""
    if is_secret(value):
        return plain(value.get("value"))
    if isinstance(value, dict) and value.get(SIGNATURE) == REFERENCE:
        return value.get("id") or value.get("urn")
    return rebuilt(value, plain)


def integral(value: Any) -> Any:
    """Turn whole floats into ints, as JSON written by the real engine shows them."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return rebuilt(value, integral)


def floating(value: Any) -> Any:
    """Turn ints into floats, as they come off the wire."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return rebuilt(value, floating)


def walk(value: Any) -> Iterator[Any]:
    """Visit a value and everything inside it."""
    yield value
    if isinstance(value, dict):
        for part in value.values():
            yield from walk(part)
    elif isinstance(value, list):
        for part in value:
            yield from walk(part)


def rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """Apply a change to the parts of a value, one level down."""
    if isinstance(value, dict):
        return {key: change(part) for key, part in value.items()}
    if isinstance(value, list):
        return [change(part) for part in value]
    return value


def projected(live: Any, shape: Any) -> Any:
    """Reduce a live value to what `shape` mentions, so that fields which the cluster adds do not count as drift."""
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: projected(live[key], part) for key, part in shape.items() if key in live}
    if isinstance(live, list) and isinstance(shape, list) and len(live) == len(shape):
        return [projected(part, pattern) for part, pattern in zip(live, shape, strict=True)]
    return live


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return from_struct(value.struct_value)
    if kind == "list_value":
        return [_from_value(part) for part in value.list_value.values]
    return None if kind in {None, "null_value"} else getattr(value, kind)
