"""The rules that lists and mappings keep before their items are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from weighbridge.settings.frozen import Frozen
from weighbridge.settings.lines import show
from weighbridge.settings.rules import Text, fault

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler


@dataclass(frozen=True)
class Listed:
    """A list, kept as a tuple."""

    least: int = 0
    unique: bool = False

    def open(self, value: Any) -> tuple[Any, ...]:
        """Check the list before its items are read."""
        if not isinstance(value, (list, tuple)):
            raise fault("must be a list")
        if len(value) < self.least:
            raise fault(f"must hold at least {self.least} item{'s' * (self.least > 1)}")
        if self.unique and len({repr(item) for item in value}) < len(value):
            raise fault("must not hold an item twice")
        return tuple(value)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.open, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        extra: dict[str, Any] = {"minItems": self.least} if self.least else {}
        return handler(core) | extra | ({"uniqueItems": True} if self.unique else {})


@dataclass(frozen=True)
class Mapped:
    """A mapping whose keys are the user's own names; read-only and in the order of its keys once it is read."""

    keys: Text
    reserved: tuple[str, ...] = ()

    def open(self, value: Any) -> dict[str, Any]:
        """Check the names before the values are read; the order is made stable here, for errors and for hashes."""
        if not isinstance(value, Mapping):
            raise fault("must be a mapping")
        for key in value:
            try:
                self.keys.read(key)
            except PydanticCustomError:
                raise fault(f"each name {self.keys.says}", got=show(key)) from None
            if key in self.reserved:
                raise fault(f"must leave {' and '.join(map(repr, self.reserved))} to Weighbridge", got=show(key))
        return dict(sorted(value.items()))

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        opened = core_schema.no_info_before_validator_function(self.open, inner)
        return core_schema.no_info_after_validator_function(Frozen, opened)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        names: dict[str, Any] = self.keys.describe()
        if self.reserved:
            names = {"allOf": [names, {"not": {"enum": list(self.reserved)}}]}
        return handler(core) | {"propertyNames": names}
