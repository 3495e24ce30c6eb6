"""`python -m lab ns -- python -m docs.picture`: draws docs/dashboard.svg, the dashboard with a release on the lab.

It is no Grafana: where each panel stands, what it asks and its colours are the JSON's, and the data is what the lab's
Prometheus answered; the strokes are matplotlib's. A release walks 0, 10, 30 and is rolled back on its way to 50.
"""

from __future__ import annotations

import itertools
import math
import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

from docs.grafana import Asked, Grafana
from lab import Lab
from tests.engine.delivery import Delivery, deliver, send
from weighbridge import dashboards

mpl.use("svg")
from matplotlib import pyplot as plt

FILE: Final = Path(__file__).with_name("dashboard.svg")
COLOURS: Final = {"blue": "#3274d9", "orange": "#ff780a", "purple": "#8f3bb8", "red": "#e02f44", "green": "#56a64b"}
_OTHER: Final = ["#3274d9", "#ff780a", "#8f3bb8", "#56a64b", "#e02f44", "#666666"]
_UNITS: Final = {"percent": "%", "reqps": " req/s", "ms": " ms", "s": " s", "bytes": " MB", "short": ""}
_COLUMN, _ROW = 0.55, 0.36
"""Inches of one unit of Grafana's grid."""

Series = list[tuple[dict[str, str], list[tuple[float, float]]]]


def draw(board: Mapping[str, Any], answers: Mapping[str, list[Series]]) -> None:
    """Write the picture.

    Args:
        board: the dashboard's JSON.
        answers: what each panel's queries gave, by its title.
    """
    mpl.rcParams |= {"svg.hashsalt": "weighbridge", "svg.fonttype": "none", "font.size": 7}
    high = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    figure = plt.figure(figsize=(24 * _COLUMN, high * _ROW), facecolor="#f4f5f5")
    for panel in board["panels"]:
        place = panel["gridPos"]
        left, top = place["x"] / 24, 1 - place["y"] / high
        if panel["type"] == "row":
            figure.text(
                left + 0.006, top - 0.7 / high, panel["title"].replace("$release", "podinfo"), weight="bold", size=9
            )
            continue
        inside = (left + 0.022, top - (place["h"] - 1.1) / high, place["w"] / 24 - 0.032, (place["h"] - 2.4) / high)
        axes = figure.add_axes(inside)
        axes.set_title(panel["title"], size=8, loc="left")
        {"stat": _stat, "state-timeline": _phases}.get(panel["type"], _lines)(axes, panel, answers[panel["title"]])
    figure.savefig(FILE, metadata={"Date": None, "Title": board["title"], "Description": board["description"]})


def _legend(target: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), target["legendFormat"]).strip()


def _colour(panel: Mapping[str, Any], name: str, number: int) -> str:
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == name:
            colour = override["properties"][0]["value"]["fixedColor"]
            return COLOURS.get(colour, "#444444")
    return _OTHER[number % len(_OTHER)]


def _stat(axes: Any, panel: Mapping[str, Any], answers: list[Series]) -> None:
    axes.axis("off")
    shown = []
    for target, series in zip(panel["targets"], answers, strict=True):
        for labels, values in series:
            name, value = _legend(target, labels), values[-1][1]
            number = f"{value:.4g}{_UNITS[panel['fieldConfig']['defaults']['unit']]}"
            several = len(panel["targets"]) > 1
            text = name if panel["options"]["textMode"] == "name" else f"{name}\n{number}" if several else number
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            met = [step["color"] for step in steps if step["value"] is None or step["value"] <= value][-1]
            shown.append((text, _colour(panel, name, 5) if met == "text" else COLOURS[met]))
    for place, (text, colour) in enumerate(shown or [(panel["fieldConfig"]["defaults"]["noValue"], "#444444")]):
        high = 1 - (place + 0.5) / max(len(shown), 1)
        axes.text(0.5, high, text, ha="center", va="center", size=13, color=colour, weight="bold")


def _lines(axes: Any, panel: Mapping[str, Any], answers: list[Series]) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    drawn = itertools.count()
    for target, series in zip(panel["targets"], answers, strict=True):
        for labels, values in series:
            name = _legend(target, labels)
            scaled = [value / 1e6 if unit == "bytes" else value for _, value in values]
            axes.plot(
                [at for at, _ in values], scaled, label=name, color=_colour(panel, name, next(drawn)), linewidth=1.3
            )
    for step in panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])[1:]:
        axes.axhline(step["value"], color=COLOURS[step["color"]], linewidth=0.7, linestyle="--")
    axes.set_ylim(bottom=0)
    _frame(axes)
    axes.set_ylabel(_UNITS[unit].strip(), size=6, labelpad=1)
    axes.legend(loc="upper left", ncols=3, fontsize=5.5, frameon=False)


def _phases(axes: Any, panel: Mapping[str, Any], answers: list[Series]) -> None:
    shown = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    ((_, values),) = answers[0]
    for number, group in itertools.groupby(values, lambda pair: pair[1]):
        times = [at for at, _ in group]
        phase, width = shown[f"{number:.0f}"], times[-1] - times[0] + 5
        axes.barh(0, width, left=times[0], color=COLOURS.get(phase["color"], "#bbbbbb"))
        axes.text(times[0] + width / 2, 0, phase["text"], ha="center", va="center", size=6)
    axes.set_yticks([])
    _frame(axes)


def _frame(axes: Any) -> None:
    axes.set_xticks([])
    axes.tick_params(labelsize=6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _walk(delivery: Delivery) -> float:
    """A release that begins well and fails; gives the time at which it began."""
    with delivery.load(rate=80) as load:
        began = time.time()
        send(load, 2500)
        for weight in (10, 30):
            delivery.up(weight=weight)
            send(load, 2500)
        candidate = delivery.gate["canary_revision"]
        delivery.lab.dial(f"{delivery.name}-{candidate}", error_rate=0.08, latency=0.03)
        send(load, 1500)
        delivery.up(weight=50)
        send(load, 1500)
    return began


def main() -> None:
    """Walk a release on the lab, and draw what the dashboard shows of it."""
    folder = Path(tempfile.mkdtemp(prefix="weighbridge-picture-"))
    with Lab.start(folder / "lab") as lab:
        delivery = deliver(lab, folder / "project", "podinfo", "rehearsal")
        span = math.ceil(time.time() - _walk(delivery))
        grafana = Grafana(lab.prometheus_url, dashboards.canary(), {"release": "podinfo"})
        answers = {
            panel["title"]: [
                grafana.ask(Asked(panel["title"], target["expr"], bool(target.get("instant"))), span)
                for target in panel["targets"]
            ]
            for panel in grafana.board["panels"]
            if panel["type"] != "row"
        }
    draw(grafana.board, answers)


if __name__ == "__main__":
    main()
