"""One release: the section under its name in `releases`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from weighbridge import workload
from weighbridge.settings.cluster import CLUSTER_NAME
from weighbridge.settings.gate import Gate
from weighbridge.settings.mesh import Route, Traffic
from weighbridge.settings.metrics import OwnMetric
from weighbridge.settings.names import DNS_NAME, GATEWAY, NAMESPACE
from weighbridge.settings.pods import Port, Track, Workload
from weighbridge.settings.rules import Span, Text, Whole, fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Listed

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

_LABEL = "lower-case letters, digits and '-', with a letter first and no '-' last, at most"
NAME = Text(r"[a-z](?:[a-z0-9-]*[a-z0-9])?", f"must be a DNS label: {_LABEL} 40", 40)
_HOST = Text(rf"(?:\*\.)?{DNS_NAME}", "must be a host such as podinfo.example.com or *.example.com, but not '*' alone")
_SENTENCE = Text(
    r"(?=.*\S)[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}", "must be one line that says why, at most 200 characters", 200
)

HIDDEN_NAME = "(name)"
"""The key that carries a release's name from the mapping above into its section; no user can need it."""

Sentence = Annotated[str, _SENTENCE]
_WEIGHT = Whole(1, 100)


class Step(Section):
    """One step of the plan; a bare weight stands for `{weight: ...}`."""

    weight: Annotated[int, _WEIGHT]
    """Percent of the requests that go to the canary."""
    soak: Annotated[float, Span()] | None = None
    """How long the canary is measured at this weight, after the warm-up; without it the gate's soak."""


class _Steps(Listed):
    """A list of steps, where a bare weight is short for a step."""

    def open(self, value: Any) -> tuple[Any, ...]:
        """Spell the short form out."""
        return tuple(item if isinstance(item, (Mapping, Step)) else {"weight": item} for item in super().open(value))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        steps = super().__get_pydantic_json_schema__(core, handler)
        return steps | {"items": {"anyOf": [_WEIGHT.describe(), steps["items"]]}}


class Release(Section):
    """A service that is delivered step by step."""

    name: SkipJsonSchema[Annotated[str, NAME]] = Field(alias=HIDDEN_NAME)
    """The key under which it stands in `releases`."""
    cluster: Annotated[str, CLUSTER_NAME] | None = None
    """Name of an entry in `clusters`; without it the stack's `cluster`."""
    namespace: Annotated[str, NAMESPACE]
    port: Port
    """Port of the Service."""
    target_port: Port | None = None
    """Port in the pod; without it the Service's."""
    hosts: Annotated[tuple[Annotated[str, _HOST], ...], Listed(unique=True)] = ()
    gateways: Annotated[tuple[Annotated[str, GATEWAY], ...], Listed(unique=True)] = ()
    replicas: Annotated[int, Whole(1, 10_000)] = 1
    """Pods of each track, where `workload.autoscaling` does not set them. Not part of the revision."""
    workload: Workload = Workload()
    """What both tracks run."""
    stable: Track
    canary: Track | None = None
    weight: Annotated[int, Whole()] = 0
    """Percent of the requests that the canary shall have: 0 or the weight of a step."""
    steps: Annotated[tuple[Step, ...], _Steps(least=1)] = tuple(Step(weight=weight) for weight in (10, 30, 50, 100))
    gate: Gate = Gate()
    skip: Sentence | None = None
    """Why steps may be left out this once; kept in the history."""
    reason: Sentence | None = None
    """Why the stable track may change to what no canary has proven; kept in the history."""
    retry: Annotated[int, Whole(0, 10**9)] = 0
    """Raised by one to try a failed revision again."""
    route: Route = Route()
    traffic: Traffic = Traffic()

    @model_validator(mode="after")
    def _steps_rise(self) -> Release:
        weights = [step.weight for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise fault("'steps' must rise strictly", got=", ".join(map(str, weights)))
        return self

    @model_validator(mode="after")
    def _metrics_are_asked_at_some_step(self) -> Release:
        for name, metric in self.gate.metrics.items():
            start = metric.starting_step if isinstance(metric, OwnMetric) else 0
            if start >= len(self.steps):
                rule = f"'starting_step' must be below {len(self.steps)}, the number of steps"
                raise fault(rule, got=str(start), key=f"gate.metrics.{name}")
        return self

    @model_validator(mode="after")
    def _one_sets_the_pods(self) -> Release:
        if self.workload.autoscaling is None:
            return self
        if "replicas" in self.model_fields_set:
            raise fault("'replicas' must be left out beside 'workload.autoscaling'", got=str(self.replicas))
        by_cpu = self.workload.autoscaling.cpu is not None
        for name, track in (("stable", self.stable), ("canary", self.canary)):
            if track and by_cpu and not workload.requests_cpu(self, track):
                rule = "must have 'resources.requests.cpu', which 'workload.autoscaling' measures by"
                raise fault(rule, got="nothing", key=name)
        return self

    @model_validator(mode="after")
    def _weight_is_on_the_plan(self) -> Release:
        allowed = [0, *(step.weight for step in self.steps)]
        if self.weight not in allowed:
            raise fault(f"'weight' must be one of {', '.join(map(str, allowed))}", got=str(self.weight))
        return self

    @model_validator(mode="after")
    def _weight_needs_a_candidate(self) -> Release:
        if self.weight and self.canary is None:
            raise fault("'weight' must be 0 while there is no canary", got=str(self.weight))
        if self.weight and self.canary and workload.revision(self, self.canary) == workload.revision(self, self.stable):
            raise fault(
                f"'canary' must differ from 'stable' at weight {self.weight}", got="the same pod template twice"
            )
        return self
