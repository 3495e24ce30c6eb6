"""What the bench prints: one calm table for each question."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from bench.judging.cells import PER_MINUTE
from bench.judging.results import Result
from bench.judging.yardstick import Yardstick

_LARGE = 100
"""Requests that are shown without decimals."""


def tables(results: Sequence[Result]) -> Iterator[str]:
    """All of them, as lines."""
    yield from _healthy(_of(results, "healthy"))
    yield from _peers(_of(results, "peers"))
    for gap in (10, 60):
        yield from _bad([each for each in _of(results, "bad") if each.facts["gap"] == gap], gap)
    yield from _kept(_of(results, "bad"))
    yield from _beside([each for each in _of(results, "bad") if len(each.outcomes) > 1])
    yield from _passes(_of(results, "pass"))
    yield from _unlike(_of(results, "unlike"))
    yield from _turned(_of(results, "turned"))


def yardstick(result: Result) -> Yardstick:
    """Of a cell that has one.

    Raises:
        ValueError: it has none.
    """
    if result.yardstick is None:
        raise ValueError(f"'{result.group}' must be held to Wald's test (got {result.name})")
    return result.yardstick


def _of(results: Iterable[Result], group: str) -> list[Result]:
    return [each for each in results if each.group == group]


def _title(text: str) -> Iterator[str]:
    yield ""
    yield text


def _row(first: str, cells: Iterable[str], width: int = 13) -> str:
    return (f"  {first:<44}" + "".join(f"{cell:>{width}}" for cell in cells)).rstrip()


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= _LARGE else f"{value:,.1f}"


def _healthy(results: Sequence[Result]) -> Iterator[str]:
    yield from _title("Healthy canaries rolled back, of those looked at 500 times, every 10 s; allowed 1%")
    kinds = list(dict.fromkeys((each.facts["base"], each.facts["margin"]) for each in results))
    yield _row("the canary's requests a minute", [f"{base:g}%, +{margin:g}" for base, margin in kinds])
    for per_minute in PER_MINUTE:
        row = [each.outcomes[0] for each in results if each.facts["per_minute"] == per_minute]
        yield _row(f"{per_minute}", [_percent(each.rolled_back, each.releases) for each in row])


def _peers(results: Sequence[Result]) -> Iterator[str]:
    yield from _title("Healthy canaries rolled back in 31 minutes: 30 checks and the one that acts on them; margin 0")
    yield _row("requests a minute, errors", [each.rule for each in results[0].outcomes], 17)
    for each in results:
        cells = [_percent(outcome.rolled_back, outcome.releases) for outcome in each.outcomes]
        yield _row(f"{each.facts['per_minute']:g}, {each.facts['base']:g}%", cells, 17)


def _bad(results: Sequence[Result], gap: int) -> Iterator[str]:
    yield from _title(f"Users' requests spent until a bad canary is rolled back, stable 0.5%, a look every {gap} s")
    yield "Wald: his formula; the test: his test itself, exactly; NO: beyond twice that and a look"
    of_formula = ("Wald", "to Wald", "2 Wald + look", "of that")
    of_test = ("the test", "2 of it + look", "of that")
    columns = ("requests", "1 of 20 over", *of_formula, *of_test, "not ended")
    yield _row("errors, margin, requests a minute", columns, 15)
    for each in results:
        ours, held = each.outcomes[0], yardstick(each)
        spent = _spent(each)
        cells = [_number(ours.requests), _number(ours.late)]
        cells += [
            _number(held.formula),
            f"{spent / held.formula:.2f}",
            _number(held.limit),
            _of_that(spent, held.limit),
        ]
        cells += [_number(held.exact), _number(held.exact_limit), _of_that(spent, held.exact_limit)]
        facts = each.facts
        ended = f"{ours.releases - ours.rolled_back}"
        yield _row(f"{facts['rate']:g}%, +{facts['margin']:g}, {facts['per_minute']:g}", [*cells, ended], 15)


def _spent(result: Result) -> float:
    return result.outcomes[0].requests or math.inf


def _of_that(spent: float, limit: float) -> str:
    return f"{'' if spent <= limit else 'NO '}{spent / limit:.2f}"


def _kept(results: Sequence[Result]) -> Iterator[str]:
    """In how many cells each of the two limits is kept."""
    spent = [(_spent(each), yardstick(each)) for each in results]
    formula = sum(requests <= held.limit for requests, held in spent)
    exact = sum(requests <= held.exact_limit for requests, held in spent)
    yield ""
    kept = f"{formula} of {len(spent)} cells by the formula, in {exact} by the test itself"
    yield f"Twice Wald's and a look: kept in {kept}"


def _beside(results: Sequence[Result]) -> Iterator[str]:
    yield from _title(
        "The same beside other rules, within an hour; in brackets how many were rolled back, where not all"
    )
    yield _row("errors, requests a minute", [each.rule for each in results[0].outcomes], 17)
    for each in results:
        cells = []
        for outcome in each.outcomes:
            part = outcome.rolled_back / outcome.releases
            cells.append(_number(outcome.requests) + ("" if part == 1 else f" ({100 * part:.0f}%)"))
        yield _row(f"{each.facts['rate']:g}%, {each.facts['per_minute']:g}", cells, 17)


def _passes(results: Sequence[Result]) -> Iterator[str]:
    yield from _title("Requests until pass, detect 1; a canary worse by margin and detect may pass in 5%, stable 0.5%")
    yield _row(
        "errors, margin, requests a minute",
        ("passed", "rolled back", "requests", "Wald", "to Wald", "the test", "to that"),
    )
    for each in results:
        ours, facts = each.outcomes[0], each.facts
        cells = [_percent(ours.passed, ours.releases), _percent(ours.rolled_back, ours.releases)]
        if (held := each.yardstick) and ours.requests:
            cells.append(_number(ours.requests))
            for known in (held.formula, held.exact):
                cells += [_number(known), f"{ours.requests / known:.2f}"]
        yield _row(f"{facts['rate']:g}%, +{facts['margin']:g}, {facts['per_minute']:g}", cells)


def _unlike(results: Sequence[Result]) -> Iterator[str]:
    yield from _title("Not the canary's fault, or allowed: rolled back, of those looked at 500 times; allowed 1%")
    yield _row("", ("60 a minute", "300 a minute"))
    names = list(dict.fromkeys(each.name.rpartition(", ")[0] for each in results))
    for name in names:
        row = [each.outcomes[0] for each in results if each.name.rpartition(", ")[0] == name]
        yield _row(name, [_percent(each.rolled_back, each.releases) for each in row])


def _turned(results: Sequence[Result]) -> Iterator[str]:
    yield from _title(
        "Requests spent after a canary turned bad; in brackets how many were rolled back while it was good"
    )
    yield _row("", [each.rule for each in results[0].outcomes], 17)
    for each in results:
        cells = [
            f"{_number(outcome.requests)} ({_percent(outcome.early, outcome.releases)})" for outcome in each.outcomes
        ]
        yield _row(each.name, cells, 17)
