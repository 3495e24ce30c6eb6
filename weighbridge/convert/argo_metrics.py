"""The metrics of Argo's AnalysisTemplates as those of a gate (pkg/apis/rollouts/v1alpha1/analysis_types.go)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from weighbridge import conditions
from weighbridge.convert.argo_args import Args, args, resolved
from weighbridge.convert.argo_limits import limits, times
from weighbridge.convert.documents import Document, Documents
from weighbridge.convert.flagger_metrics import fitting_name
from weighbridge.convert.objects import metadata
from weighbridge.convert.reading import Node
from weighbridge.convert.server import INSECURE, SECRET, Server
from weighbridge.convert.shared import rewrite
from weighbridge.convert.variables import Untranslatable, filled, gone, named, of_argo, tidy, typed
from weighbridge.convert.writing import Section

GROUP = "argoproj.io"
_CONDITIONS = {"successCondition": "success_condition", "failureCondition": "failure_condition"}
_OWN_WAY = {
    "measurementRetention": "the gate's state keeps its last 50 decisions with their measurements",
    "analysisRunMetadata": "there are no AnalysisRuns",
}


@dataclass(frozen=True)
class Runs:
    """What the analyses of a Rollout are about.

    Attributes:
        documents: in which their templates are.
        server: the stack's Prometheus.
        rollout: the Rollout's outermost place.
        namespace: its namespace.
        metrics: gets the metrics, by our names.
        gone: names that queries may hold and no object has any more.
    """

    documents: Documents
    server: Server
    rollout: Node
    namespace: str | None
    metrics: Section
    gone: tuple[str, ...]

    def analysis(self, node: Node, index: int, *, background: bool = False) -> float:
        """Read one analysis: its templates' metrics, to be measured from a weight on.

        Args:
            node: the RolloutAnalysis.
            index: of the weight.
            background: whether it runs beside the steps, as long as they do.

        Returns:
            Seconds that it takes at a weight.
        """
        templates = self._templates(node, set())
        given = args([each.at("args") for each in templates], node.at("args"), self.rollout)
        dry = _dry_run([node.at("dryRun"), *(each.at("dryRun") for each in templates)])
        for each in (node, *templates):
            for key, why in _OWN_WAY.items():
                each.at(key).leave(why, settled=True)
        took, used = 0.0, set()
        for item in [item for each in templates for item in each.at("metrics").items()]:
            used |= set(named(str(_spoken(item.value))))
            run = Run(index, background, dry(str(item.at("name").value)))
            took = max(took, _metric(item, given, self, run))
        for name in given.nodes.keys() - used:
            for place in given.nodes[name]:
                place.leave("no metric names it", settled=True)
        return took

    def _templates(self, node: Node, seen: set[str]) -> list[Node]:
        """Find the templates that a list refers to, and those that they refer to."""
        found = []
        for item in node.at("templates").items():
            name = item.at("templateName").text()
            kind = "ClusterAnalysisTemplate" if item.at("clusterScope").flag() else "AnalysisTemplate"
            document = self.documents.find(kind, GROUP, name, None if kind.startswith("Cluster") else self.namespace)
            if document is None:
                self.metrics.add(f"the metrics of {kind} {name}, which is not among the documents")
                item.note("its template is not among the documents")
            elif document.ledger.document not in seen:
                seen.add(document.ledger.document)
                found += [_opened(document), *self._templates(document.root.at("spec"), seen)]
        return found


def _opened(document: Document) -> Node:
    metadata(document)
    return document.open()


def _dry_run(lists: list[Node]) -> Callable[[str], bool]:
    patterns = []
    for item in [item for each in lists for item in each.items()]:
        name = item.at("metricName").text() or ""
        try:
            patterns.append(re.compile(".*" if name == "*" else name))
        except re.error:
            item.leave("it is no pattern for a metric's name")
    return lambda name: any(pattern.search(name) for pattern in patterns)


@dataclass(frozen=True)
class Run:
    """How a metric is run.

    Attributes:
        index: of the weight from which on.
        background: whether it runs beside the steps.
        dry: whether it only reports.
    """

    index: int
    background: bool
    dry: bool


def _metric(item: Node, given: Args, runs: Runs, run: Run) -> float:
    """Read a metric; return the seconds that its measurements take at a weight."""
    name = str(item.at("name").text() or "")
    asked = item.at("provider", "prometheus")
    others = [key for key in item.at("provider").fields() if key != "prometheus"]
    if not asked or asked.at("rangeQuery"):
        what = "a range query has no equal" if asked else f"it asks {', '.join(others) or 'nobody'}"
        item.leave(f"{what}: only an instant query of Prometheus is asked here")
        return 0.0
    texts = resolved(given, runs.namespace)
    if not _server(asked, runs.server, texts):
        item.leave("it asks another server than the stack's one Prometheus")
        return 0.0
    metric = Section()
    _query(asked.at("query"), metric, given, runs.gone)
    for key, ours in _CONDITIONS.items():
        _condition(item.at(key), ours, metric, texts)
    if not any(item.at(key) for key in _CONDITIONS):
        metric.put("success_condition", "true", "it has no condition, so each answer is a success")
    took = times(item, metric, texts, background=run.background)
    dry = limits(item, metric, texts, background=run.background) or run.dry
    item.at("consecutiveSuccessLimit").leave("a metric is judged on all its measurements, not on some in a row")
    metric.put("starting_step", run.index or None, "the index of the weight in steps")
    metric.put("dry_run", dry or None)
    _keep(name, metric, runs.metrics)
    return took


def _keep(name: str, metric: Section, metrics: Section) -> None:
    """Put a metric, once where two analyses have the same one: from the earlier weight on."""
    plain = metric.plain()
    first = plain.pop("starting_step", 0)
    for known in metrics.entries.values():
        old = known.plain()
        if {**old, "starting_step": 0} == {**plain, "starting_step": 0}:
            earliest = min(first, old.get("starting_step", 0))
            known.entries.pop("starting_step", None)
            known.put("starting_step", earliest or None, "the index of the weight in steps")
            return
    metrics.put(fitting_name(name, metrics.entries), metric)


def _server(asked: Node, server: Server, texts: Mapping[str, str]) -> bool:
    if not server.address(asked.at("address"), texts):
        return False
    for key in ("sigv4", "oauth2", "basicAuth"):
        asked.at("authentication", key).leave(SECRET if key == "basicAuth" else f"prometheus.auth has no {key}")
    if asked.at("insecure").flag():
        asked.at("insecure").leave(INSECURE)
    found = {}
    for item in asked.at("headers").items():
        name = item.at("key").text() or ""
        found[name] = item.at("value")
    server.headers(found)
    server.timeout(asked.at("timeout"))
    return True


def _query(node: Node, metric: Section, given: Args, lost: tuple[str, ...]) -> None:
    try:
        query = of_argo(tidy(node.text() or ""), given.texts, given.hashes, given.own)
    except Untranslatable as error:
        node.leave(f"write it anew: {error}")
        metric.need("query", f"PromQL for {node.ledger.document}'s, with {{{{ canary }}}} and the like")
        return
    if name := gone(filled(query, given.texts), lost):
        rewrite(name, node, metric)
    metric.put("query", query)
    used = {name: typed(given.texts[name]) for name in named(query) if name in given.texts}
    metric.put("args", used or None)


def _condition(node: Node, ours: str, metric: Section, texts: Mapping[str, str]) -> None:
    if not node:
        return
    text = filled(node.text() or "", texts)
    try:
        conditions.read(text)
    except ValueError as error:
        node.leave(f"the settings' rule for a condition: it {error}")
        metric.need(ours, "one that the settings take")
    else:
        metric.put(ours, text)


def _spoken(value: Any) -> str:
    """Give all texts in a value, to see which arguments they name."""
    if isinstance(value, Mapping):
        return " ".join(_spoken(inner) for inner in value.values())
    return " ".join(map(_spoken, value)) if isinstance(value, list) else str(value)
