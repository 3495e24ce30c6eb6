"""Canary against stable: what is compared."""

from __future__ import annotations

from weighbridge.checks.inputs import Comparison, Latency
from weighbridge.checks.traffic import Traffic
from weighbridge.errors import PrometheusError
from weighbridge.judge import Allowed, Measurement, Question, compare, compare_shape, unmeasured
from weighbridge.judge.words import milliseconds

ERRORS = "errors-against-stable"
DURATION = "duration-against-stable"
SHAPE = "duration-shape-against-stable"

_ALL = 100
"""Percent: the weight at which stable has no traffic, and nothing is left to compare with."""


def against_stable(traffic: Traffic) -> list[Measurement]:
    """Compare the canary with stable, as far as that is asked for and both have traffic.

    Args:
        traffic: the requests of both tracks.
    """
    view, comparison = traffic.view, traffic.view.checks.comparison
    if comparison is None or view.live.weight >= _ALL or len(view.revisions) == 1:
        return []
    question = Question(ERRORS, "errors", traffic.query)
    try:
        found = [compare(traffic.looks, view.live.weight, _allowed(comparison), question, view.scope)]
    except PrometheusError as error:
        found = [unmeasured(ERRORS, traffic.query, str(error), view.scope, traffic.pair.canary.total)]
    return found + (_latency(traffic, comparison, comparison.latency) if comparison.latency else [])


def _latency(traffic: Traffic, comparison: Comparison, latency: Latency) -> list[Measurement]:
    view, query = traffic.view, traffic.bucket_query
    question = Question(DURATION, f"over {milliseconds(latency.within)}", query)
    allowed = _allowed(comparison, latency)
    try:
        within = traffic.beyond(latency.within, "comparison.latency.within")
        found = [compare(within, view.live.weight, allowed, question, view.scope)]
        if latency.shape:
            shapes = [traffic.beyond(bound, SHAPE) for bound in traffic.bounds] or [within]
            asked = Question(SHAPE, "duration", query)
            found.append(compare_shape(shapes, view.live.weight, allowed, asked, view.scope))
    except PrometheusError as error:
        # One metric's trouble is its own: what another has proven of the canary still stands.
        return [unmeasured(DURATION, query, str(error), view.scope, 0)]
    return found


def _allowed(comparison: Comparison, latency: Latency | None = None) -> Allowed:
    compared = comparison.latency
    tests = 1 + (compared is not None) + (compared is not None and compared.shape)
    margin, detect = (latency or comparison).margin, (latency or comparison).detect
    return Allowed(margin, detect, comparison.alpha, comparison.beta, tests)
