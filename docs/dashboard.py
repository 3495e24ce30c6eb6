"""`python -m docs.dashboard`: writes the dashboard's JSON, and its page in docs, from `docs.panels`.

The JSON is built with Grafana's own builders (grafana-foundation-sdk, generated from Grafana's schema), so that a key
that Grafana does not know cannot be written. It ships with the package as `weighbridge/dashboards/canary.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders import dashboard as built
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model

from docs.panels import COLOURS, PHASE_COLOURS, PHASES, ROWS, Panel, Steps
from weighbridge import dashboards
from weighbridge.queries import REQUESTS
from weighbridge.sight import state_metrics, tracks

UID: Final = "weighbridge-canary"
PAGE: Final = Path(__file__).with_name("dashboard-panels.md")
_SOURCE: Final = model.DataSourceRef("prometheus", "$datasource")
_ANNOTATED: Final = {
    "titleFormat": "{{weight}}% approved",
    "useValueForTime": True,
    # An approval is seen in each sample until the next one: one question a minute finds them all.
    "step": "60s",
}
"""Of the Prometheus data source's annotations."""
_STAT: Final = {"wideLayout": True, "showPercentChange": False, "percentChangeColorMode": "standard"}
"""Required of a stat panel since Grafana 11; the values are Grafana's own defaults."""


def text() -> str:
    """The dashboard's JSON."""
    board = (
        built.Dashboard("Weighbridge: canary against stable")
        .uid(UID)
        .description("A release: its weight, its phase, and its canary beside stable.")
        .tags(["weighbridge", "istio", "canary"])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .annotation(_decisions())
    )
    for variable in _variables():
        board.with_variable(variable)
    for title, panels in ROWS.items():
        board.with_row(built.Row(title))
        for panel in panels:
            board.with_panel(_panel(panel))
    made: dict[str, Any] = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    _of_today(made)
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _of_today(made: dict[str, Any]) -> None:
    """Bring what the builders wrote up to Grafana's present schema, by which `lab/dashboards` checks it."""
    del made["style"]
    for variable in made["templating"]["list"]:
        del variable["id"]
    made["annotations"]["list"][0] |= _ANNOTATED
    for number, panel in enumerate(made["panels"], start=1):
        panel["id"] = number
        if panel["type"] == "stat":
            panel["options"] |= _STAT


def _variables() -> list[Any]:
    theirs = f'destination_workload_namespace="$namespace",destination_workload=~"{tracks.WORKLOADS}"'
    return [
        built.DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
        _choice("namespace", "Namespace", f"label_values({state_metrics.WEIGHT}, namespace)"),
        _choice("release", "Release", f'label_values({state_metrics.WEIGHT}{{namespace="$namespace"}}, release)'),
        # `destination` comes first where the pods have proxies; without them only their callers tell.
        _choice("reporter", "Seen by", f"label_values({REQUESTS}{{{theirs}}}, reporter)"),
    ]


def _choice(name: str, label: str, query: str) -> Any:
    return (
        built.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query(query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )


def _decisions() -> Any:
    return (
        built.AnnotationQuery()
        .name("Decisions")
        .datasource(_SOURCE)
        .enable(enable=True)
        .icon_color("purple")
        .expr(tracks.decisions())
    )


def _panel(panel: Panel) -> Any:
    make = {"timeseries": _series, "phases": _phases}.get(panel.kind, _stat)
    made = make(panel).title(panel.title).description(panel.says).datasource(_SOURCE)
    made.span(panel.width).height(panel.height).unit(panel.unit)
    for number, (legend, query) in enumerate(panel.asks.items()):
        asked = (
            prometheus.Dataquery().datasource(_SOURCE).expr(query).legend_format(legend).ref_id(chr(ord("A") + number))
        )
        made.with_target(asked.instant() if panel.kind in {"stat", "name"} else asked.range())
    for name, colour in COLOURS.items():
        if name in panel.asks and panel.kind == "timeseries":
            made.override_by_name(name, [_coloured(colour)])
    return made


def _series(panel: Panel) -> Any:
    legend = (
        common.VizLegendOptions()
        .display_mode(kinds.LegendDisplayMode.LIST)
        .placement(kinds.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )
    made = timeseries.Panel().legend(legend).fill_opacity(8).line_width(2).min(0)
    made.tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.NONE))
    # A track that is gone for a while is a gap and not a line through it.
    made.span_nulls(span_nulls=False)
    if panel.high is not None:
        made.max(panel.high)
    if panel.steps:
        made.thresholds(_thresholds(panel.steps))
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(kinds.GraphTresholdsStyleMode.DASHED))
    return made


def _stat(panel: Panel) -> Any:
    made = (
        stat.Panel()
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .color_mode(kinds.BigValueColorMode.BACKGROUND if panel.title == "Phase" else kinds.BigValueColorMode.VALUE)
        .text_mode(kinds.BigValueTextMode.NAME if panel.kind == "name" else kinds.BigValueTextMode.AUTO)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("none" if panel.kind == "name" else "no data")
        .thresholds(_thresholds(panel.steps or {None: "text"}))
    )
    if panel.title == "Phase":
        for phase, colour in PHASE_COLOURS.items():
            made.override_by_name(str(phase), [_coloured(colour)])
    return made


def _phases(panel: Panel) -> Any:
    del panel
    shown = {
        str(number): model.ValueMappingResult(str(phase), PHASE_COLOURS[phase], index=number)
        for phase, number in PHASES.items()
    }
    return statetimeline.Panel().mappings([model.ValueMap(shown)]).show_value(kinds.VisibilityMode.AUTO)


def _thresholds(steps: Steps) -> Any:
    made = [model.Threshold(value, colour) for value, colour in steps.items()]
    return built.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


def _coloured(colour: str) -> model.DynamicConfigValue:
    return model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def page() -> str:
    """The page that says what each panel shows and asks."""
    lines = ["# Panels of the dashboard", "", "Written by `python -m docs.dashboard`. How to use the dashboard:", ""]
    lines[-2] += " [dashboard](dashboard.md)."
    lines += ["## Annotations", "", "Each approval of a weight, at its time:", "", *_promql(tracks.decisions())]
    for title, panels in ROWS.items():
        lines += [f"## {title}" if not title.startswith("$") else "## The release", ""]
        for panel in panels:
            lines += [f"### {panel.title}", "", panel.says, ""]
            for legend, query in panel.asks.items():
                lines += [*([f"`{legend}`:", ""] if len(panel.asks) > 1 else []), *_promql(query)]
    return "\n".join(lines).rstrip() + "\n"


def _promql(query: str) -> list[str]:
    return ["```promql", query, "```", ""]


if __name__ == "__main__":
    dashboards.CANARY.write_text(text(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
