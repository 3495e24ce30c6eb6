"""A replay as a picture: who decided when, the weight, the requests, and how many of them were answered well."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from weighbridge.errors import SettingsError
from weighbridge.judge import Verdict
from weighbridge.replay.figures import Point
from weighbridge.replay.tell import Replay
from weighbridge.replay.when import day

KINDS: Final = (".svg", ".png")

_CANARY, _STABLE = "#d9730d", "#2468a8"
_INK, _FAINT, _LINE = "#24292f", "#6e7781", "#d0d7de"
_COLOURS: Final = {Verdict.PASS: "#2da44e", Verdict.FAIL: "#cf222e"}
_MARKS: Final = {Verdict.PASS: "o", Verdict.FAIL: "X"}
_STYLE: Any = {
    "font.size": 9.0,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _FAINT,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "text.color": _INK,
    "svg.hashsalt": "weighbridge",
}
_ROOM: Final = 2.0
"""Of the deepest band, what the lowest panel shows below a hundred percent."""


def require(path: Path) -> None:
    """See that a picture can be drawn, before anything is asked.

    Raises:
        SettingsError: it has another ending, or matplotlib is not installed.
    """
    if path.suffix not in KINDS:
        raise SettingsError(f"--plot must be a file that ends in {' or '.join(KINDS)} (got {path.name!r})")
    if find_spec("matplotlib") is None:
        raise SettingsError("--plot needs matplotlib, which `pip install 'weighbridge[plot]'` brings")


def draw(replay: Replay, points: Sequence[Sequence[Point]], path: Path) -> None:
    """Draw a replay.

    Args:
        replay: the whole.
        points: of each span.
        path: of the picture, .svg or .png.

    Raises:
        SettingsError: the file cannot be written.
    """
    import matplotlib as mpl  # noqa: PLC0415  optional: only who wants a picture needs it
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(_STYLE):
        lanes = 1 + len(replay.columns)
        figure = Figure(figsize=(10, 5.2 + 0.3 * lanes), layout="constrained")
        heights = [0.34 * lanes + 0.2, 0.8, 1.5, 2.2]
        top, weight, rate, success = figure.subplots(4, 1, sharex=True, height_ratios=heights)
        figure.suptitle(f"{replay.release}: the gate, replayed", x=0.01, ha="left", fontsize=12, fontweight="bold")
        _lanes(top, replay)
        _weights(weight, replay)
        _rates(rate, points)
        _success(success, points)
        _frame(figure, (top, weight, rate, success), replay)
        try:
            figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
        except OSError as error:
            raise SettingsError(f"--plot {path}: cannot be written ({error.strerror})") from None


def _lanes(axes: Any, replay: Replay) -> None:
    """A lane for each gate: how long it looked at each weight, and what it decided then."""
    names = ["really", *(column.name for column, _ in replay.columns)]
    for span in replay.spans:
        last = span.decided[-1] if span.decided else None
        verdict = Verdict(last.verdict) if last and last.verdict else None
        _bar(axes, 0, span.since, last.at if last else span.until, verdict)
    for lane, (_, walked) in enumerate(replay.columns, 1):
        for each in walked:
            if each.reached:
                decision = each.decision
                end = decision.at if decision else each.span.until
                _bar(axes, lane, each.span.since, end, decision.evidence.verdict if decision else None)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelcolor=_INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    shown = (("pass", Verdict.PASS), ("fail", Verdict.FAIL))
    handles = [axes.plot([], [], _MARKS[v], color=_COLOURS[v], label=name)[0] for name, v in shown]
    handles.append(axes.barh(0, 0, color=_FAINT, alpha=0.25, label="undecided"))
    axes.legend(handles=handles, **_above(3))


def _bar(axes: Any, lane: int, start: float, end: float, verdict: Verdict | None) -> None:
    colour = _COLOURS.get(verdict, _FAINT) if verdict else _FAINT
    axes.barh(lane, _days(end) - _days(start), left=_days(start), height=0.42, color=colour, alpha=0.25, linewidth=0)
    if verdict in _MARKS:
        axes.plot([_days(end)], [lane], _MARKS[verdict], color=colour, markersize=7, zorder=3, clip_on=False)


def _weights(axes: Any, replay: Replay) -> None:
    for span in replay.spans:
        left, width = _days(span.since), _days(span.until) - _days(span.since)
        axes.bar(left, span.weight, width, align="edge", color=_CANARY, alpha=0.3, linewidth=0)
        axes.annotate(
            f"{span.weight}%", (left, span.weight), xytext=(3, 2), textcoords="offset points", color=_CANARY, fontsize=8
        )
    axes.set_ylim(0, max(span.weight for span in replay.spans) * 1.6)
    axes.set_ylabel("weight")
    axes.set_yticks([])


def _rates(axes: Any, points: Sequence[Sequence[Point]]) -> None:
    for number, span in enumerate(points):
        times = [_days(each.at) for each in span]
        for track, (name, colour) in enumerate((("canary", _CANARY), ("stable", _STABLE))):
            label = name if number == 0 else None
            axes.plot(times, [each.rates[track] for each in span], color=colour, linewidth=1.4, label=label)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("requests a second")
    axes.legend(**_above(2))


def _success(axes: Any, points: Sequence[Sequence[Point]]) -> None:
    deepest = 0.5
    for span in points:
        for track, colour in ((1, _STABLE), (0, _CANARY)):
            known = [(_days(each.at), band) for each in span if (band := each.bands[track])]
            times = [at for at, _ in known]
            axes.plot(times, [band.success for _, band in known], color=colour, linewidth=1.6)
            ends = [(at, band.low, band.high) for at, band in known if band.low is not None]
            if ends:
                axes.fill_between(*zip(*ends, strict=True), color=colour, alpha=0.16, linewidth=0)
            deepest = max([deepest, *(100 - band.success for _, band in known)])
    axes.set_ylim(max(-2.0, 100 - _ROOM * deepest - 0.5), 100 + 0.06 * deepest + 0.05)
    axes.set_ylabel("answered well since\nthe warm-up, percent")


def _frame(figure: Any, panels: Sequence[Any], replay: Replay) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415  as above

    first, last = replay.spans[0].since, replay.spans[-1].until
    margin = 0.01 * (last - first)
    locator = AutoDateLocator(minticks=4, maxticks=9)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", color=_LINE, linewidth=0.6)
        axes.set_axisbelow(True)
        for span in replay.spans:
            axes.axvline(_days(span.since), color=_FAINT, linewidth=0.8, linestyle=(0, (2, 2)))
    panels[-1].set_xlim(_days(first - margin), _days(last + margin))
    panels[-1].xaxis.set_major_locator(locator)
    panels[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    figure.supxlabel(f"{day(first)} to {day(last)}", x=0.99, ha="right", fontsize=8, color=_FAINT)


def _above(columns: int) -> dict[str, Any]:
    """Where a legend stands: over its panel, at the right."""
    return {
        "loc": "lower right",
        "bbox_to_anchor": (1.0, 0.97),
        "ncols": columns,
        "frameon": False,
        "borderaxespad": 0.0,
        "handlelength": 1.2,
        "columnspacing": 1.2,
    }


def _days(at: float) -> float:
    """Matplotlib's dates: days since 1970, UTC."""
    return at / 86_400
