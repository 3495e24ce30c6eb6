"""A cluster of Alibaba Cloud's Container Service with a mesh of Service Mesh (ASM), which the stack makes."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from itertools import islice
from typing import Annotated, Literal

from pydantic import model_validator

from weighbridge.settings.cluster.existing import Path
from weighbridge.settings.cluster.values import NAME, Cidr, keep_apart
from weighbridge.settings.rules import Choice, Flag, Text, Url, Whole, fault
from weighbridge.settings.section import Section
from weighbridge.settings.shapes import Listed

REGION = Text(r"[a-z]{2}-[a-z]+(?:-[a-z]+)*(?:-[0-9]+)?", "must be a region such as cn-hangzhou or ap-southeast-1")
ZONE = Text(r"[a-z]{2}-[a-z]+(?:-[a-z0-9]+)*-?[a-z]", "must be a zone such as cn-hangzhou-i or ap-southeast-1a")
INSTANCE = Text(r"ecs(?:\.[a-z0-9]+(?:-[a-z0-9]+)*){2}", "must be an instance type such as ecs.g7.large")
VERSION = Text(r"[0-9]+\.[0-9]+\.[0-9]+-aliyun\.[0-9]+", "must be a version of ACK such as 1.34.1-aliyun.1")
ISTIO = Text(
    r"v?[0-9]+(?:\.[0-9]+){2,3}(?:[-.][a-z0-9]+)*", "must be a version of ASM such as v1.25.6.70-g1b2c3d4e-aliyun"
)
VPC = Text(r"vpc-[a-z0-9]+", "must be the ID of a VPC, such as vpc-bp1abc")
VSWITCH = Text(r"vsw-[a-z0-9]+", "must be the ID of a vSwitch, such as vsw-bp1abc")
PROFILE = Text(r"[^\x00-\x1f\x7f]+", "must be the name of a profile of the aliyun command")

_VSWITCH_BITS = 4
"""A vSwitch takes a sixteenth of `nodes`: room for as many zones as a region has."""
_LETTERS = "abcdefghijklmnop"
"""By which a region's zones are told apart: one for each of those parts."""


class AckNodes(Section):
    """The machines that pods run on: one managed node pool."""

    count: Annotated[int, Whole(1, 1000)] = 2
    """How many, over all zones."""
    instance_types: Annotated[tuple[Annotated[str, INSTANCE], ...], Listed(least=1, unique=True)] = ("ecs.g7.large",)
    """What each of them is: the first that the zones have."""
    disk_gb: Annotated[int, Whole(40, 2048)] = 40
    """The system disk's size, in GB."""
    disk_type: Annotated[str, Choice(("cloud_essd_entry", "cloud_essd", "cloud_efficiency", "cloud_ssd"))] = (
        "cloud_essd"
    )
    """The system disk's kind."""
    spot: Annotated[bool, Flag()] = False
    """Cheaper machines that Alibaba Cloud may take back at any time: for trying things out."""


class AckNetwork(Section):
    """A VPC of the cluster's own with these ranges, or one that exists already, by its IDs."""

    nodes: Annotated[str, Cidr(8, 20)] = "10.0.0.0/16"
    """Addresses of the VPC; each zone's vSwitch takes a sixteenth of them."""
    pods: Annotated[str, Cidr(8, 20)] = "172.20.0.0/16"
    """Addresses of the pods, outside the VPC: a node takes 256 of them."""
    services: Annotated[str, Cidr(16, 24)] = "172.21.0.0/20"
    """Addresses of the Services, outside the VPC."""
    vpc: Annotated[str, VPC] | None = None
    """ID of a VPC that exists already."""
    vswitches: Annotated[tuple[Annotated[str, VSWITCH], ...], Listed(least=1, unique=True)] | None = None
    """IDs of its vSwitches, one for each zone."""
    nat: Annotated[bool, Flag()] = True
    """A NAT gateway, without which the nodes cannot pull images from the Internet. It is charged."""

    @property
    def given(self) -> bool:
        """Whether the VPC exists already."""
        return self.vpc is not None

    def vswitch_range(self, zone: str) -> str:
        """The range of the vSwitch in a zone: by its letter, as a vSwitch whose range changes is made anew.

        Args:
            zone: its ID, which ends in a letter from a to p.
        """
        parts = IPv4Network(self.nodes).subnets(prefixlen_diff=_VSWITCH_BITS)
        return str(next(islice(parts, _LETTERS.index(zone[-1]), None)))

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> AckNetwork:
        if (self.vpc is None) != (self.vswitches is None):
            missing = "vswitches" if self.vswitches is None else "vpc"
            raise fault("vpc, vswitches must come together", got="nothing", key=missing)
        if self.given and "nodes" in self.model_fields_set:
            rule = "belongs to a VPC of the cluster's own, and must be left out beside 'vpc'"
            raise fault(rule, got=repr(self.nodes), key="nodes")
        nodes = {} if self.given else {"nodes": self.nodes}
        keep_apart({**nodes, "pods": self.pods, "services": self.services})
        return self


class Asm(Section):
    """An instance of Alibaba Cloud Service Mesh that the cluster is joined to."""

    spec: Annotated[str, Choice(("standard", "enterprise", "ultimate"))] = "standard"
    """Its edition."""
    version: Annotated[str, ISTIO] | None = None
    """Its version; without it the newest."""
    telemetry: Annotated[bool, Flag()] = True
    """Collect Prometheus metrics: ASM then gives the sidecars its telemetry filters."""
    prometheus: Annotated[str, Url()] | None = None
    """Address of a Prometheus of your own that has the metrics; without it ASM uses its own (ARMS)."""
    joined: Annotated[bool, Flag()] = True
    """The cluster is in the mesh. A mesh with a cluster in it cannot be deleted: false takes it out first."""
    kiali: Annotated[bool, Flag()] = False
    """ASM's own Kiali; needs `telemetry`."""
    access: Annotated[str, Choice(("mesh", "cluster"))] = "mesh"
    """Where the mesh's objects are written: at the mesh's own API server, or at the cluster's (data-plane KubeAPI)."""
    kubeconfig: Path | None = None
    """Path of a kubeconfig for the mesh's API server, in place of the instance's own, whose address is in the VPC."""
    public_api: Annotated[bool, Flag()] = False
    """A public address for the mesh's API server, which is charged; `kubeconfig` has to name it. Fixed once made."""

    @model_validator(mode="after")
    def _parts_fit(self) -> Asm:
        if self.kiali and not self.telemetry:
            raise fault("needs 'telemetry'", got="true", key="kiali")
        if self.prometheus and not self.telemetry:
            raise fault("needs 'telemetry'", got=repr(self.prometheus), key="prometheus")
        if self.kubeconfig and self.access == "cluster":
            rule = "must be left out where 'access' is cluster"
            raise fault(rule, got=repr(self.kubeconfig), key="kubeconfig")
        return self


class Ack(Section):
    """A cluster of Alibaba Cloud Container Service (ACK) that this stack makes. [ACK](ack.md) has the whole way."""

    kind: Annotated[Literal["ack"], Choice(("ack",))]
    """What sort of cluster: one of Alibaba Cloud's Container Service, which this stack makes."""
    region: Annotated[str, REGION]
    """The region that it is made in."""
    zones: Annotated[tuple[Annotated[str, ZONE], ...], Listed(least=1, unique=True)]
    """The region's zones that it has nodes in; each gets a vSwitch."""
    name: Annotated[str, NAME]
    """The cluster's name; the VPC, its vSwitches and the mesh have it too."""
    nodes: AckNodes = AckNodes()
    """The machines that pods run on."""
    network: AckNetwork = AckNetwork()
    """Where their addresses come from."""
    mesh: Asm | None = None
    """A mesh that the cluster is joined to; `mesh: {}` takes its defaults. Without it there is none."""
    spec: Annotated[str, Choice(("ack.standard", "ack.pro.small"))] = "ack.standard"
    """The cluster's edition: Basic, or Pro, which is charged for its control plane."""
    version: Annotated[str, VERSION] | None = None
    """Version of Kubernetes; without it the newest."""
    public_api: Annotated[bool, Flag()] = True
    """A public address for the API server, which is charged; without it the stack has to run inside the VPC. Fixed
    once made."""
    credential: Annotated[str, Choice(("certificate", "token"))] = "certificate"
    """What ack-ram-tool shows the API server: a certificate for three hours; or a token, for ack-ram-authenticator."""
    profile: Annotated[str, PROFILE] | None = None
    """Profile of the aliyun command, for the provider and for ack-ram-tool; without it the environment counts."""
    protect: Annotated[bool, Flag()] = True
    """Refuse to delete the cluster and the mesh: by Pulumi, and the cluster by Alibaba Cloud's own protection."""

    @model_validator(mode="after")
    def _zones_are_the_regions(self) -> Ack:
        for zone in self.zones:
            # Older regions' zones have a dash before their letter, those with a number have none.
            if not re.fullmatch(rf"{self.region}-?[{_LETTERS}]", zone):
                raise fault(f"each must be a zone of {self.region}", got=repr(zone), key="zones")
        return self
