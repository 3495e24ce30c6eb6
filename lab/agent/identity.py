"""Who a Pod is: the facts that its containers' commands and files are made from."""

from dataclasses import dataclass
from typing import Any, Self

from lab.namespace import NODE_ADDRESS

NODE = "lab"


@dataclass(frozen=True)
class Identity:
    """A Pod's names, its address, and the workload that it belongs to."""

    name: str
    namespace: str
    uid: str
    address: str
    workload: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @classmethod
    def of(cls, pod: dict[str, Any], address: str = "") -> Self:
        """Read from a Pod object; the agent knows the address before the object does."""
        meta = pod["metadata"]
        return cls(
            name=meta["name"],
            namespace=meta["namespace"],
            uid=meta["uid"],
            address=address or pod.get("status", {}).get("podIP", ""),
            workload=workload(meta),
            labels=meta.get("labels") or {},
            annotations=meta.get("annotations") or {},
        )

    def field(self, path: str) -> str:
        """A field by its downward API path, such as `status.podIP` or `metadata.labels['app']`.

        Raises:
            KeyError: for a path that is not one of the downward API's.
        """
        for prefix, values in (("metadata.labels", self.labels), ("metadata.annotations", self.annotations)):
            if path.startswith(f"{prefix}['") and path.endswith("']"):
                return values.get(path[len(prefix) + 2 : -2], "")
        return {
            "metadata.name": self.name,
            "metadata.namespace": self.namespace,
            "metadata.uid": self.uid,
            "spec.nodeName": NODE,
            "status.podIP": self.address,
            "status.hostIP": NODE_ADDRESS,
        }[path]


def workload(metadata: dict[str, Any]) -> str:
    """The name of the Deployment that a Pod belongs to; of a Pod without one, its own name."""
    owner = next((owner for owner in metadata.get("ownerReferences") or [] if owner.get("controller")), None)
    if owner is None:
        return str(metadata["name"])
    suffix = "-" + (metadata.get("labels") or {}).get("pod-template-hash", "")
    return str(owner["name"]).removesuffix(suffix)
