"""The program, in the order in which data moves: settings -> clusters -> gateway -> releases -> verdict -> exports."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import pulumi

from components import saved
from components.cluster.existing import ExistingCluster, ExistingClusterArgs
from components.gate import StackVerdict
from components.gateway import IstioGateway, IstioGatewayArgs
from components.release import CanaryRelease, CanaryReleaseArgs
from weighbridge import kubeconfig, occupied
from weighbridge.access import References, key_pair
from weighbridge.errors import WeighbridgeError
from weighbridge.goal import wanted
from weighbridge.mesh.claims import claims
from weighbridge.plan import decide
from weighbridge.settings import Cluster, Settings, load


def silence_interrupt(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say nothing of the KeyboardInterrupt by which the engine ends a program after a resource has failed."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


def raw_settings() -> dict[str, Any]:
    """The stack's config under `weighbridge:`, each value as it was written."""
    prefix = f"{pulumi.get_project()}:"
    found = {}
    # The engine hands the config to the program in its environment, a test monitor in the SDK's own variable.
    config = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    for key, text in config.items():
        if key.startswith(prefix):
            try:
                found[key.removeprefix(prefix)] = json.loads(text)
            except ValueError:
                found[key.removeprefix(prefix)] = text
    return found


def settings() -> Settings:
    """Read the settings, and find out whether the clusters are there, before anything is declared."""
    read = load(raw_settings())
    servers = []
    for name, cluster in read.used_clusters().items():
        section = f"clusters.{name}" if name else "cluster"
        servers.append(kubeconfig.server("kubeconfig", cluster.kubeconfig, cluster.context, section))
        if cluster.mesh_kubeconfig or cluster.mesh_context:
            mesh = cluster.mesh_kubeconfig or cluster.kubeconfig
            servers.append(kubeconfig.server("mesh_kubeconfig", mesh, cluster.mesh_context, section))
    for server in dict.fromkeys(servers):
        if server:
            kubeconfig.reach(server)
    return read


def declared(name: str | None, cluster: Cluster) -> ExistingCluster:
    """Declare one of the clusters; the default one has no name."""
    merged = kubeconfig.merged(cluster.kubeconfig)
    return ExistingCluster(
        f"cluster-{name}" if name else "cluster",
        ExistingClusterArgs(
            kubeconfig=pulumi.Output.secret(merged) if merged else cluster.kubeconfig,
            context=cluster.context,
            mesh_kubeconfig=cluster.mesh_kubeconfig,
            mesh_context=cluster.mesh_context,
        ),
    )


def way_in(stack: Settings, clusters: Mapping[str | None, ExistingCluster]) -> list[pulumi.Resource]:
    """Declare the gateway, where the stack has one."""
    gateway = stack.gateway
    if gateway is None:
        return []
    cluster = clusters[gateway.cluster]
    secrets = key_pair(gateway, References(os.environ, pulumi.runtime.config.get_config))
    args = IstioGatewayArgs(
        gateway, cluster.mesh_provider, {key: pulumi.Output.secret(text) for key, text in secrets.items()}
    )
    made = IstioGateway("gateway", args, pulumi.ResourceOptions(provider=cluster.provider))
    pulumi.export("gateway", {"name": made.gateway, "address": made.address})
    return [made]


def main() -> None:
    """Declare the stack."""
    stack = settings()
    outputs = saved.resource_outputs()
    if stack.gateway:
        occupied.refuse(claims(stack.gateway), outputs, occupied.live(stack.used_clusters()[stack.gateway.cluster]))
    before = {name: saved.release(outputs, name) for name in stack.releases}
    for name, release in stack.releases.items():
        state = before[name].state
        # Refused here as well as in the gate: nothing of a move that the plan does not have is begun.
        decide(name, state.live if state else None, wanted(release))

    clusters = {name: declared(name, cluster) for name, cluster in stack.used_clusters().items()}
    gateway = way_in(stack, clusters)
    releases = {
        name: CanaryRelease(
            name,
            CanaryReleaseArgs(
                release,
                stack.prometheus,
                before[name],
                clusters[release.cluster].mesh_provider,
                # The mesh's kinds and its way in come first, on the cluster that they are made on.
                after=gateway if stack.gateway and stack.gateway.cluster == release.cluster else (),
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
    pulumi.export("releases", {name: each.status for name, each in releases.items()})


sys.excepthook = silence_interrupt
try:
    main()
except WeighbridgeError as mistake:
    raise pulumi.RunError(str(mistake)) from None
