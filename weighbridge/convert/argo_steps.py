"""An Argo Rollout's steps as a plan: its weights, what is waited for at each, and where its analyses begin."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from weighbridge.convert.reading import Node, span_text
from weighbridge.convert.writing import Section

_WHOLE = 100
_OTHER = {
    "experiment": "no third track runs beside the two; compare the canary with stable by gate.comparison",
    "setCanaryScale": "both tracks have all their pods at every weight",
    "setHeaderRoute": "route.match sends matching requests by weight, for the whole release and not for a step",
    "setMirrorRoute": "a step weighs; there is no mirroring yet",
    "plugin": "run it in CI between two weights",
}
_MEASURED = " to be measured once"
_REVIEW = (
    "each weight is a reviewed line of the stack file; `weighbridge run` walks on, unless `--to` says where to stop"
)


@dataclass
class Stop:
    """A weight of the plan.

    Attributes:
        weight: percent.
        soak: seconds that are waited there.
        said: what it is made of.
    """

    weight: int
    soak: float = 0.0
    said: list[str] = field(default_factory=list)


@dataclass
class Plan:
    """The plan.

    Attributes:
        stops: its weights.
        at: by Argo's step, how many weights have begun with it.
        analyses: those that are steps, with the index of the weight at which each runs.
    """

    stops: list[Stop] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    analyses: list[tuple[Node, int]] = field(default_factory=list)

    def index(self, step: int) -> int:
        """Give the index of the weight that is live at a step of Argo's, which counts pauses and all else as well."""
        begun = self.at[min(step, len(self.at) - 1)] if self.at else 0
        return max(0, begun - 1)

    def lengthen(self, start: int, least: float) -> None:
        """Make the soaks from an index on long enough for a measurement.

        Args:
            start: the index.
            least: seconds.
        """
        for stop in self.stops[start:]:
            if stop.soak < least:
                stop.soak = least
                stop.said = [each for each in stop.said if not each.endswith(_MEASURED)]
                stop.said.append(f"{span_text(least)}{_MEASURED}")

    def soak(self) -> float:
        """Give the soak that most weights have, seconds; of two as frequent ones the first."""
        return Counter(stop.soak for stop in self.stops).most_common(1)[0][0] if self.stops else 0.0

    def steps(self) -> list[int | Section]:
        """Give the setting."""
        common = self.soak()
        bare = all(stop.soak == common and not stop.said for stop in self.stops)
        return [stop.weight if bare else _step(stop, common) for stop in self.stops]


def plan(steps: Node, whole: int) -> Plan:
    """Walk the steps.

    Args:
        steps: the list.
        whole: the weight that is all of the traffic.
    """
    found = Plan()
    for node in steps.items():
        _weight(node.at("setWeight"), whole, found)
        _pause(node.at("pause"), found)
        analysis = node.at("analysis")
        if analysis and not found.stops:
            analysis.leave("nothing is measured before the first weight: run it in CI")
        elif analysis:
            found.analyses.append((analysis, len(found.stops) - 1))
        for key, why in _OTHER.items():
            node.at(key).leave(why)
        found.at.append(len(found.stops))
    return found


def _weight(node: Node, whole: int, found: Plan) -> None:
    given = node.whole()
    if given is None:
        return
    weight = given * _WHOLE / whole
    last = found.stops[-1].weight if found.stops else 0
    if weight == last == 0:
        node.leave("a release begins at 0", settled=True)
    elif not last < weight <= _WHOLE:
        node.leave(f"steps rise strictly, up to 100, and {last} came before")
    elif not weight.is_integer():
        node.leave(f"a weight is a whole percentage, and {given} of {whole} is none")
    else:
        found.stops.append(Stop(int(weight)))


def _pause(node: Node, found: Plan) -> None:
    if not node:
        return
    if not found.stops:
        node.leave("there is no traffic yet; the review of the first weight is the pause", settled=True)
        return
    stop, duration = found.stops[-1], node.at("duration")
    if duration:
        seconds = duration.span(bare=True) or 0.0
        stop.soak += seconds
        stop.said.append(f"pause {span_text(seconds)}")
        return
    node.fields()
    node.note(_REVIEW, settled=True)
    stop.said.append("pause: {}, so a person decides")


def _step(stop: Stop, common: float) -> int | Section:
    own: dict[str, Any] = {} if stop.soak == common else {"soak": span_text(stop.soak)}
    found = Section()
    for key, value in ({"weight": stop.weight} | own).items():
        found.put(key, value)
    found.aside = "; ".join(stop.said)
    return found
