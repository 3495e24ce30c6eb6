"""The metrics of a Flagger Canary as those of a gate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from weighbridge.convert.documents import Document, Documents
from weighbridge.convert.fitting import refusal
from weighbridge.convert.objects import metadata
from weighbridge.convert.reading import Node, span_text
from weighbridge.convert.server import INSECURE, SECRET, Server
from weighbridge.convert.shared import rewrite
from weighbridge.convert.variables import PRIMARY, Untranslatable, gone, named, of_flagger, tidy, typed
from weighbridge.convert.writing import Section
from weighbridge.settings.metrics import OwnMetric

GROUP = "flagger.app"
SUCCESS, DURATION = "request-success-rate", "request-duration"
OLD_NAMES = {"istio_requests_total": SUCCESS, "istio_request_duration_seconds_bucket": DURATION}
"""The built-in metrics as v1alpha3 called them at first; the duration's threshold was in milliseconds already."""

WINDOW = 60.0
"""Seconds: Flagger's default of a metric's interval, which is what its query looks back."""

LONGEST_NAME = 36
"""Characters: a metric's name has 40 at most, and a number may come behind it."""


@dataclass(frozen=True)
class Judged:
    """What the metrics of a Canary are about.

    Attributes:
        documents: in which its templates are.
        server: the stack's Prometheus.
        namespace: of the Canary.
        names: what its queries may name.
        interval: of the analysis, seconds.
    """

    documents: Documents
    server: Server
    namespace: str | None
    names: Mapping[str, str]
    interval: float


def metrics(node: Node, judged: Judged) -> tuple[Section, float]:
    """Read `analysis.metrics`.

    Returns:
        The metrics, and the longest time in seconds that one of them looks back.
    """
    found, longest = Section(), 0.0
    for item in node.items():
        given = item.at("name").text() or ""
        name = OLD_NAMES.get(given, given)
        seconds = item.at("interval").span() or WINDOW
        if name in {SUCCESS, DURATION}:
            _window(item.at("interval"), seconds, judged.interval)
            (_success if name == SUCCESS else _duration)(item, found)
        else:
            _own(item, given, seconds, judged, found)
        longest = max(longest, seconds)
    every_metric_is_named(found, "the Canary")
    return found, longest


def every_metric_is_named(found: Section, who: str) -> None:
    """Ask for the success rate with a bound that everything keeps, where the documents do not ask for it."""
    if SUCCESS not in found.entries:
        found.put(SUCCESS, {"min": 0}, f"the gate wants it; {who} does not ask for it, so nothing can break it")


def fitting_name(name: str, taken: Mapping[str, object]) -> str:
    """Make a metric's name out of any text, one that is not taken."""
    short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    short = (short if re.match("[a-z]", short) else f"metric-{short}")[:LONGEST_NAME].strip("-")
    free = (f"{short}-{number}" if number > 1 else short for number in range(1, 10_000))
    return next(each for each in free if each not in {*taken, SUCCESS, DURATION})


def _success(item: Node, found: Section) -> None:
    bounds = item.at("thresholdRange")
    low = bounds.at("min").number() if bounds else item.at("threshold").number()
    bounds.at("max").leave("a success rate has a least value alone")
    if bounds:
        item.at("threshold").leave("thresholdRange takes its place, as in Flagger", settled=True)
    where = "thresholdRange.min" if bounds else "threshold"
    found.put(SUCCESS, {"min": low or 0}, f"{where}, percent")


def _duration(item: Node, found: Section) -> None:
    bounds = item.at("thresholdRange")
    high = bounds.at("max").number() if bounds else item.at("threshold").number()
    bounds.at("min").leave("a duration has a highest value alone")
    if bounds:
        item.at("threshold").leave("thresholdRange takes its place, as in Flagger", settled=True)
    if not high or high < 1:
        item.leave("it has no bound of 1 ms or more, so it would never pass")
        return
    where = "thresholdRange.max" if bounds else "threshold"
    found.put(DURATION, {"max": span_text(high / 1000)}, f"{where}, in milliseconds there; the 99th percentile")


def _window(node: Node, seconds: float, interval: float) -> None:
    """Say where a built-in query looks back over another time than that between two checks."""
    if seconds != interval:
        spans = f"{span_text(seconds)} at each check; here a check has the {span_text(interval)} since the last one"
        node.note(f"Flagger looks back {spans}, and a verdict all the time at the weight")


def _own(item: Node, given: str, seconds: float, judged: Judged, found: Section) -> None:
    metric, name = Section(), fitting_name(given, found.entries)
    if name != given:
        item.at("name").note(f"named {name!r} here", settled=True)
    args = item.at("templateVariables").words()
    source = _source(item, judged)
    if source is None and not item.at("templateRef"):
        item.leave("it has neither a query nor a template, so Flagger fails it")
        return
    if source is not None and not source:
        return  # its provider has no equal, which is said where it stands
    if source is None:
        what = _named_template(item.at("templateRef"), judged)
        metric.need("query", f"the query of {what}, which is not among the documents")
    else:
        _query(source, metric, judged, args)
    used = {key: typed(value) for key, value in args.items() if key in named(str(metric.entries["query"]))}
    for key in args.keys() - used.keys():
        item.at("templateVariables", key).leave("the query does not name it", settled=True)
    metric.put("args", used or None)
    if broken := refusal(OwnMetric, "interval", span_text(seconds)):
        item.at("interval").leave(f"the settings' rule: {broken}")
    else:
        metric.put("interval", span_text(seconds), "interval" if item.at("interval") else "Flagger's default")
    _bounds(item, metric)
    found.put(name, metric)


def _query(source: Node, metric: Section, judged: Judged, args: Mapping[str, str]) -> None:
    try:
        query = of_flagger(tidy(source.text() or ""), judged.names, args)
    except Untranslatable as error:
        source.leave(f"write it anew: {error}")
        metric.need("query", f"PromQL for {source.ledger.document}'s, with {{{{ canary }}}} and the like")
        return
    target, service = judged.names["target"], judged.names["service"]
    lost = gone(query, (f"{target}{PRIMARY}", f"{service}{PRIMARY}", f"{service}-canary"))
    if lost:
        rewrite(lost, source, metric)
    metric.put("query", query)


def _bounds(item: Node, metric: Section) -> None:
    bounds = item.at("thresholdRange")
    if bounds:
        item.at("threshold").leave("thresholdRange takes its place, as in Flagger", settled=True)
        for key in ("min", "max"):
            metric.put(key, bounds.at(key).number(), "thresholdRange")
        if not {"min", "max"} & metric.entries.keys():
            metric.need("max", "a bound: without one the metric passes always")
        return
    metric.put("max", item.at("threshold").number() or 0, "threshold")


def _source(item: Node, judged: Judged) -> Node | None:
    """Find a metric's query: its own, else its template's; None where the template is missing.

    A place without a value stands for a provider that has no equal.
    """
    reference = item.at("templateRef")
    if not reference:
        return item.at("query") or None
    item.at("query").leave("templateRef takes its place")
    name = reference.at("name").text()
    namespace = reference.at("namespace").text() or judged.namespace
    for key in ("apiVersion", "kind"):
        reference.at(key).used()
    found = judged.documents.find("MetricTemplate", GROUP, name, namespace)
    return _template(found, item, judged.server) if found else None


def _named_template(reference: Node, judged: Judged) -> str:
    namespace = reference.at("namespace").value or judged.namespace
    return f"MetricTemplate {namespace}/{reference.at('name').value}".replace("None/", "")


def _template(document: Document, item: Node, server: Server) -> Node:
    """Give the query of a MetricTemplate, or a place without a value if it is not for Prometheus."""
    spec = document.open()
    metadata(document)
    provider = spec.at("provider")
    kind = provider.at("type")
    if kind.value != "prometheus":
        kind.note("only Prometheus is asked here")
        kind.used()
        item.leave(f"its template asks {kind.value}, and only Prometheus is asked here")
        spec.leave("only Prometheus is asked here")
        return Node(None, (), document.ledger)
    kind.used()
    if not server.address(provider.at("address")):
        item.leave("its template asks another server than the stack's one Prometheus")
        spec.leave("its address is not that of the stack's one Prometheus")
        return Node(None, (), document.ledger)
    provider.at("secretRef").leave(SECRET)
    server.headers({name: inner for name, values in provider.at("headers").fields().items() for inner in _one(values)})
    if provider.at("insecureSkipVerify").flag():
        provider.at("insecureSkipVerify").leave(INSECURE)
    return spec.at("query")


def _one(values: Node) -> list[Node]:
    items = values.items()
    for item in items[1:]:
        item.leave("prometheus.headers has one value a name")
    return items[:1]
