"""Where the release runs: the sections `cluster` and `clusters`, a file for each kind.

existing    a cluster that somebody else made, by kubeconfig and context
gke         one that the stack makes on Google Cloud
ack         one that it makes on Alibaba Cloud, with a mesh of ASM
stack       one that another Pulumi stack made
kinds       the choice between them
names       what a cluster may be called in a stack file; values has the rules that the kinds share
"""

from __future__ import annotations

from weighbridge.settings.cluster.ack import Ack, Asm
from weighbridge.settings.cluster.existing import Existing
from weighbridge.settings.cluster.gke import Gke
from weighbridge.settings.cluster.kinds import Cluster, Made
from weighbridge.settings.cluster.names import CLUSTER_NAME
from weighbridge.settings.cluster.stack import Stack

__all__ = ["CLUSTER_NAME", "Ack", "Asm", "Cluster", "Existing", "Gke", "Made", "Stack"]
