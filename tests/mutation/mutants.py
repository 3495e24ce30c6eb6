"""Every small change of some modules, by the operators of mutmut, as JSON on standard output.

It runs in the environment of requirements/mutation.txt, which has mutmut and nothing of the project. Only mutmut's
operators are taken: its own runner leaves out what stands in a property, in a cached function and outside of functions,
and here the rules stand there (`Answered.well`, the limits of the judge).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_if_exp, operator_string


def _wording(node: Any) -> Iterable[Any]:
    """The first of mutmut's changes of a text is enough: whoever sees it sees the others."""
    return list(operator_string(node))[:1]


OPERATORS = (
    *((kind, _wording if operator is operator_string else operator) for kind, operator in mutation_operators),
    # mutmut forces the condition of an `a if b else c` alone.
    *((kind, operator_if_exp) for kind in (cst.If, cst.CompIf)),
)

LEFT_ALONE = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
"""No type is looked at while the code runs, and a module that cannot be imported is seen by every test."""


class Finder(cst.CSTVisitor):  # type: ignore[misc] # libcst is in the other environment
    """Collects (scope, line, node, changed node)."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, int, Any, Any]] = []
        self._scope: list[str] = []

    def on_visit(self, node: Any) -> bool:
        """Before the node's parts."""
        if isinstance(node, LEFT_ALONE) or _is_docstring(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._scope.append(node.name.value)
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                line = self.get_metadata(PositionProvider, node).start.line
                self.found += [(".".join(self._scope), line, node, changed) for changed in operator(node)]
        return True

    def on_leave(self, original_node: Any) -> None:
        """After them."""
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._scope.pop()


def _is_docstring(node: Any) -> bool:
    return isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString)


def mutants(source: str) -> Iterator[dict[str, Any]]:
    """The changed modules: where the change is (scope and line), and the whole text."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    finder = Finder()
    wrapper.visit(finder)
    for scope, line, node, changed in finder.found:
        yield {"scope": scope, "line": line, "text": wrapper.module.deep_replace(node, changed).code}


if __name__ == "__main__":
    json.dump({path: list(mutants(Path(path).read_text(encoding="utf-8"))) for path in sys.argv[1:]}, sys.stdout)
