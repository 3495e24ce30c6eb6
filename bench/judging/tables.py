"""What the bench prints: one calm table for each question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.judging.cells import BASE, PER_MINUTE
from bench.judging.peers import wald
from bench.judging.results import Result

ALPHA, BETA = 0.01, 0.05
_LARGE = 100
"""Requests that are shown without decimals."""


def tables(results: Sequence[Result]) -> Iterator[str]:
    """All of them, as lines."""
    yield from _healthy(_of(results, "healthy"))
    yield from _peers(_of(results, "peers"))
    for gap in (10, 60):
        yield from _bad([each for each in _of(results, "bad") if each.facts["gap"] == gap], gap)
    yield from _beside([each for each in _of(results, "bad") if len(each.outcomes) > 1])
    yield from _passes(_of(results, "pass"))
    yield from _unlike(_of(results, "unlike"))
    yield from _turned(_of(results, "turned"))


def expected(result: Result) -> float:
    """Wald's expected requests until a bad canary is rolled back."""
    facts = result.facts
    return wald(BASE + facts["margin"] / 100, facts["rate"] / 100, ALPHA, BETA)


def limit(result: Result) -> float:
    """What the issue allows: twice Wald's, and the requests of one look."""
    return 2 * expected(result) + result.facts["per_minute"] * result.facts["gap"] / 60


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
    columns = ("requests", "1 of 20 over", "Wald", "to Wald", "2 Wald + look", "of that", "kept", "not ended")
    yield _row("errors, margin, requests a minute", columns, 14)
    for each in results:
        ours, most = each.outcomes[0], limit(each)
        spent = ours.requests or float("inf")
        cells = [
            _number(ours.requests),
            _number(ours.late),
            _number(expected(each)),
            f"{spent / expected(each):.2f}",
            _number(most),
            f"{spent / most:.2f}",
            "yes" if spent <= most else "NO",
            f"{ours.releases - ours.rolled_back}",
        ]
        facts = each.facts
        yield _row(f"{facts['rate']:g}%, +{facts['margin']:g}, {facts['per_minute']:g}", cells, 14)


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
    yield _row("errors, margin, requests a minute", ("passed", "rolled back", "requests", "Wald", "to Wald"))
    for each in results:
        ours, facts = each.outcomes[0], each.facts
        beyond = BASE + (facts["margin"] + 1) / 100
        cells = [_percent(ours.passed, ours.releases), _percent(ours.rolled_back, ours.releases)]
        if facts["rate"] == 100 * BASE and ours.requests:
            known = wald(beyond, BASE, BETA, ALPHA)
            cells += [_number(ours.requests), _number(known), f"{ours.requests / known:.2f}"]
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
