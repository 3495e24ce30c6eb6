"""The choice between the kinds of cluster by `kind`, with the lines of the house for what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic_core import CoreSchema, core_schema

from weighbridge.settings.cluster.ack import Ack
from weighbridge.settings.cluster.existing import Existing
from weighbridge.settings.cluster.gke import Gke
from weighbridge.settings.cluster.stack import Stack
from weighbridge.settings.rules import Choice, fault
from weighbridge.settings.section import Section

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

KINDS: Mapping[str, type[Section]] = {"existing": Existing, "gke": Gke, "ack": Ack, "stack": Stack}


class _Unread(Section):
    """A cluster whose kind is missing or misspelt."""

    kind: Annotated[str, Choice(tuple(KINDS))]


class ByKind:
    """Reads a cluster by its own kind's model alone.

    Pydantic's own tagged union would put the tag into each key (`cluster.gke.project`), and say a wrong one in words
    of its own.
    """

    def read(self, value: Any, _union: object) -> Any:
        """Return the section of the cluster's kind."""
        if isinstance(value, tuple(KINDS.values())):
            return value
        kind = value.get("kind") if isinstance(value, Mapping) else None
        if not isinstance(kind, str) or kind not in KINDS:
            known = {name for model in KINDS.values() for name in model.model_fields} - {"kind"}
            # Keys of any kind are let through: what is wrong is the kind, or a key that no kind has.
            rest = {k: v for k, v in value.items() if k not in known} if isinstance(value, Mapping) else value
            return _Unread.model_validate(rest)
        _are_its_own(kind, value)
        return KINDS[kind].model_validate(value)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(core)


def _are_its_own(kind: str, value: Mapping[str, Any]) -> None:
    """Refuse a key that another kind has: it was moved or copied from there, and is not misspelt."""
    for key in value:
        owners = [other for other, model in KINDS.items() if key in model.model_fields]
        if owners and kind not in owners:
            raise fault(f"belongs to kind {' or '.join(owners)}, not to {kind}", key=str(key))


Cluster = Annotated[Existing | Gke | Ack | Stack, ByKind()]
"""A cluster of any kind."""
Made = Gke | Ack
"""A cluster that the stack itself makes."""
