"""The rules that single values keep: each reads one raw value or says in a few words what is wrong with it.

Pydantic's own types would do most of this, but their messages differ from version to version and say the rule in
its words. A rule here is put into `Annotated[type, Rule(...)]` and gives the value, the text and the JSON Schema.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from weighbridge import durations

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

INTEGER = r"-?(?:0|[1-9][0-9]{0,17})"
DECIMAL = r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?"

_HUGE = 10**18


def fault(rule: str, got: str | None = None, key: str | None = None) -> PydanticCustomError:
    """Make the error of one broken rule.

    Args:
        rule: what must hold, beginning with a verb ("must be ..."), or with the setting's name in quotes when the
            rule belongs to a whole section.
        got: the value for the brackets, when it is not the one that was read. It is shown as it is.
        key: the key inside the section that the rule is about, when the section itself was read.
    """
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "got": got, "key": key})


class Rule:
    """Base of the rules for scalars."""

    def read(self, value: Any) -> Any:
        """Return the clean value, or raise a fault."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """Return the JSON Schema of what `read` accepts."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, _core: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return self.describe()


@dataclass(frozen=True)
class Whole(Rule):
    """A whole number; 10.0 counts, and so does the text "10", because `pulumi config set` quotes numbers."""

    low: int | None = None
    high: int | None = None

    def read(self, value: Any) -> int:
        """Return the integer; a boolean is none."""
        number: int | None = None
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if (whole and not isinstance(value, bool)) or (isinstance(value, str) and re.fullmatch(INTEGER, value)):
            number = int(value)
        if number is None or abs(number) > _HUGE or not _within(number, self.low, self.high):
            raise fault(f"must be a whole number{_range(self.low, self.high)}")
        return number

    def describe(self) -> dict[str, Any]:
        """Describe a number, or the text of one."""
        return {"type": ["integer", "string"], "pattern": f"^{INTEGER}$"} | _bounds(self.low, self.high)


@dataclass(frozen=True)
class Number(Rule):
    """A finite number; the text of a decimal counts, because `pulumi config set --path` writes decimals as text."""

    low: float
    high: float
    strict: bool = False
    """Whether both ends are left out."""

    def read(self, value: Any) -> float:
        """Return the float; a boolean is none."""
        number = math.nan
        bare = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _HUGE
        if bare or (isinstance(value, str) and re.fullmatch(DECIMAL, value)):
            number = float(value)
        inside = self.low < number < self.high if self.strict else self.low <= number <= self.high
        if not inside:
            between = "between {} and {}" if self.strict else "from {} to {}"
            raise fault("must be a number " + between.format(f"{self.low:g}", f"{self.high:g}"))
        return number

    def describe(self) -> dict[str, Any]:
        """Describe a number, or the text of one."""
        ends = ("exclusiveMinimum", "exclusiveMaximum") if self.strict else ("minimum", "maximum")
        ends_at = dict(zip(ends, (self.low, self.high), strict=True))
        return {"type": ["number", "string"], "pattern": f"^{DECIMAL}$"} | ends_at


@dataclass(frozen=True)
class Text(Rule):
    """Text of one form. Anything else, a number too, is refused: YAML's 1.10 would arrive as 1.1."""

    pattern: str
    says: str
    limit: int = 253

    def read(self, value: Any) -> str:
        """Return the text as it is."""
        if not isinstance(value, str) or len(value) > self.limit or not re.fullmatch(self.pattern, value):
            raise fault(self.says)
        return value

    def describe(self) -> dict[str, Any]:
        """Describe the text."""
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.limit}


@dataclass(frozen=True)
class Choice(Rule):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: Any) -> str:
        """Return the word."""
        if not isinstance(value, str) or value not in self.words:
            raise fault(f"must be {'one of ' * (len(self.words) > 1)}{', '.join(self.words)}")
        return value

    def describe(self) -> dict[str, Any]:
        """Describe the words."""
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Flag(Rule):
    """A boolean, and nothing that merely looks like one."""

    def read(self, value: Any) -> bool:
        """Return the boolean."""
        if not isinstance(value, bool):
            raise fault("must be true or false")
        return value

    def describe(self) -> dict[str, Any]:
        """Describe a boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Span(Rule):
    """A duration with its unit; seconds as a float once it is read."""

    low: float = 0
    high: float = 365 * 86_400
    whole: bool = False
    """Whether it has to be whole seconds, because Kubernetes has an integer there."""

    def read(self, value: Any) -> float:
        """Return the seconds."""
        text = "0" if value == 0 and not isinstance(value, bool) else value
        try:
            seconds = durations.parse(text if isinstance(text, str) else "")
        except ValueError as error:
            raise fault(str(error)) from None
        if not self.low <= seconds <= self.high:
            low, high = (durations.format_seconds(end) for end in (self.low, self.high))
            raise fault(f"must be a duration from {low} to {high}")
        if self.whole and not seconds.is_integer():
            raise fault("must be a duration of whole seconds")
        return seconds

    def describe(self) -> dict[str, Any]:
        """Describe the text; the range stays with `read`."""
        return {"type": ["string", "integer"], "pattern": f"^{durations.PATTERN}$", "maximum": 0, "minimum": 0}


def is_loopback(url: str) -> bool:
    """Whether an address leads back to the machine that asks, such as to a port-forward: pods reach nothing by it."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


@dataclass(frozen=True)
class Url(Rule):
    """An http or https address without a user, a password, a query or a fragment: it ends up in Pulumi's state."""

    says = "must be an http or https address such as http://prometheus.istio-system:9090"

    def read(self, value: Any) -> str:
        """Return the address without a slash at its end."""
        if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,500}", value):
            raise fault(self.says)
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise fault(self.says) from None
        if "@" in parts.netloc:
            raise fault("must not hold a user or a password, as it is kept in the state in clear")
        if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[A-Za-z0-9.:-]+", host or ""):
            raise fault(self.says)
        if "?" in value or "#" in value:
            raise fault("must end with its path, without '?' or '#'")
        if not re.fullmatch(r"[A-Za-z0-9._~/%-]*", parts.path):
            raise fault(self.says)
        return value.rstrip("/")

    def describe(self) -> dict[str, Any]:
        """Describe the address."""
        return {"type": "string", "pattern": "^https?://[^@?#\\s]+$"}


def _within(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or low <= number) and (high is None or number <= high)


def _range(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return "" if low is None else f" of {low} or more"


def _bounds(low: int | None, high: int | None) -> dict[str, Any]:
    return {name: end for name, end in (("minimum", low), ("maximum", high)) if end is not None}
