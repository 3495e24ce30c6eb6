"""Why a pod is not ready, in the words that `kubectl get pods` would use."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.engine.rehearsal.rollout import reason

READY = {"type": "Ready", "status": "True"}
UNREADY = {"type": "Ready", "status": "False"}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "app", "state": state, **more}


ERROR = {"terminated": {"reason": "Error"}}
RUNNING: dict[str, Any] = {"running": {}}
CASES = {
    "nothing is wrong": ({"phase": "Running", "conditions": [READY]}, ""),
    "its probe fails": ({"phase": "Running", "conditions": [UNREADY]}, "not ready"),
    "its image is not there": (
        {"containerStatuses": [container({"waiting": {"reason": "ErrImagePull"}})]},
        "ErrImagePull",
    ),
    "an init container fails": ({"initContainerStatuses": [container(ERROR)]}, "Error"),
    "it has crashed": ({"containerStatuses": [container(ERROR)], "conditions": [UNREADY]}, "Error"),
    "it runs between two crashes": (
        {"containerStatuses": [container(RUNNING, lastState=ERROR, restartCount=2)], "conditions": [UNREADY]},
        "Error, restarts: 2",
    ),
    "it crashed once, and is ready": (
        {"containerStatuses": [container(RUNNING, lastState=ERROR, restartCount=1)], "conditions": [READY]},
        "",
    ),
    "no node takes it": ({"phase": "Pending", "conditions": [UNSCHEDULED]}, "Unschedulable (0/3 nodes)"),
    "nobody has looked at it": ({}, "no status"),
}


@pytest.mark.parametrize(("status", "said"), CASES.values(), ids=CASES)
def test_a_pod_says_why(status: dict[str, Any], said: str) -> None:
    """The container's own reason first, its last crash next, then the pod's conditions and phase."""
    assert reason({"status": status}) == said
