"""A cluster of Google Kubernetes Engine: network, control plane, node pool, and the provider that reaches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from components.cluster.gke_network import Placed, own_network
from weighbridge.cloud import kubeconfig
from weighbridge.settings.cluster import Gke

APIS = (
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
)
"""What each resource here is made by: roles in the project, networks, clusters, service accounts."""

NODE_ROLE = "roles/container.defaultNodeServiceAccount"
"""The least that GKE's nodes need: to write logs and metrics.
https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa"""
REGISTRY_ROLE = "roles/artifactregistry.reader"

_METRICS = {"system": "SYSTEM_COMPONENTS"}
_LOGS = {"system": "SYSTEM_COMPONENTS", "workloads": "WORKLOADS"}


@dataclass(frozen=True)
class GkeClusterArgs:
    """What it shall be.

    Attributes:
        settings: the section `cluster` of kind gke.
    """

    settings: Gke


class GkeCluster(pulumi.ComponentResource):
    """A cluster of Google Kubernetes Engine.

    Attributes:
        provider: of its API server; its kubeconfig holds a credential plugin, and no credential.
        mesh_provider: the same one: Istio's objects live in the cluster.
        cloud_provider: none.
        outputs: cloud, name, location, project, workload_pool, endpoint, kubeconfig.
    """

    provider: pulumi.ProviderResource
    mesh_provider: pulumi.ProviderResource
    cloud_provider: pulumi.ProviderResource | None = None
    outputs: Mapping[str, pulumi.Input[Any]]

    def __init__(self, name: str, args: GkeClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the cluster.

        Args:
            name: of the component.
            args: what it shall be.
            opts: Pulumi's options.
        """
        super().__init__("weighbridge:index:GkeCluster", name, None, opts)
        self._called, self._want = name, args.settings
        apis = self._apis()
        placed = self._placed(apis)
        account, roles = self._account(apis)
        control_plane = self._control_plane(placed, account, apis)
        pool = self._pool(control_plane, account, roles)
        text = pulumi.Output.all(
            control_plane.name, control_plane.endpoint, control_plane.master_auth.cluster_ca_certificate
        ).apply(lambda parts: kubeconfig.google(parts[0], kubeconfig.Server(f"https://{parts[1]}", parts[2] or "")))
        # It holds no credential; but Pulumi would show the whole text at each change of it.
        secret: pulumi.Output[str] = pulumi.Output.secret(text)
        # What is put on the cluster waits for its nodes, and goes before they do.
        self.provider = kubernetes.Provider(
            f"{name}-provider",
            kubeconfig=secret,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[pool, *placed.all]),
        )
        self.mesh_provider = self.provider
        self.outputs = {
            "cloud": "google",
            "name": control_plane.name,
            "location": control_plane.location,
            "project": control_plane.project,
            "workload_pool": f"{self._want.project}.svc.id.goog",
            "endpoint": control_plane.endpoint,
            "kubeconfig": secret,
        }
        self.register_outputs({key: self.outputs[key] for key in ("name", "location", "project")})

    def _mine(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _apis(self) -> list[pulumi.Resource]:
        """The APIs that are enabled first, where the settings say so."""
        if not self._want.enable_api:
            return []
        return [
            gcp.projects.Service(
                f"{self._called}-{service.partition('.')[0]}-api",
                project=self._want.project,
                service=service,
                # Others in the project may have come to use it.
                disable_on_destroy=False,
                opts=self._mine(),
            )
            for service in APIS
        ]

    def _placed(self, apis: Sequence[pulumi.Resource]) -> Placed:
        """The network that it is in."""
        given = self._want.network
        if not given.given:
            return own_network(self._called, self._want, self._mine(depends_on=apis))
        return Placed(
            f"projects/{self._want.project}/global/networks/{given.network}",
            f"projects/{self._want.project}/regions/{self._want.region}/subnetworks/{given.subnetwork}",
            given.pods_range or "",
            given.services_range or "",
        )

    def _control_plane(
        self, placed: Placed, account: gcp.serviceaccount.Account, apis: Sequence[pulumi.Resource]
    ) -> gcp.container.Cluster:
        want = self._want
        networks = want.authorized_networks
        return gcp.container.Cluster(
            f"{self._called}-gke",
            name=want.name,
            project=want.project,
            location=want.location,
            network=placed.network,
            subnetwork=placed.subnetwork,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy={
                "cluster_secondary_range_name": placed.pods_range,
                "services_secondary_range_name": placed.services_range,
            },
            # The pool that GKE insists on goes at once: ours can then be replaced without the cluster.
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=self._first_node(account),
            release_channel={"channel": want.release_channel.upper()},
            workload_identity_config={"workload_pool": f"{want.project}.svc.id.goog"},
            enable_shielded_nodes=True,
            datapath_provider="ADVANCED_DATAPATH",
            # The API server keeps its public address: the run that puts releases on the cluster is outside it.
            private_cluster_config=(
                {"enable_private_nodes": True, "enable_private_endpoint": False} if want.private_nodes else None
            ),
            master_authorized_networks_config=(
                {"cidr_blocks": [{"cidr_block": each} for each in networks]} if networks else None
            ),
            # No client certificate: it would be in the state, and good for ever.
            master_auth={"client_certificate_config": {"issue_client_certificate": False}},
            addons_config={
                "horizontal_pod_autoscaling": {"disabled": False},
                "http_load_balancing": {"disabled": False},
            },
            logging_config={"enable_components": [_LOGS[each] for each in want.logging]},
            monitoring_config={
                "enable_components": [_METRICS.get(each, each.upper()) for each in want.monitoring],
                "managed_prometheus": {"enabled": want.managed_prometheus},
            },
            deletion_protection=want.protect,
            opts=self._mine(
                protect=want.protect,
                depends_on=[*apis, *placed.all],
                # Both are the first pool's, which is gone by then.
                ignore_changes=["initialNodeCount", "nodeConfig"],
            ),
        )

    @staticmethod
    def _first_node(account: gcp.serviceaccount.Account) -> gcp.container.ClusterNodeConfigArgsDict:
        """The node of the pool that goes at once: small, and as shielded and as powerless as its successors."""
        return {
            # Else it would be the project's default account, which many projects have taken away.
            "service_account": account.email,
            "machine_type": "e2-small",
            "disk_size_gb": 10,
            "disk_type": "pd-standard",
            "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
        }

    def _account(
        self, apis: Sequence[pulumi.Resource]
    ) -> tuple[gcp.serviceaccount.Account, list[gcp.projects.IAMMember]]:
        """Who the nodes are: an account that can write logs and metrics, and nothing more."""
        want = self._want
        account = gcp.serviceaccount.Account(
            f"{self._called}-nodes-account",
            account_id=f"{want.name}-nodes",
            project=want.project,
            display_name=f"Nodes of the cluster {want.name}",
            opts=self._mine(depends_on=apis),
        )
        roles = {"default": NODE_ROLE} | ({"registry": REGISTRY_ROLE} if want.nodes.registry else {})
        members = [
            gcp.projects.IAMMember(
                f"{self._called}-nodes-{short}",
                project=want.project,
                role=role,
                member=account.member,
                opts=self._mine(),
            )
            for short, role in roles.items()
        ]
        return account, members

    def _pool(
        self,
        cluster: gcp.container.Cluster,
        account: gcp.serviceaccount.Account,
        roles: Sequence[pulumi.Resource],
    ) -> gcp.container.NodePool:
        want, nodes = self._want, self._want.nodes
        return gcp.container.NodePool(
            # Its name in the cloud is Pulumi's: a pool that is replaced has its successor beside it before it drains.
            f"{self._called}-nodes",
            cluster=cluster.name,
            project=want.project,
            location=want.location,
            initial_node_count=nodes.count,
            node_count=None if nodes.max else nodes.count,
            autoscaling={"min_node_count": nodes.count, "max_node_count": nodes.max} if nodes.max else None,
            management={"auto_repair": True, "auto_upgrade": True},
            upgrade_settings={"max_surge": 1, "max_unavailable": 0},
            node_config={
                "machine_type": nodes.machine_type,
                "disk_size_gb": nodes.disk_gb,
                "disk_type": nodes.disk_type,
                "spot": nodes.spot,
                "service_account": account.email,
                # The roles of the account are the limit; a narrower scope would only hide them.
                "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
                "workload_metadata_config": {"mode": "GKE_METADATA"},
                "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
                "metadata": {"disable-legacy-endpoints": "true"},
            },
            # Without its roles a node cannot say what is wrong with it. A pool is asked once how many it begins with.
            opts=self._mine(depends_on=roles, ignore_changes=["initialNodeCount"]),
        )
