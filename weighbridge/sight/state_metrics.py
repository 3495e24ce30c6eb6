"""Metrics of the releases without a controller of ours: kube-state-metrics makes them of the routes' annotations.

A release's VirtualService tells the gate's state in annotations (`weighbridge.routes`). kube-state-metrics turns fields
of any custom resource into series, by a document of the kind CustomResourceStateMetrics
(https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/extend/customresourcestate-metrics.md). What it
gives, each with the labels `namespace` and `release` (and kube-state-metrics' own three, `customresource_group`,
`customresource_version` and `customresource_kind`):

- `weighbridge_release_weight` and `weighbridge_release_wanted_weight`, percent
- `weighbridge_release_phase{phase}`, 1 for the phase that the release is in and 0 for each other
- `weighbridge_release_changed_timestamp_seconds`, when the weight was approved
- `weighbridge_release_info{stable,canary}`, 1; an empty revision is a label that is not there

A VirtualService without the annotations gives no series.
"""

from __future__ import annotations

from typing import Any, Final

from weighbridge import routes
from weighbridge.plan import Phase

PREFIX: Final = "weighbridge_release"
WEIGHT: Final = f"{PREFIX}_weight"
WANTED: Final = f"{PREFIX}_wanted_weight"
PHASE: Final = f"{PREFIX}_phase"
CHANGED: Final = f"{PREFIX}_changed_timestamp_seconds"
INFO: Final = f"{PREFIX}_info"

_QUIET: Final = 10
"""The verbosity from which a VirtualService without the annotations is logged as an error: it is nobody's release."""


def custom_resource_state() -> dict[str, Any]:
    """The document that tells kube-state-metrics which series to make of which annotations."""
    return {
        "kind": "CustomResourceStateMetrics",
        "spec": {
            "resources": [
                {
                    "groupVersionKind": {"group": "networking.istio.io", "version": "v1", "kind": "VirtualService"},
                    # Without it every name would begin with `kube_customresource_`.
                    "metricNamePrefix": PREFIX,
                    "errorLogV": _QUIET,
                    "labelsFromPath": {"namespace": ["metadata", "namespace"], "release": ["metadata", "name"]},
                    "metrics": [
                        _gauge(WEIGHT, "Percent of the requests that the gate approved for the canary", routes.WEIGHT),
                        _gauge(WANTED, "Percent of the requests that the stack file asks for", routes.WANTED),
                        _gauge(CHANGED, "Unix time at which the weight was approved", routes.CHANGED),
                        _phase(),
                        _info(),
                    ],
                }
            ]
        },
    }


def rules() -> list[dict[str, Any]]:
    """What kube-state-metrics must be allowed beside its own, as rules of a ClusterRole.

    It also asks which versions of a kind are served (`customresourcedefinitions`, list and watch): its chart sees to
    that where it is given the document.
    """
    return [{"apiGroups": ["networking.istio.io"], "resources": ["virtualservices"], "verbs": ["list", "watch"]}]


def state_metrics_values(mesh_kubeconfig_secret: str | None = None) -> dict[str, Any]:
    """Values of the chart kube-state-metrics, also as the sub-chart `kube-state-metrics` of others.

    Args:
        mesh_kubeconfig_secret: name of a Secret, in the chart's namespace, whose key `kubeconfig` leads to the API
            server that has the mesh's objects, where it is not the cluster's own (Alibaba ASM). Such a
            kube-state-metrics sees the releases and nothing else, so it stands beside the one of the cluster.
    """
    values = {
        "customResourceState": {"enabled": True, "config": custom_resource_state()},
        "rbac": {"extraRules": rules()},
    }
    return values if mesh_kubeconfig_secret is None else values | _of_the_mesh(mesh_kubeconfig_secret)


def _of_the_mesh(secret: str) -> dict[str, Any]:
    folder = "/etc/weighbridge-mesh"
    return {
        # The rights are those of the kubeconfig; in this cluster it needs none.
        "rbac": {"create": False},
        "extraArgs": [f"--kubeconfig={folder}/kubeconfig", "--custom-resource-state-only=true"],
        "volumes": [{"name": "mesh", "secret": {"secretName": secret}}],
        "volumeMounts": [{"name": "mesh", "mountPath": folder, "readOnly": True}],
    }


def _gauge(series: str, text: str, annotation: str) -> dict[str, Any]:
    return _metric(series, text, "Gauge", {"path": ["metadata", "annotations", annotation]})


def _phase() -> dict[str, Any]:
    states = {
        "path": ["metadata", "annotations", routes.PHASE],
        "labelName": "phase",
        "list": [str(phase) for phase in Phase],
    }
    return _metric(PHASE, "Where the release is", "StateSet", states)


def _info() -> dict[str, Any]:
    revisions = {"stable": [routes.STABLE_REVISION], "canary": [routes.CANARY_REVISION]}
    meta = {"path": ["metadata", "annotations"], "labelsFromPath": revisions}
    return _metric(INFO, "The revisions that stable and canary point at", "Info", meta)


def _metric(series: str, text: str, kind: str, what: dict[str, Any]) -> dict[str, Any]:
    key = kind[0].lower() + kind[1:]
    return {"name": series.removeprefix(f"{PREFIX}_"), "help": text, "each": {"type": kind, key: what}}
