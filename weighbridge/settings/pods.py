"""What runs in a pod: the sections `workload`, `stable` and `canary`.

Whatever is in here decides the pod template, and with it the revision. Three exceptions stand only under `workload`,
as they say how a Deployment is rolled out and scaled and not what runs in it: `autoscaling`, `progress_deadline` and
`min_ready`. That way the Deployment of a revision is the same whichever role points at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from weighbridge.settings.frozen import Frozen
from weighbridge.settings.quantities import Quantity
from weighbridge.settings.rules import Span, Text, Whole, fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Listed, Mapped

_QUALIFIED = r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_LABEL_NAME = Text(_QUALIFIED, "must be the name of a label such as team or example.com/team", 317)
_LABEL_VALUE = Text(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?",
    "must be a label's value: letters, digits, '-', '_' and '.', at most 63",
    63,
)
_VARIABLE = Text(r"[-._a-zA-Z][-._a-zA-Z0-9]*", "must be the name of an environment variable")
_RESOURCE = Text(_QUALIFIED, "must be the name of a resource such as cpu or memory", 317)
_ANY_TEXT = Text(r"[^\x00]*", "must be text, in quotes where YAML would read something else", 262_144)

Image = Annotated[str, Text(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", "must be the reference of an image", 512)]
Word = Annotated[str, _ANY_TEXT]
Words = Annotated[tuple[Word, ...], Listed()]
Port = Annotated[int, Whole(1, 65535)]
DnsName = Text(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", "must be a DNS name: lower-case letters, digits, '-' and '.'")
ObjectName = Annotated[str, DnsName]
Labels = Annotated[Mapping[str, Annotated[str, _LABEL_VALUE]], Mapped(_LABEL_NAME, reserved=("app", "version"))]
Annotations = Annotated[Mapping[str, Word], Mapped(_LABEL_NAME)]
Env = Annotated[Mapping[str, Word], Mapped(_VARIABLE)]
Amounts = Annotated[Mapping[str, Quantity], Mapped(_RESOURCE)]
WholeSeconds = Annotated[float, Span(high=86_400, whole=True)]


class Probe(Section):
    """An HTTP probe of the kubelet."""

    path: Annotated[str, Text(r"/[!-~]*", "must be a path that begins with '/'", 1000)]
    port: Port | None = None
    """Port in the pod; without it the release's target_port."""
    period: Annotated[float, Span(low=1, high=3600, whole=True)] = 10.0
    timeout: Annotated[float, Span(low=1, high=3600, whole=True)] = 1.0
    failure_threshold: Annotated[int, Whole(1, 1000)] = 3
    initial_delay: Annotated[float, Span(high=3600, whole=True)] = 0.0


class Resources(Section):
    """What the container asks for and what it may use at most, by resource: `{cpu: 100m, memory: 64Mi}`."""

    requests: Amounts = Frozen()
    limits: Amounts = Frozen()


class Template(Section):
    """What a track may say of its own, over what the workload says for both."""

    command: Words | None = None
    args: Words | None = None
    env: Env = Field(default=Frozen(), repr=False)
    """Environment. The values stand in clear in the Deployment and in the state: a secret belongs into a Secret."""
    resources: Resources | None = None
    readiness: Probe | None = None
    """Probe that a pod must pass before it gets requests."""
    liveness: Probe | None = None
    service_account: ObjectName | None = None
    image_pull_secrets: Annotated[tuple[ObjectName, ...], Listed(unique=True)] | None = None
    labels: Labels = Frozen()
    annotations: Annotations = Frozen()


class Autoscaling(Section):
    """A HorizontalPodAutoscaler for each track's Deployment, on the pods' CPU, on requests, or on both.

    By CPU it needs `resources.requests.cpu`, by requests `prometheus.adapter` or an adapter that is there already.
    """

    min: Annotated[int, Whole(1, 10_000)]
    """Pods that a revision has at least, and that must be ready before it gets requests."""
    max: Annotated[int, Whole(1, 10_000)]
    """Pods that a revision has at most."""
    cpu: Annotated[int, Whole(1, 1000)] | None = 80
    """Percent of the requested CPU that the pods shall use on average; null leaves CPU out."""
    requests: Annotated[int, Whole(1, 1_000_000)] | None = None
    """Requests a second that a pod shall get on average, as its sidecar counts them."""

    @model_validator(mode="after")
    def _max_is_no_less(self) -> Autoscaling:
        if self.max < self.min:
            raise fault(f"'max' must be 'min', {self.min}, or more", got=str(self.max))
        if self.cpu is None and self.requests is None:
            raise fault("must hold cpu, requests or both", got="neither")
        return self


class Workload(Template):
    """What both tracks have in common. A change of it makes new revisions of both, except where said."""

    autoscaling: Autoscaling | None = None
    """Who sets the number of pods, instead of `replicas`. Not part of the revision."""
    drain: Annotated[float, Span(high=3600, whole=True)] = 15.0
    """How long a pod that goes away still answers (preStop). Part of the pod template."""
    progress_deadline: Annotated[float, Span(low=1, high=86_400, whole=True)] = 600.0
    """How long a rollout may stand still before it counts as failed. Not part of the revision."""
    min_ready: WholeSeconds = 0.0
    """How long a pod must be ready before it counts as available. Not part of the revision."""

    @model_validator(mode="after")
    def _deadline_is_last(self) -> Workload:
        if self.progress_deadline <= self.min_ready:
            raise fault("'progress_deadline' must be longer than 'min_ready'", got=f"{self.progress_deadline:g}s")
        return self


class Track(Template):
    """The stable or the canary: an image, and whatever differs from the workload.

    A mapping of names (env, labels, annotations) is merged over the workload's; anything else takes its place whole.
    """

    image: Image
    drain: Annotated[float, Span(high=3600, whole=True)] | None = None
    """How long a pod that goes away still answers (preStop); without it the workload's."""
