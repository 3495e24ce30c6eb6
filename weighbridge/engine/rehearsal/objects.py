"""Kubernetes objects: what the program asks for, by server-side apply against a real API server."""

from __future__ import annotations

import secrets
import threading
from typing import Any

from weighbridge.engine.rehearsal import rollout
from weighbridge.engine.rehearsal.cluster import FIELD_MANAGER, Access, ApiRefused, Cluster, Manifest, title
from weighbridge.engine.rehearsal.goal import Goal, StepFailed
from weighbridge.engine.rehearsal.kinds import Bookkeeping, Change, Made, NotReady, Reading
from weighbridge.engine.rehearsal.paths import changed, without_foreign
from weighbridge.engine.rehearsal.state import Record
from weighbridge.engine.rehearsal.values import (
    Properties,
    has_secret,
    has_unknown,
    integral,
    is_secret,
    plain,
    projected,
    secret,
)

PREFIX = "kubernetes:"
PROVIDER = "pulumi:providers:kubernetes"
DELETE_SECONDS = 600.0
PATCH = "Patch"
"""How the SDK's types end whose objects are somebody else's."""

NOT_YET = {404}
"""In a preview, a namespace or a kind that the same run would create is not there yet."""

IDENTITY = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
FIXED = {
    "Deployment": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"),
    "DaemonSet": ("spec.selector",),
    "Job": ("spec.selector", "spec.template"),
}
"""What the API server lets nobody change in place."""


class Clusters(Bookkeeping):
    """Kubernetes providers: each is one way to reach a cluster, tried when the program registers it."""

    def __init__(self, records: dict[str, Record], ambient: Properties) -> None:
        """Use `records` to find a provider's inputs, and `ambient` for objects that name none."""
        self._clusters: dict[Access, Cluster] = {}
        self._inputs: dict[str, Properties] = {}
        self._records = records
        self._ambient = ambient
        self._lock = threading.Lock()

    def check(self, goal: Goal, old: Record | None) -> Properties:
        """Complete and validate the inputs."""
        del old
        if not has_unknown(goal.inputs):
            self._inputs[goal.urn] = plain(goal.inputs)
            self.at(goal.urn)
        return goal.inputs

    def inputs(self, provider: str) -> Properties | None:
        """Give the inputs of the provider with this URN; None while it is known only after the run."""
        if not provider:
            return self._ambient
        record = self._records.get(provider)
        return self._inputs.get(provider) or (plain(record.inputs) if record else None)

    def at(self, provider: str) -> Cluster:
        """Give the cluster that a provider reaches, connected once in a run."""
        inputs = self.inputs(provider) or {}
        access = Access(inputs.get("kubeconfig") or None, inputs.get("context") or None)
        with self._lock:
            if access not in self._clusters:
                self._clusters[access] = Cluster(access)
            return self._clusters[access]


class Objects:
    """Operates on objects through the provider that each of them names."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    def check(self, goal: Goal, old: Record | None) -> Properties:
        """Complete and validate the inputs."""
        inputs = goal.inputs
        if not isinstance(inputs.get("apiVersion"), str) or not isinstance(inputs.get("kind"), str):
            raise StepFailed(f"{goal.name}: resources of type '{goal.type}' need the real Pulumi engine")
        metadata = dict(inputs.get("metadata") or {})
        if not metadata.get("name"):
            metadata["name"] = _found(old, "name") or f"{goal.name}-{secrets.token_hex(4)}"
        return inputs | {"metadata": metadata}

    def diff(self, goal: Goal, old: Record, inputs: Properties) -> Change:
        """Compare the inputs with those of the state."""
        before, after = plain(old.inputs), plain(inputs)
        if changed(before, after, IDENTITY):
            same_place = not changed(before, after, IDENTITY[2:])
            return Change.REPLACE_DELETING_FIRST if same_place else Change.REPLACE
        if changed(before, after, FIXED.get(inputs["kind"], ())):
            return Change.REPLACE_DELETING_FIRST
        if before != after:
            return Change.UPDATE
        gone = self._clusters.at(_urn(goal.provider)).get(_manifest(old.outputs)) is None
        return Change.UPDATE if gone else Change.SAME

    def preview(self, goal: Goal, old: Record | None, inputs: Properties) -> Made:
        """Foresee the outputs."""
        made = Made(old.id if old else "", inputs)
        provider = _urn(goal.provider)
        if has_unknown(inputs) or self._clusters.inputs(provider) is None:
            return made
        try:
            live = self._clusters.at(provider).apply(self._wanted(goal, old, inputs), dry_run=True)
        except ApiRefused as refused:
            if refused.status in NOT_YET:
                return made
            raise
        return Made(made.id, _marked(live, goal, inputs))

    def create(self, goal: Goal, inputs: Properties) -> Made:
        """Bring it into being."""
        return self._applied(goal, None, inputs, goal.timeouts.get("create"))

    def update(self, goal: Goal, old: Record, inputs: Properties) -> Made:
        """Change it in place."""
        return self._applied(goal, old, inputs, goal.timeouts.get("update"))

    def delete(self, old: Record) -> None:
        """Take it away; of a patched object, only what was patched."""
        if old.type.endswith(PATCH):
            self._unpatch(old)
            return
        self._clusters.at(_urn(old.provider)).delete(_manifest(old.outputs), timeout=DELETE_SECONDS)

    def read(self, old: Record) -> Reading | None:
        """Look at what is live."""
        live = self._clusters.at(_urn(old.provider)).get(_manifest(old.outputs))
        if live is None:
            return None
        shape = plain(old.inputs)
        # Compared with what the server made of the inputs, not with the inputs: it writes "1000m" as "1".
        drifted = projected(live, shape) != projected(integral(plain(old.outputs)), shape)
        hidden = {key: secret(live[key]) if is_secret(value) else live[key] for key, value in _both(old.outputs, live)}
        return Reading(old.id, live | hidden, drifted=drifted)

    def _unpatch(self, old: Record) -> None:
        """Apply nothing but the name: what this engine alone has set is then gone."""
        cluster, named = self._clusters.at(_urn(old.provider)), _manifest(old.outputs)
        if cluster.get(named) is not None:
            cluster.apply(named)

    def _applied(self, goal: Goal, old: Record | None, inputs: Properties, timeout: float | None) -> Made:
        cluster = self._clusters.at(_urn(goal.provider))
        wanted = self._wanted(goal, old, inputs)
        if goal.type.endswith(PATCH) and cluster.get(wanted) is None:
            raise StepFailed(f"{goal.name}: {title(wanted)} must be there to be patched (got none)")
        live = cluster.apply(wanted)
        if live["kind"] == "Deployment" and _annotation(live, "pulumi.com/skipAwait") != "true":
            try:
                live = rollout.awaited(cluster, live, timeout=timeout)
            except StepFailed as failed:
                raise NotReady(str(failed), Made(_id(live), live)) from None
        return Made(_id(live), _marked(live, goal, inputs))

    def _wanted(self, goal: Goal, old: Record | None, inputs: Properties) -> Manifest:
        """Write the manifest to apply: what the program ignores and somebody else has set is left to them."""
        provider = _urn(goal.provider)
        manifest = self._placed(provider, inputs)
        live = self._clusters.at(provider).get(manifest) if old and goal.ignored else None
        return without_foreign(manifest, live, goal.ignored, FIELD_MANAGER) if live else manifest

    def _placed(self, provider: str, inputs: Properties) -> Manifest:
        """Write the manifest that the API server gets, in the provider's namespace where it names none."""
        manifest: Manifest = integral(plain(inputs))
        metadata = dict(manifest["metadata"])
        if self._clusters.at(provider).namespaced(manifest):
            fallback = (self._clusters.inputs(provider) or {}).get("namespace") or "default"
            metadata["namespace"] = metadata.get("namespace") or fallback
        else:
            metadata.pop("namespace", None)
        return {**manifest, "metadata": metadata}


def _urn(provider: str) -> str:
    """Take the URN out of a provider reference, `<urn>::<id>`."""
    return provider.rpartition("::")[0]


def _marked(live: Manifest, goal: Goal, inputs: Properties) -> Properties:
    """Mark what must not be shown: what the program gave as a secret, and what the SDK knows to be one."""
    return {
        key: secret(value) if key in goal.secret_outputs or has_secret(inputs.get(key)) else value
        for key, value in live.items()
    }


def _both(old: Properties, live: Manifest) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in old.items() if key in live]


def _manifest(outputs: Properties) -> Manifest:
    """Reduce a live object to what names it."""
    metadata = plain(outputs["metadata"])
    place = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    return {"apiVersion": outputs["apiVersion"], "kind": outputs["kind"], "metadata": place}


def _found(old: Record | None, key: str) -> Any:
    return plain(old.outputs).get("metadata", {}).get(key) if old else None


def _annotation(live: Manifest, key: str) -> Any:
    return (live["metadata"].get("annotations") or {}).get(key)


def _id(live: Manifest) -> str:
    metadata = live["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])
