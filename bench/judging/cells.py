"""What is simulated: the cells of the tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from bench.judging.runs import Cell
from bench.judging.streams import Rate, Traffic, always
from weighbridge.judge.comparison import Allowed

PER_MINUTE = (5, 20, 60, 300, 1200)
BASE = 0.005
BAD = (0.02, 0.03, 0.05, 0.2)
MARGINS = (0, 1)
GAPS = (10, 60)
"""Seconds between two looks; the gate's default is 60."""

_HOUR = 3600.0
_STEADY = 60
"""Requests a minute below which a canary half a point beyond the margin takes more than a day: it is left out."""


def allowed(margin: float) -> Allowed:
    """What the comparison is set to: the defaults of the settings, but for the margin."""
    return Allowed(margin=margin, detect=1, alpha=0.01, beta=0.05)


def cells() -> list[Cell]:
    """All of them; a cell's place in the list gives its seed."""
    return [*_healthy(), *_peers(), *_bad(), *_good(), *_unlike(), *_turned()]


def _healthy() -> Iterator[Cell]:
    for per_minute in PER_MINUTE:
        for base in (0.001, BASE):
            for margin in MARGINS:
                yield Cell(
                    "healthy",
                    f"{per_minute}/min, {100 * base:g}%, margin {margin}",
                    Traffic(per_minute, always(base), always(base)),
                    allowed(margin),
                    gap=10,
                    looks=500,
                    facts={"per_minute": per_minute, "base": 100 * base, "margin": margin},
                )


def _peers() -> Iterator[Cell]:
    """Thirty checks of a minute, the length of an analysis of the issue's figures."""
    for per_minute in PER_MINUTE:
        for base in (0.001, BASE):
            yield Cell(
                "peers",
                f"{per_minute}/min, {100 * base:g}%",
                Traffic(per_minute, always(base), always(base)),
                allowed(0),
                gap=10,
                looks=186,
                peers=True,
                facts={"per_minute": per_minute, "base": 100 * base, "margin": 0},
            )


def _bad() -> Iterator[Cell]:
    for gap in GAPS:
        for margin in MARGINS:
            for rate in BAD:
                for per_minute in PER_MINUTE:
                    slow = margin == 1 and rate == min(BAD)
                    if slow and per_minute < _STEADY:
                        continue
                    yield Cell(
                        "bad",
                        f"{100 * rate:g}% errors, margin {margin}, {per_minute}/min, a look every {gap} s",
                        Traffic(per_minute, always(rate), always(BASE)),
                        allowed(margin),
                        gap=gap,
                        # Enough for all but a few; a canary half a point beyond the margin needs 10,000 requests.
                        looks=max(math.ceil((60_000 if slow else 6_000) * 60 / per_minute / gap), 4000 // gap),
                        peers=margin == 0 and gap == min(GAPS),
                        thorough=300,
                        facts={"per_minute": per_minute, "rate": 100 * rate, "margin": margin, "gap": gap},
                    )


def _good() -> Iterator[Cell]:
    for margin in MARGINS:
        for ahead in (0, margin + 1):
            for per_minute in (60, 300):
                yield Cell(
                    "pass",
                    f"{100 * BASE + ahead:g}% errors, margin {margin}, {per_minute}/min",
                    Traffic(per_minute, always(BASE + ahead / 100), always(BASE)),
                    allowed(margin),
                    gap=10,
                    looks=math.ceil(12_000 * 6 / per_minute),
                    passes=True,
                    thorough=300,
                    facts={"per_minute": per_minute, "rate": 100 * BASE + ahead, "margin": margin},
                )


def _degrading(low: float, high: float, seconds: float) -> Rate:
    return lambda now: low + (high - low) * min(1.0, now / seconds)


def _wave(middle: float, swing: float, seconds: float) -> Rate:
    return lambda now: middle * (1 + swing * math.sin(2 * math.pi * now / seconds))


def _bursts(usual: float, burst: float, length: float, every: float) -> Rate:
    return lambda now: burst if now % every >= every - length else usual


def _turning(before: float, after: float, seconds: float) -> Rate:
    return lambda now: before if now < seconds else after


def _strange(alike: Traffic) -> list[tuple[str, Traffic, int]]:
    """Traffic that is unlike the usual, and the margin."""
    degrading, swinging = _degrading(BASE, 0.05, 2000), _wave(0.0105, 0.9, _HOUR)
    outages = _bursts(BASE, 0.5, 120, 1200)
    return [
        ("both degrade from 0.5% to 5%", replace(alike, canary=degrading, stable=degrading), 0),
        (
            "both swing, 0.1% to 2% each hour",
            replace(alike, canary=swinging, stable=swinging),
            0,
        ),
        ("outages of both, 50% for 2 of 20 min", replace(alike, canary=outages, stable=outages), 0),
        ("bursts of traffic, 20-fold for 1 of 15 min", replace(alike, volume=_bursts(1, 20, 60, 900)), 0),
        (
            "traffic swings with the errors",
            replace(
                alike,
                canary=swinging,
                stable=swinging,
                volume=_wave(1, 0.9, _HOUR),
            ),
            0,
        ),
        ("0.5 points worse, margin 1", replace(alike, canary=always(BASE + 0.005)), 1),
        ("1 point worse, margin 1", replace(alike, canary=always(BASE + 0.01)), 1),
        (
            "1 point worse, both degrade, margin 1",
            replace(alike, canary=_degrading(BASE + 0.01, 0.06, 2000), stable=degrading),
            1,
        ),
        ("the mesh sends 11%, not 10%", replace(alike, share=0.11), 0),
        ("the mesh sends 11%, outages of both", replace(alike, share=0.11, canary=outages, stable=outages), 0),
        ("the mesh sends 15%, outages of both", replace(alike, share=0.15, canary=outages, stable=outages), 0),
    ]


def _unlike() -> Iterator[Cell]:
    """Canaries that are not to be rolled back, however strange the times are."""
    for per_minute in (60, 300):
        alike = Traffic(per_minute, always(BASE), always(BASE))
        for name, traffic, margin in _strange(alike):
            yield Cell(
                "unlike",
                f"{name}, {per_minute}/min",
                traffic,
                allowed(margin),
                gap=10,
                looks=500,
                facts={"per_minute": per_minute, "margin": margin},
            )
        yield Cell(
            "unlike",
            f"counts stretched by scrapes every 15 s, {per_minute}/min",
            alike,
            allowed(0),
            gap=60,
            looks=500,
            unseen=15,
            facts={"per_minute": per_minute, "margin": 0},
        )


def _turned() -> Iterator[Cell]:
    for per_minute in (60, 300):
        for rate in (0.05, 0.2):
            yield Cell(
                "turned",
                f"{100 * rate:g}% errors after 4 good hours, {per_minute}/min",
                Traffic(per_minute, _turning(BASE, rate, 4 * _HOUR), always(BASE)),
                allowed(0),
                gap=10,
                looks=4 * 360 + 1000,
                peers=True,
                turns=4 * _HOUR,
                facts={"per_minute": per_minute, "rate": 100 * rate, "margin": 0},
            )
