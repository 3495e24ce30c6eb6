"""A cluster on Google Cloud: what seed D demands, today's defaults, and no credential that anybody could take."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from components.cluster import OUTPUTS, choice
from tests.components.clouds import CA, ENDPOINT, Clouds, google, workload
from tests.components.recording import Registered, Stack, declare, is_secret, revealed
from weighbridge.settings import load


def made(*, preview: bool = False, name: str | None = None, **more: Any) -> Stack:
    """The stack of a cluster with these settings, and something on it."""

    def program() -> None:
        section = load({"cluster": google(**more)}).cluster
        cluster = choice.declared(name, section)
        workload(cluster.provider)
        assert set(cluster.outputs) <= set(OUTPUTS)

    stack = declare(program, {}, preview=preview, cloud=Clouds())
    assert stack.error is None, stack.error
    return stack


def one(stack: Stack, kind: str) -> Registered:
    """The one resource of a type."""
    (found,) = stack.of(kind)
    return found


def cluster(**more: Any) -> dict[str, Any]:
    """What is asked of Google for the control plane."""
    asked: dict[str, Any] = revealed(one(made(**more), "Cluster").inputs)
    return asked


def pool(**more: Any) -> dict[str, Any]:
    """What is asked of Google for the nodes."""
    asked: dict[str, Any] = revealed(one(made(**more), "NodePool").inputs)
    return asked


def test_it_is_the_seeds_cluster() -> None:
    """Seed D: two nodes with 2 CPUs and 8 GB, disks of 30 GB, repaired and upgraded by Google; the HPA's addon is on."""
    nodes = pool()
    assert nodes["nodeCount"] == 2
    assert (nodes["nodeConfig"]["machineType"], nodes["nodeConfig"]["diskSizeGb"]) == ("e2-standard-2", 30)
    assert nodes["management"] == {"autoRepair": True, "autoUpgrade": True}
    assert cluster()["addonsConfig"]["horizontalPodAutoscaling"] == {"disabled": False}


def test_its_machines_may_be_the_seeds_own() -> None:
    """Seed D's machine type is there for who wants it."""
    assert pool(nodes={"machine_type": "n1-standard-2"})["nodeConfig"]["machineType"] == "n1-standard-2"


@pytest.mark.parametrize(
    ("given", "components"),
    [(["system", "workloads"], ["SYSTEM_COMPONENTS", "WORKLOADS"]), (["system"], ["SYSTEM_COMPONENTS"]), ([], [])],
)
def test_logging_is_chosen(given: list[str], components: list[str]) -> None:
    """Each part of the logging is chosen by itself; an empty list is seed D's --no-enable-cloud-logging."""
    assert cluster(logging=given)["loggingConfig"]["enableComponents"] == components


def test_monitoring_is_chosen() -> None:
    """An empty list is seed D's --no-enable-cloud-monitoring, and Google's Prometheus is asked for in words."""
    off = cluster(monitoring=[])["monitoringConfig"]
    assert off == {"enableComponents": [], "managedPrometheus": {"enabled": False}}
    on = cluster(monitoring=["system", "hpa"], managed_prometheus=True)["monitoringConfig"]
    assert on == {"enableComponents": ["SYSTEM_COMPONENTS", "HPA"], "managedPrometheus": {"enabled": True}}


def test_pods_have_addresses_of_the_network() -> None:
    """VPC-native: pods and Services have a range each of the cluster's own subnetwork, which names them."""
    stack = made()
    subnet, asked = revealed(one(stack, "Subnetwork").inputs), revealed(one(stack, "Cluster").inputs)
    ranges = {each["rangeName"]: each["ipCidrRange"] for each in subnet["secondaryIpRanges"]}
    policy = asked["ipAllocationPolicy"]
    assert asked["networkingMode"] == "VPC_NATIVE"
    assert ranges[policy["clusterSecondaryRangeName"]] == "10.4.0.0/14"
    assert ranges[policy["servicesSecondaryRangeName"]] == "10.8.0.0/20"
    assert (subnet["region"], subnet["ipCidrRange"]) == ("europe-west1", "10.0.0.0/22")
    assert one(stack, "Network").inputs["autoCreateSubnetworks"] is False


def test_a_given_network_is_used_and_none_is_made() -> None:
    """By the names of the network, its subnetwork and the subnetwork's ranges."""
    names = {"network": "shared", "subnetwork": "west", "pods_range": "p", "services_range": "s"}
    stack = made(network=names, private_nodes=True)
    asked = revealed(one(stack, "Cluster").inputs)
    assert asked["network"].endswith("demo-project/global/networks/shared")
    assert asked["subnetwork"].endswith("regions/europe-west1/subnetworks/west")
    assert asked["ipAllocationPolicy"] == {"clusterSecondaryRangeName": "p", "servicesSecondaryRangeName": "s"}
    assert not [each.name for each in stack.all if each.type.startswith("gcp:compute")]


def test_todays_defaults() -> None:
    """Workload Identity, a release channel, Dataplane V2, shielded nodes, no client certificate, no default pool."""
    asked = cluster()
    assert asked["workloadIdentityConfig"]["workloadPool"] == "demo-project.svc.id.goog"
    assert asked["releaseChannel"]["channel"] == "REGULAR"
    assert asked["datapathProvider"] == "ADVANCED_DATAPATH"
    assert asked["enableShieldedNodes"] is True
    assert asked["masterAuth"]["clientCertificateConfig"]["issueClientCertificate"] is False
    assert asked["removeDefaultNodePool"] is True
    nodes = pool()["nodeConfig"]
    assert nodes["workloadMetadataConfig"]["mode"] == "GKE_METADATA"
    assert nodes["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}


def test_no_legacy_way_in() -> None:
    """Neither basic authentication nor attribute-based access is asked for."""
    assert "enableLegacyAbac" not in cluster()


def test_nodes_can_do_the_least() -> None:
    """Their account is their own, and writes logs and metrics; images of the project's registry only where asked for."""
    stack = made()
    account, nodes = one(stack, "Account"), revealed(one(stack, "NodePool").inputs)
    assert account.inputs["accountId"] == "demo-nodes"
    assert nodes["nodeConfig"]["serviceAccount"] == account.outputs["email"]
    assert revealed(one(stack, "Cluster").inputs)["nodeConfig"]["serviceAccount"] == account.outputs["email"]
    assert {each.inputs["role"] for each in stack.of("IAMMember")} == {"roles/container.defaultNodeServiceAccount"}
    assert {each.inputs["role"] for each in made(nodes={"registry": True}).of("IAMMember")} == {
        "roles/container.defaultNodeServiceAccount",
        "roles/artifactregistry.reader",
    }
    assert {each.inputs["member"] for each in stack.of("IAMMember")} == {account.outputs["member"]}


def test_nodes_start_with_their_roles() -> None:
    """A node that comes up without them cannot write what is wrong."""
    assert {"cluster-nodes-default", "cluster-gke"} <= made().waits_for("cluster-nodes")


def test_private_nodes_have_a_way_out_before_they_start() -> None:
    """Without a public address they pull images through a NAT gateway, which is there first; else there is none."""
    stack = made(private_nodes=True)
    assert revealed(one(stack, "Cluster").inputs)["privateClusterConfig"]["enablePrivateNodes"] is True
    assert revealed(one(stack, "RouterNat").inputs)["router"] == "demo"
    assert "cluster-nat" in stack.waits_for("cluster-nodes")
    assert not made().of("RouterNat")
    assert "privateClusterConfig" not in cluster()


def test_who_may_reach_the_api_server_is_chosen() -> None:
    """By ranges of addresses; without them a credential is what is needed."""
    blocks = cluster(authorized_networks=["203.0.113.0/24"])["masterAuthorizedNetworksConfig"]["cidrBlocks"]
    assert [each["cidrBlock"] for each in blocks] == ["203.0.113.0/24"]
    assert "masterAuthorizedNetworksConfig" not in cluster()


def test_it_does_not_vanish() -> None:
    """Pulumi refuses to delete it, and so does Google; one setting turns both off. The pool may be replaced."""
    stack = made()
    assert one(stack, "Cluster").protected
    assert one(stack, "Cluster").inputs["deletionProtection"] is True
    assert not one(stack, "NodePool").protected
    bare = made(protect=False)
    assert not one(bare, "Cluster").protected
    assert one(bare, "Cluster").inputs["deletionProtection"] is False


def test_costs_are_minded() -> None:
    """One zone, standard disks, Prometheus not managed; machines that Google may take back only where asked for."""
    stack = made()
    asked, nodes = revealed(one(stack, "Cluster").inputs), revealed(one(stack, "NodePool").inputs)
    assert asked["location"] == nodes["location"] == "europe-west1-b"
    assert nodes["nodeConfig"]["diskType"] == "pd-standard"
    assert nodes["nodeConfig"]["spot"] is False
    assert pool(nodes={"spot": True})["nodeConfig"]["spot"] is True


def test_the_autoscaler_has_the_pool_or_nobody() -> None:
    """With `max` the number of nodes is the autoscaler's, and the stack does not set it back."""
    scaled = pool(nodes={"count": 1, "max": 4})
    assert scaled["autoscaling"] == {"minNodeCount": 1, "maxNodeCount": 4}
    assert "nodeCount" not in scaled
    assert "initialNodeCount" in one(made(nodes={"count": 1, "max": 4}), "NodePool").ignores
    assert "autoscaling" not in pool()


def test_apis_are_enabled_first_where_asked_for() -> None:
    """Everything of Google's waits for them; they stay enabled when the stack goes, as others may use them."""
    stack = made(enable_api=True)
    services = {each.name: each.inputs for each in stack.of("Service")}
    made_by = {"cloudresourcemanager", "compute", "container", "iam"}
    assert {each["service"] for each in services.values()} == {f"{name}.googleapis.com" for name in made_by}
    assert all(each["disableOnDestroy"] is False for each in services.values())
    for name in ("cluster-network", "cluster-gke", "cluster-nodes-account"):
        assert set(services) <= stack.waits_for(name), name
    assert not made().of("Service")


def test_each_resource_is_in_the_project() -> None:
    """None is left to the provider's default, which may be another project's."""
    for each in made(private_nodes=True, enable_api=True).all:
        if each.type.startswith("gcp:"):
            assert each.inputs["project"] == "demo-project", each.name


def test_the_kubeconfig_has_a_plugin_and_no_credential() -> None:
    """Google's plugin with the application default credentials; the text is a secret and names server and authority."""
    given = one(made(), "kubernetes").inputs["kubeconfig"]
    assert is_secret(given)
    config = json.loads(revealed(given))
    (user,) = config["users"]
    assert set(user["user"]) == {"exec"}
    assert user["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"
    assert user["user"]["exec"]["args"] == ["--use_application_default_credentials"]
    (there,) = config["clusters"]
    assert there["cluster"] == {"server": f"https://{ENDPOINT}", "certificate-authority-data": CA}


def test_what_is_put_on_it_waits_for_nodes() -> None:
    """The provider waits for the pool, and so does whatever is given the provider; it also goes before the pool does."""
    stack = made()
    assert stack["workload"].provider == "cluster-provider"
    assert "cluster-nodes" in stack.waits_for("cluster-provider")


def test_a_preview_of_a_new_cluster_knows_nothing_of_it() -> None:
    """The kubeconfig is unknown as a whole: no half of it reaches the provider, and the preview does not fail."""
    stack = made(preview=True)
    given = one(stack, "kubernetes").inputs["kubeconfig"]
    assert is_secret(given)
    assert revealed(given) == rpc.UNKNOWN
    assert revealed(one(stack, "Cluster").inputs)["name"] == "demo"


def test_its_outputs_are_few_and_its_kubeconfig_is_secret() -> None:
    """What DNS, Managed Prometheus and other stacks need; the component itself says no more than where it is."""

    def program() -> None:
        found = choice.declared(None, load({"cluster": google()}).cluster)
        pulumi.export("cluster", dict(found.outputs))

    stack = declare(program, {}, cloud=Clouds())
    outputs = dict(stack.outputs["cluster"])
    assert is_secret(outputs.pop("kubeconfig"))
    assert outputs == {
        "cloud": "google",
        "name": "demo",
        "location": "europe-west1-b",
        "project": "demo-project",
        "workload_pool": "demo-project.svc.id.goog",
        "endpoint": ENDPOINT,
    }


URNS = {
    "weighbridge:index:GkeCluster::cluster",
    "weighbridge:index:GkeCluster$gcp:compute/network:Network::cluster-network",
    "weighbridge:index:GkeCluster$gcp:compute/router:Router::cluster-router",
    "weighbridge:index:GkeCluster$gcp:compute/routerNat:RouterNat::cluster-nat",
    "weighbridge:index:GkeCluster$gcp:compute/subnetwork:Subnetwork::cluster-subnetwork",
    "weighbridge:index:GkeCluster$gcp:container/cluster:Cluster::cluster-gke",
    "weighbridge:index:GkeCluster$gcp:container/nodePool:NodePool::cluster-nodes",
    "weighbridge:index:GkeCluster$gcp:projects/iAMMember:IAMMember::cluster-nodes-default",
    "weighbridge:index:GkeCluster$gcp:projects/iAMMember:IAMMember::cluster-nodes-registry",
    "weighbridge:index:GkeCluster$gcp:projects/service:Service::cluster-cloudresourcemanager-api",
    "weighbridge:index:GkeCluster$gcp:projects/service:Service::cluster-compute-api",
    "weighbridge:index:GkeCluster$gcp:projects/service:Service::cluster-container-api",
    "weighbridge:index:GkeCluster$gcp:projects/service:Service::cluster-iam-api",
    "weighbridge:index:GkeCluster$gcp:serviceaccount/account:Account::cluster-nodes-account",
    "weighbridge:index:GkeCluster$pulumi:providers:kubernetes::cluster-provider",
}


def test_names_in_the_state_are_a_contract() -> None:
    """A resource that is called otherwise is deleted and made again: a cluster is not. Renames need an alias."""
    stack = made(private_nodes=True, enable_api=True, nodes={"registry": True})
    found = {each.urn.partition("::")[2].partition("::")[2] for each in stack.all if each.name != "workload"}
    assert found == URNS


def test_a_named_cluster_has_names_of_its_own() -> None:
    """Two clusters of one stack share no name."""
    stack = made(name="eu")
    assert {each.name.startswith("cluster-eu") for each in stack.all if each.name != "workload"} == {True}
