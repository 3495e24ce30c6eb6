"""The program, as data moves: settings -> clusters -> gateway -> sights -> releases -> verdict -> exports."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import pulumi

from components import saved
from components.cluster import Cluster, choice
from components.gate import StackVerdict
from components.gateway import IstioGateway, IstioGatewayArgs
from components.observability import Observability, ObservabilityArgs
from components.prometheus import PrometheusAddon, PrometheusAddonArgs
from components.release import CanaryRelease, CanaryReleaseArgs
from weighbridge import occupied
from weighbridge.access import References, key_pair
from weighbridge.cloud import early
from weighbridge.errors import WeighbridgeError
from weighbridge.goal import wanted
from weighbridge.mesh.claims import claims
from weighbridge.plan import decide
from weighbridge.settings import Settings, load
from weighbridge.settings.gateway_rules import at_home


def silence_interrupt(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say nothing of the KeyboardInterrupt by which the engine ends a program after a resource has failed."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


def config() -> dict[str, str]:
    """The stack's whole config, by keys with their namespace."""
    # The engine hands it to the program in its environment, a test monitor in the SDK's own variable.
    return {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}


def raw_settings() -> dict[str, Any]:
    """The stack's config under `weighbridge:`, each value as it was written."""
    prefix = f"{pulumi.get_project()}:"
    found = {}
    for key, text in config().items():
        if key.startswith(prefix):
            try:
                found[key.removeprefix(prefix)] = json.loads(text)
            except ValueError:
                found[key.removeprefix(prefix)] = text
    return found


def settings() -> Settings:
    """Read the settings, and find out whether the clusters are there or can be made, before anything is declared."""
    read = load(raw_settings())
    keys = {f"clusters.{name}" if name else "cluster": each for name, each in read.used_clusters().items()}
    filled = not read.model_fields_set <= {"cluster", "clusters"}
    for warning in early.check(keys, early.Machine(config().keys()), filled=filled):
        pulumi.log.warn(warning)
    return read


def way_in(stack: Settings, clusters: Mapping[str | None, Cluster]) -> list[pulumi.Resource]:
    """Declare the gateway, where the stack has one."""
    gateway = stack.gateway
    if gateway is None:
        return []
    cluster = clusters[gateway.cluster]
    gateway = at_home(gateway, stack.used_clusters()[gateway.cluster])
    secrets = key_pair(gateway, References(os.environ, pulumi.runtime.config.get_config))
    args = IstioGatewayArgs(
        gateway,
        cluster.mesh_provider,
        {key: pulumi.Output.secret(text) for key, text in secrets.items()},
        cluster.outputs.get("cluster_id"),
        # What a cloud's own parts need comes with the cluster: the project's APIs, and its workload identity pool.
        (cluster.provider,),
    )
    providers = [each for each in (cluster.provider, cluster.cloud_provider) if each]
    made = IstioGateway("gateway", args, pulumi.ResourceOptions(providers=providers))
    pulumi.export("gateway", {"name": made.gateway, "address": made.address})
    return [made]


def first(stack: Settings, gateway: list[pulumi.Resource], cluster: str | None) -> list[pulumi.Resource]:
    """The mesh's kinds and its way in, which come before all else on the cluster that they are made on."""
    return gateway if stack.gateway and stack.gateway.cluster == cluster else []


def measure(stack: Settings, clusters: Mapping[str | None, Cluster], gateway: list[pulumi.Resource]) -> None:
    """Declare what measures the mesh of the default cluster, where the stack makes any of it."""
    if stack.prometheus and stack.prometheus.makes:
        args = PrometheusAddonArgs(stack.prometheus, clusters[None].mesh_provider, first(stack, gateway, None))
        PrometheusAddon("prometheus", args, pulumi.ResourceOptions(provider=clusters[None].provider))


def sights(stack: Settings, clusters: Mapping[str | None, Cluster], gateway: list[pulumi.Resource]) -> None:
    """Declare what people look at, where the stack has it."""
    seen = stack.observability
    if seen is None:
        return
    cluster = clusters[seen.cluster]
    after = first(stack, gateway, seen.cluster)
    args = ObservabilityArgs(seen, seen.source(stack.prometheus), mesh_provider=cluster.mesh_provider, after=after)
    made = Observability("observability", args, pulumi.ResourceOptions(provider=cluster.provider))
    pulumi.export("observability", dict(made.addresses))


def main() -> None:
    """Declare the stack."""
    stack = settings()
    outputs = saved.resource_outputs()
    if stack.gateway:
        names = claims(stack.gateway, stack.chart_namespaces)
        occupied.refuse(names, outputs, occupied.live(stack.used_clusters()[stack.gateway.cluster]))
    before = {name: saved.release(outputs, name) for name in stack.releases}
    for name, release in stack.releases.items():
        state = before[name].state
        # Refused here as well as in the gate: nothing of a move that the plan does not have is begun.
        decide(name, state.live if state else None, wanted(release))

    clusters = {name: choice.declared(name, cluster) for name, cluster in stack.used_clusters().items()}
    gateway = way_in(stack, clusters)
    measure(stack, clusters, gateway)
    sights(stack, clusters, gateway)
    releases = {
        name: CanaryRelease(
            name,
            CanaryReleaseArgs(
                release,
                stack.prometheus,
                before[name],
                clusters[release.cluster].mesh_provider,
                after=first(stack, gateway, release.cluster),
            ),
            pulumi.ResourceOptions(provider=clusters[release.cluster].provider),
        )
        for name, release in stack.releases.items()
    }
    # Last, and one for all: one bad release must not keep the routes of another from being applied.
    StackVerdict(
        "verdict",
        {name: {"phase": each.status["phase"], "reason": each.status["reason"]} for name, each in releases.items()},
        pulumi.ResourceOptions(depends_on=list(releases.values())),
    )
    for output, value in choice.exported(clusters).items():
        pulumi.export(output, value)
    pulumi.export("releases", {name: each.status for name, each in releases.items()})


sys.excepthook = silence_interrupt
try:
    main()
except WeighbridgeError as mistake:
    raise pulumi.RunError(str(mistake)) from None
