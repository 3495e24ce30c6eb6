"""Clusters of every kind: what is accepted, and each mistake with its line."""

from __future__ import annotations

from typing import Any

GKE: dict[str, Any] = {"kind": "gke", "project": "demo-project", "location": "europe-west1-b", "name": "demo"}
ACK: dict[str, Any] = {"kind": "ack", "region": "cn-hangzhou", "zones": ["cn-hangzhou-i"], "name": "demo"}
STACK: dict[str, Any] = {"kind": "stack", "stack": "acme/platform/prod"}
CIDR = "must be a range of IPv4 addresses such as 10.0.0.0/16"
PROJECT = "must be the ID of a Google Cloud project, 6 to 30 small letters, digits and '-', and not its name or number"
LOCATION = "must be a zone such as europe-west1-b, or a region such as europe-west1"
NAME = "must be a name of small letters, digits and '-', at most 24, that begins with a letter"
GIVEN = {"network": "n", "subnetwork": "s", "pods_range": "p", "services_range": "v"}

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("gke in a zone", GKE),
    ("gke in a region", GKE | {"location": "northamerica-northeast1"}),
    ("gke in a region with two digits", GKE | {"location": "europe-west12-a"}),
    ("gke, the seed's machine", GKE | {"nodes": {"machine_type": "n1-standard-2"}}),
    ("gke, a custom machine", GKE | {"nodes": {"machine_type": "n2d-custom-4-8192"}}),
    ("gke, numbers in quotes", GKE | {"nodes": {"count": "3", "disk_gb": "50"}}),
    ("gke without logging and monitoring", GKE | {"logging": [], "monitoring": []}),
    ("gke in a given network", GKE | {"network": GIVEN}),
    ("gke, who may reach it", GKE | {"authorized_networks": ["203.0.113.7/32", "0.0.0.0/0"]}),
    ("ack without a mesh", ACK),
    ("ack with a mesh", ACK | {"mesh": {}}),
    ("ack, zones without a dash", ACK | {"region": "ap-southeast-1", "zones": ["ap-southeast-1a", "ap-southeast-1b"]}),
    ("ack in a given VPC", ACK | {"network": {"vpc": "vpc-bp1abc", "vswitches": ["vsw-bp1abc"]}}),
    ("ack, seed A's Prometheus", ACK | {"mesh": {"prometheus": "http://prometheus:9090", "kiali": True}}),
    ("ack, seed B's data plane", ACK | {"mesh": {"access": "cluster", "spec": "enterprise"}}),
    ("ack, versions", ACK | {"version": "1.34.1-aliyun.1", "mesh": {"version": "v1.25.6.70-g1b2c3d4e-aliyun"}}),
    ("ack, machines", ACK | {"nodes": {"instance_types": ["ecs.u1-c1m2.large", "ecs.gn6i-c4g1.xlarge"]}}),
    ("stack", STACK),
    ("stack, one of several clusters", STACK | {"cluster": "eu"}),
    ("stack of a state in files", STACK | {"stack": "organization/weighbridge/gke"}),
]

BAD: list[tuple[str, Any, str]] = [
    ("no kind", {}, "weighbridge:cluster: 'kind' is required (got nothing)"),
    (
        "a misspelt kind",
        GKE | {"kind": "gcp"},
        "weighbridge:cluster: 'kind' must be one of existing, gke, ack, stack (got 'gcp')",
    ),
    (
        "a kind that is no text",
        GKE | {"kind": ["gke"]},
        "weighbridge:cluster: 'kind' must be one of existing, gke, ack, stack (got ['gke'])",
    ),
    (
        "a misspelt key for the kind",
        {"knid": "gke"},
        "weighbridge:cluster.knid: is not a setting; did you mean 'kind'? (got 'gke')",
    ),
    (
        "a key of another kind",
        GKE | {"region": "x"},
        "weighbridge:cluster.region: belongs to kind ack, not to gke (got 'x')",
    ),
    (
        "a key of two other kinds",
        {"kind": "existing", "nodes": {}},
        "weighbridge:cluster.nodes: belongs to kind gke or ack, not to existing (got a mapping)",
    ),
    ("a key of no kind", GKE | {"zone": "x"}, "weighbridge:cluster.zone: is not a setting (got 'x')"),
    (
        "a misspelt key",
        GKE | {"pojrect": "x"},
        "weighbridge:cluster.pojrect: is not a setting; did you mean 'project'? (got 'x')",
    ),
    ("not a mapping", "gke", "weighbridge:cluster: must be a mapping (got 'gke')"),
    (
        "no project",
        {"kind": "gke", "location": "europe-west1-b", "name": "demo"},
        "weighbridge:cluster: 'project' is required (got nothing)",
    ),
    (
        "a project's name",
        GKE | {"project": "My Project"},
        f"weighbridge:cluster: 'project' {PROJECT} (got 'My Project')",
    ),
    (
        "a project's number",
        GKE | {"project": 540196616614},
        f"weighbridge:cluster: 'project' {PROJECT} (got 540196616614)",
    ),
    (
        "a project that ends in a dash",
        GKE | {"project": "demo-project-"},
        f"weighbridge:cluster: 'project' {PROJECT} (got 'demo-project-')",
    ),
    (
        "a zone of another cloud",
        GKE | {"location": "eu-west-1a"},
        f"weighbridge:cluster: 'location' {LOCATION} (got 'eu-west-1a')",
    ),
    ("a continent", GKE | {"location": "EU"}, f"weighbridge:cluster: 'location' {LOCATION} (got 'EU')"),
    ("a long name", GKE | {"name": "a" * 25}, f"weighbridge:cluster: 'name' {NAME} (got '{'a' * 25}')"),
    ("a name in capitals", GKE | {"name": "Demo"}, f"weighbridge:cluster: 'name' {NAME} (got 'Demo')"),
    (
        "a machine of another cloud",
        GKE | {"nodes": {"machine_type": "ecs.g7.large"}},
        "weighbridge:cluster.nodes: 'machine_type' must be a machine type such as e2-standard-2 (got 'ecs.g7.large')",
    ),
    (
        "no nodes",
        GKE | {"nodes": {"count": 0}},
        "weighbridge:cluster.nodes: 'count' must be a whole number from 1 to 1000 (got 0)",
    ),
    (
        "fewer at most than at least",
        GKE | {"nodes": {"count": 3, "max": 2}},
        "weighbridge:cluster.nodes.max: must be no less than 'count', which is 3 (got 2)",
    ),
    (
        "a disk that is too small",
        GKE | {"nodes": {"disk_gb": 5}},
        "weighbridge:cluster.nodes: 'disk_gb' must be a whole number from 10 to 65536 (got 5)",
    ),
    (
        "half a range",
        GKE | {"network": {"nodes": "10.0.0.0"}},
        f"weighbridge:cluster.network: 'nodes' {CIDR}, from /8 to /29 (got '10.0.0.0')",
    ),
    (
        "a range with host bits",
        GKE | {"network": {"nodes": "10.0.0.1/22"}},
        f"weighbridge:cluster.network: 'nodes' {CIDR}, from /8 to /29 (got '10.0.0.1/22')",
    ),
    (
        "a range that is none",
        GKE | {"network": {"pods": "10.300.0.0/14"}},
        f"weighbridge:cluster.network: 'pods' {CIDR}, from /9 to /21 (got '10.300.0.0/14')",
    ),
    (
        "too few pods",
        GKE | {"network": {"pods": "10.4.0.0/24"}},
        f"weighbridge:cluster.network: 'pods' {CIDR}, from /9 to /21 (got '10.4.0.0/24')",
    ),
    (
        "ranges that overlap",
        GKE | {"network": {"pods": "10.0.0.0/14"}},
        "weighbridge:cluster.network.pods: must share no address with 'nodes', which is 10.0.0.0/22 (got '10.0.0.0/14')",
    ),
    (
        "half a network",
        GKE | {"network": {"network": "n"}},
        "weighbridge:cluster.network.subnetwork: network, subnetwork, pods_range, services_range must come together (got nothing)",
    ),
    (
        "a range for a given network",
        GKE | {"network": GIVEN | {"pods": "10.4.0.0/14"}},
        "weighbridge:cluster.network.pods: belongs to a network of the cluster's own, and must be left out beside 'network' (got '10.4.0.0/14')",
    ),
    (
        "a log that is none",
        GKE | {"logging": ["audit"]},
        "weighbridge:cluster: 'logging[0]' must be one of system, workloads (got 'audit')",
    ),
    (
        "Prometheus without monitoring",
        GKE | {"monitoring": [], "managed_prometheus": True},
        "weighbridge:cluster.managed_prometheus: needs 'system' in 'monitoring' (got true)",
    ),
    (
        "a channel that is none",
        GKE | {"release_channel": "beta"},
        "weighbridge:cluster: 'release_channel' must be one of rapid, regular, stable, extended (got 'beta')",
    ),
    ("a flag that is text", GKE | {"protect": "no"}, "weighbridge:cluster: 'protect' must be true or false (got 'no')"),
    (
        "a region of another cloud",
        ACK | {"region": "europe-west1"},
        "weighbridge:cluster: 'region' must be a region such as cn-hangzhou or ap-southeast-1 (got 'europe-west1')",
    ),
    (
        "a zone of another region",
        ACK | {"zones": ["cn-beijing-a"]},
        "weighbridge:cluster.zones: each must be a zone of cn-hangzhou (got 'cn-beijing-a')",
    ),
    (
        "a region for a zone",
        ACK | {"zones": ["cn-hangzhou"]},
        "weighbridge:cluster.zones: each must be a zone of cn-hangzhou (got 'cn-hangzhou')",
    ),
    ("no zones", ACK | {"zones": []}, "weighbridge:cluster: 'zones' must hold at least 1 item (got [])"),
    (
        "a zone twice",
        ACK | {"zones": ["cn-hangzhou-i"] * 2},
        "weighbridge:cluster: 'zones' must not hold an item twice (got ['cn-hangzhou-i', 'cn-hangzhou-i'])",
    ),
    (
        "an instance type of another cloud",
        ACK | {"nodes": {"instance_types": ["e2-standard-2"]}},
        "weighbridge:cluster.nodes: 'instance_types[0]' must be an instance type such as ecs.g7.large (got 'e2-standard-2')",
    ),
    (
        "a VPC without vSwitches",
        ACK | {"network": {"vpc": "vpc-bp1"}},
        "weighbridge:cluster.network.vswitches: vpc, vswitches must come together (got nothing)",
    ),
    (
        "a VPC's name",
        ACK | {"network": {"vpc": "main", "vswitches": ["vsw-1"]}},
        "weighbridge:cluster.network: 'vpc' must be the ID of a VPC, such as vpc-bp1abc (got 'main')",
    ),
    (
        "Kiali without metrics",
        ACK | {"mesh": {"kiali": True, "telemetry": False}},
        "weighbridge:cluster.mesh.kiali: needs 'telemetry' (got true)",
    ),
    (
        "Prometheus without metrics",
        ACK | {"mesh": {"prometheus": "http://p:9090", "telemetry": False}},
        "weighbridge:cluster.mesh.prometheus: needs 'telemetry' (got 'http://p:9090')",
    ),
    (
        "a password in Prometheus' address",
        ACK | {"mesh": {"prometheus": "http://a:b@p:9090"}},
        "weighbridge:cluster.mesh: 'prometheus' must not hold a user or a password, as it is kept in the state in clear (got 'http://***@p:9090')",
    ),
    (
        "a kubeconfig that is not used",
        ACK | {"mesh": {"access": "cluster", "kubeconfig": "k"}},
        "weighbridge:cluster.mesh.kubeconfig: must be left out where 'access' is cluster (got 'k')",
    ),
    (
        "a version of Kubernetes",
        ACK | {"version": "1.34"},
        "weighbridge:cluster: 'version' must be a version of ACK such as 1.34.1-aliyun.1 (got '1.34')",
    ),
    (
        "a key of the cloud in the stack file",
        ACK | {"access_key_secret": "hunter2"},
        "weighbridge:cluster.access_key_secret: is not a setting (got a value not shown)",
    ),
    (
        "an account's key in the stack file",
        GKE | {"credentials": '{"private_key": "hunter2"}'},
        "weighbridge:cluster.credentials: is not a setting (got a value not shown)",
    ),
    (
        "half a stack's name",
        STACK | {"stack": "prod"},
        "weighbridge:cluster: 'stack' must be organization/project/stack; the organization of a state in files is 'organization' (got 'prod')",
    ),
]
