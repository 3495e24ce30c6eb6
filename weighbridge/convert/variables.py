"""Queries with Flagger's and Argo's variables, as queries with ours. Pure text; nothing is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from weighbridge import promql, template

_HOLE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_NAMED = re.compile(rf"(args|variables)\.({template.ARGUMENT})")
_TRIAL = template.Variables("namespace", "release", "release-0000000000", "release-1111111111", 60.0)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")

PRIMARY = "-primary"
"""What Flagger puts behind the target's name for the workload that serves now."""


class Untranslatable(Exception):  # noqa: N818  it is no mistake of anyone's
    """A query says what ours cannot; its text is why."""


def of_flagger(query: str, names: Mapping[str, str], args: Mapping[str, str]) -> str:
    """Write a Flagger query with our variables (pkg/apis/flagger/v1beta1/metric.go, MetricTemplateModel).

    Args:
        query: a Go template that names variables and does nothing else.
        names: `name`, `target` and `service` of the Canary.
        args: the template's variables.

    Raises:
        Untranslatable: it says more.
    """

    def write(name: str, before: str, after: str) -> tuple[str, int]:
        del before
        if name in {"namespace", "interval"}:
            return f"{{{{ {name} }}}}", 0
        if name in {"target", "name"} and names[name] == names["target"]:
            ours = "stable" if after.startswith(PRIMARY) else "canary"
            return f"{{{{ {ours} }}}}", len(PRIMARY) if ours == "stable" else 0
        if name == "service" and not re.match(r"-(?:primary|canary)\b", after):
            return "{{ release }}", 0
        if name in {"name", "ingress", "route", "service"}:
            raise Untranslatable(f"it asks for '{{{{ {name} }}}}', which has no series here")
        return _argument(name, args), 0

    return _checked(_rewritten(query, write), args)


def of_argo(query: str, args: Mapping[str, str], hashes: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Write an Argo query with our variables (utils/template/template.go, ResolveArgs).

    Args:
        query: PromQL with `{{args.NAME}}`.
        args: the texts of arguments.
        hashes: `Stable` or `Latest` of the arguments that are a pod template's hash.
        names: by the argument, `namespace` or `release` where it is the Rollout's own.
            Its own name is there as the value of an empty key.

    Raises:
        Untranslatable: it says what ours cannot.
    """

    def write(name: str, before: str, after: str) -> tuple[str, int]:
        del after
        argument = name.removeprefix("args.")
        if argument in hashes:
            if not before.endswith(f"{names['']}-"):
                raise Untranslatable("a revision has no variable of its own; its workload is '{{ canary }}'")
            ours = "stable" if hashes[argument] == "Stable" else "canary"
            return f"{{{{ {ours} }}}}", -len(f"{names['']}-")
        if argument in names:
            return f"{{{{ {names[argument]} }}}}", 0
        return _argument(name, args), 0

    written = _rewritten(query, write)
    try:
        return _checked(written, args)
    except Untranslatable:
        # A value that is a piece of PromQL of its own can stand there only if it is written out.
        return _checked(filled(written, args), args)


def filled(text: str, args: Mapping[str, str]) -> str:
    """Write arguments out, where a variable cannot stand."""
    return _HOLE.sub(lambda hole: args.get(hole[1].removeprefix("args."), hole[0]), text)


def tidy(query: str) -> str:
    """Drop the blanks at the ends of a query's lines, and the empty lines around it."""
    lines = [line.rstrip() for line in query.strip().split("\n")]
    return "\n".join(lines) + ("\n" if len(lines) > 1 else "")


def named(text: str) -> list[str]:
    """Give the arguments that a text names, in their order."""
    found = [match[2] for hole in _HOLE.finditer(text) if (match := _NAMED.fullmatch(hole[1]))]
    return list(dict.fromkeys(found))


def gone(query: str, names: Iterable[str]) -> str | None:
    """Find a name in a query that no object has any more."""
    return next((name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", query)), None)


def typed(value: str) -> str | int | float:
    """Read an argument as the number that it is the text of, so that it may stand outside of quotes."""
    if not _NUMBER.fullmatch(value):
        return value
    return float(value) if "." in value else int(value)


def _argument(name: str, args: Mapping[str, str]) -> str:
    found = _NAMED.fullmatch(name)
    if not found:
        raise Untranslatable("its template does more than to name a variable")
    if found[2] not in args:
        raise Untranslatable(f"nothing gives '{found[2]}' a value")
    return f"{{{{ args.{found[2]} }}}}"


def _rewritten(query: str, write: Callable[[str, str, str], tuple[str, int]]) -> str:
    """Replace each hole; `write` says by what, and how much of the text behind it (or before it) goes with it."""
    done, rest = "", query
    while hole := _HOLE.search(rest):
        before, after = done + rest[: hole.start()], rest[hole.end() :]
        text, eaten = write(hole[1], before, after)
        done = (before[:eaten] if eaten < 0 else before) + text
        rest = after[max(eaten, 0) :]
    return done + rest


def _checked(query: str, args: Mapping[str, str]) -> str:
    values = {name: typed(value) for name, value in args.items()}
    trial = template.Variables(**{**vars(_TRIAL), "args": values})
    try:
        promql.check(template.render(query, trial))
    except ValueError as error:
        raise Untranslatable(f"the settings' rule for a query: it {error}") from None
    return query
