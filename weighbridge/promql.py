"""Whether a text is PromQL, told before a server is asked. Pure; promql-parser reads it."""

from __future__ import annotations

import re
from typing import Any, Final

from weighbridge.queries import quoted

LONGEST: Final = 4000
"""Characters. Beyond some 4000 levels the parser overflows its stack, and no query has more levels than characters."""

_STRING: Final = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|#[^\r\n]*|`([^`]*)`""")
"""A string, a comment, or what stands between backquotes."""

_UNKNOWN: Final = "unknown function with name"


def check(query: str) -> None:
    """Refuse what no Prometheus could answer with numbers.

    A function that the parser has not heard of is let through: servers learn functions faster than parsers do, and
    Thanos, Mimir and VictoriaMetrics have their own.

    Args:
        query: complete, without variables.

    Raises:
        ValueError: it is too long, or no PromQL, or gives a range or text. The message is the rule.
    """
    kind = _kind(query)
    if kind in {"Matrix", "String"}:
        raise ValueError("must give a number or a vector, not a range or a text")


def is_scalar(query: str) -> bool:
    """Whether a query gives one bare number, as `scalar(...)` does, and not a vector. PromQL is typed: it always does.

    Args:
        query: complete, without variables.

    Raises:
        ValueError: as `check`.
    """
    return _kind(query) == "Scalar"


def as_vector(query: str) -> str:
    """A query that gives a vector: itself, or one around its scalar. So a scalar that nobody asked for stays an error.

    Args:
        query: complete, without variables.

    Raises:
        ValueError: as `check`.
    """
    end = "\n" if "#" in query else ""  # a comment at the end would take the bracket
    return f"vector({query}{end})" if is_scalar(query) else query


def parse(query: str) -> Any:
    """A query's syntax tree, promql-parser's.

    Args:
        query: complete, without variables.

    Raises:
        ValueError: it is no PromQL; in the parser's words.
    """
    import promql_parser  # noqa: PLC0415  a stack without queries of its own needs no parser

    # The parser takes backslashes between backquotes for escapes; Prometheus takes them for themselves.
    return promql_parser.parse(_STRING.sub(lambda found: found[0] if found[1] is None else quoted(found[1]), query))


def _kind(query: str) -> str:
    """Scalar, Vector, Matrix or String; Vector where a function is unknown, as most give one."""
    if len(query) > LONGEST:
        raise ValueError(f"must have at most {LONGEST} characters")
    try:
        return _type(parse(query))
    except ValueError as error:
        text = "".join(each if each.isprintable() else " " for each in str(error))
        if text.startswith(_UNKNOWN):
            return "Vector"
        raise ValueError(f"must be PromQL: {text[:120]}") from None


def _type(expr: Any) -> str:
    """An expression's type (promql/parser/ast.go, the `Type` methods); a loop, as it may be nested deeply."""
    open_, found = [expr], "Scalar"
    while open_:
        each = open_.pop()
        name = type(each).__name__
        if name in {"ParenExpr", "UnaryExpr"}:
            open_.append(each.expr)
        elif name == "BinaryExpr":
            # Only scalars make a scalar; a range or a text in here the parser has refused.
            open_ += [each.lhs, each.rhs]
        else:
            kind = str(each.func.return_type).rpartition(".")[2] if name == "Call" else _TYPES.get(name, "Vector")
            found = kind if kind != "Scalar" else found
    return found


_TYPES: Final = {
    "NumberLiteral": "Scalar",
    "StringLiteral": "String",
    "MatrixSelector": "Matrix",
    "SubqueryExpr": "Matrix",
}
