"""What measures the mesh: the parts of the section `prometheus` that make something, and not only ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import model_validator

from weighbridge.settings.frozen import Frozen
from weighbridge.settings.names import NAMESPACE
from weighbridge.settings.pods import ObjectName, Resources
from weighbridge.settings.quantities import Quantity
from weighbridge.settings.rules import Choice, Flag, Span, Text, Url, Whole, fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Listed, Mapped
from weighbridge.telemetry.labels import REST

JOBS: Final = (
    "envoy-stats",
    "gateways",
    "pilot",
    "prometheus",
    "kubernetes-apiservers",
    "kubernetes-nodes",
    "kubernetes-nodes-cadvisor",
    "kubernetes-service-endpoints",
    "kubernetes-service-endpoints-slow",
    "prometheus-pushgateway",
    "kubernetes-services",
    "kubernetes-pods",
    "kubernetes-pods-slow",
)
"""The jobs of a mesh without Mixer."""

MIXER_JOBS: Final = ("istio-mesh", "istio-policy", "istio-telemetry", "sidecar-injector")
"""What an Istio before 1.8 has besides: Mixer, which reported for all proxies, and an injector of its own."""

MAKES: Final = ("install", "gmp", "arms")
"""Settings that make a source of series; one of them at most."""
ASKS_NO_URL: Final = ("install", "gmp")
"""Those from which its address follows."""

SOURCE: Final = "envoy-stats"
"""The job that the gate's series come from."""

Namespace = Annotated[str, NAMESPACE]
_PROJECT = Text(
    r"(?:[a-z0-9.-]{1,80}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]",
    "must be the id of a Google Cloud project: 6 to 30 lower-case letters, digits and '-'",
    120,
)
_LOCATION = Text(r"global|[a-z]+(?:-[a-z]+)+[0-9]+(?:-[a-z])?", "must be global, or a region or zone of Google's", 40)
_CLUSTER = Text(r"[a-z0-9][a-z0-9-]{2,62}", "must be the id of a cluster, as the Alibaba Cloud console shows it", 63)
_VERSION = Text(r"1\.[0-9]{1,3}", "must be a minor version of Istio in quotes, such as '1.31'", 5)

MIXERLESS: Final = 8
"""Istio 1.8 has no Mixer any more."""
BY_TELEMETRY: Final = 18
"""From Istio 1.18 on its own charts ship no stats filters: istiod makes them, and the Telemetry API says which."""
FILTERED: Final = range(8, 10)
"""Minor versions of Istio whose charts ship the filters in the shape that we render."""


def minor(version: str) -> int:
    """The second number of a version."""
    return int(version.split(".")[1])


class Storage(Section):
    """Where an installed Prometheus keeps its samples."""

    size: Quantity = "20Gi"
    """Of the volume. It can be made larger later where the storage class allows it, never smaller."""
    class_name: ObjectName | None = None
    """Of the storage; without it the cluster's default."""


class RemoteWrite(Section):
    """A second place for every sample."""

    url: Annotated[str, Url()]
    """Its address, without credentials."""
    secret: ObjectName | None = None
    """Name of a Secret in the namespace of Prometheus, whose key `token` is sent as a bearer token."""


class Install(Section):
    """Prometheus by the chart prometheus-community/prometheus, with the jobs that the mesh needs."""

    namespace: Namespace = "monitoring"
    """It is made where it is missing."""
    retention: Annotated[float, Span(low=3600, whole=True)] = 7 * 86_400.0
    """How long samples are kept. A gate looks back over one weight's time; a replay over as much as there is."""
    storage: Storage | None = Storage()
    """Null keeps the samples in the pod: they are gone with it, and a gate then waits for its soak again."""
    resources: Resources = Resources.model_validate(
        {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    )
    """Of the server."""
    scrape_interval: Annotated[float, Span(low=1, high=60, whole=True)] = 15.0
    """Time between two samples, and between two evaluations of the rules."""
    jobs: Annotated[tuple[Annotated[str, Choice((*JOBS, *MIXER_JOBS))], ...], Listed(1, unique=True)] | None = None
    """Which jobs; without it all that the mesh's version has. `envoy-stats` must be one."""
    remote_write: RemoteWrite | None = None
    """A second place for every sample."""
    alertmanager: Annotated[bool, Flag()] = False
    """Whether the chart's Alertmanager is installed as well."""
    pushgateway: Annotated[bool, Flag()] = False
    """Whether the chart's Pushgateway is installed as well."""
    kube_state_metrics: Annotated[bool, Flag()] = True
    """Whether the chart's kube-state-metrics is installed, for the metrics of the releases in alerts and dashboard.
    Turn it off where the cluster has one."""
    node_exporter: Annotated[bool, Flag()] = False
    """Whether the chart's node exporter is installed as well, a pod on each node."""
    protect: Annotated[bool, Flag()] = True
    """Whether `pulumi destroy` refuses to take it away, and its volume with it."""

    @model_validator(mode="after")
    def _mesh_is_scraped(self) -> Install:
        if self.jobs is not None and SOURCE not in self.jobs:
            raise fault(f"must hold {SOURCE}, from which the gate's series come", got=", ".join(self.jobs), key="jobs")
        return self

    @property
    def address(self) -> str:
        """Of the server's Service, inside the cluster."""
        return f"http://prometheus-server.{self.namespace}.svc.cluster.local:80"


class Gmp(Section):
    """Google's Managed Service for Prometheus: `url` and `auth.google` follow from it."""

    project: Annotated[str, _PROJECT]
    """Id of the project whose series are asked, its scoping project where there is one."""
    location: Annotated[str, _LOCATION] = "global"
    """Of the series; `global` is every one."""
    scrape: Annotated[bool, Flag()] = True
    """Whether the collectors are told what to scrape, by ClusterPodMonitoring objects. Needs managed collection."""
    scrape_interval: Annotated[float, Span(low=5, high=60, whole=True)] = 30.0
    """Time between two samples. Google bills by the sample."""

    @property
    def address(self) -> str:
        """Of the query API (https://cloud.google.com/stackdriver/docs/managed-prometheus/query-api-ui)."""
        api = "https://monitoring.googleapis.com/v1"
        return f"{api}/projects/{self.project}/location/{self.location}/prometheus"


class Arms(Section):
    """Alibaba Cloud's Managed Service for Prometheus (ARMS). The HTTP API's address, from the console, is `url`."""

    cluster_id: Annotated[str, _CLUSTER] | None = None
    """Id of the ACK cluster. Given, an environment of ARMS is made for it, with the mesh's scrape jobs and alerts."""
    scrape_interval: Annotated[float, Span(low=5, high=60, whole=True)] = 15.0
    """Time between two samples."""
    protect: Annotated[bool, Flag()] = True
    """Whether `pulumi destroy` refuses to take the environment away."""


_ALERT_LABEL = Text(r"[a-zA-Z_][a-zA-Z0-9_]*", "must be the name of an alert's label: letters, digits and '_'", 100)
_ALERT_VALUE = Text(
    r"[A-Za-z0-9](?:[A-Za-z0-9 _./:@-]*[A-Za-z0-9])?",
    "must be an alert's label: letters, digits, spaces and any of _ . / : @ -",
    200,
)
AlertLabels = Annotated[
    Mapping[str, Annotated[str, _ALERT_VALUE]], Mapped(_ALERT_LABEL, reserved=("alertname", "severity"))
]


class Alerts(Section):
    """Alert rules for releases."""

    stuck: Annotated[float, Span(low=60, whole=True)] = 2 * 3600.0
    """How long a canary may have the same weight: longer than the longest soak or pause of a step."""
    waiting: Annotated[float, Span(low=60, whole=True)] = 30 * 60.0
    """How long a gate may hold a release because it has no usable answer."""
    labels: AlertLabels = Frozen()
    """Put on each alert beside its `severity`, for the routing of Alertmanager."""


class Mesh(Section):
    """What the mesh is told to report."""

    version: Annotated[str, _VERSION] = "1.31"
    """Minor version of the proxies. It decides which jobs there are, and who makes the stats filters."""
    root_namespace: Namespace = "istio-system"
    """Where Istio looks for what holds for the whole mesh."""
    telemetry: Annotated[bool, Flag()] = False
    """Whether a Telemetry object turns Prometheus' metrics on for the whole mesh. Needs Istio 1.18 or newer."""
    drop_tags: Annotated[tuple[Annotated[str, Choice(REST)], ...], Listed(unique=True)] = ()
    """Labels of Istio's that nobody here asks: the Telemetry object takes them off in the proxies, for fewer series."""
    filters: Annotated[bool, Flag()] = False
    """Whether the EnvoyFilters of Istio 1.8 and 1.9 are made: metadata exchange and stats, without Mixer."""

    @model_validator(mode="after")
    def _version_has_it(self) -> Mesh:
        number = minor(self.version)
        if self.telemetry and number < BY_TELEMETRY:
            raise fault("needs Istio 1.18 or newer", got=repr(self.version), key="telemetry")
        if self.filters and number not in FILTERED:
            raise fault("is for Istio 1.8 and 1.9, whose charts ship them", got=repr(self.version), key="filters")
        if self.drop_tags and not self.telemetry:
            raise fault("needs 'telemetry: true' beside it", got=", ".join(self.drop_tags), key="drop_tags")
        return self


class Adapter(Section):
    """prometheus-adapter: requests per second for autoscalers (`workload.autoscaling.requests`)."""

    namespace: Namespace = "monitoring"
    """It is made where it is missing."""
    replicas: Annotated[int, Whole(1, 10)] = 1
    """Pods of the adapter."""
    window: Annotated[float, Span(low=10, high=3600, whole=True)] = 120.0
    """Over which requests per second are taken; four scrapes at least."""
