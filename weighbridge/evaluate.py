"""What the words of a condition do, and the walk over its tree by simpleeval. Pure.

Every operation takes numbers alone, and NaN compares with nothing: in Argo Rollouts NaN fails a success condition
and passes a failure condition, which is a guess either way.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Result = float | list[float]
"""A scalar's number, or the numbers of a vector's series."""

MOST: Final = 10_000
"""Series that a condition looks at: simpleeval's own limit for a loop."""


_NO_LIST: Final = "takes a number for a list: the query gives a scalar"


class Unsound(Exception):  # noqa: N818  reads as what was said of the condition
    """A condition that cannot be said to hold or not; its text goes on a line that begins with the condition."""


@dataclass(frozen=True)
class Function:
    """A function of conditions.

    Attributes:
        arguments: how many it takes.
        run: what it does.
    """

    arguments: int
    run: Callable[..., Any]


def evaluate(tree: ast.expr, result: Result) -> Any:
    """Walk a condition's tree.

    Args:
        tree: as `weighbridge.conditions.read` lets it through.
        result: of the query.

    Raises:
        Unsound: it cannot be said.
    """
    from simpleeval import EvalWithCompoundTypes, InvalidExpression  # noqa: PLC0415  gates without conditions need none

    if not isinstance(result, list) and any(isinstance(node, ast.ListComp) for node in ast.walk(tree)):
        raise Unsound(_NO_LIST)
    functions = {name: function.run for name, function in FUNCTIONS.items()}
    names = {"result": result, "True": True, "False": False}
    walker = EvalWithCompoundTypes(operators=_OPERATORS, functions=functions, names=names)
    ours: dict[type[ast.AST], Callable[..., Any]] = {
        ast.BoolOp: _boolean,
        ast.Subscript: _index,
        ast.Compare: _comparison,
    }
    walker.nodes.update({node: _with(walker.nodes, run) for node, run in ours.items()})
    try:
        return walker.eval("", previously_parsed=tree)
    except IndexError:
        series = len(result) if isinstance(result, list) else 1
        raise Unsound(f"asks for more series than the {series} that there are") from None
    except ZeroDivisionError:
        raise Unsound("divides by zero") from None
    except (InvalidExpression, OverflowError, TypeError, ValueError) as error:
        raise Unsound(f"cannot be evaluated ({type(error).__name__})") from None


def _with(nodes: Mapping[type[ast.AST], Callable[..., Any]], run: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda node: run(lambda each: nodes[type(each)](each), node)


def _number(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    what = "true or false" if isinstance(value, bool) else "all series at once"
    raise Unsound(f"has {what} where a number belongs")


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Unsound("has a number where true or false belongs")


def _defined(value: Any) -> float:
    number = _number(value)
    if math.isnan(number):
        raise Unsound("compares with NaN")
    return number


def _series(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise Unsound(_NO_LIST)


def _boolean(walk: Callable[[ast.AST], Any], node: ast.BoolOp) -> bool:
    """`and` and `or` of truths, from the left, no further than needed."""
    ends = isinstance(node.op, ast.Or)
    return ends if any(_truth(walk(each)) is ends for each in node.values) else not ends


def _index(walk: Callable[[ast.AST], Any], node: ast.Subscript) -> Any:
    """`result[0]`; as in expr-lang, -1 is the last."""
    at = walk(node.slice)
    if not isinstance(at, int) or isinstance(at, bool):
        raise Unsound("has an index that is not a whole number")
    return _series(walk(node.value))[at]


def _comparison(walk: Callable[[ast.AST], Any], node: ast.Compare) -> bool:
    left, right, kind = walk(node.left), walk(node.comparators[0]), type(node.ops[0])
    if kind in {ast.In, ast.NotIn}:
        return (_defined(left) in [_defined(each) for each in _series(right)]) is (kind is ast.In)
    if isinstance(left, bool) and isinstance(right, bool) and kind in {ast.Eq, ast.NotEq}:
        return (left is right) is (kind is ast.Eq)
    return bool(_COMPARISONS[kind](_defined(left), _defined(right)))


def _operation(run: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: run(*(_number(value) for value in values))


_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

_OPERATORS: Final = {
    ast.Add: _operation(operator.add),
    ast.Sub: _operation(operator.sub),
    ast.Mult: _operation(operator.mul),
    ast.Div: _operation(operator.truediv),
    ast.USub: _operation(operator.neg),
    ast.UAdd: _operation(operator.pos),
    ast.Invert: lambda value: not _truth(value),
}

FUNCTIONS: Final = {
    "len": Function(1, lambda value: len(_series(value))),
    "isNaN": Function(1, lambda value: math.isnan(_number(value))),
    "isInf": Function(1, lambda value: math.isinf(_number(value))),
    "asFloat": Function(1, lambda value: float(_number(value))),
    "asInt": Function(1, lambda value: int(_defined(value))),
    # A query gives a number or an error, never nil, which is what Argo's `default` looks for.
    "default": Function(2, lambda value, _: value),
    "all": Function(1, lambda values: all(_truth(value) for value in values)),
    "any": Function(1, lambda values: any(_truth(value) for value in values)),
}
"""What Argo's conditions can call (utils/evaluate/evaluate.go), and expr-lang's `len`, `all` and `any`."""
