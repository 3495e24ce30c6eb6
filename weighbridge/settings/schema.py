"""The JSON Schema of a stack file, by which editors complete and check `stacks/Pulumi.*.yaml`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from weighbridge import durations
from weighbridge.settings.lines import NAMESPACE
from weighbridge.settings.stack import Settings

if TYPE_CHECKING:
    from pydantic_core import CoreSchema, core_schema

FILE = Path(__file__).parent.parent / "settings.schema.json"


class _ForEditors(GenerateJsonSchema):
    """Pydantic's generator, without titles that repeat the key, and with defaults as a person would write them."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  pydantic's signature
        """Leave them all out."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Keep the default of a scalar; a section's would only repeat what its own keys say."""
        inner_schema: CoreSchema = schema["schema"]
        inner, default = self.generate_inner(inner_schema), schema.get("default")
        if not isinstance(default, (bool, int, float, str)):
            return inner
        span = inner.get("pattern") == f"^{durations.PATTERN}$"
        return inner | {"default": durations.format_seconds(float(default)) if span else default}


def stack_schema() -> dict[str, Any]:
    """Build the schema of a whole stack file; keys of other namespaces are let through, as are Pulumi's own."""
    settings = Settings.model_json_schema(schema_generator=_ForEditors)
    sections = {f"{NAMESPACE}:{name}": section for name, section in settings["properties"].items()}
    known = "|".join(settings["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of a Weighbridge project",
        "description": "Made from the models by `python -m weighbridge.settings`; do not edit it by hand.",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": sections,
                "patternProperties": {f"^{NAMESPACE}:(?!(?:{known})$)": False},
                "required": [f"{NAMESPACE}:{name}" for name in settings["required"]],
            },
        },
        "required": ["config"],
        "$defs": settings["$defs"],
    }


def text() -> str:
    """Return the schema as the file holds it."""
    return json.dumps(stack_schema(), indent=2, sort_keys=True) + "\n"
