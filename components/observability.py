"""Observability, what people look at: namespace -> dashboard -> Grafana -> its entrance, and Kiali beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace

from components import charts
from weighbridge.settings import Observability as Settings
from weighbridge.settings.observability import Entrance, Source
from weighbridge.sight import entrance, grafana, kiali


@dataclass(frozen=True)
class ObservabilityArgs:
    """What there is to look at, and whom it asks.

    Attributes:
        settings: the section.
        source: of the data.
        mesh_provider: of the API server that has the mesh's objects; None where it is the cluster's.
        after: what makes the mesh's kinds; the component's own `depends_on` would not reach its children.
    """

    settings: Settings
    source: Source
    mesh_provider: pulumi.ProviderResource | None = None
    after: Sequence[pulumi.Resource] = ()


class Observability(pulumi.ComponentResource):
    """Grafana with our dashboard, and Kiali, as wanted.

    Attributes:
        addresses: where people find them, by name; those that are reached from outside.
    """

    addresses: Mapping[str, str]

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare it.

        Args:
            name: of the component.
            args: see `ObservabilityArgs`.
            opts: Pulumi's options, with the cluster's provider.
        """
        super().__init__("weighbridge:index:Observability", name, None, opts)
        self._name, self._args = name, args
        settings = args.settings
        # What is in a namespace waits for it.
        self._space: list[pulumi.Resource] = []
        if settings.create_namespace:
            metadata: Any = {"name": settings.namespace}
            self._space = [Namespace(f"{name}-namespace", self._own(), metadata=metadata)]
        self.addresses = {**self._grafana(), **self._kiali()}
        self.register_outputs({"addresses": dict(self.addresses)})

    def _own(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(depends_on))

    def _grafana(self) -> dict[str, str]:
        asked, space = self._args.settings.grafana, self._args.settings.namespace
        if asked is None:
            return {}
        body = grafana.dashboard_map(space)
        # The pod does not start before what it mounts is there.
        board = ConfigMap(
            f"{self._name}-dashboards", self._own(*self._space), metadata=body["metadata"], data=body["data"]
        )
        values = grafana.values(asked, self._args.source)
        chart = charts.release(
            f"{self._name}-grafana", "grafana", (grafana.NAME, space), values, self._own(*self._space, board)
        )
        return self._entrance(grafana.NAME, grafana.PORT, asked.entrance, chart)

    def _kiali(self) -> dict[str, str]:
        settings = self._args.settings
        if settings.kiali is None:
            return {}
        values = kiali.values(settings.kiali, settings, self._args.source)
        place = (kiali.NAME, settings.namespace)
        chart = charts.release(
            f"{self._name}-kiali", "kiali", place, values, self._own(*self._space, *self._args.after)
        )
        return self._entrance(kiali.NAME, kiali.PORT, settings.kiali.entrance, chart)

    def _entrance(self, service: str, port: int, asked: Entrance | None, chart: pulumi.Resource) -> dict[str, str]:
        """Let people in from outside, once there is something to see."""
        if asked is None:
            return {}
        body = entrance.virtual_service(service, self._args.settings.namespace, port, asked)
        CustomResource(
            f"{self._name}-{service}-routes",
            api_version=body["apiVersion"],
            kind=body["kind"],
            metadata=body["metadata"],
            spec=body["spec"],
            opts=pulumi.ResourceOptions(
                parent=self, provider=self._args.mesh_provider, depends_on=[chart, *self._args.after]
            ),
        )
        return {service: entrance.address(asked)}
