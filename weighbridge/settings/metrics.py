"""What is measured: the section `gate.metrics`, with the two metrics that are known and those of the user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from weighbridge import conditions, promql, template
from weighbridge.settings.frozen import Frozen
from weighbridge.settings.lines import show
from weighbridge.settings.rules import Flag, Number, Rule, Span, Text, Whole, fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Mapped

_HUGE: Final = 1e18
_NAME: Final = Text(
    r"[a-z](?:[a-z0-9-]*[a-z0-9])?",
    "must be a DNS label: lower-case letters, digits and '-', with a letter first and no '-' last, at most 40",
    40,
)
_ARGUMENT: Final = Text(template.ARGUMENT, "must be letters, digits, '-' and '_', with a letter first, at most 63", 63)
# Half of a surrogate pair has no UTF-8, in which Prometheus is asked.
_TEXT: Final = Text(r"[^\ud800-\udfff]*", "must be text of at most 1000 characters", 1000)


@dataclass(frozen=True)
class _Value(Rule):
    """An argument of a query."""

    says = "must be text of at most 1000 characters, a number, true or false"

    def read(self, value: Any) -> template.Value:
        """Return the value as it is."""
        bare = isinstance(value, (int, float)) and abs(value) <= _HUGE
        text = isinstance(value, str) and len(value) <= _TEXT.limit and re.fullmatch(_TEXT.pattern, value)
        if not bare and not text:
            raise fault(self.says)
        given: template.Value = value
        return given

    def describe(self) -> dict[str, Any]:
        """Describe the three kinds."""
        return {"type": ["string", "number", "boolean"], "maxLength": _TEXT.limit}


@dataclass(frozen=True)
class _Condition(Rule):
    """A condition on what a query gives."""

    says = "must be a condition such as result[0] >= 0.95"

    def read(self, value: Any) -> str:
        """Return the text as it is."""
        if not isinstance(value, str):
            raise fault(self.says)
        try:
            return conditions.read(value).text
        except ValueError as error:
            raise fault(str(error)) from None

    def describe(self) -> dict[str, Any]:
        """Describe text; what may stand in it stays with `read`."""
        return {"type": "string", "minLength": 1, "maxLength": conditions.LONGEST}


class SuccessRate(Section):
    """Share of requests that were answered without a server's error. Name and default are Flagger's."""

    min: Annotated[float, Number(0, 100)] = 99.0
    """Percent that must be reached."""
    alpha: Annotated[float, Number(0, 0.5, strict=True)] | None = None
    """Chance of a fail while the bound is kept, however often it is looked at: a broken bound has to be proven then,
    and holds until it is. Without it every look decides, as in Flagger. It has no part with a `threshold` above 1."""
    dry_run: Annotated[bool, Flag()] = False
    """Whether it only reports, and can neither fail nor hold the release."""


class RequestDuration(Section):
    """A quantile of the time that requests took. Name and default are Flagger's."""

    max: Annotated[float, Span(low=0.001)] = 0.5
    """Seconds that the quantile must not pass."""
    quantile: Annotated[float, Number(0, 1, strict=True)] = 0.99
    alpha: Annotated[float, Number(0, 0.5, strict=True)] | None = None
    """Chance of a fail while the bound is kept, however often it is looked at: a broken bound has to be proven then,
    and holds until it is. Without it every look decides, as in Flagger. It has no part with a `threshold` above 1."""
    dry_run: Annotated[bool, Flag()] = False
    """Whether it only reports, and can neither fail nor hold the release."""


_OF_CONDITIONS: Final = ("initial_delay", "count", "failure_limit", "inconclusive_limit", "consecutive_error_limit")
"""Keys that say nothing of a range, which is judged once."""

_SAMPLE: Final = template.Variables("namespace", "release", "release-0123456789", "release-abcdef0123", 60.0)
"""Any values will do to read a query by: its shape is the same whatever they are."""


class OwnMetric(Section):
    """PromQL of your own, judged by a range as in Flagger, or by conditions as in Argo Rollouts.

    [metrics.md](metrics.md) has the variables, the conditions and the limits.
    """

    query: Annotated[str, Text(r"[\s\S]+", f"must be PromQL of at most {promql.LONGEST} characters", promql.LONGEST)]
    """PromQL that gives one number, with `{{ namespace }}`, `{{ release }}`, `{{ stable }}`, `{{ canary }}`,
    `{{ interval }}` and `{{ args.NAME }}`."""
    args: Annotated[Mapping[str, Annotated[template.Value, _Value()]], Mapped(_ARGUMENT)] = Frozen()
    """Values of your own for the query, which are kept in the state in clear."""
    min: Annotated[float, Number(-_HUGE, _HUGE)] | None = None
    """Least value that is allowed."""
    max: Annotated[float, Number(-_HUGE, _HUGE)] | None = None
    """Greatest value that is allowed."""
    success_condition: Annotated[str, _Condition()] | None = None
    """When a measurement is successful."""
    failure_condition: Annotated[str, _Condition()] | None = None
    """When a measurement has failed."""
    interval: Annotated[float, Span(low=1, high=86_400, whole=True)] | None = None
    """`{{ interval }}`, and with conditions the time between two measurements. Without it the gate's interval; with a
    range the whole window, or one check where the gate has a `threshold`."""
    initial_delay: Annotated[float, Span()] = 0.0
    """Time after the warm-up before the first measurement."""
    count: Annotated[int, Whole(1, 10_000)] | None = None
    """Measurements that a pass needs; without it one, and the newest has to be successful."""
    failure_limit: Annotated[int, Whole(0, 10_000)] = 0
    """Failed measurements that are allowed."""
    inconclusive_limit: Annotated[int, Whole(0, 10_000)] = 0
    """Measurements that are allowed to be neither successful nor failed."""
    consecutive_error_limit: Annotated[int, Whole(0, 10_000)] = 4
    """Errors in a row that are allowed."""
    starting_step: Annotated[int, Whole(0, 100)] = 0
    """Index in `steps` of the first weight at which it is asked."""
    dry_run: Annotated[bool, Flag()] = False
    """Whether it only reports, and can neither fail nor hold the release."""

    @model_validator(mode="after")
    def _is_judged_one_way(self) -> OwnMetric:
        ends = [name for name in ("min", "max") if getattr(self, name) is not None]
        stated = [name for name in ("success_condition", "failure_condition") if getattr(self, name) is not None]
        if bool(ends) == bool(stated):
            got = " and ".join([*ends, *stated]) or "nothing"
            raise fault("must have a range (min, max) or conditions (success_condition, failure_condition)", got=got)
        beside = [name for name in _OF_CONDITIONS if name in self.model_fields_set]
        if ends and beside:
            raise fault(f"'{beside[0]}' must be left out beside min and max", got=str(getattr(self, beside[0])))
        return self

    @model_validator(mode="after")
    def _can_be_met(self) -> OwnMetric:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise fault(f"'min' must be at most max, which is {self.max:g}", got=f"{self.min:g}")
        if self.count is not None and self.failure_limit >= self.count:
            raise fault(f"'failure_limit' must be below count, which is {self.count}", got=str(self.failure_limit))
        return self

    @model_validator(mode="after")
    def _is_promql(self) -> OwnMetric:
        sample = template.Variables(**{**vars(_SAMPLE), "args": self.args})
        try:
            promql.check(template.render(self.query, sample))
        except ValueError as error:
            raise fault(f"'query' {error}", got=show(self.query)) from None
        return self

    def for_gate(self) -> dict[str, Any]:
        """What the gate needs of it: no key that has no meaning for how it is judged."""
        idle = _OF_CONDITIONS if self.success_condition is None and self.failure_condition is None else ()
        return self.model_dump(exclude_none=True, exclude=set(idle))


Metric = SuccessRate | RequestDuration | OwnMetric


class Known(Section):
    """The metrics by name: two that are known, and under any other name PromQL of your own."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, OwnMetric]

    success_rate: Annotated[SuccessRate | None, Field(alias="request-success-rate")] = None
    request_duration: Annotated[RequestDuration | None, Field(alias="request-duration")] = None

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, value: Any) -> Any:
        """Whatever has another name is the user's own; but one without a query may be misspelt."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise fault("must be a mapping")
        known = [str(field.alias) for field in cls.model_fields.values()]
        for key, given in value.items():
            close = get_close_matches(str(key), known, n=1)
            if close and key not in known and not (isinstance(given, Mapping) and "query" in given):
                raise fault(f"is not a setting; did you mean {close[0]!r}?", key=str(key))
            if not isinstance(key, str) or len(key) > _NAME.limit or not re.fullmatch(_NAME.pattern, key):
                raise fault(f"each name {_NAME.says}", got=show(key))
        return {**{key: value[key] for key in known if key in value}, **dict(sorted(value.items()))}


def _by_name(known: Known) -> Mapping[str, Metric]:
    named = {str(field.alias): getattr(known, name) for name, field in Known.model_fields.items()}
    return Frozen({name: metric for name, metric in {**named, **(known.model_extra or {})}.items() if metric})


def _binds_from_the_first_step(metric: Metric) -> bool:
    return not metric.dry_run and not (isinstance(metric, OwnMetric) and metric.starting_step)


def _dump(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """By name; what is not asked for is left out, as it was before there was such a key."""
    dumped = {
        name: each.for_gate() if isinstance(each, OwnMetric) else each.model_dump() for name, each in metrics.items()
    }
    idle = (("dry_run", False), ("alpha", None))
    return {name: {k: v for k, v in each.items() if (k, v) not in idle} for name, each in dumped.items()}


class ByName:
    """Turns the section of metrics into a mapping from name to metric."""

    @staticmethod
    def close(known: Known) -> Mapping[str, Metric]:
        """Drop what is not asked for; the success rate has to be, as a fast error would pass on its time alone."""
        metrics = _by_name(known)
        if known.success_rate is None:
            raise fault("must hold 'request-success-rate'", got=", ".join(metrics) or "no metric")
        if not any(_binds_from_the_first_step(metric) for metric in metrics.values()):
            raise fault("must hold a metric from the first step on that is no dry run", got=", ".join(metrics))
        return metrics

    def __get_pydantic_core_schema__(self, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        dump = core_schema.plain_serializer_function_ser_schema(_dump)
        return core_schema.no_info_after_validator_function(
            self.close, handler.generate_schema(Known), serialization=dump
        )

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(core) | {"propertyNames": _NAME.describe()}
