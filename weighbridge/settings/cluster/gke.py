"""A cluster of Google Kubernetes Engine, which the stack makes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from weighbridge.settings.cluster.values import NAME, Cidr, keep_apart
from weighbridge.settings.rules import Choice, Flag, Text, Whole, fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Listed

Component = Annotated[str, Choice(("system", "workloads"))]
Metrics = Annotated[str, Choice(("system", "hpa", "pod", "deployment", "cadvisor", "kubelet"))]

PROJECT = Text(
    r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
    "must be the ID of a Google Cloud project, 6 to 30 small letters, digits and '-', and not its name or number",
)
LOCATION = Text(
    r"[a-z]+-[a-z]+[0-9]{1,2}(?:-[a-z])?",
    "must be a zone such as europe-west1-b, or a region such as europe-west1",
)
MACHINE = Text(r"[a-z][0-9]+[a-z]?(?:-[a-z0-9]+)+", "must be a machine type such as e2-standard-2")
RESOURCE = Text(
    r"[a-z](?:[a-z0-9-]*[a-z0-9])?", "must be the name of a resource of Google Cloud, without its project", 63
)

_GIVEN = ("network", "subnetwork", "pods_range", "services_range")


class GkeNodes(Section):
    """The machines that pods run on: one node pool."""

    count: Annotated[int, Whole(1, 1000)] = 2
    """How many; in a region, how many in each of its zones."""
    max: Annotated[int, Whole(1, 1000)] | None = None
    """How many GKE's autoscaler may make of them, in the same measure. Without it there are always `count`."""
    machine_type: Annotated[str, MACHINE] = "e2-standard-2"
    """What each of them is."""
    disk_gb: Annotated[int, Whole(10, 65_536)] = 30
    """The boot disk's size, in GB."""
    disk_type: Annotated[str, Choice(("pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced"))] = "pd-standard"
    """The boot disk's kind; machine types of the newer series need hyperdisk-balanced."""
    spot: Annotated[bool, Flag()] = False
    """Cheaper machines that Google may take back at any time: for trying things out."""
    registry: Annotated[bool, Flag()] = False
    """Let the nodes pull images from the project's own Artifact Registry."""

    @model_validator(mode="after")
    def _max_is_no_less(self) -> GkeNodes:
        if self.max is not None and self.max < self.count:
            raise fault(f"must be no less than 'count', which is {self.count}", got=str(self.max), key="max")
        return self


class GkeNetwork(Section):
    """A network of the cluster's own with these ranges, or one that exists already, by its names."""

    nodes: Annotated[str, Cidr(8, 29)] = "10.0.0.0/22"
    """Addresses of the nodes, in a network of the cluster's own."""
    pods: Annotated[str, Cidr(9, 21)] = "10.4.0.0/14"
    """Addresses of the pods: a node takes 256 of them."""
    services: Annotated[str, Cidr(16, 27)] = "10.8.0.0/20"
    """Addresses of the Services."""
    network: Annotated[str, RESOURCE] | None = None
    """Name of a VPC network that exists already."""
    subnetwork: Annotated[str, RESOURCE] | None = None
    """Name of its subnetwork in the cluster's region."""
    pods_range: Annotated[str, RESOURCE] | None = None
    """Name of the subnetwork's secondary range for pods."""
    services_range: Annotated[str, RESOURCE] | None = None
    """Name of the subnetwork's secondary range for Services."""

    @property
    def given(self) -> bool:
        """Whether the network exists already."""
        return self.network is not None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> GkeNetwork:
        missing = [name for name in _GIVEN if getattr(self, name) is None]
        if 0 < len(missing) < len(_GIVEN):
            raise fault(f"{', '.join(_GIVEN)} must come together", got="nothing", key=missing[0])
        own = sorted({"nodes", "pods", "services"} & self.model_fields_set)
        if self.given and own:
            rule = "belongs to a network of the cluster's own, and must be left out beside 'network'"
            raise fault(rule, got=repr(getattr(self, own[0])), key=own[0])
        keep_apart({"nodes": self.nodes, "pods": self.pods, "services": self.services})
        return self


class Gke(Section):
    """A cluster of Google Kubernetes Engine that this stack makes. [GKE](gke.md) has the whole way."""

    kind: Annotated[Literal["gke"], Choice(("gke",))]
    """What sort of cluster: one of Google Kubernetes Engine, which this stack makes."""
    project: Annotated[str, PROJECT]
    """The project that it is made in, and paid by."""
    location: Annotated[str, LOCATION]
    """A zone, or a region: its control plane and nodes are then in three zones, and so are their costs."""
    name: Annotated[str, NAME]
    """The cluster's name in its project; network and service account have it too."""
    nodes: GkeNodes = GkeNodes()
    """The machines that pods run on."""
    network: GkeNetwork = GkeNetwork()
    """Where their addresses come from."""
    release_channel: Annotated[str, Choice(("rapid", "regular", "stable", "extended"))] = "regular"
    """How soon Google upgrades the control plane and the nodes."""
    private_nodes: Annotated[bool, Flag()] = False
    """Nodes without public addresses; a network of the cluster's own then gets a NAT gateway, which is charged.
    Fixed once made."""
    authorized_networks: Annotated[tuple[Annotated[str, Cidr(0, 32)], ...], Listed(least=1, unique=True)] | None = None
    """Ranges that may reach the API server, where not everybody may who has a credential."""
    logging: Annotated[tuple[Component, ...], Listed(unique=True)] = ("system",)
    """What is logged to Cloud Logging; an empty list turns it off."""
    monitoring: Annotated[tuple[Metrics, ...], Listed(unique=True)] = ("system",)
    """What Cloud Monitoring measures; an empty list turns it off."""
    managed_prometheus: Annotated[bool, Flag()] = False
    """Google's managed collection for Prometheus; samples are charged."""
    enable_api: Annotated[bool, Flag()] = False
    """Enable the APIs that the cluster is made by; they stay enabled when the stack goes."""
    protect: Annotated[bool, Flag()] = True
    """Refuse to delete the cluster: by Pulumi, and by Google's own deletion protection as the provider has it."""

    @model_validator(mode="after")
    def _managed_prometheus_needs_monitoring(self) -> Gke:
        if self.managed_prometheus and "system" not in self.monitoring:
            raise fault("needs 'system' in 'monitoring'", got="true", key="managed_prometheus")
        return self

    @property
    def region(self) -> str:
        """The region that the location is, or is in."""
        return "-".join(self.location.split("-")[:2])
