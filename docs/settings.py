"""Write docs/settings.md, every setting of a stack file, from the models: `python -m docs.settings`."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from weighbridge import durations
from weighbridge.settings import Gate, Prometheus, Release, RequestDuration, Settings, Traffic
from weighbridge.settings.cluster.values import Cidr
from weighbridge.settings.metrics import Known, OwnMetric, _Condition, _Value
from weighbridge.settings.pods import Probe, Resources, Template, Track
from weighbridge.settings.quantities import _Amount
from weighbridge.settings.references import Given
from weighbridge.settings.release import Step
from weighbridge.settings.rules import Choice, Flag, Number, Span, Text, Url, Whole
from weighbridge.settings.section import IstioSection, Section, camel
from weighbridge.settings.shapes import Listed, Mapped

FILE: Final = Path(__file__).with_suffix(".md")

_HEAD: Final = """\
# Settings

Generated from the models in `weighbridge/settings` by `python -m docs.settings`. Do not edit it by hand.

Settings stand in `stacks/Pulumi.<stack>.yaml`, under `config`, with the prefix `weighbridge:`.
[stacks/Pulumi.example.yaml](../stacks/Pulumi.example.yaml) is an example with a comment for each line.

- A key that is not listed here is an error, and so is a wrong type. The error is one line: key, rule and value.
- A duration is written as `90s`, `5m`, `1h30m` or `500ms`; a plain `0` is a duration too.
- A number may stand in quotes, because `pulumi config set` puts it there: `"10"` is read as 10.
- `NAME` stands for a name of yours. A release's is a DNS label of at most 40 characters that begins with a letter.

Rules over several keys
- `weight` is 0 or the weight of a step, and `steps` rise strictly.
- A weight above 0 needs a `canary` whose pod template differs from stable's, and a `prometheus`.
- `gate.metrics` holds `request-success-rate`: an error that is answered fast would pass on its duration alone. One of
  the metrics is no `dry_run` and is asked from the first step on.
- A metric of your own has a range (`min`, `max`) or conditions; `initial_delay`, `count` and the limits belong to
  conditions. `failure_limit` is below `count`, and `starting_step` is an index in `steps`.
- `workload.autoscaling` takes the place of `replicas`, `max` is no less than `min`, and both tracks then have
  `resources.requests.cpu`, unless `cpu` is null.
- A release's `cluster` is the name of an entry in `clusters`.
- A cluster has the keys of its `kind` alone. Ranges of addresses share none. A zone is one of the cluster's region.
- A password, a token or a key of Prometheus is a reference, and so is each header whose name or value looks like one of
  them. `prometheus.tls` and `auth.google` need an https `url`. [Prometheus: the ways in](prometheus-access.md) has
  examples.
- `gateway` holds one of `install`, `adopt` and `asm`, and `tls` or `insecure: true`. What it serves has to cover the
  hosts of the releases that name it. [The gateway](gateway.md) has examples.
- `prometheus` has at most one of `install`, `gmp` and `arms`; `url` is required, except with `install`, and stays away
  from `gmp`, from which it follows. [Telemetry](telemetry.md) says what each one makes. `alerts.stuck`
  is longer than any release stays at a step, and an `adapter` without `install` asks where no credentials are needed.
- `observability.prometheus` is required where the gate's way in to `prometheus` has credentials or begins at 127.0.0.1,
  or there is none. `kiali.auth: anonymous` stands beside no `entrance`. [The dashboard](dashboard.md) has examples.
- `workload.progress_deadline` is longer than `workload.min_ready`.
- Two releases must not both route a host on one gateway, or inside the mesh, of one cluster, unless one of them has a
  `route.match`.
"""

_MEANING: Final[Mapping[tuple[type[Section], str], str]] = {
    (Settings, "cluster"): "Where to deliver to, where a release names no other.",
    (
        Settings,
        "clusters",
    ): "More of them, by names of yours. One that exists already and that no release names is left alone.",
    (Settings, "gateway"): "How requests come in: the mesh, its gateway, TLS, address and DNS.",
    (Settings, "prometheus"): "The server that the gate asks. Needed while a release has a weight above 0.",
    (Settings, "observability"): "What people look at: Grafana with our dashboard, and Kiali.",
    (Settings, "releases"): "What is delivered.",
    (Prometheus, "auth"): "Who asks: exactly one way.",
    (Prometheus, "timeout"): "Longest time for one question with all its attempts.",
    (Release, "namespace"): "Of the workloads, the Service and the mesh's objects. It must exist.",
    (Release, "hosts"): "Names under which the release is asked for, beside its Service's own.",
    (Release, "gateways"): "Istio Gateways that serve the hosts. The mesh itself is always one.",
    (Release, "stable"): "What serves now.",
    (Release, "canary"): "What shall serve next.",
    (Release, "steps"): "The plan: the weights, one after the other. A bare number stands for `{weight: ...}`.",
    (Release, "gate"): "What must hold before the next step.",
    (Release, "skip"): "Why steps are left out, this once. Kept in the history. One text allows one move.",
    (Release, "reason"): (
        "Why the stable track changes to what no canary has proven. Kept in the history. One text allows one move."
    ),
    (Release, "route"): "What the VirtualService does beside weighing.",
    (Release, "traffic"): "The DestinationRule's traffic policy.",
    (Step, "soak"): "Length of the measured window at this weight, after the warm-up; without it the gate's soak.",
    (Gate, "metrics"): "What is measured.",
    (Gate, "soak"): "Length of the measured window at a weight, counted from the end of `warm_up`.",
    (Gate, "interval"): "Time between two looks of a gate that waits, and the length of one check.",
    (Gate, "threshold"): (
        "Failed checks, one an interval, that make a fail, as Flagger counts them. 1 judges the whole window instead."
    ),
    (Gate, "on_failure"): "What a fail does: take all traffic back, or leave the weight where it is. The run is red.",
    (Gate, "min_requests"): "Requests of the canary in the window that a pass needs.",
    (Known, "success_rate"): "Share of requests that were not answered with a 5xx.",
    (Known, "request_duration"): "A quantile of the request duration.",
    (OwnMetric, "count"): (
        "Measurements that a pass needs. Without it one will do, but the newest has to be successful."
    ),
    (RequestDuration, "max"): "What the quantile must not pass.",
    (RequestDuration, "quantile"): "The quantile that is judged: 0.99 is the 99th percentile.",
    (Resources, "requests"): "What a pod asks the node for.",
    (Resources, "limits"): "The most that a pod may use.",
    (Probe, "path"): "Asked by HTTP GET.",
    (Probe, "period"): "Time between two probes.",
    (Probe, "timeout"): "Longest time for an answer.",
    (Probe, "failure_threshold"): "Failed probes in a row that count.",
    (Probe, "initial_delay"): "Time after the container's start without a probe.",
    (Template, "command"): "Takes the place of the image's entry point.",
    (Template, "args"): "Takes the place of the image's arguments.",
    (Template, "resources"): "CPU, memory and the like.",
    (Template, "liveness"): "Probe whose failure starts the container again.",
    (Template, "service_account"): "Of the pods; without it the namespace's default one.",
    (Template, "image_pull_secrets"): "Names of Secrets for a private registry.",
    (Template, "labels"): "Of the pods, beside `app` and `version`.",
    (Template, "annotations"): "Of the pods.",
    (Track, "image"): "Of the container.",
    (Traffic, "tls_mode"): (
        "Istio's `tls.mode`. MUTUAL is not offered, as it needs certificates that there are no settings for yet."
    ),
}
"""What the models do not say themselves, or say less exactly than the gate reads it."""


def text() -> str:
    """The whole page."""
    paths: dict[type[Section], list[str]] = {}
    for model, path in _walk(Settings, ""):
        paths.setdefault(model, []).append(path)
    return "\n".join([_HEAD, *(_section(model, found, paths) for model, found in paths.items())])


def meaning(model: type[Section], name: str, field: FieldInfo) -> str:
    """What a setting is for: this page's words, else the model's, else Istio's name for it.

    Raises:
        LookupError: nobody says what it is for.
    """
    for each in model.__mro__:
        if (each, name) in _MEANING:
            return _MEANING[each, name]
    if field.description:
        return " ".join(field.description.split())
    if issubclass(model, IstioSection):
        return f"Istio's `{field.serialization_alias or camel(name)}`."
    raise LookupError(f"{model.__name__}.{name} has no meaning: give it a docstring in weighbridge/settings")


def _walk(model: type[Section], path: str) -> Iterator[tuple[type[Section], str]]:
    """Every section and where it stands, a section before what it holds."""
    yield model, path
    for name, field in _own(model).items():
        where = f"{path}.{field.validation_alias or name}".removeprefix(".")
        for section, suffix in _sections(field.annotation):
            yield from _walk(section, where + suffix + _kind(section))


def _own(model: type[Section]) -> Mapping[str, FieldInfo]:
    """The fields to list; what a track shares with the workload is listed there."""
    shared = Template.model_fields if model is Track else {}
    hidden = "(name)"
    return {n: f for n, f in model.model_fields.items() if n not in shared and f.validation_alias != hidden}


def _sections(annotation: Any, suffix: str = "") -> Iterator[tuple[type[Section], str]]:
    """The sections in an annotation, with what a path to them ends in."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation, suffix
        return
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if _is_metrics(annotation):
        yield Known, suffix
        yield OwnMetric, f"{suffix}.NAME"
    elif origin is tuple:
        yield from _sections(args[0], f"{suffix}[]")
    elif origin is Mapping:
        yield from _sections(args[1], f"{suffix}.NAME")
    elif origin is typing.Annotated:
        yield from _sections(args[0], suffix)
    elif origin in {typing.Union, types.UnionType}:
        for part in args:
            yield from _sections(part, suffix)


def _kind(section: type[Section]) -> str:
    """What tells the sections apart that may stand in one place: the one word that their `kind` takes."""
    field = section.model_fields.get("kind")
    words = next((rule.words for rule in field.metadata if isinstance(rule, Choice)), ()) if field else ()
    return f" ({words[0]})" if len(words) == 1 else ""


def _is_metrics(annotation: Any) -> bool:
    """Whether it is the gate's mapping of metrics, whose names are fixed."""
    return bool(annotation == Gate.model_fields["metrics"].annotation)


def _section(model: type[Section], found: list[str], paths: Mapping[type[Section], list[str]]) -> str:
    about = "\n".join(line.strip() for line in (model.__doc__ or "").strip().splitlines())
    also = [f"Also at {', '.join(f'`{path}`' for path in found[1:])}."] if len(found) > 1 else []
    rows = [_row(model, name, field, paths) for name, field in _own(model).items()]
    if model is Known:
        own = f"[section](#{slug(paths[OwnMetric][0])})"
        rows.append(
            f"| `NAME` | {own} | none | A metric of your own. The name is a DNS label of at most 40 characters. |"
        )
    parts = [f"## {found[0] or 'The whole'}", about, *also]
    table = "\n".join(["| key | what it takes | default | meaning |", "| --- | --- | --- | --- |", *rows])
    return "\n\n".join([*parts, table]) + "\n"


def _row(model: type[Section], name: str, field: FieldInfo, paths: Mapping[type[Section], list[str]]) -> str:
    cells = [
        f"`{field.validation_alias or name}`",
        _takes(field.annotation, list(field.metadata), paths),
        _default(field),
        meaning(model, name, field),
    ]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _takes(annotation: Any, rules: list[Any], paths: Mapping[type[Section], list[str]]) -> str:
    """What a setting takes, in words: by its rule, or by its annotation."""
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *more = typing.get_args(annotation)
        return _takes(inner, [*more, *rules], paths)
    words = next((found for rule in rules if (found := _rule(rule))), None)
    if words:
        return words
    args = [each for each in typing.get_args(annotation) if each is not type(None)]
    if typing.get_origin(annotation) in {typing.Union, types.UnionType} and not any(map(_is_section, args)):
        return _takes(args[0], rules, paths)
    sections = [section for section, _ in _sections(annotation)]
    items = " or ".join(_linked(section, paths) for section in sections if sections[0] is section or _kind(section))
    items = f"a text, or {items}" if sections[:1] == [Given] else items
    listed = next((rule for rule in rules if isinstance(rule, Listed)), None)
    if listed:
        least = " of one or more" if listed.least else ""
        return f"list{least}, each: {items or _takes(args[0], [], paths)}"
    if any(isinstance(rule, Mapped) for rule in rules):
        return f"mapping of names to {items or _takes(args[1], [], paths)}"
    return items


def _linked(section: type[Section], paths: Mapping[type[Section], list[str]]) -> str:
    return f"[{_kind(section).strip(' ()') or 'section'}](#{slug(paths[section][0])})"


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _rule(rule: object) -> str:
    """A rule in words; "" for one that is not about a single value."""
    return next((words(rule) for kind, words in _WORDS.items() if isinstance(rule, kind)), "")


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return ""
    return f", {low} or more" if high is None else f", {low} to {high}"


def _spans(rule: Span) -> str:
    highest = Span().high
    low, high = durations.format_seconds(rule.low), durations.format_seconds(rule.high)
    if rule.high == highest:
        return f", {low} or more" if rule.low else ""
    return f", {low} to {high}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, Section):
        return "its own defaults"
    return f"`{_written(value, field)}`" if value not in (None, (), {}) else "none"


def _written(value: Any, field: FieldInfo) -> str:
    """A default as a stack file would have it."""
    if isinstance(value, float) and any(isinstance(rule, Span) for rule in field.metadata):
        return durations.format_seconds(value)
    if isinstance(value, tuple):
        return f"[{', '.join(str(getattr(each, 'weight', each)) for each in value)}]"
    if isinstance(value, Mapping):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


_WORDS: Final[Mapping[type, Callable[[Any], str]]] = {
    Text: lambda rule: _plain(rule.says),
    Url: lambda rule: _plain(rule.says),
    Choice: lambda rule: " or ".join(f"`{word}`" for word in rule.words),
    Flag: lambda _: "`true` or `false`",
    Whole: lambda rule: "whole number" + _range(rule.low, rule.high),
    Number: lambda rule: f"number, {rule.low:g} to {rule.high:g}" + (", ends left out" if rule.strict else ""),
    Cidr: lambda rule: _plain(rule.says),
    Span: lambda rule: "duration" + (" of whole seconds" if rule.whole else "") + _spans(rule),
    _Value: lambda rule: _plain(rule.says),
    _Condition: lambda _: "condition",
    _Amount: lambda _: "a quantity such as 100m, 0.5, 2 or 64Mi",
}


def _plain(says: str) -> str:
    """A rule's own words, safe in Markdown."""
    return says.removeprefix("must be ").replace("*", r"\*")


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    kept = "".join(each for each in heading.lower() if each.isalnum() or each in " -_")
    return kept.strip().replace(" ", "-")


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
