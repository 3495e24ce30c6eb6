"""A chart of the table as a Helm release: the one way in which this project installs charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from weighbridge.charts import CHARTS

_PATIENCE = 600
"""Seconds for all pods of a chart to become ready: images are pulled, and a cloud makes a load balancer."""


def release(
    resource: str, chart: str, place: tuple[str, str], values: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> Release:
    """Declare a Helm release, of the one version that the table of charts has.

    It is real Helm: hooks run, `helm` sees it, and what was begun and failed is taken back, so that the next run begins
    anew.

    Args:
        resource: name of Pulumi's resource.
        chart: its key in the table of charts.
        place: name and namespace of the release; the namespace is made if need be, and belongs to nobody.
        values: for the chart.
        opts: Pulumi's options.
    """
    found = CHARTS[chart]
    name, namespace = place
    return Release(
        resource,
        opts,
        name=name,
        chart=found.reference,
        version=found.version,
        # A registry's address is part of the chart's.
        repository_opts=None if found.is_oci else {"repo": found.repository},
        namespace=namespace,
        create_namespace=True,
        values=dict(values),
        atomic=True,
        timeout=_PATIENCE,
    )
