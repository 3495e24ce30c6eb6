"""When and how often a metric of Argo's is measured, and how often it may go wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping

from weighbridge.convert.fitting import refusal
from weighbridge.convert.reading import Node, span_text
from weighbridge.convert.variables import filled
from weighbridge.convert.writing import Section
from weighbridge.settings.metrics import OwnMetric

EVERY = 60.0
"""Seconds: the default of gate.interval, at which a metric without an interval of its own is measured."""
_COUNTS = {
    "inconclusiveLimit": "inconclusive_limit",
    "consecutiveErrorLimit": "consecutive_error_limit",
}


def times(item: Node, metric: Section, texts: Mapping[str, str], *, background: bool) -> float:
    """Read when a metric is measured; return the seconds until it has been, as often as it has to be."""
    spans = {}
    for key, ours in (("interval", "interval"), ("initialDelay", "initial_delay")):
        seconds = _filled(item.at(key), texts).span()
        spans[ours] = seconds or 0.0
        if seconds is None:
            continue
        if broken := refusal(OwnMetric, ours, span_text(seconds)):
            item.at(key).leave(f"the settings' rule: {broken}")
        else:
            metric.put(ours, span_text(seconds))
    if background and spans["initial_delay"]:
        item.at("initialDelay").note("in the background Argo waits it once; here it is waited at each weight")
    count = _number(item.at("count"), texts) or 0
    often = 1 if background else max(1, count)
    return spans["initial_delay"] + often * (spans["interval"] or EVERY)


def limits(item: Node, metric: Section, texts: Mapping[str, str], *, background: bool) -> bool:
    """Read how many measurements there are, and how many may go wrong; tell whether none of it can fail the metric."""
    count = _number(item.at("count"), texts) or (0 if item.at("interval") else 1)
    if background and item.at("count"):
        item.at("count").note("in the background Argo stops after so many; here each weight is measured")
    elif count:
        metric.put("count", count)
    limit = _number(item.at("failureLimit"), texts) or 0
    endless = limit < 0 or bool(count and limit >= count)
    if endless:
        item.at("failureLimit").note("more than all measurements may fail, so the metric only reports")
    elif limit:
        metric.put("failure_limit", limit)
    for key, ours in _COUNTS.items():
        number = _number(item.at(key), texts)
        if number is not None and (broken := refusal(OwnMetric, ours, number)):
            item.at(key).leave(f"the settings' rule: {broken}")
        else:
            metric.put(ours, number)
    return endless


def _number(node: Node, texts: Mapping[str, str]) -> int | None:
    """Read a number, or the text of one."""
    if not isinstance(node.value, str):
        return node.whole()
    text = _filled(node, texts)
    if not re.fullmatch(r"-?[0-9]{1,9}", str(text.value)):
        raise text.wrong("must be a whole number")
    text.used()
    return int(text.value)


def _filled(node: Node, texts: Mapping[str, str]) -> Node:
    return Node(filled(node.value, texts), node.path, node.ledger) if isinstance(node.value, str) else node
