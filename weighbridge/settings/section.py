"""The base of every section of the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import AliasGenerator, BaseModel, ConfigDict, model_validator

from weighbridge.settings.rules import fault


class Section(BaseModel):
    """A mapping with known keys; read-only once it is read, and no other key is let in."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_by_name=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, value: Any) -> Any:
        """Name an unknown key before anything else: a missing one is often just misspelt."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise fault("must be a mapping")
        known = [field.validation_alias or name for name, field in cls.model_fields.items()]
        for key in value:
            if key not in known:
                close = get_close_matches(str(key), [str(name) for name in known if name != "(name)"], n=1)
                raise fault("is not a setting" + "".join(f"; did you mean {name!r}?" for name in close), key=str(key))
        return dict(value)


def camel(name: str) -> str:
    """Turn snake_case into Istio's camelCase; pydantic's own would make `5Xx` of `5xx`."""
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), name)


class IstioSection(Section):
    """A section that is handed to Istio: dumped by alias, it has Istio's shape, with its keys in camelCase."""

    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias=camel))

    def for_istio(self) -> dict[str, Any]:
        """Return the part of an Istio object that this section says, with plain dicts, lists and durations as text."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
