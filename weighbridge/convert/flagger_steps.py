"""The weights of a Flagger Canary as a plan, for each of its strategies (pkg/controller/scheduler.go)."""

from __future__ import annotations

from dataclasses import dataclass

from weighbridge.convert.fitting import refusal
from weighbridge.convert.reading import Node
from weighbridge.settings import Release

_WHOLE = 100


ONE_CHECK = "interval: Flagger steps on one good check"


@dataclass(frozen=True)
class Plan:
    """A plan.

    Attributes:
        weights: in percent; None where there are none to be read.
        said: where they come from.
        soak: seconds.
        why: where it comes from.
    """

    weights: list[int] | None
    said: str
    soak: float
    why: str = ONE_CHECK


def steps(node: Node, every: float) -> Plan:
    """Read the plan.

    Args:
        node: the analysis.
        every: seconds between two checks.
    """
    iterations = node.at("iterations").whole() or 0
    if not iterations:
        found = _weights(node)
        return Plan(found[0] if found else None, found[1] if found else "", every)
    for key in ("stepWeight", "stepWeights", "maxWeight"):
        node.at(key).leave("iterations takes its place, as in Flagger", settled=True)
    if node.at("match"):
        return Plan([_WHOLE], "all requests that match", every * iterations, f"iterations, {iterations}, of interval")
    node.at("iterations").leave(
        "the checks before any traffic have no equal: what has no requests is not judged, so the switch to 100 is free"
    )
    return Plan([_WHOLE], "blue/green: all at once, judged for one interval, then promoted", every)


def _weights(node: Node) -> tuple[list[int], str] | None:
    """Walk the weights as Flagger's scheduler does (maxWeight, nextStepWeight, runCanary)."""
    step, end = node.at("stepWeight").whole() or 0, node.at("maxWeight").whole() or 0
    listed = [item.whole() or 0 for item in node.at("stepWeights").items()]
    if listed and not step:
        node.at("maxWeight").leave("stepWeights takes its place, as in Flagger", settled=True)
        found = [min(_WHOLE, weight) for weight in listed]
        if sorted(set(found)) == found and refusal(Release, "steps", found) is None:
            return found, "stepWeights"
        node.at("stepWeights").leave("steps rise strictly, from 1 to 100")
        return None
    end = min(_WHOLE, listed[-1]) if listed else end or _WHOLE
    if step <= 0:
        return None
    found = []
    while not found or found[-1] < min(end, _WHOLE):
        found.append(min(_WHOLE, (found[-1] if found else 0) + step))
    return found, f"stepWeight {step} up to {end}"
