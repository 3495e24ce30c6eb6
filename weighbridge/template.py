"""Queries of the user's own: PromQL with typed variables in double braces, filled in without changing its shape. Pure.

`{{ namespace }}`, `{{ release }}`, `{{ stable }}`, `{{ canary }}`, `{{ interval }}` and `{{ args.NAME }}`. A value
inside a string of PromQL is escaped for that string. Outside of strings stand only a number, a duration or a plain
name that is no word of PromQL's, and only where they cannot grow together with what stands beside them. So a value
is always one token, and a query has the same shape whatever the values are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from weighbridge.durations import format_seconds

Value = str | float | bool
"""An argument: text, a number or a boolean."""

ARGUMENT: Final = r"[A-Za-z][A-Za-z0-9_-]{0,62}"
"""The name of an argument, as a pattern."""

_FLAGGER: Final = {
    "name": "release",
    "service": "release",
    "target": "canary",
    "primary": "stable",
}
"""Flagger's variables (pkg/apis/flagger/v1beta1/metric.go), and what to write for each."""


@dataclass(frozen=True)
class Variables:
    """What a query may name.

    Attributes:
        namespace: of the release's workloads.
        release: its name, which is its Service's.
        stable: name of the stable workload.
        canary: name of the canary's workload.
        interval: seconds.
        args: by name.
    """

    namespace: str
    release: str
    stable: str
    canary: str
    interval: float
    args: Mapping[str, Value] = field(default_factory=dict)


class Where(StrEnum):
    """The part of PromQL in which something stands."""

    CODE = "code"
    COMMENT = "a comment"
    DOUBLE = '"'
    SINGLE = "'"
    RAW = "`"


_CODE: Final = re.compile(r"(?:(?!\{\{)[^\"'`#])+")
_PART: Final[Mapping[Where, re.Pattern[str]]] = {
    Where.COMMENT: re.compile(r"(?:(?!\{\{)[^\r\n])+"),
    Where.RAW: re.compile(r"(?:(?!\{\{)[^`])+"),
    # Prometheus' lexer (promql/parser/lex.go, lexEscape) knows these escapes; half of one would eat a value's begin.
    **{
        quote: re.compile(
            rf"(?:(?!\{{\{{)[^{quote}\\\n]"
            rf"|\\(?:[abfnrtv\\{quote}]|[0-7]{{3}}|x[0-9a-fA-F]{{2}}|u[0-9a-fA-F]{{4}}|U[0-9a-fA-F]{{8}}))+"
        )
        for quote in (Where.DOUBLE, Where.SINGLE)
    },
}
_HOLE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)

_EXPONENT: Final = re.compile(r"[0-9.][eE][+-]\Z")

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?(?:e[+-]?[0-9]{1,3})?")
_DURATION: Final = re.compile(r"(?=[0-9])(?:[0-9]{1,9}(?:y|w|d|h|m(?!s)|s|ms)){1,7}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_:]*")
_WORDS: Final = frozenset(
    # promql/parser/lex.go: `key`, and what its grammar gives a meaning of its own.
    (
        *("and", "or", "unless", "atan2", "bool", "by", "without", "on", "ignoring", "group_left", "group_right"),
        *("sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk", "limitk", "limit_ratio"),
        *("count_values", "quantile", "offset", "smoothed", "anchored", "fill", "fill_left", "fill_right"),
        *("start", "end", "step", "range", "inf", "nan"),
    )
)


def render(template: str, variables: Variables) -> str:
    """Fill a query in.

    Args:
        template: PromQL with variables in double braces.
        variables: their values.

    Raises:
        ValueError: the template is not one, or a value cannot stand where it names it. The message is the rule.
    """
    text: list[str] = []
    behind = ""  # the value that the next piece stands right behind, outside of strings
    for where, part, name in _parts(template):
        if name is None:
            if behind and _grows(behind, part[0]):
                raise ValueError("must have no letter or digit right behind a variable outside of quotes")
            text.append(part)
            behind = ""
            continue
        value = _INSERT[where](name, _value(name, variables))
        if where is Where.CODE and (_EXPONENT.search("".join(text[-1:])) or _grows(value, "".join(text)[-1:])):
            raise ValueError(f"must have no letter or digit right before '{{{{ {name} }}}}' outside of quotes")
        text.append(value)
        behind = value if where is Where.CODE else ""
    return "".join(text)


def _grows(value: str, neighbour: str) -> bool:
    """Whether a value outside of strings would be one token with a character beside it."""
    # A colon is a part of names, and between brackets it parts a range from its step.
    return bool(re.fullmatch(r"[\w.]" if value[0].isdigit() else r"[\w.:]", neighbour))


def _parts(template: str) -> Iterator[tuple[Where, str, str | None]]:
    """The template's pieces: where each stands, its text, and the variable's name where it is one."""
    where, at = Where.CODE, 0
    while at < len(template):
        hole = _HOLE.match(template, at)
        if hole:
            yield where, hole[0], _name(hole[1])
            at = hole.end()
            continue
        if template.startswith("{{", at):
            raise ValueError("must close each '{{' with '}}'")
        found = (_CODE if where is Where.CODE else _PART[where]).match(template, at)
        if found:
            yield where, found[0], None
            at = found.end()
            continue
        where = _turn(where, template[at])
        yield where, template[at], None
        at += 1
    if where not in (Where.CODE, Where.COMMENT):
        raise ValueError(f"must close each {where}")


def _turn(where: Where, mark: str) -> Where:
    """Where a character leads that does not belong to the part it ends."""
    if where is Where.CODE:
        return Where.COMMENT if mark == "#" else Where(mark)
    if where is Where.COMMENT or mark == where:
        return Where.CODE
    if mark == "\\":
        raise ValueError(f"must not hold an escape in {where} that PromQL does not have, or half of one")
    raise ValueError(f"must close each {where} on its line")


def _name(text: str) -> str:
    """The variable that braces name."""
    name = text.strip(" \t")
    if re.fullmatch(rf"namespace|release|stable|canary|interval|args\.{ARGUMENT}", name):
        return name
    hint = f"; write '{{{{ {_FLAGGER[name]} }}}}'" if name in _FLAGGER else ""
    known = "namespace, release, stable, canary, interval or args.NAME" if not hint else "another name"
    shown = name if re.fullmatch(r"[!-~ ]{1,40}", name) else "..."
    raise ValueError(f"must name {known} where it says '{{{{ {shown} }}}}'{hint}")


def _value(name: str, variables: Variables) -> Value:
    if name == "interval":
        return format_seconds(variables.interval)
    if not name.startswith("args."):
        known: str = getattr(variables, name)
        return known
    argument = name.removeprefix("args.")
    if argument not in variables.args:
        raise ValueError(f"must have an entry in 'args' for '{{{{ {name} }}}}'")
    return variables.args[argument]


def _code(name: str, value: Value) -> str:
    """A value outside of strings: one token."""
    text = written(value)
    if name in {"namespace", "release", "stable", "canary"}:
        raise ValueError(f"must have quotes around '{{{{ {name} }}}}'")
    if _NUMBER.fullmatch(text) and not isinstance(value, bool):
        number = _digits(text)
        return f"({number})" if number.startswith("-") else number  # else -1^2 would be -(1^2)
    plain = _NAME.fullmatch(text) and text.lower() not in _WORDS and not isinstance(value, bool)
    if plain or _DURATION.fullmatch(text):
        return text
    raise ValueError(f"must have quotes around '{{{{ {name} }}}}', as its value is no number, duration or plain name")


def _digits(number: str) -> str:
    """A number without an exponent, whose sign could be read as an operator: `job:1e-3` is a difference."""
    if "e" not in number:
        return number
    exact = float(number)
    if not math.isfinite(exact):
        raise ValueError("must have finite numbers in 'args'")
    return format(Decimal(repr(exact)), "f")


def _quoted(quote: str) -> dict[int, str]:
    """What has to be escaped in a string with such quotes, or in a comment; control characters, to be seen, as well."""
    controls = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
    # The lexer takes U+FFFD itself for broken UTF-8.
    return {
        **controls,
        0x0A: r"\n",
        0x0D: r"\r",
        0x09: r"\t",
        0xFFFD: r"\ufffd",
        ord("\\"): r"\\",
        ord(quote): f"\\{quote}",
    }


_ESCAPES: Final = {where: _quoted(where) for where in (Where.DOUBLE, Where.SINGLE)}


def _raw(name: str, value: Value) -> str:
    """A value between backquotes, where nothing can be escaped."""
    text = written(value)
    if "`" in text or "\ufffd" in text or not text.isprintable():
        raise ValueError(f"must have other quotes around '{{{{ {name} }}}}', as backquotes cannot hold its value")
    return text


_INSERT: Final = {
    Where.CODE: _code,
    Where.COMMENT: lambda _, value: written(value).translate(_ESCAPES[Where.DOUBLE]),
    Where.DOUBLE: lambda _, value: written(value).translate(_ESCAPES[Where.DOUBLE]),
    Where.SINGLE: lambda _, value: written(value).translate(_ESCAPES[Where.SINGLE]),
    Where.RAW: _raw,
}


def written(value: Value) -> str:
    """A value as text: numbers without a needless `.0`, as Pulumi turns every number into a float; `true`, `false`.

    Raises:
        ValueError: a number is not finite.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        raise ValueError("must have finite numbers in 'args'")
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))  # noqa: PLR2004  beyond, repr is as exact
