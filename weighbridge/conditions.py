"""Conditions on what a query gave, in the words of Argo Rollouts' analysis templates: `result[0] >= 0.95`. Pure.

The vocabulary is closed: `result`, numbers, `true`, `false`, `&& || !` (and, or, not), comparisons, `+ - * /`, `in`,
brackets, an index, and a few functions. A text is read word by word, so whatever else someone writes is refused by its
name before anything is run. The rest of the work is simpleeval's, which walks a syntax tree and runs no Python.

The meaning is expr-lang's as Argo sets it up (utils/evaluate/evaluate.go), and stricter where that guesses: a
comparison with NaN, of a list with a number, or of a number with a truth is an error and not `false`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from weighbridge.evaluate import FUNCTIONS, MOST, Result, Unsound, evaluate

LONGEST: Final = 500
"""Characters of a condition."""
DEEPEST: Final = 40
"""Levels of its syntax tree."""

_SHOWN: Final = "must be a condition such as result[0] >= 0.95"
_EACH: Final = "_each"
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\.?[0-9](?:[\w.]|(?<=[eE])[+-])*)"
    r"|(?P<word>[^\W0-9]\w*)"
    r"|(?P<mark>&&|\|\||[=!<>]=|\?\?|\*\*|\.\.|\S))"
)
_NUMBER: Final = re.compile(r"(?:[0-9]{1,18}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")

_WRITTEN_ALIKE: Final = (
    *("result", "in", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "(", ")", "[", "]", ",", "{", "}"),
    *FUNCTIONS,
)
_SPELLING: Final = {
    **{word: word for word in _WRITTEN_ALIKE},
    # `~` binds as tightly as expr-lang's `!` and `not` do; Python's `not` would take a whole comparison.
    "!": "~",
    "not": "~",
    "&&": "and",
    "and": "and",
    "||": "or",
    "or": "or",
    "true": "True",
    "false": "False",
    "#": _EACH,
}
"""What may be written, and how Python writes it."""

_MAP, _LIST, _TEXT = "a map", "a list in brackets", "text in quotes"
_CALLED: Final = {
    "?": "the choice '?'",
    ":": "the slice ':'",
    "|": "the pipe '|'",
    ".": "the member '.'",
    "'": _TEXT,
    '"': _TEXT,
    "`": _TEXT,
    "{": _MAP,
    "Set": _MAP,
    "Dict": _MAP,
    "List": _LIST,
    "Tuple": "two values in brackets",
    "Starred": "'*' before a value",
}
"""Constructs that a condition has not, by sign or by node of Python's syntax tree, in words."""

_NODES: Final = (
    *(ast.Expression, ast.Name, ast.Load, ast.Store, ast.Constant, ast.Call, ast.Subscript, ast.ListComp),
    *(ast.comprehension, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Invert, ast.USub, ast.UAdd, ast.BinOp),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
    *(ast.In, ast.NotIn),
)


@dataclass(frozen=True)
class Condition:
    """A condition that can be asked.

    Attributes:
        text: as the settings have it.
        tree: what simpleeval walks.
    """

    text: str
    tree: ast.expr

    def holds(self, result: Result) -> bool:
        """Whether a result meets it.

        Args:
            result: of the query.

        Raises:
            ValueError: it cannot be said; one line.
        """
        if isinstance(result, list) and len(result) > MOST:
            raise ValueError(f"{len(result)} series, more than {MOST}")
        try:
            answer = evaluate(self.tree, result)
        except Unsound as error:
            raise ValueError(f"'{self.text}' {error}") from None
        if not isinstance(answer, bool):
            raise ValueError(f"'{self.text}' is neither true nor false")  # noqa: TRY004  the answer is a value
        return answer


def read(text: str) -> Condition:
    """Read a condition.

    Args:
        text: at most 500 characters.

    Raises:
        ValueError: it is none; the message is the rule, and names what stands in the way.
    """
    if len(text) > LONGEST:
        raise ValueError(f"must have at most {LONGEST} characters")
    try:
        tree = ast.parse(_python(list(_tokens(text))), mode="eval")
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(_SHOWN) from None
    _insist_on_depth(tree)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        _insist_on_shape(node)
        if isinstance(node, ast.Name) and node.id in FUNCTIONS and id(node) not in called:
            raise ValueError(f"must call {node.id}, as in {node.id}(result)")
    return Condition(text, tree.body)


def _tokens(text: str) -> Iterator[str]:
    """The words of a condition, as Python spells them."""
    for match in _TOKEN.finditer(text):
        word = match[match.lastgroup or 0]
        if match.lastgroup == "number" and _NUMBER.fullmatch(word):
            # Python refuses 007, which expr-lang reads as 7.
            yield str(int(word)) if word.isdigit() else word
        elif word in _SPELLING:
            yield _SPELLING[word]
        else:
            raise _refusal(_CALLED.get(word) or (f"'{word[:20]}'" if word.isprintable() else "signs that do not show"))


def _refusal(what: str) -> ValueError:
    functions = ", ".join(FUNCTIONS)
    return ValueError(f"must do without {what}: it has result, numbers, comparisons, && || !, + - * /, in, {functions}")


def _python(tokens: list[str]) -> str:
    """A condition in Python's syntax: `all(result, {# > 1})` becomes `all([(_each > 1) for _each in result])`."""
    out: list[str] = []
    at = 0
    while at < len(tokens):
        word, after = tokens[at], tokens[at + 1 : at + 2]
        if word in {"all", "any"} and after == ["("]:
            end = _closing(tokens, at + 1)
            out.append(_loop(word, tokens[at + 2 : end]))
            at = end + 1
            continue
        if word in {"{", "}", _EACH}:
            raise _refusal("'#' outside of all and any" if word == _EACH else _CALLED["{"])
        out.append("not" if word == "~" and after == ["in"] else word)
        at += 1
    return " ".join(out)


def _loop(word: str, inside: list[str]) -> str:
    """A call of `all` or `any`, from what stands between its brackets."""
    if not {"all", "any"}.isdisjoint(inside):
        raise _refusal(f"all and any inside of {word}")
    if inside[:2] != ["result", ","]:
        raise ValueError(f"must be asked of all series, as in {word}(result, # > 1)")
    predicate = inside[2:]
    if predicate[:1] == ["{"] and predicate[-1] == "}":
        predicate = predicate[1:-1]
    if not {"{", "}"}.isdisjoint(predicate):
        raise _refusal(_CALLED["{"])
    return f"{word} ( [ ( {' '.join(predicate)} ) for {_EACH} in result ] )"


def _closing(tokens: list[str], start: int) -> int:
    """Where the bracket at `start` is closed."""
    depth = 0
    for at in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[at], 0)
        if not depth:
            return at
    raise ValueError("must close each '('")


def _insist_on_depth(tree: ast.AST) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise ValueError("must be simpler: it has too many operations inside of one another")


def _insist_on_shape(node: ast.AST) -> None:
    """Refuse what Python's syntax has and a condition has not."""
    name = type(node).__name__
    if not isinstance(node, _NODES):
        raise _refusal(_CALLED.get(name, name))
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        raise ValueError("must have brackets around one of two comparisons in a row")
    if isinstance(node, ast.Subscript) and not (isinstance(node.value, ast.Name) and node.value.id == "result"):
        raise ValueError("must have an index behind result alone")
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            raise ValueError(f"must call one of {', '.join(FUNCTIONS)}")
        wanted = FUNCTIONS[node.func.id].arguments
        if len(node.args) != wanted:
            raise ValueError(f"must give {node.func.id} {wanted} argument{'s' * (wanted > 1)}")
