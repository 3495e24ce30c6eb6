"""What the gate asks before it lets the next step happen: the section `gate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from weighbridge.settings.comparison import Comparison
from weighbridge.settings.frozen import Frozen
from weighbridge.settings.metrics import ByName, Metric, RequestDuration, SuccessRate
from weighbridge.settings.rules import Choice, Flag, Number, Span, Whole
from weighbridge.settings.section import Section


class Gate(Section):
    """The checks of a release. Given metrics take the place of the default ones, all of them."""

    metrics: Annotated[Mapping[str, Metric], ByName()] = Frozen(
        {"request-success-rate": SuccessRate(alpha=0.01), "request-duration": RequestDuration(alpha=0.01)}
    )
    soak: Annotated[float, Span()] = 300.0
    """How long the canary is measured at a weight, after the warm-up; a step may have its own."""
    warm_up: Annotated[float, Span()] = 30.0
    """Time at a new weight that is not measured."""
    interval: Annotated[float, Span(low=0.1, high=86_400)] = 60.0
    """Time between two checks while the gate waits."""
    threshold: Annotated[int, Whole(1, 1000)] = 1
    """Failed checks until the release is rolled back or held."""
    min_requests: Annotated[int, Whole(1, 10**12)] = 100
    """Requests of the canary that a verdict needs at least."""
    wait: Annotated[bool, Flag()] = True
    """Whether a run waits for the soak to pass; otherwise it holds and says how long is missing."""
    comparison: Comparison | None = None
    """Compares the canary with stable, beside the metrics' bounds; `{}` for all defaults."""
    share_tolerance: Annotated[float, Number(0, 100)] | None = None
    """Points by which the canary's share of the requests may be off its weight; without it a fifth of the smaller
    track's weight, at least one point. More is an error: the mesh did not take the weight."""
    on_failure: Annotated[Literal["rollback", "hold"], Choice(("rollback", "hold"))] = "rollback"
    reporter: Annotated[Literal["destination", "source"], Choice(("destination", "source"))] = "destination"
    """Which proxy's figures count: the one beside the pod, or the caller's."""
