"""How the canary is compared with stable: the section `gate.comparison`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from weighbridge.settings.rules import Choice, Flag, Number, Span, fault
from weighbridge.settings.section import Section

_SURE = Number(0, 0.5, strict=True)
_POINTS = Number(0, 50)

_ALL = 100.0


class _Points(Section):
    """By how much the canary may be worse."""

    margin: Annotated[float, _POINTS] = 1.0
    """Points by which the canary's share of bad requests may be above stable's."""
    detect: Annotated[float, Number(0.01, 50)] = 1.0
    """Points beyond the margin that a pass has to rule out. Half of it needs about four times the requests."""

    @model_validator(mode="after")
    def _leaves_room(self) -> _Points:
        if self.margin + self.detect >= _ALL:
            raise fault("'margin' and 'detect' must be less than 100 together", got=f"{self.margin + self.detect:g}")
        return self


class LatencyComparison(_Points):
    """Compares the share of requests that took longer than a bound of the mesh's histogram."""

    within: Annotated[float, Span(low=0.0005)] = 0.5
    """A request that took longer is a bad one. It must be a bound of the histogram; Istio's are 500us, 1ms, 5ms, 10ms,
    25ms, 50ms, 100ms, 250ms, 500ms, 1s, 2.5s, 5s, 10s and more."""
    shape: Annotated[bool, Flag()] = False
    """Whether the canary fails as well when it is slower at any other bound of the histogram."""


class Comparison(_Points):
    """Compares the canary's share of bad answers with stable's, over the same time."""

    alpha: Annotated[float, _SURE] = 0.01
    """Chance that a canary within the margin is called worse, at one weight, however often it is looked at."""
    beta: Annotated[float, _SURE] = 0.05
    """Chance that a canary which is worse by margin and detect together is passed."""
    shared_failure: Annotated[Literal["hold", "pass", "fail"], Choice(("hold", "pass", "fail"))] = "hold"
    """What a broken bound means while stable breaks it too."""
    latency: LatencyComparison | None = None
    """The same for the request duration."""
