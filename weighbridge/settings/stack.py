"""The settings of a whole stack, and the one way to read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ValidationError, model_validator

from weighbridge.durations import format_seconds
from weighbridge.errors import SettingsError
from weighbridge.settings.cluster import CLUSTER_NAME, Cluster, Made
from weighbridge.settings.frozen import Frozen
from weighbridge.settings.gateway import Gateway
from weighbridge.settings.gateway_rules import gateway_fits
from weighbridge.settings.lines import one_line
from weighbridge.settings.observability import Observability
from weighbridge.settings.observability_rules import observability_fits
from weighbridge.settings.prometheus import Prometheus
from weighbridge.settings.release import HIDDEN_NAME, NAME, Release
from weighbridge.settings.rules import fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Mapped


class _Releases(Mapped):
    """The releases by name, each of which is told its name."""

    def open(self, value: Any) -> dict[str, Any]:
        """Check the names, then pass each one on into its section."""
        found = super().open(value)
        return {k: {**v, HIDDEN_NAME: k} if isinstance(v, Mapping) else v for k, v in found.items()}


class Settings(Section):
    """Everything that a stack file says under `weighbridge:`."""

    cluster: Cluster
    clusters: Annotated[Mapping[str, Cluster], Mapped(CLUSTER_NAME)] = Frozen()
    gateway: Gateway | None = None
    prometheus: Prometheus | None = None
    observability: Observability | None = None
    releases: Annotated[Mapping[str, Release], _Releases(NAME)] = Frozen()

    @model_validator(mode="after")
    def _clusters_are_there(self) -> Settings:
        for release in self.releases.values():
            if release.cluster is not None and release.cluster not in self.clusters:
                rule = f"must be one of {', '.join(self.clusters)}" if self.clusters else "needs an entry in 'clusters'"
                raise fault(f"'cluster' {rule}", got=repr(release.cluster), key=f"releases.{release.name}")
        return self

    @model_validator(mode="after")
    def _weight_needs_prometheus(self) -> Settings:
        for release in self.releases.values():
            if release.weight and self.prometheus is None:
                rule = f"is required while {release.name!r} has weight {release.weight}"
                raise fault(rule, got="nothing", key="prometheus")
        return self

    @model_validator(mode="after")
    def _a_soak_is_no_standstill(self) -> Settings:
        alerts = self.prometheus.alerts if self.prometheus else None
        for release in self.releases.values():
            if alerts is None or release.cluster is not None:
                continue
            steps = [step for step in release.steps if step.weight < 100]  # noqa: PLR2004  percent
            soaks = [release.gate.soak if step.soak is None else step.soak for step in steps]
            longest = max(soaks, default=0.0) + release.gate.warm_up
            if alerts.stuck <= longest:
                rule = f"must be longer than {release.name!r} stays at a step, {format_seconds(longest)} with its soak"
                raise fault(rule, got=format_seconds(alerts.stuck), key="prometheus.alerts.stuck")
        return self

    @model_validator(mode="after")
    def _hosts_have_one_owner(self) -> Settings:
        claims = Counter(
            (release.cluster or "", gateway, host)
            for release in self.releases.values()
            if release.route.match is None
            for gateway in ("mesh", *release.gateways)
            for host in release.hosts
        )
        for (_, gateway, host), count in claims.items():
            if count > 1:
                rule = f"only one may route {host!r} on {gateway!r} without a match"
                raise fault(rule, got=f"{count} releases", key="releases")
        return self

    @model_validator(mode="after")
    def _gateway_fits(self) -> Settings:
        if self.gateway is not None:
            gateway_fits(self.gateway, self.cluster, self.clusters, self.releases)
        return self

    @model_validator(mode="after")
    def _what_people_look_at_fits(self) -> Settings:
        if self.observability is not None:
            self.observability.source(self.prometheus)
            observability_fits(self.observability, self.gateway, self.clusters, self.releases)
        return self

    @property
    def chart_namespaces(self) -> frozenset[str]:
        """The namespaces that the stack's charts make where they are missing."""
        certificate = self.gateway.tls.certificate if self.gateway and self.gateway.tls else None
        prometheus = self.prometheus
        made = (
            certificate.cert_manager if certificate and certificate.cert_manager.install else None,
            prometheus.install if prometheus else None,
            prometheus.adapter if prometheus else None,
            self.observability,
        )
        return frozenset(each.namespace for each in made if each)

    def used_clusters(self) -> dict[str | None, Cluster]:
        """The clusters that are delivered to, by name; None is the default, which a stack without any has.

        One that the stack itself makes is always among them: left out, it would be deleted with its last release.
        """
        named: dict[str | None, Cluster] = {None: self.cluster} | dict(self.clusters.items())
        names = {release.cluster for release in self.releases.values()}
        names |= {each.cluster for each in (self.gateway, self.observability) if each}
        names |= {None} if self.prometheus and self.prometheus.makes else set()
        names = (names or {None}) | {name for name, cluster in named.items() if isinstance(cluster, Made)}
        return {name: named[name] for name in sorted(names, key=lambda n: n or "")}


def load(raw: Mapping[str, object]) -> Settings:
    """Read the settings of a stack.

    Args:
        raw: every key of the stack's config in the namespace `weighbridge`, without the prefix, as JSON values:
            `{"cluster": {...}, "clusters": {...}, "prometheus": {...}, "releases": {...}}`. Pass unknown keys too, so
            that they are named.

    Raises:
        SettingsError: a rule is broken. One line, `<key>: <rule> (got <value>)`; the first in the order of the
            models, with releases by name.
    """
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(one_line(error)) from None
