"""A cluster on Alibaba Cloud and its mesh: what seeds A and B demand, two API servers, and where credentials are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from components.cluster import OUTPUTS, choice
from tests.components.clouds import API, CA, KEY, MESH_API, Clouds, alibaba, static, workload
from tests.components.recording import Registered, Stack, declare, is_secret, revealed
from weighbridge.settings import load


def made(*, preview: bool = False, clouds: Clouds | None = None, **more: Any) -> Stack:
    """The stack of a cluster with these settings, with something on it, and what it exports."""

    def program() -> None:
        section = load({"cluster": alibaba(**more)}).cluster
        cluster = choice.declared(None, section)
        workload(cluster.provider)
        assert set(cluster.outputs) <= set(OUTPUTS)
        pulumi.export("cluster", dict(cluster.outputs))
        pulumi.export("apart", cluster.mesh_provider is not cluster.provider)

    stack = declare(program, {}, preview=preview, cloud=clouds or Clouds())
    assert stack.error is None, stack.error
    return stack


def one(stack: Stack, kind: str) -> Registered:
    """The one resource of a type."""
    (found,) = stack.of(kind)
    return found


def asked(kind: str, **more: Any) -> dict[str, Any]:
    """What is asked of Alibaba Cloud for the one resource of a type."""
    inputs: dict[str, Any] = revealed(one(made(**more), kind).inputs)
    return inputs


def test_the_cluster_joins_the_mesh_in_one_vpc() -> None:
    """Seeds A and B: an ACK cluster, an ASM instance, and the one added to the other; both are in the cluster's VPC."""
    stack = made()
    mesh = revealed(one(stack, "ServiceMesh").inputs)
    vpc = one(stack, "Network").name + "-id"
    assert mesh["clusterIds"] == ["cluster-ack-id"]
    assert mesh["network"] == {"vpcId": vpc, "vswitcheList": "cluster-vswitch-cn-hangzhou-i-id"}
    assert {each.inputs["vpcId"] for each in stack.of("Switch")} == {vpc}


def test_the_mesh_waits_for_nodes_and_pods_wait_for_the_mesh() -> None:
    """ASM's own pods need a node to join; a pod that starts before the cluster has joined gets no sidecar."""
    stack = made()
    assert "cluster-nodes" in stack.waits_for("cluster-asm")
    assert stack["workload"].provider == "cluster-provider"
    assert {"cluster-nodes", "cluster-asm"} <= stack.waits_for("cluster-provider")


def test_metrics_are_collected() -> None:
    """Seed A: "collect Prometheus metrics" is on by default, and may be turned off."""
    assert asked("ServiceMesh")["meshConfig"]["telemetry"] is True
    assert asked("ServiceMesh", mesh={"telemetry": False})["meshConfig"]["telemetry"] is False


def test_a_prometheus_of_ones_own_is_named() -> None:
    """Seed A: "enable a self-built Prometheus" and its address; without one ASM keeps to its own."""
    own = asked("ServiceMesh", mesh={"prometheus": "http://prometheus:9090"})
    assert (own["customizedPrometheus"], own["prometheusUrl"]) == (True, "http://prometheus:9090")
    plain = asked("ServiceMesh")
    assert plain["customizedPrometheus"] is False
    assert "prometheusUrl" not in plain


def test_the_address_of_prometheus_is_sent_with_the_creation() -> None:
    """The provider sends it only along with a change of this feature, so this feature is always asked for."""
    assert asked("ServiceMesh")["meshConfig"]["sidecarInjector"] == {"autoInjectionPolicyEnabled": True}


def test_another_edition_does_not_make_the_mesh_anew() -> None:
    """The provider replaces a mesh whose `edition` changes; `cluster_spec`, which says the same, it updates."""
    assert "edition" in one(made(), "ServiceMesh").ignores


def test_kiali_is_an_option() -> None:
    """Seed A: Kiali optional; it asks the Prometheus that has the metrics."""
    assert asked("ServiceMesh")["meshConfig"]["kiali"] == {"enabled": False}
    kiali = asked("ServiceMesh", mesh={"kiali": True, "prometheus": "http://p:9090"})["meshConfig"]["kiali"]
    assert kiali == {"enabled": True, "customPrometheusUrl": "http://p:9090"}


def test_the_mesh_has_an_api_server_of_its_own() -> None:
    """Its objects go through a provider of their own, whose kubeconfig is a secret, in the state too."""
    stack = made()
    given = stack["cluster-mesh-provider"].inputs["kubeconfig"]
    assert is_secret(given)
    assert revealed(given) == static(MESH_API)
    assert one(stack, "ServiceMesh").secrets == ("kubeconfig",)
    assert stack.outputs["apart"] is True


def test_the_clusters_api_server_may_take_the_meshs_objects() -> None:
    """Seed B: with the data plane's KubeAPI one provider is enough, and no static credential is used anywhere."""
    stack = made(mesh={"access": "cluster", "spec": "enterprise"})
    assert revealed(one(stack, "ServiceMesh").inputs)["extraConfiguration"] == {"crAggregationEnabled": True}
    assert stack.outputs["apart"] is False
    assert [each.name for each in stack.of("kubernetes")] == ["cluster-provider"]
    assert "mesh_kubeconfig" not in stack.outputs["cluster"]


def test_a_kubeconfig_of_ones_own_reaches_the_mesh(tmp_path: Path) -> None:
    """The instance's own names an address inside the VPC; one from the console may name the public one."""
    path = tmp_path / "asm"
    path.write_text(static("https://47.0.0.9:6443"), encoding="utf-8")
    given = made(mesh={"kubeconfig": str(path)})["cluster-mesh-provider"].inputs["kubeconfig"]
    assert is_secret(given)
    assert "47.0.0.9" in revealed(given)


def test_without_a_mesh_there_is_one_provider() -> None:
    """Istio may be installed by its charts instead."""
    stack = made(mesh=None)
    assert not stack.of("ServiceMesh")
    assert stack.outputs["apart"] is False


def walk(value: Any) -> set[str]:
    """Every key and every text in a value."""
    if isinstance(value, dict):
        return set(value) | {found for part in value.values() for found in walk(part)}
    if isinstance(value, list):
        return {found for part in value for found in walk(part)}
    return {str(value)}


@pytest.mark.parametrize(
    ("credential", "verb"), [("certificate", "get-credential"), ("token", "get-token")], ids=["certificate", "token"]
)
def test_the_clusters_kubeconfig_has_a_plugin_and_no_credential(credential: str, verb: str) -> None:
    """What ack-ram-tool's own `get-kubeconfig` writes; of the credential that ACK sends, server and authority are kept."""
    given = one(made(mesh=None, credential=credential, profile="ci"), "kubernetes").inputs["kubeconfig"]
    assert is_secret(given)
    config = json.loads(revealed(given))
    (user,) = config["users"]
    assert set(user["user"]) == {"exec"}
    plugin = user["user"]["exec"]
    assert plugin["command"] == "ack-ram-tool"
    assert plugin["args"][:2] == ["credential-plugin", verb]
    flags = dict(zip(plugin["args"][2::2], plugin["args"][3::2], strict=True))
    assert (flags["--cluster-id"], flags["--region-id"], flags["--profile-name"]) == (
        "cluster-ack-id",
        "cn-hangzhou",
        "ci",
    )
    (there,) = config["clusters"]
    assert there["cluster"] == {"server": API, "certificate-authority-data": CA}
    assert not walk(config) & {KEY, "token", "password", "client-key-data", "client-certificate-data", "auth-provider"}


def test_a_static_credential_is_nowhere_in_clear() -> None:
    """The key that the clouds sent is in no input, and in no output that is not marked as secret."""
    stack = made()
    for each in stack.all:
        for key, value in each.inputs.items():
            if not is_secret(value):
                assert KEY not in json.dumps(value), (each.name, key)
    assert KEY not in json.dumps({k: v for k, v in stack.outputs["cluster"].items() if not is_secret(v)})
    assert is_secret(stack.outputs["cluster"]["kubeconfig"])
    assert is_secret(stack.outputs["cluster"]["mesh_kubeconfig"])


def test_the_state_gets_no_certificate_of_the_cluster() -> None:
    """The provider would put a client certificate for years, and its key, into the cluster's outputs."""
    assert asked("ManagedKubernetes")["skipSetCertificateAuthority"] is True


def test_the_credential_that_is_asked_for_is_the_shortest() -> None:
    """ACK tells its authority only along with a credential: for 15 minutes, the least that it offers."""
    clouds = Clouds()
    made(clouds=clouds)
    assert [args for _, args in clouds.asked] == [{"clusterId": "cluster-ack-id", "temporaryDurationMinutes": 15}]


def test_a_preview_of_a_new_cluster_asks_nobody() -> None:
    """Its id is unknown, so there is no credential to ask for; both kubeconfigs are unknown secrets."""
    clouds = Clouds()
    stack = made(preview=True, clouds=clouds)
    assert clouds.asked == []
    for name in ("cluster-provider", "cluster-mesh-provider"):
        given = stack[name].inputs["kubeconfig"]
        assert is_secret(given), name
        assert revealed(given) == rpc.UNKNOWN, name


def test_a_mesh_can_be_taken_down() -> None:
    """ASM deletes no mesh with a cluster in it, by force neither: the provider takes it out when it is no longer asked for."""
    assert asked("ServiceMesh", mesh={"joined": False})["clusterIds"] == []


def test_each_zone_has_a_vswitch() -> None:
    """In ranges of the VPC that share no address, named by zone; nodes are spread over them."""
    stack = made()
    switches = {each.inputs["zoneId"]: each.inputs["cidrBlock"] for each in stack.of("Switch")}
    assert switches == {"cn-hangzhou-i": "10.0.128.0/20", "cn-hangzhou-j": "10.0.144.0/20"}
    ids = [f"cluster-vswitch-{zone}-id" for zone in sorted(switches)]
    assert revealed(one(stack, "ManagedKubernetes").inputs)["vswitchIds"] == ids
    assert revealed(one(stack, "NodePool").inputs)["vswitchIds"] == ids


@pytest.mark.parametrize("zones", [["j", "i"], ["j"], ["h", "j"]])
def test_a_zone_more_or_less_leaves_the_others_as_they_are(zones: list[str]) -> None:
    """Another range makes a vSwitch anew with nodes in it, and another vSwitch the mesh (both are ForceNew)."""
    stack = made(zones=[f"cn-hangzhou-{letter}" for letter in zones])
    switches = {each.inputs["zoneId"]: each.inputs["cidrBlock"] for each in stack.of("Switch")}
    assert switches["cn-hangzhou-j"] == "10.0.144.0/20"
    assert "network.vswitcheList" in one(stack, "ServiceMesh").ignores


def test_a_given_vpc_is_used_and_none_is_made() -> None:
    """By its ID and its vSwitches'."""
    stack = made(network={"vpc": "vpc-bp1", "vswitches": ["vsw-bp1", "vsw-bp2"], "nat": False})
    assert not [each.name for each in stack.all if each.type.startswith("alicloud:vpc")]
    cluster = revealed(one(stack, "ManagedKubernetes").inputs)
    assert (cluster["vswitchIds"], cluster["newNatGateway"]) == (["vsw-bp1", "vsw-bp2"], False)
    assert revealed(one(stack, "ServiceMesh").inputs)["network"]["vpcId"] == "vpc-bp1"


def test_pods_and_services_have_ranges() -> None:
    """Flannel's pods, Services, and the addons that disks, the HPA and the repair of nodes need."""
    cluster = asked("ManagedKubernetes")
    assert (cluster["podCidr"], cluster["serviceCidr"]) == ("172.20.0.0/16", "172.21.0.0/20")
    assert {"flannel", "csi-plugin", "csi-provisioner", "metrics-server"} <= {
        each["name"] for each in cluster["addons"]
    }


def test_nodes_are_managed() -> None:
    """Repaired, upgraded and patched by Alibaba Cloud; their metadata server wants a token."""
    pool = asked("NodePool")
    assert pool["desiredSize"] == "2"
    management = pool["management"]
    assert [management[key] for key in ("enable", "autoRepair", "autoUpgrade", "autoVulFix")] == [True] * 4
    assert pool["instanceMetadataOptions"] == {"httpTokens": "required"}


def test_costs_are_minded() -> None:
    """Basic cluster, standard mesh, no public address for the mesh; spot machines only where asked for."""
    stack = made()
    assert revealed(one(stack, "ManagedKubernetes").inputs)["clusterSpec"] == "ack.standard"
    mesh = revealed(one(stack, "ServiceMesh").inputs)
    assert (mesh["clusterSpec"], mesh["edition"]) == ("standard", "Default")
    assert mesh["loadBalancer"] == {"apiServerPublicEip": False}
    assert revealed(one(stack, "NodePool").inputs)["spotStrategy"] == "NoSpot"
    assert asked("NodePool", nodes={"spot": True})["spotStrategy"] == "SpotAsPriceGo"


def test_they_do_not_vanish() -> None:
    """Pulumi refuses to delete cluster and mesh, Alibaba Cloud the cluster; one setting turns all off."""
    stack = made()
    assert {each.name for each in stack.all if each.protected} == {"cluster-ack", "cluster-asm"}
    assert one(stack, "ManagedKubernetes").inputs["deletionProtection"] is True
    bare = made(protect=False)
    assert not [each.name for each in bare.all if each.protected]
    assert one(bare, "ManagedKubernetes").inputs["deletionProtection"] is False


def test_each_resource_is_in_the_region() -> None:
    """All of Alibaba Cloud's go through a provider of the cluster's region and profile, which holds no credential."""
    stack = made(profile="ci")
    provider = revealed(stack["cluster-alicloud"].inputs)
    assert provider == {"region": "cn-hangzhou", "profile": "ci"}
    clouds = {each.provider for each in stack.all if each.type.startswith("alicloud:")}
    assert clouds == {"cluster-alicloud"}


def test_its_outputs_are_few() -> None:
    """What DNS and other stacks need."""
    outputs = {key: value for key, value in made().outputs["cluster"].items() if not is_secret(value)}
    assert outputs == {
        "cloud": "alibaba",
        "name": "demo",
        "location": "cn-hangzhou",
        "cluster_id": "cluster-ack-id",
        "vpc_id": "cluster-vpc-id",
        "endpoint": API,
    }


URNS = {
    "weighbridge:index:AckCluster::cluster",
    "weighbridge:index:AckCluster$alicloud:cs/managedKubernetes:ManagedKubernetes::cluster-ack",
    "weighbridge:index:AckCluster$alicloud:cs/nodePool:NodePool::cluster-nodes",
    "weighbridge:index:AckCluster$alicloud:servicemesh/serviceMesh:ServiceMesh::cluster-asm",
    "weighbridge:index:AckCluster$alicloud:vpc/network:Network::cluster-vpc",
    "weighbridge:index:AckCluster$alicloud:vpc/switch:Switch::cluster-vswitch-cn-hangzhou-i",
    "weighbridge:index:AckCluster$alicloud:vpc/switch:Switch::cluster-vswitch-cn-hangzhou-j",
    "weighbridge:index:AckCluster$pulumi:providers:alicloud::cluster-alicloud",
    "weighbridge:index:AckCluster$pulumi:providers:kubernetes::cluster-mesh-provider",
    "weighbridge:index:AckCluster$pulumi:providers:kubernetes::cluster-provider",
}


def test_names_in_the_state_are_a_contract() -> None:
    """A resource that is called otherwise is deleted and made again: a cluster is not. Renames need an alias."""
    found = {each.urn.partition("::")[2].partition("::")[2] for each in made().all if each.name != "workload"}
    assert found == URNS
