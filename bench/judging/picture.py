"""The picture of the bench, as SVG: requests spent on bad canaries, and good ones rolled back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.judging.cells import PER_MINUTE
from bench.judging.results import Result
from bench.judging.runs import Outcome
from bench.judging.tables import yardstick

WIDTH, HEIGHT = 1000, 492
LEAST, MOST = 5.0, 20_000.0
"""Requests, at the ends of the axis."""

_TOP, _BOTTOM = 132, 430
_ROOM = 55
"""Pixels for the words beside a dot."""

_ALL, _NONE = 0.995, 0.05
"""Of the releases: what counts as all of them, and as none."""

RULES = {
    "weighbridge": ("ours", "Weighbridge"),
    "flagger 99% x5": ("flagger", "Flagger 99% x5"),
    "flagger 99% x10": ("flagger far", "Flagger 99% x10"),
    "argo 99% x3": ("argo", "Argo 99% x3"),
    "argo 95% x4": ("argo far", "Argo 95% x4"),
}
"""Their classes and names, in the order of the legend."""

_PALETTE = {
    "card": ("#ffffff", "#0d1117"),
    "edge": ("#d0d7de", "#30363d"),
    "title": ("#1f2328", "#f0f6fc"),
    "text": ("#424a53", "#c9d1d9"),
    "label": ("#57606a", "#9198a1"),
    "grid": ("#e4e8ec", "#21262d"),
    "band": ("#d8dee4", "#30363d"),
    "wald": ("#6e7781", "#9198a1"),
    "ours": ("#0969da", "#4493f8"),
    "flagger": ("#bc4c00", "#f0883e"),
    "argo": ("#8250df", "#ab7df8"),
}
"""Colours on light and on dark pages."""

_SHAPES = """
    .title { font-weight: 600; font-size: 15px; } .text { font-size: 13px; } .label { font-size: 12.5px; }
    .grid { stroke-width: 1; } .wald { stroke-width: 2; }
    .itself { stroke-width: 1.5; stroke-dasharray: 3 3; } .dot, .path { stroke-width: 2; } .path { fill: none; }
    .far.path { stroke-dasharray: 5 4; } .value { font-size: 12.5px; font-weight: 600; }
"""


def _colours(dark: int) -> str:
    of = {name: pair[dark] for name, pair in _PALETTE.items()}
    rules = [f".card {{ fill: {of['card']}; stroke: {of['edge']}; }}", f".band {{ fill: {of['band']}; }}"]
    rules += [f".{name} {{ fill: {of[name]}; }}" for name in ("title", "text", "label")]
    rules += [f".{name} {{ stroke: {of[name]}; }}" for name in ("grid", "wald")]
    rules.append(f".itself {{ stroke: {of['wald']}; }}")
    for name in ("ours", "flagger", "argo"):
        rules.append(f".{name}.dot {{ fill: {of[name]}; stroke: {of[name]}; }} .{name}.path {{ stroke: {of[name]}; }}")
        rules.append(f".{name}.value {{ fill: {of[name]}; }}")
    rules.append(f".far.dot {{ fill: {of['card']}; }}")
    return "\n".join(f"      {rule}" for rule in rules)


@dataclass(frozen=True)
class Panel:
    """A part of the picture.

    Attributes:
        left: its left end in pixels.
        right: its right end.
    """

    left: float
    right: float

    def across(self, requests: float) -> float:
        """Where a number of requests is, on a logarithmic axis."""
        part = math.log(requests / LEAST) / math.log(MOST / LEAST)
        if not 0 <= part <= 1:
            raise ValueError(f"'requests' must be from {LEAST:g} to {MOST:g}, the ends of the axis (got {requests:g})")
        return self.left + part * (self.right - self.left)


def picture(results: Sequence[Result]) -> str:
    """The whole SVG; the same results give the same bytes."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        '     role="img" aria-labelledby="title desc"',
        "     font-family=\"-apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif\">",
        "  <title id=\"title\">The judge beside Wald's bound and other gates' rules, on simulated requests</title>",
        f'  <desc id="desc">{_description(results)}</desc>',
        f"  <style>{_SHAPES}{_colours(0)}",
        f"    @media (prefers-color-scheme: dark) {{\n{_colours(1)}\n    }}",
        "  </style>",
        f'  <rect class="card" x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="14"/>',
        *_legend(),
        *_spent(results, Panel(88, 372), 60, named=True),
        *_spent(results, Panel(410, 650), 300, named=False),
        *_healthy(results, Panel(730, 968)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _description(results: Sequence[Result]) -> str:
    cell = next(each for each in _bad(results, 60) if each.facts["rate"] == 5)  # noqa: PLR2004 - percent
    spent = ", ".join(f"{RULES[each.rule][1]} {each.requests or 0:.0f}" for each in cell.outcomes)
    known = f"{yardstick(cell).formula:.0f}"
    return f"Requests until a canary with 5% errors is rolled back, at 60 a minute: {spent}; Wald {known}."


def _bad(results: Sequence[Result], per_minute: float) -> list[Result]:
    wanted = {"per_minute": per_minute, "margin": 0, "gap": 10}
    return [each for each in results if each.group == "bad" and wanted.items() <= dict(each.facts).items()]


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'  <text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def _dot(x: float, y: float, kind: str) -> str:
    return f'  <circle class="{kind} dot" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'  <path class="{kind}" d="M{x1:.1f} {y1:.1f} L{x2:.1f} {y2:.1f}"/>'


def _legend() -> Iterator[str]:
    x = 30.0
    for kind, name in RULES.values():
        yield _dot(x, 32, kind)
        yield _text(x + 12, 36.5, name, "text")
        x += 34 + 7.3 * len(name)
    yield f'  <rect class="band" x="{x - 4:.1f}" y="24" width="26" height="16" rx="3"/>'
    yield _line(x - 4, 24, x - 4, 40, "wald")
    yield _line(x + 5, 24, x + 5, 40, "itself")
    yield _text(x + 30, 36.5, "Wald, to twice and a look; dashed: exact", "text")


def _spent(results: Sequence[Result], panel: Panel, per_minute: float, *, named: bool) -> Iterator[str]:
    if named:
        yield _text(30, 78, "Users' requests spent until a bad canary is rolled back", "title")
        yield _text(panel.left - 14, _BOTTOM + 20, "errors", "label", "end")
    yield _text(panel.left, 100, f"at {per_minute:g} requests a minute, weight 10", "label")
    yield _text((panel.left + panel.right) / 2, _BOTTOM + 42, "requests of the canary", "label", "middle")
    for tick in (10, 100, 1000):
        yield _line(panel.across(tick), _TOP - 14, panel.across(tick), _BOTTOM, "grid")
        yield _text(panel.across(tick), _BOTTOM + 20, f"{tick:,}", "label", "middle")
    rows = _bad(results, per_minute)
    for number, each in enumerate(rows):
        y = _TOP + 14 + number * (_BOTTOM - _TOP) / len(rows)
        if named:
            yield _text(panel.left - 14, y + 28, f"{each.facts['rate']:g}%", "title", "end")
        yield from _row(each, panel, y)


def _row(result: Result, panel: Panel, y: float) -> Iterator[str]:
    held = yardstick(result)
    low, itself, high = (panel.across(each) for each in (held.formula, held.exact, held.limit))
    yield f'  <rect class="band" x="{low:.1f}" y="{y - 8:.1f}" width="{high - low:.1f}" height="62" rx="3"/>'
    yield _line(low, y - 8, low, y + 54, "wald")
    yield _line(itself, y - 8, itself, y + 54, "itself")
    by_rule = {outcome.rule: outcome for outcome in result.outcomes}
    for number, (rule, (kind, _)) in enumerate(RULES.items()):
        yield from _mark(by_rule[rule], panel, y + number * 11.5, kind)


def _mark(outcome: Outcome, panel: Panel, y: float, kind: str) -> Iterator[str]:
    part = outcome.rolled_back / outcome.releases
    if outcome.requests is None or part < _NONE:
        yield _text(panel.right, y + 4, f"in {100 * part:.0f}%", f"{kind} value", "end")
        return
    x = panel.across(outcome.requests)
    yield _dot(x, y, kind)
    if outcome.rule == "weighbridge" or part < _ALL:
        words = f"{outcome.requests:.0f}" if part >= _ALL else f"in {100 * part:.0f}%"
        outside = x + _ROOM > panel.right
        yield _text(x - 10 if outside else x + 10, y + 4.5, words, f"{kind} value", "end" if outside else "start")


def _healthy(results: Sequence[Result], panel: Panel) -> Iterator[str]:
    yield _text(panel.left - 30, 78, "Good canaries rolled back", "title")
    yield _text(panel.left - 30, 100, "0.5% errors as stable has, 30 checks", "label")
    yield _text((panel.left + panel.right) / 2, _BOTTOM + 42, "requests a minute", "label", "middle")

    def up(part: float) -> float:
        return _BOTTOM - part * (_BOTTOM - _TOP)

    def along(number: int) -> float:
        return panel.left + 8 + number * (panel.right - panel.left - 16) / (len(PER_MINUTE) - 1)

    for part in (0, 0.25, 0.5, 0.75, 1):
        yield _line(panel.left, up(part), panel.right, up(part), "grid")
        yield _text(panel.left - 8, up(part) + 4, f"{100 * part:.0f}%", "label", "end")
    for number, per_minute in enumerate(PER_MINUTE):
        yield _text(along(number), _BOTTOM + 20, f"{per_minute:,}", "label", "middle")
    rows = [each for each in results if each.group == "peers" and each.facts["base"] == 0.5]  # noqa: PLR2004 - percent
    for rule, (kind, _) in reversed(RULES.items()):
        shares = [_share(each, rule) for each in rows]
        points = [(along(number), up(share)) for number, share in enumerate(shares)]
        yield f'  <path class="{kind} path" d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>'
        yield from (_dot(x, y, kind) for x, y in points)
    most = max(_share(each, "weighbridge") for each in rows)
    yield _text(along(2), up(0) - 12, f"\u2264 {100 * most:.1f}%", "ours value", "middle")


def _share(result: Result, rule: str) -> float:
    outcome = next(each for each in result.outcomes if each.rule == rule)
    return outcome.rolled_back / outcome.releases
