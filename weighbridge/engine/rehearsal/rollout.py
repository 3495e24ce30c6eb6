"""When is a Deployment rolled out, and what does a person need to know when it is not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from weighbridge.engine.rehearsal.cluster import Cluster, Manifest, title
from weighbridge.engine.rehearsal.goal import StepFailed

DEFAULT_DEADLINE = 600.0
GRACE = 30.0
"""Seconds beyond the Deployment's own deadline, for its controller to say so."""

EXCEEDED = "ProgressDeadlineExceeded"


def awaited(cluster: Cluster, applied: Manifest, *, timeout: float | None = None) -> Manifest:
    """Watch a Deployment until it is rolled out; gives it as it is then.

    Args:
        cluster: where it is.
        applied: the Deployment as the API server has it after it was applied.
        timeout: seconds; None for its own `progressDeadlineSeconds` and a little more.

    Raises:
        StepFailed: it failed, went away, or took too long; the line names it and the pod that stands in the way.
    """
    limit = timeout or float(applied["spec"].get("progressDeadlineSeconds") or DEFAULT_DEADLINE) + GRACE
    until = time.monotonic() + limit
    live = applied
    for seen in _watched(cluster, applied, until):
        if seen is None:
            raise StepFailed(f"{title(applied)}: was deleted while it was rolled out")
        live = seen
        if rolled_out(live):
            return live
        if _deadline_exceeded(live):
            break
    raise StepFailed(f"{title(live)}: not rolled out in time, {_ready(live)}{_blocker(cluster, live)}")


def rolled_out(live: Manifest) -> bool:
    """Tell whether every wanted replica is of the newest template and available, and no other is left."""
    wanted = live["spec"].get("replicas", 1)
    status = live.get("status", {})
    return bool(
        status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
        and status.get("updatedReplicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
    )


def reason(pod: Manifest) -> str:
    """Say why a pod is not ready, in the words that `kubectl get pods` would use; "" when it is ready."""
    status = pod.get("status", {})
    for container in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
        state: dict[str, Any] = container.get("state", {})
        if why := state.get("waiting", {}).get("reason") or state.get("terminated", {}).get("reason"):
            return str(why)
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    ready = conditions.get("Ready", {}).get("status") == "True"
    for container in () if ready else status.get("containerStatuses", ()):
        # It runs just now, between two crashes.
        if ended := container.get("lastState", {}).get("terminated", {}).get("reason"):
            return f"{ended}, restarts: {container.get('restartCount', 0)}"
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Unschedulable')} ({scheduled.get('message', '')})"
    if ready:
        return ""
    return "not ready" if status.get("phase") == "Running" else str(status.get("phase", "no status"))


def _watched(cluster: Cluster, applied: Manifest, until: float) -> Iterator[Manifest | None]:
    """Follow the object over watches that the server ends early."""
    while (left := until - time.monotonic()) > 0:
        yield from cluster.watch(applied, timeout=left)


def _deadline_exceeded(live: Manifest) -> bool:
    status = live.get("status", {})
    current = status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
    return current and any(condition.get("reason") == EXCEEDED for condition in status.get("conditions", ()))


def _ready(live: Manifest) -> str:
    return f"{live.get('status', {}).get('readyReplicas', 0)} of {live['spec'].get('replicas', 1)} pods are ready"


def _blocker(cluster: Cluster, live: Manifest) -> str:
    labels = live["spec"].get("selector", {}).get("matchLabels", {})
    for pod in cluster.pods(live["metadata"]["namespace"], labels):
        if why := reason(pod):
            return f": pod {pod['metadata']['name']}: {why}"
    return ""
