"""An instance of Alibaba Cloud Service Mesh (ASM), with a cluster joined to it."""

from __future__ import annotations

import pulumi
import pulumi_alicloud as alicloud

from components.cluster.ack_network import Placed
from weighbridge.settings.cluster import Asm


def service_mesh(
    name: str, title: str, want: Asm, cluster: pulumi.Input[str], where: Placed, opts: pulumi.ResourceOptions
) -> alicloud.servicemesh.ServiceMesh:
    """Declare the mesh.

    Args:
        name: of the component.
        title: what it is called in the cloud.
        want: the section `mesh`.
        cluster: ID of the cluster that joins.
        where: the VPC that both are in.
        opts: parent, provider, protection, and what has to be there first.
    """
    return alicloud.servicemesh.ServiceMesh(
        f"{name}-asm",
        service_mesh_name=title,
        edition="Default" if want.spec == "standard" else "Pro",
        cluster_spec=want.spec,
        version=want.version,
        network={"vpc_id": where.vpc, "vswitche_list": where.vswitches[0]},
        load_balancer={"api_server_public_eip": want.public_api},
        cluster_ids=[cluster] if want.joined else [],
        customized_prometheus=want.prometheus is not None,
        prometheus_url=want.prometheus,
        mesh_config={
            "telemetry": want.telemetry,
            "kiali": {"enabled": want.kiali, **({"custom_prometheus_url": want.prometheus} if want.kiali else {})},
            # Pods choose by label and annotation, as with Istio. The provider sends `prometheus_url` only together with
            # this, in the update that follows the creation (resource_alicloud_service_mesh_service_mesh.go).
            "sidecar_injector": {"auto_injection_policy_enabled": True},
        },
        extra_configuration={"cr_aggregation_enabled": want.access == "cluster"},
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # The provider marks nothing of it as secret, and its kubeconfig has a client certificate and its key.
                additional_secret_outputs=["kubeconfig"],
                # Another `spec` is an update; but the edition that goes with it would make the mesh anew, and so would
                # another vSwitch for its load balancer, which is that of the first of the zones.
                ignore_changes=["edition", "network.vswitcheList"],
            ),
        ),
    )
