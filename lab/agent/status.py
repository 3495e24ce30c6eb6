"""Pod status as a kubelet reports it, made from what is known of the containers; nothing here acts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.namespace import NODE_ADDRESS

Condition = Mapping[str, str]


@dataclass(frozen=True)
class Waiting:
    """Not started yet, or not again yet."""

    reason: str
    message: str = ""

    def describe(self) -> dict[str, Any]:
        """As in a ContainerStatus."""
        return {"waiting": {"reason": self.reason, "message": self.message}}


@dataclass(frozen=True)
class Running:
    """Its process runs since `since`."""

    since: datetime

    def describe(self) -> dict[str, Any]:
        """As in a ContainerStatus."""
        return {"running": {"startedAt": stamp(self.since)}}


@dataclass(frozen=True)
class Terminated:
    """Its process has ended with a code (128 + n for signal n)."""

    code: int
    since: datetime
    until: datetime

    def describe(self) -> dict[str, Any]:
        """As in a ContainerStatus."""
        return {
            "terminated": {
                "exitCode": self.code,
                "reason": "Completed" if self.code == 0 else "Error",
                "startedAt": stamp(self.since),
                "finishedAt": stamp(self.until),
            }
        }


@dataclass(frozen=True)
class ContainerFacts:
    """What is known of one container."""

    name: str
    image: str
    state: Waiting | Running | Terminated
    last: Terminated | None = None
    ready: bool = False
    restarts: int = 0

    def describe(self) -> dict[str, Any]:
        """As a ContainerStatus."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": "",
            "state": self.state.describe(),
            "lastState": self.last.describe() if self.last else {},
            "ready": self.ready,
            "started": isinstance(self.state, Running),
            "restartCount": self.restarts,
        }


def pod_status(
    address: str, containers: Sequence[ContainerFacts], policy: str, before: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The status of a Pod; conditions that did not change since `before` keep their time."""
    ready = all(container.ready for container in containers)
    wanted = {"PodScheduled": True, "Initialized": True, "ContainersReady": ready, "Ready": ready}
    known = {condition["type"]: condition for condition in before.get("conditions") or []}
    return {
        "phase": _phase(containers, policy),
        "podIP": address,
        "podIPs": [{"ip": address}],
        "hostIP": NODE_ADDRESS,
        "startTime": before.get("startTime") or stamp(now),
        "conditions": [_condition(kind, true, known.get(kind), now) for kind, true in wanted.items()],
        "containerStatuses": [container.describe() for container in containers],
    }


def stamp(moment: datetime) -> str:
    """A time as Kubernetes writes it, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _phase(containers: Sequence[ContainerFacts], policy: str) -> str:
    ended = [container.state for container in containers if isinstance(container.state, Terminated)]
    if len(ended) == len(containers):
        failed = any(state.code for state in ended)
        return "Failed" if failed or policy == "Always" else "Succeeded"
    waiting = any(isinstance(container.state, Waiting) and not container.restarts for container in containers)
    return "Pending" if waiting and not ended else "Running"


def _condition(kind: str, true: bool, known: Condition | None, now: datetime) -> Condition:  # noqa: FBT001  a value
    status = "True" if true else "False"
    if known and known["status"] == status:
        return known
    reason = {} if true else {"reason": "ContainersNotReady"}
    return {"type": kind, "status": status, "lastTransitionTime": stamp(now), **reason}
