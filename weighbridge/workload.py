"""A release's tracks as Kubernetes objects: pod template, revision, Deployment, autoscaler and Service; plain dicts.

Workloads are immutable and named by revision. Nothing in them says which role, stable or canary, points at them, so
a promotion leaves the Deployment of the promoted revision exactly as it is.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the settings check themselves with `revision`, and so import this module
    from weighbridge.settings.pods import Probe, Template, Track
    from weighbridge.settings.release import Release

REQUESTS_PER_SECOND = "istio_requests_per_second"
"""The metric of a pod that prometheus-adapter gives by our rules: see `weighbridge.telemetry.adapter`."""

GRACE = 15
"""Seconds that a pod has after its drain to finish what it has begun."""


def pod_template(release: Release, track: Track) -> dict[str, Any]:
    """Build the pod template of a track, without the version label, which is made from it.

    Everything in it decides the revision, `drain` too (preStop and grace period): a change of a workload's `drain`
    makes new revisions of both tracks. Environment variables are in the order of their names; one that refers to
    another by $(NAME) needs that one to sort before it.

    The preStop sleep needs Kubernetes 1.30 or newer. With Istio's older sidecars, which are no native ones, the proxy
    does not wait for it: give them the annotation `proxy.istio.io/config: 'terminationDrainDuration: 15s'`.
    """
    annotations = {**release.workload.annotations, **track.annotations}
    labels = {**release.workload.labels, **track.labels, "app": release.name}
    accounts = {
        "serviceAccountName": _chosen(release, track, "service_account"),
        "imagePullSecrets": [{"name": name} for name in _chosen(release, track, "image_pull_secrets") or ()],
    }
    return {
        "metadata": {"labels": labels, **_given({"annotations": annotations})},
        "spec": {
            "containers": [_container(release, track)],
            "terminationGracePeriodSeconds": _drain(release, track) + GRACE,
            **_given(accounts),
        },
    }


def revision(release: Release, track: Track) -> str:
    """Name a track's pod template by its content: ten lower-case hex digits of the SHA-256 of its canonical JSON.

    It does not depend on the number of replicas or who sets it, on how a rollout is timed (`progress_deadline`,
    `min_ready`), on gate, route and plan, on the order of keys in the stack file, nor on how a number was written
    there.
    """
    text = json.dumps(pod_template(release, track), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def workload_name(release_name: str, revision: str) -> str:
    """Name the Deployment of a revision: at most 51 characters, which with a ReplicaSet's hash still fit a label."""
    return f"{release_name}-{revision}"


def deployment(release: Release, track: Track) -> dict[str, Any]:
    """Build the Deployment of a track's revision. With an autoscaler it begins at the least number of pods."""
    version, scaling = revision(release, track), release.workload.autoscaling
    template = pod_template(release, track)
    template["metadata"]["labels"]["version"] = version
    selector = {"app": release.name, "version": version}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": workload_name(release.name, version),
            "namespace": release.namespace,
            "labels": dict(selector),
        },
        "spec": {
            "replicas": scaling.min if scaling else release.replicas,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "minReadySeconds": int(release.workload.min_ready),
            "progressDeadlineSeconds": int(release.workload.progress_deadline),
            "template": template,
        },
    }


def autoscaler(release: Release, track: Track) -> dict[str, Any] | None:
    """Build the HorizontalPodAutoscaler of a track's revision, named like its Deployment; None where none is asked."""
    scaling = release.workload.autoscaling
    if scaling is None:
        return None
    target = deployment(release, track)
    name = target["metadata"]["name"]
    metrics: list[dict[str, Any]] = []
    if scaling.cpu is not None:
        share = {"type": "Utilization", "averageUtilization": scaling.cpu}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": share}})
    if scaling.requests is not None:
        # Of the pods of this Deployment alone: each track is scaled by its own share of the traffic.
        rate = {"type": "AverageValue", "averageValue": str(scaling.requests)}
        metrics.append({"type": "Pods", "pods": {"metric": {"name": REQUESTS_PER_SECOND}, "target": rate}})
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": target["metadata"],
        "spec": {
            "scaleTargetRef": {"apiVersion": target["apiVersion"], "kind": target["kind"], "name": name},
            "minReplicas": scaling.min,
            "maxReplicas": scaling.max,
            "metrics": metrics,
        },
    }


def requests_cpu(release: Release, track: Track) -> bool:
    """Whether a track's pods ask for CPU, by which an autoscaler measures their use."""
    resources = _chosen(release, track, "resources")
    return resources is not None and resources.requests.get("cpu", "0") != "0"


def service(release: Release) -> dict[str, Any]:
    """Build the release's one Service, whose selector never changes and takes in the pods of every revision.

    Its target is the port's name, so that pods of two revisions may listen on different ports.
    """
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": release.name, "namespace": release.namespace, "labels": {"app": release.name}},
        "spec": {
            "selector": {"app": release.name},
            "ports": [{"name": "http", "port": release.port, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def _container(release: Release, track: Track) -> dict[str, Any]:
    port = release.target_port or release.port
    drain = _drain(release, track)
    env = {**release.workload.env, **track.env}
    resources = _chosen(release, track, "resources")
    optional = {
        "command": list(_chosen(release, track, "command") or ()),
        "args": list(_chosen(release, track, "args") or ()),
        "env": [{"name": name, "value": value} for name, value in sorted(env.items())],
        "resources": _given(
            {"requests": dict(resources.requests), "limits": dict(resources.limits)} if resources else {}
        ),
        "readinessProbe": _probe(_chosen(release, track, "readiness"), port),
        "livenessProbe": _probe(_chosen(release, track, "liveness"), port),
        "lifecycle": {"preStop": {"sleep": {"seconds": drain}}} if drain else None,
    }
    return {
        "name": "app",
        "image": track.image,
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        **_given(optional),
    }


def _probe(probe: Probe | None, port: int) -> dict[str, Any] | None:
    if probe is None:
        return None
    return {
        "httpGet": {"path": probe.path, "port": probe.port or port, "scheme": "HTTP"},
        "periodSeconds": int(probe.period),
        "timeoutSeconds": int(probe.timeout),
        "failureThreshold": probe.failure_threshold,
        "initialDelaySeconds": int(probe.initial_delay),
    }


def _drain(release: Release, track: Track) -> int:
    return int(release.workload.drain if track.drain is None else track.drain)


def _chosen(release: Release, track: Track, field: str) -> Any:
    """Return what the track says of a field, else what the workload says for both."""
    of_track: Template = track
    value = getattr(of_track, field)
    return getattr(release.workload, field) if value is None else value


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what was not given: an empty field would be owned by us at the API server for nothing."""
    return {name: value for name, value in fields.items() if value}
