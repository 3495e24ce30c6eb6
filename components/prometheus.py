"""PrometheusAddon: what measures the mesh, and what the mesh is told to report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.helm.v3 import Release, ReleaseArgs, RepositoryOptsArgs

from weighbridge.charts import CHARTS
from weighbridge.settings.prometheus import Prometheus
from weighbridge.settings.telemetry import Arms, Gmp, Install
from weighbridge.telemetry import alibaba, charts, google, mesh
from weighbridge.telemetry.groups import groups

_PATIENCE = 600
"""Seconds that Helm waits until what it installed is ready."""


@dataclass(frozen=True)
class PrometheusAddonArgs:
    """What it is made from.

    Attributes:
        prometheus: its settings.
        mesh_provider: of the API server that has the mesh's objects; None where it is the cluster's.
        depends_on: what has to be there before, such as the mesh itself.
    """

    prometheus: Prometheus
    mesh_provider: pulumi.ProviderResource | None = None
    depends_on: Sequence[pulumi.Resource] = ()


class PrometheusAddon(pulumi.ComponentResource):
    """Whatever the section `prometheus` makes: a server, or what tells somebody else's server what to scrape.

    Attributes:
        address: that the gate asks.
        ready: once all of it is there.
    """

    address: str
    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: PrometheusAddonArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare it.

        Args:
            name: of the component.
            args: see `PrometheusAddonArgs`.
            opts: Pulumi's options, with the cluster's provider.
        """
        super().__init__("weighbridge:index:PrometheusAddon", name, None, opts)
        given = args.prometheus
        self._name, self._args = name, args
        self.address = given.address
        self.ready = self._mesh()
        if given.install:
            self.ready += self._installed(given.install)
        if given.gmp and given.gmp.scrape:
            self.ready += self._by_google(given.gmp)
        if given.arms and given.arms.cluster_id:
            self.ready += self._by_alibaba(given.arms, given.arms.cluster_id)
        if given.adapter:
            self.ready.append(
                self._chart(
                    "adapter",
                    "prometheus-adapter",
                    given.adapter.namespace,
                    charts.prometheus_adapter(given.adapter, given.inside),
                )
            )
        self.register_outputs({"address": self.address})

    def _mesh(self) -> list[pulumi.Resource]:
        """What the mesh itself is told, on the API server that has its objects."""
        told = self._args.prometheus.mesh
        objects: list[dict[str, Any]] = []
        if told.telemetry:
            objects.append(mesh.telemetry(told.root_namespace, told.drop_tags))
        if told.filters:
            objects += mesh.filters(told.version, told.root_namespace)
        return [self._object(_part(each), each, self._args.mesh_provider) for each in objects]

    def _installed(self, install: Install) -> list[pulumi.Resource]:
        values = charts.prometheus(self._args.prometheus, install, groups(self._args.prometheus))
        return [self._chart("server", "prometheus", install.namespace, values, protect=install.protect)]

    def _by_google(self, gmp: Gmp) -> list[pulumi.Resource]:
        objects = google.monitorings(gmp.scrape_interval)
        made = groups(self._args.prometheus)
        if made:
            objects.append(google.rules(made))
        return [self._object(_part(each), each, None) for each in objects]

    def _by_alibaba(self, arms: Arms, cluster: str) -> list[pulumi.Resource]:
        # Only who asks for ARMS has the cloud's package, and pays for its import.
        from components import alibaba_prometheus  # noqa: PLC0415

        given = self._args.prometheus
        return alibaba_prometheus.environment(
            self._name,
            alibaba_prometheus.EnvironmentArgs(
                cluster,
                alibaba.custom_jobs(given.mesh.version, arms.scrape_interval),
                tuple(alibaba.alerts(groups(given))),
                protect=arms.protect,
            ),
            self,
        )

    def _chart(
        self, part: str, chart: str, namespace: str, values: Mapping[str, Any], *, protect: bool = False
    ) -> pulumi.Resource:
        source = CHARTS[chart]
        return Release(
            f"{self._name}-{part}",
            ReleaseArgs(
                chart=source.reference,
                version=source.version,
                repository_opts=None if source.is_oci else RepositoryOptsArgs(repo=source.repository),
                name=chart,
                namespace=namespace,
                create_namespace=True,
                values=dict(values),
                # A release that does not become ready is taken back, so that the next run begins afresh.
                atomic=True,
                timeout=_PATIENCE,
            ),
            pulumi.ResourceOptions(parent=self, protect=protect, depends_on=list(self._args.depends_on)),
        )

    def _object(
        self, part: str, rendered: Mapping[str, Any], provider: pulumi.ProviderResource | None
    ) -> pulumi.Resource:
        return CustomResource(
            f"{self._name}-{part}",
            api_version=rendered["apiVersion"],
            kind=rendered["kind"],
            metadata=rendered["metadata"],
            spec=rendered["spec"],
            opts=pulumi.ResourceOptions(parent=self, provider=provider, depends_on=list(self._args.depends_on)),
        )


def _part(rendered: Mapping[str, Any]) -> str:
    kind, name = str(rendered["kind"]).lower(), str(rendered["metadata"]["name"])
    return f"{kind}-{name.removeprefix('weighbridge-')}"
