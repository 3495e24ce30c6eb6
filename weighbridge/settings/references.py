"""Where a secret is, in place of the secret itself; the settings are kept in the state in clear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, model_validator

from weighbridge.settings.rules import Text, fault
from weighbridge.settings.section import Section

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

SECRETS = "weighbridge-secrets"
"""The namespace of the stack's secrets: `pulumi config set --secret weighbridge-secrets:NAME`.

It is not `weighbridge:`, so the settings can go on refusing each key that they do not know, and none is secret.
"""

ONE_KEY = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
"""What an editor is told of a section that holds exactly one of its keys."""

_PLACES = ("env", "file", "config")
_RULE = "must be where the secret is, {env: NAME}, {file: PATH} or {config: NAME}, and never the secret itself"
_EITHER = "must be a text, or where a secret is, {env: NAME}, {file: PATH} or {config: NAME}"

_VARIABLE = Text(r"[A-Za-z_][A-Za-z0-9_]*", "must be the name of an environment variable")
_FILE = Text(r"[^\x00-\x1f\x7f]+", "must be the path of a file", 1000)
_NAME = Text(r"[A-Za-z0-9][A-Za-z0-9_.-]*", f"must be a name in the namespace {SECRETS!r}")
_LINE = Text(r"[!-~](?:[ -~]*[!-~])?", "must be one line of ASCII", 1000)


class Reference(Section):
    """Where a secret is: exactly one of the three. It is read anew for each question, so a rotated one counts."""

    model_config = ONE_KEY

    env: Annotated[str, _VARIABLE] | None = None
    """An environment variable of the run."""
    file: Annotated[str, _FILE] | None = None
    """A file; a relative path begins at the project. White space around its content is left out."""
    config: Annotated[str, _NAME] | None = None
    """A secret of the stack: `pulumi config set --secret weighbridge-secrets:NAME`."""

    @model_validator(mode="before")
    @classmethod
    def _is_no_secret(cls, value: Any) -> Any:
        # A key that is none is not named either: `{hunter2}` is a mapping in YAML, and its key is the secret.
        if not isinstance(value, cls) and not (isinstance(value, Mapping) and set(value) <= set(_PLACES)):
            raise fault(_RULE, got="a value not shown")
        return value

    @model_validator(mode="after")
    def _has_one_place(self) -> Reference:
        exactly_one(self, _PLACES)
        return self


class Given(Section):
    """A text that is not secret, or where a secret is: a bare text stands for `{text: ...}`."""

    model_config = ONE_KEY

    text: Annotated[str, _LINE] | None = None
    """The text itself; it is kept in the state in clear."""
    env: Annotated[str, _VARIABLE] | None = None
    """An environment variable of the run."""
    file: Annotated[str, _FILE] | None = None
    """A file; a relative path begins at the project. White space around its content is left out."""
    config: Annotated[str, _NAME] | None = None
    """A secret of the stack: `pulumi config set --secret weighbridge-secrets:NAME`."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        """Spell the short form out."""
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            if not set(value) <= {"text", *_PLACES}:
                raise fault(_EITHER, got="a value not shown")
            return value
        # Read here and not as `text`, so that the line does not name a key that nobody wrote.
        return {"text": _LINE.read(value)}

    @model_validator(mode="after")
    def _has_one_place(self) -> Given:
        exactly_one(self, ("text", *_PLACES))
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [_LINE.describe(), handler(core)]}


def exactly_one(section: Section, names: tuple[str, ...]) -> None:
    """Insist that a section holds one of several keys and not a second one."""
    held = [name for name in names if getattr(section, name) is not None]
    if len(held) != 1:
        raise fault(f"must hold exactly one of {', '.join(names)}", got=", ".join(held) or "none")


def key_pair_or(section: Section, alone: str) -> None:
    """Insist that a section holds both halves of an access key, or one other key in their place."""
    pair = ("access_key_id", "access_key_secret")
    held = [
        name for name in type(section).model_fields if name in {*pair, alone} and getattr(section, name) is not None
    ]
    if set(held) not in ({*pair}, {alone}):
        raise fault(f"must hold access_key_id and access_key_secret, or {alone} alone", got=", ".join(held) or "none")
