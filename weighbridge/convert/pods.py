"""A pod template as `workload` and `stable`: one container, its probes and resources, labels and annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weighbridge.convert.fitting import refusal
from weighbridge.convert.reading import Node, span_text
from weighbridge.convert.writing import Section
from weighbridge.settings import Probe, Track, Workload
from weighbridge.settings.pods import Resources
from weighbridge.workload import GRACE

CONTAINER = "app"
"""The container's name in our pod template."""

_PROBE_SPANS = {"periodSeconds": "period", "timeoutSeconds": "timeout", "initialDelaySeconds": "initial_delay"}
_NO_SETTING = "the pod template has no setting for it"
_READ_OF_PODS = {"containers", "serviceAccountName", "imagePullSecrets", "terminationGracePeriodSeconds"}
_OWN_LABELS = ("app", "version")
_USUAL: dict[str, Any] = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
"""What the API server writes into each pod template where nobody says otherwise, and so into ours."""


@dataclass(frozen=True)
class Pods:
    """What was read of a pod template.

    Attributes:
        image: of the container; None where it is not known.
        ports: of the container, by name.
        cpu: whether it asks for CPU.
    """

    image: str | None
    ports: Mapping[str, int]
    cpu: bool


NONE = Pods(None, {}, cpu=False)


def pods(template: Node, workload: Section, name: str, port: str | int | None) -> Pods:
    """Read a pod template.

    Args:
        template: the PodTemplateSpec.
        workload: gets what both tracks have in common.
        name: of the release.
        port: of the container, by number or name, that its requests go to, where that is known.
    """
    spec = template.at("spec")
    chosen = _chosen(spec.at("containers"), name, port)
    if chosen:
        _process(chosen, workload)
    found = _container(chosen, workload) if chosen else NONE
    _accounts(spec, workload)
    _metadata(template.at("metadata"), workload, name)
    _drain(chosen, spec, workload)
    return found


def _chosen(containers: Node, name: str, port: str | int | None) -> Node | None:
    """Find the container that serves: the only one, else the one with the port, else the one of the release's name."""
    items = containers.items()
    serving = [item for item in items if port is not None and _has_port(item, port)]
    named = [item for item in items if item.at("name").value == name]
    found = next((few[0] for few in (items, serving, named) if len(few) == 1), None)
    for item in items:
        if item is not found:
            item.leave("a pod has one container here" if found else "which one serves cannot be told")
    return found


def _has_port(container: Node, port: str | int) -> bool:
    return any(
        port in (item.at("name").value, item.at("containerPort").value) for item in container.at("ports").items()
    )


def _process(container: Node, workload: Section) -> None:
    if container.at("name").value == CONTAINER:
        container.at("name").used()
    else:
        container.at("name").leave(f"the container is named {CONTAINER!r}; mind it in queries and logs", settled=True)
    for key in ("command", "args"):
        if container.at(key):
            workload.put(key, container.at(key).texts() or None)
    env = {}
    for item in container.at("env").items():
        value = item.at("value")
        if item.at("valueFrom"):
            item.leave("values from elsewhere have no setting: let the app read them, or ask for them in plain text")
        elif broken := refusal(Workload, "env", {str(item.at("name").value): str(value.value or "")}):
            item.leave(f"the settings' rule: {broken}")
        else:
            env[str(item.at("name").text())] = str(value.text() or "")
    workload.put("env", env or None)


def _container(container: Node, workload: Section) -> Pods:
    resources = _resources(container.at("resources"))
    workload.put("resources", resources or None)
    ports = _ports(container.at("ports"))
    for key, ours in (("readinessProbe", "readiness"), ("livenessProbe", "liveness")):
        workload.put(ours, _probe(container.at(key), ports))
    for key, inner in container.fields().items():
        if (
            not inner.usual(_USUAL.get(key))
            and key not in {"name", "image", "ports", "command", "args", "env", "resources", "lifecycle"} | _PROBES
        ):
            inner.leave(_NO_SETTING)
    image = container.at("image")
    if image and (broken := refusal(Track, "image", image.value)):
        image.leave(f"the settings' rule: {broken}")
        return Pods(None, ports, cpu=False)
    return Pods(image.text(), ports, cpu=bool(resources.get("requests", {}).get("cpu")))


_PROBES = {"readinessProbe", "livenessProbe"}


def _resources(node: Node) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for part in ("requests", "limits"):
        for key, amount in node.at(part).fields().items():
            if broken := refusal(Resources, part, {key: amount.value}):
                amount.leave(f"the settings' rule: {broken}")
            else:
                found.setdefault(part, {})[key] = amount.scalar()
    return found


def _ports(node: Node) -> dict[str, int]:
    """Read the named ports; the numbers of the others are used up, as only the one that serves is declared here."""
    found: dict[str, int] = {}
    for item in node.items():
        number, name = item.at("containerPort").whole(), item.at("name").text()
        item.at("protocol").usual("TCP")
        if number is not None:
            found[name or str(number)] = number
    return found


def _probe(node: Node, ports: Mapping[str, int]) -> dict[str, Any] | None:
    if not node:
        return None
    asked = node.at("httpGet")
    if not asked:
        node.leave("probes ask by HTTP here: give it a path")
        return None
    asked.at("scheme").usual("HTTP")
    found: dict[str, Any] = {"path": asked.at("path").text() or "/"}
    port = asked.at("port").scalar()
    found["port"] = ports.get(str(port), port)
    for key, ours in _PROBE_SPANS.items():
        if node.at(key):
            found[ours] = span_text(node.at(key).whole() or 0)
    if node.at("failureThreshold"):
        found["failure_threshold"] = node.at("failureThreshold").whole()
    node.at("successThreshold").usual(1)
    broken = [rule for key, value in found.items() if (rule := refusal(Probe, key, value))]
    if broken:
        node.leave(f"the settings' rule: {broken[0]}")
    return None if broken else {key: value for key, value in found.items() if value is not None}


def _accounts(spec: Node, workload: Section) -> None:
    account = spec.at("serviceAccountName")
    if account and (broken := refusal(Workload, "service_account", account.value)):
        account.leave(f"the settings' rule: {broken}")
    else:
        workload.put("service_account", account.text())
    names = [name for item in spec.at("imagePullSecrets").items() if (name := item.at("name").text())]
    workload.put("image_pull_secrets", names or None)
    for key, inner in spec.fields().items():
        same = inner.usual(account.value if key == "serviceAccount" else _USUAL.get(key))
        if not same and key not in _READ_OF_PODS:
            inner.leave(_NO_SETTING)


def _metadata(metadata: Node, workload: Section, name: str) -> None:
    labels = {}
    for key, label in metadata.at("labels").fields().items():
        if key == "app" and label.value == name:
            label.used()
        elif key in _OWN_LABELS:
            label.leave(f"the pods' label {key!r} is Weighbridge's: {_meaning(key)}", settled=True)
        elif broken := refusal(Workload, "labels", {key: label.value}):
            label.leave(f"the settings' rule: {broken}")
        else:
            labels[key] = str(label.text())
    workload.put("labels", labels or None)
    notes = {}
    for key, note in metadata.at("annotations").fields().items():
        if broken := refusal(Workload, "annotations", {key: note.value}):
            note.leave(f"the settings' rule: {broken}")
        else:
            notes[key] = str(note.text())
    workload.put("annotations", notes or None)


def _meaning(key: str) -> str:
    return "the release's name" if key == "app" else "the revision"


def _drain(container: Node | None, spec: Node, workload: Section) -> None:
    """Read how long a pod that goes away still answers. Without any word of it our default stands."""
    grace = spec.at("terminationGracePeriodSeconds")
    sleep = container.at("lifecycle", "preStop", "sleep", "seconds") if container else None
    seconds = int(Workload().drain)
    if sleep:
        seconds = sleep.whole() or 0
        workload.put("drain", span_text(seconds))
    elif container:
        container.at("lifecycle").leave("`workload.drain` is the one hook: a sleep before the pod is told to stop")
    if not grace.usual(seconds + GRACE):
        grace.leave(f"it is always `workload.drain` and {GRACE}s on top")
