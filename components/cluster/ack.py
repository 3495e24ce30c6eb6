"""A cluster of Alibaba Cloud Container Service with a mesh of Service Mesh (ASM), and the providers that reach both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_alicloud as alicloud
import pulumi_kubernetes as kubernetes

from components.cluster.ack_network import Placed, placed
from components.cluster.asm import service_mesh
from weighbridge.cloud import kubeconfig
from weighbridge.settings.cluster import Ack

MINUTES = 15
"""How long the credential lasts with which ACK's kubeconfig comes: the least that it offers, and nobody keeps it."""

ADDONS = ("flannel", "csi-plugin", "csi-provisioner", "metrics-server", "ack-node-problem-detector")
"""Pod network, disks, the figures that the HPA asks for, and what the repair of nodes needs."""


@dataclass(frozen=True)
class AckClusterArgs:
    """What it shall be.

    Attributes:
        settings: the section `cluster` of kind ack.
    """

    settings: Ack


class AckCluster(pulumi.ComponentResource):
    """A managed cluster of Alibaba Cloud, joined to a mesh of ASM where one is wanted.

    Attributes:
        provider: of the cluster's API server; its kubeconfig holds a credential plugin, and no credential.
        mesh_provider: of the mesh's own API server; the same as `provider` where the mesh's objects are written at the
            cluster's, or where there is no mesh.
        cloud_provider: of Alibaba Cloud, with the cluster's region and profile.
        outputs: cloud, name, location, cluster_id, vpc_id, endpoint, kubeconfig, mesh_kubeconfig.
    """

    provider: pulumi.ProviderResource
    mesh_provider: pulumi.ProviderResource
    cloud_provider: pulumi.ProviderResource | None
    outputs: Mapping[str, pulumi.Input[Any]]

    def __init__(self, name: str, args: AckClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the cluster.

        Args:
            name: of the component.
            args: what it shall be.
            opts: Pulumi's options.
        """
        super().__init__("weighbridge:index:AckCluster", name, None, opts)
        self._called, self._want = name, args.settings
        self.cloud_provider = alicloud.Provider(
            f"{name}-alicloud",
            region=self._want.region,
            profile=self._want.profile,
            opts=pulumi.ResourceOptions(parent=self),
        )
        where = placed(name, self._want, self._mine())
        cluster = self._control_plane(where)
        pool = self._pool(cluster, where)
        reached = self._server(cluster)
        mesh = self._mesh(cluster, pool, where)
        text: pulumi.Output[str] = pulumi.Output.secret(
            pulumi.Output.all(cluster.id, reached).apply(lambda both: self._kubeconfig(both[0], both[1]))
        )
        # A pod that starts before the cluster has joined the mesh gets no sidecar, so what is put on it waits.
        ready: list[pulumi.Resource] = [pool, mesh] if mesh else [pool]
        self.provider = self._reaching("provider", text, ready)
        self.mesh_provider = self.provider
        self.outputs = {
            "cloud": "alibaba",
            "name": cluster.name,
            "location": self._want.region,
            "cluster_id": cluster.id,
            "vpc_id": where.vpc,
            "endpoint": reached.apply(lambda server: server.url),
            "kubeconfig": text,
        }
        if self._want.mesh and mesh and self._want.mesh.access == "mesh":
            given = self._want.mesh.kubeconfig
            own: pulumi.Output[str] = pulumi.Output.secret(_read(given) if given else mesh.kubeconfig)
            self.mesh_provider = self._reaching("mesh-provider", own, [mesh])
            self.outputs = {**self.outputs, "mesh_kubeconfig": own}
        self.register_outputs({key: self.outputs[key] for key in ("name", "location", "cluster_id")})

    def _mine(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self.cloud_provider, **more)

    def _control_plane(self, where: Placed) -> alicloud.cs.ManagedKubernetes:
        want = self._want
        return alicloud.cs.ManagedKubernetes(
            f"{self._called}-ack",
            name=want.name,
            cluster_spec=want.spec,
            version=want.version,
            vswitch_ids=where.vswitches,
            pod_cidr=want.network.pods,
            service_cidr=want.network.services,
            node_cidr_mask=24,
            new_nat_gateway=want.network.nat,
            slb_internet_enabled=want.public_api,
            is_enterprise_security_group=True,
            enable_rrsa=True,
            addons=[{"name": addon} for addon in ADDONS],
            # A client certificate and its key, good for years, would be in the state in clear.
            skip_set_certificate_authority=True,
            deletion_protection=want.protect,
            # Each is sent with the creation alone; ACK upgrades addons by itself, and the provider would see a change.
            opts=self._mine(
                protect=want.protect, ignore_changes=["addons", "newNatGateway", "isEnterpriseSecurityGroup"]
            ),
        )

    def _pool(self, cluster: alicloud.cs.ManagedKubernetes, where: Placed) -> alicloud.cs.NodePool:
        want, nodes = self._want, self._want.nodes
        return alicloud.cs.NodePool(
            f"{self._called}-nodes",
            node_pool_name=f"{want.name}-nodes",
            cluster_id=cluster.id,
            vswitch_ids=where.vswitches,
            instance_types=list(nodes.instance_types),
            desired_size=str(nodes.count),
            instance_charge_type="PostPaid",
            spot_strategy="SpotAsPriceGo" if nodes.spot else "NoSpot",
            multi_az_policy="BALANCE",
            system_disk_category=nodes.disk_type,
            system_disk_size=nodes.disk_gb,
            image_type="AliyunLinux3",
            runtime_name="containerd",
            # Pods must not get the node's own role by asking its metadata server without a token.
            instance_metadata_options={"http_tokens": "required"},
            management={
                "enable": True,
                "auto_repair": True,
                "auto_repair_policy": {"restart_node": True},
                "auto_upgrade": True,
                "auto_upgrade_policy": {"auto_upgrade_kubelet": True},
                "auto_vul_fix": True,
                "auto_vul_fix_policy": {"restart_node": False, "vul_level": "asap"},
                "max_unavailable": 1,
                "surge": 1,
            },
            opts=self._mine(),
        )

    def _server(self, cluster: alicloud.cs.ManagedKubernetes) -> pulumi.Output[kubeconfig.Server]:
        """Where the API server is and how its certificate is known; the credential beside it is left behind."""
        asked = alicloud.cs.get_cluster_credential_output(
            cluster_id=cluster.id,
            temporary_duration_minutes=MINUTES,
            opts=pulumi.InvokeOutputOptions(parent=self, provider=self.cloud_provider),
        )
        return asked.apply(lambda credential: kubeconfig.server(credential.kube_config))

    def _kubeconfig(self, cluster: str, server: kubeconfig.Server) -> str:
        want = self._want
        return kubeconfig.alibaba(want.name, server, cluster, want.region, want.credential, want.profile)

    def _mesh(
        self, cluster: alicloud.cs.ManagedKubernetes, pool: alicloud.cs.NodePool, where: Placed
    ) -> alicloud.servicemesh.ServiceMesh | None:
        """The mesh, where one is wanted."""
        if self._want.mesh is None:
            return None
        # ASM puts pods of its own on the cluster when it joins, and they need nodes.
        opts = self._mine(protect=self._want.protect, depends_on=[pool])
        return service_mesh(self._called, self._want.name, self._want.mesh, cluster.id, where, opts)

    def _reaching(self, part: str, text: pulumi.Input[str], after: list[pulumi.Resource]) -> pulumi.ProviderResource:
        opts = pulumi.ResourceOptions(parent=self, depends_on=after)
        return kubernetes.Provider(f"{self._called}-{part}", kubeconfig=text, opts=opts)


def _read(path: str) -> str:
    return Path(path).expanduser().read_text(encoding="utf-8")
