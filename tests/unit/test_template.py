"""Queries of the user's own: what the variables become, and that no value changes the shape of a query."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge import promql
from weighbridge.template import Value, Variables, render

ARGS: dict[str, Value] = {
    "quoted": 'a"b\\c\nd',
    "tick": "it's",
    "raw": "a`b",
    "minus": -1,
    "half": 0.5,
    "five": 5.0,
    "span": "5m",
    "word": "or",
    "loud": "OR",
    "name": "job:errors:rate5m",
    "yes": True,
    "text": "two words",
    "inf": float("inf"),
}
VARIABLES = Variables("prod", "podinfo", "podinfo-xxxxxxxxxx", "podinfo-yyyyyyyyyy", 90.0, ARGS)

FILLED = [
    (
        "each variable",
        'up{n="{{ namespace }}",r="{{release}}",s="{{  stable  }}",c=~"{{ canary }}-.*"}[{{ interval }}]',
        'up{n="prod",r="podinfo",s="podinfo-xxxxxxxxxx",c=~"podinfo-yyyyyyyyyy-.*"}[1m30s]',
    ),
    ("none", "vector(1)", "vector(1)"),
    ("escapes of double quotes", 'up{a="{{ args.quoted }}"}', r'up{a="a\"b\\c\nd"}'),
    ("escapes of single quotes", "up{a='{{ args.tick }}',b='{{ args.quoted }}'}", r"""up{a='it\'s',b='a"b\\c\nd'}"""),
    ("the other quote needs none", 'up{a="{{ args.tick }}"}', """up{a="it's"}"""),
    ("backquotes", "up{a=`{{ args.text }}`}", "up{a=`two words`}"),
    ("a whole escape before a value", r'up{a="\\{{ args.word }}"}', r'up{a="\\or"}'),
    ("a boolean", 'up{a="{{ args.yes }}"}', 'up{a="true"}'),
    ("a float that is whole", "topk({{ args.five }}, up)", "topk(5, up)"),
    ("a number below zero", "{{ args.minus }} ^ 2", "(-1) ^ 2"),
    ("a duration", "rate(up[{{ args.span }}])", "rate(up[5m])"),
    ("the range and the step of a subquery", "e[{{ interval }}:{{ args.span }}]", "e[1m30s:5m]"),
    ("a metric's name", "{{ args.name }} > {{ args.half }}", "job:errors:rate5m > 0.5"),
    ("a comment cannot be left", "up # {{ args.quoted }}", r"up # a\"b\\c\nd"),
    ("a quote in a comment opens nothing", "up # it's\n> {{ args.half }}", "up # it's\n> 0.5"),
    ("a hash in a string begins nothing", 'up{a="#"} > {{ args.half }}', 'up{a="#"} > 0.5'),
]

NAMES = "must name namespace, release, stable, canary, interval or args.NAME where it says"
QUOTES = "must have quotes around '{{ args.%s }}', as its value is no number, duration or plain name"
REFUSED = [
    ("an unknown variable", 'up{a="{{ pod }}"}', f"{NAMES} '{{{{ pod }}}}'"),
    ("an expression", "{{ 1 + 1 }}", f"{NAMES} '{{{{ 1 + 1 }}}}'"),
    ("nothing", "{{ }}", f"{NAMES} '{{{{ ... }}}}'"),
    ("a newline in the name", "{{ args.\nfive }}", f"{NAMES} '{{{{ ... }}}}'"),
    ("Flagger's target", "{{ target }}", "must name another name where it says '{{ target }}'; write '{{ canary }}'"),
    ("a missing argument", 'up{a="{{ args.b }}"}', "must have an entry in 'args' for '{{ args.b }}'"),
    ("an open brace", "up > {{ args.half", "must close each '{{' with '}}'"),
    ("an open double quote", 'up{a="b}', 'must close each "'),
    ("an open single quote", "up{a='b}", "must close each '"),
    ("an open backquote", "up{a=`b}", "must close each `"),
    ("a string over two lines", 'up{a="b\nc"}', 'must close each " on its line'),
    ("half an escape", r'up{a="\{{ args.word }}"}', 'must not hold an escape in " that PromQL does not have, or half of one'),
    ("half a hex escape", r'up{a="\x4{{ args.word }}"}', 'must not hold an escape in " that PromQL does not have, or half of one'),
    ("half a Unicode escape", r"up{a='\u00{{ args.word }}'}", "must not hold an escape in ' that PromQL does not have, or half of one"),
    ("the wrong escape", r"up{a='\"'}", "must not hold an escape in ' that PromQL does not have, or half of one"),
    ("a backquote in backquotes", "up{a=`{{ args.raw }}`}", "must have other quotes around '{{ args.raw }}', as backquotes cannot hold its value"),
    ("an operator's name", "up {{ args.word }} up", QUOTES % "word"),
    ("an operator's name in capitals", "up {{ args.loud }} up", QUOTES % "loud"),
    ("text outside of quotes", "up > {{ args.text }}", QUOTES % "text"),
    ("a boolean outside of quotes", "up > {{ args.yes }}", QUOTES % "yes"),
    ("a name outside of quotes", "{{ canary }}", "must have quotes around '{{ canary }}'"),
    ("a value behind a letter", "up{{ args.five }}", "must have no letter or digit right before '{{ args.five }}' outside of quotes"),
    ("a value behind an exponent", "1e-{{ args.five }}", "must have no letter or digit right before '{{ args.five }}' outside of quotes"),
    ("a value before a letter", "up[{{ args.five }}m]", "must have no letter or digit right behind a variable outside of quotes"),
    ("a name behind a colon", "job:{{ args.name }}", "must have no letter or digit right before '{{ args.name }}' outside of quotes"),
    ("a name before a colon", "{{ args.name }}:rate5m", "must have no letter or digit right behind a variable outside of quotes"),
    ("two values in a row", "{{ args.five }}{{ args.five }}", "must have no letter or digit right before '{{ args.five }}' outside of quotes"),
    ("a number that is none", "up > {{ args.inf }}", "must have finite numbers in 'args'"),
]  # fmt: skip


@pytest.mark.parametrize(("fact", "template", "query"), FILLED, ids=[row[0] for row in FILLED])
def test_what_a_template_becomes(fact: str, template: str, query: str) -> None:
    """Each variable becomes one token of the query, escaped for where it stands."""
    assert render(template, VARIABLES) == query, fact


@pytest.mark.parametrize(("fact", "template", "rule"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_no_template(fact: str, template: str, rule: str) -> None:
    """What cannot be filled in without a guess is refused with the rule that it breaks."""
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        render(template, VARIABLES)
    assert rule.isprintable(), fact


def told(template: str, variables: Variables, check: Callable[[str], None] = lambda _: None) -> str | None:
    """The rule by which a template is refused, or None."""
    try:
        check(render(template, variables))
    except ValueError as error:
        return str(error)
    return None


SHAPES = [
    'sum(rate(e{a="{{ args.x }}",b!="1"}[{{ interval }}])) / 2',
    "sum by (le) (e{a='{{ args.x }}'}) > 1",
    "e{a=`{{ args.x }}`} or f",
    "e # {{ args.x }}\n + f",
    "({{ args.x }} ^ 2) + e",
    "e > {{ args.x }}",
    "rate(e[{{ args.x }}])",
    "e offset {{ args.x }}",
    "sum_over_time(e[{{ args.x }}:{{ args.x }}])",
    "job:{{ args.x }}",
    "e + {{ args.x }}:rate",
    "1e-{{ args.x }}",
    "e{{ args.x }}",
    "{{ args.x }}{{ args.x }}",
    "e or {{ args.x }}",
    "e{a='{{ args.x }}' , b=\"{{ args.x }}\"} # {{ args.x }}\n",
]
HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(st.sampled_from("\"'`\\{}()[]#,=~ab15mns-+.:e\n\r\t\x00\ufffd "), max_size=12),
    st.sampled_from(
        ["or", "AND", "bool", "offset", "Inf", "nan", "on", "5m", "1e3", "-1", "0x1", "1_0", '"} or up{a="']
    ),
    st.floats(-1e17, 1e17),
    st.integers(-(10**17), 10**17),
    st.booleans(),
)


def skeleton(query: str) -> Any:
    """The shape of a query as promql-parser sees it: its tree without the values of literals."""
    return _bones(promql.parse(query))


def _bones(expr: Any) -> Any:
    kind = type(expr).__name__
    if kind == "VectorSelector":
        # The name may be the value itself; a label may not.
        return (kind, sorted((m.name, str(m.op)) for m in expr.matchers.matchers if m.name != "__name__"))
    if kind == "MatrixSelector":
        return (kind, _bones(expr.vector_selector))
    inside = type(expr.expr).__name__ if kind == "ParenExpr" else ""
    if kind == "NumberLiteral" or inside in {"UnaryExpr", "NumberLiteral"}:
        return "number"  # one below zero stands in brackets
    parts = [getattr(expr, name) for name in ("lhs", "rhs", "expr") if getattr(expr, name, None) is not None]
    return (kind, str(getattr(expr, "op", "")), [_bones(part) for part in [*parts, *getattr(expr, "args", [])]])


@example("job:{{ args.x }}", 49_999_999_999_999_996, 60.0)
@example("job:{{ args.x }}", 1e-7, 60.0)
@example("job:{{ args.x }}", "1e-7", 60.0)
@example("job:{{ args.x }}", "1e999", 60.0)
@given(st.sampled_from(SHAPES), HOSTILE, st.floats(1, 86_400))
def test_no_value_changes_the_shape_of_a_query(template: str, value: Value, interval: float) -> None:
    """Whatever an argument holds, the query that the parser reads has the shape that the template shows."""
    given_args = Variables("ns", "r", "r-x", "r-y", interval, {"x": value})
    rule = told(template, given_args)
    if rule is not None:
        assert rule.isprintable()
        return
    query = render(template, given_args)
    shapes = []
    for plain in ("x", 7, "7m"):
        try:
            shapes.append(skeleton(render(template, Variables("ns", "r", "r-x", "r-y", 60.0, {"x": plain}))))
        except ValueError:
            continue  # a number where a duration belongs is a syntax error of the template
    try:
        found = skeleton(query)
    except ValueError:
        # Nothing but a type that does not belong there: a server refuses it as well, and runs nothing.
        assert not isinstance(value, str) or re.fullmatch(r"[\w:.()-]+", value)
        return
    assert found in shapes


@given(st.sampled_from(["'", '"', "`"]), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_in_quotes_is_read_back_as_it_was(quote: str, value: str) -> None:
    """Whatever stands in quotes is the text that the settings gave, to the last character."""
    try:
        query = render(f"e{{a={quote}{{{{ args.x }}}}{quote}}}", Variables("n", "r", "s", "c", 1.0, {"x": value}))
    except ValueError:
        assert quote == "`"
        return
    tree: Any = promql.parse(query)
    assert [(matcher.name, matcher.value) for matcher in tree.matchers.matchers] == [("a", value)]


KINDS = [
    ("up", False), ("sum(rate(up[5m]))", False), ("vector(1)", False), ("up > 1", False), ("up{a=`\\d+\\`,b=`'`} # `", False), ("up{a='`'} or f{b=\"`\\\\d`\"}", False), ("1 + scalar(up)", True),
    ("-(2)", True), ("time()", True), ("scalar(sum(up))", True), ("a_function_of_tomorrow(up)", False),
]  # fmt: skip


@pytest.mark.parametrize(("query", "scalar"), KINDS)
def test_a_query_that_gives_numbers(query: str, scalar: bool) -> None:
    """PromQL's types tell a scalar from a vector; a function that the parser has not heard of is the server's affair."""
    promql.check(query)
    assert promql.is_scalar(query) is scalar
    assert promql.as_vector(query) == (f"vector({query})" if scalar else query)
    assert not promql.is_scalar(promql.as_vector(query))


def test_a_comment_does_not_swallow_a_bracket() -> None:
    """A scalar's query may end in a comment."""
    assert not promql.is_scalar(promql.as_vector("1 # one"))


NO_PROMQL = [
    ("sum(up", "must be PromQL: unclosed left parenthesis"),
    ("up{", "must be PromQL: unexpected end of input inside braces"),
    ("1 > 2", "must be PromQL: comparisons between scalars must use BOOL modifier"),
    ("rate(up)", "must be PromQL: expected type matrix in call to function 'rate', got vector"),
    ("up[5m]", "must give a number or a vector, not a range or a text"),
    ("(up[5m:1m])", "must give a number or a vector, not a range or a text"),
    ('"up"', "must give a number or a vector, not a range or a text"),
    ("1+" * 2000 + "1", "must have at most 4000 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "rule"), NO_PROMQL, ids=[row[0][:20] for row in NO_PROMQL])
def test_what_is_no_query(query: str, rule: str) -> None:
    """What no server could answer with numbers is told before one is asked."""
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        promql.check(query)


@pytest.mark.parametrize(
    "deep", ["(" * 1999 + "1" + ")" * 1999, "1^" * 1999 + "1", "-" * 3999 + "1", "abs(" * 799 + "up" + ")" * 799]
)
def test_no_query_is_too_deep(deep: str) -> None:
    """The longest queries nest as deeply as they can, and neither parser nor walk runs out of stack."""
    promql.check(deep)


@given(st.text())
def test_any_text_is_a_query_or_is_refused_in_one_line(text: str) -> None:
    """No text ends in anything but a query or one printable line."""
    rule = told(text, VARIABLES, promql.check)
    assert rule is None or (rule.isprintable() and rule.startswith("must "))
