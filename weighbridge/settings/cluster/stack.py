"""A cluster that another stack made: a platform stack has it, and the stacks of services refer to it."""

from __future__ import annotations

from typing import Annotated, Literal

from weighbridge.settings.cluster.names import CLUSTER_NAME
from weighbridge.settings.rules import Choice, Text
from weighbridge.settings.section import Section

STACK = Text(
    r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+){2}",
    "must be organization/project/stack; the organization of a state in files is 'organization'",
)


class Stack(Section):
    """A cluster that another Pulumi stack made, read from that stack's outputs (StackReference)."""

    kind: Annotated[Literal["stack"], Choice(("stack",))]
    """What sort of cluster: one that another Pulumi stack made."""
    stack: Annotated[str, STACK]
    """The stack that made it, as organization/project/stack."""
    cluster: Annotated[str, CLUSTER_NAME] | None = None
    """Which of its `clusters`; without it its `cluster`."""
