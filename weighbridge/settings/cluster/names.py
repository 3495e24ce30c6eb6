"""The names of clusters inside a stack file."""

from __future__ import annotations

from weighbridge.settings.rules import Text

# A cluster's providers are named after it, the mesh's with `-mesh`: no two names may lead to one provider.
CLUSTER_NAME = Text(
    r"(?!(?:.*-)?mesh$)[a-z](?:[a-z0-9-]*[a-z0-9])?",
    "must be a DNS label of at most 40 that begins with a letter and does not end in 'mesh' or '-mesh'",
    40,
)
