"""What the gate asks before it lets the next step happen: the section `gate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from weighbridge.settings.frozen import Frozen
from weighbridge.settings.rules import Choice, Flag, Number, Span, Whole, fault
from weighbridge.settings.section import Section


class SuccessRate(Section):
    """Share of requests that were answered without a server's error. Name and default are Flagger's."""

    min: Annotated[float, Number(0, 100)] = 99.0
    """Percent that must be reached."""


class RequestDuration(Section):
    """A quantile of the time that requests took. Name and default are Flagger's."""

    max: Annotated[float, Span(low=0.001)] = 0.5
    """Seconds that the quantile must not pass."""
    quantile: Annotated[float, Number(0, 1, strict=True)] = 0.99


Metric = SuccessRate | RequestDuration


class _Known(Section):
    """The metrics by name, as the settings spell them."""

    success_rate: Annotated[SuccessRate | None, Field(alias="request-success-rate")] = None
    request_duration: Annotated[RequestDuration | None, Field(alias="request-duration")] = None


def _names(known: _Known) -> dict[str, str]:
    fields = {field.alias or name: name for name, field in _Known.model_fields.items()}
    return {alias: name for alias, name in fields.items() if getattr(known, name) is not None}


def _dump(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    return {name: metric.model_dump() for name, metric in metrics.items()}


class _ByName:
    """Turns the section of known metrics into a mapping from name to metric."""

    @staticmethod
    def close(known: _Known) -> Mapping[str, Metric]:
        """Drop what is not asked for; the success rate has to be, as a fast error would pass on its time alone."""
        if known.success_rate is None:
            raise fault("must hold 'request-success-rate'", got=", ".join(_names(known)) or "no metric")
        return Frozen({name: getattr(known, field) for name, field in _names(known).items()})

    def __get_pydantic_core_schema__(self, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        dump = core_schema.plain_serializer_function_ser_schema(_dump)
        return core_schema.no_info_after_validator_function(
            self.close, handler.generate_schema(_Known), serialization=dump
        )


class Gate(Section):
    """The checks of a release. Given metrics take the place of the default ones, all of them."""

    metrics: Annotated[Mapping[str, Metric], _ByName()] = Frozen(
        {"request-success-rate": SuccessRate(), "request-duration": RequestDuration()}
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
    on_failure: Annotated[Literal["rollback", "hold"], Choice(("rollback", "hold"))] = "rollback"
    reporter: Annotated[Literal["destination", "source"], Choice(("destination", "source"))] = "destination"
    """Which proxy's figures count: the one beside the pod, or the caller's."""
