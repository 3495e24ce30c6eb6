"""Deployment, HorizontalPodAutoscaler and Service: who runs the pods, how many, and on which port they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from weighbridge.convert.documents import Document
from weighbridge.convert.fitting import refusal
from weighbridge.convert.pods import Pods
from weighbridge.convert.reading import Node, span_text
from weighbridge.convert.writing import Section
from weighbridge.settings import Release, Workload

OWN_SELECTOR = "pods are selected by the labels app and version"
OWN_METADATA = "the object is made anew, with the labels app and version"

_USUAL_SERVICE = {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"}
_CPU_DEFAULT = 80
"""Percent: the autoscaler's own where it is given no metric."""


@dataclass(frozen=True)
class Port:
    """Where requests go: the Service's port, and the pod's by number or name."""

    port: int | None
    target: int | str | None


def deployment(spec: Node, workload: Section) -> None:
    """Read a Deployment, but for its pods and their number."""
    rolling(spec, workload)
    spec.at("strategy").leave("each revision has a Deployment of its own: nothing is replaced in place", settled=True)


def rolling(spec: Node, workload: Section) -> None:
    """Read how the rollout of pods is timed."""
    for key, ours in (("progressDeadlineSeconds", "progress_deadline"), ("minReadySeconds", "min_ready")):
        seconds = spec.at(key).whole()
        if seconds is None:
            continue
        if broken := refusal(Workload, ours, span_text(seconds)):
            spec.at(key).leave(f"the settings' rule: {broken}")
        else:
            workload.put(ours, span_text(seconds), key)
    spec.at("selector").leave(OWN_SELECTOR, settled=True)
    why = "a revision is deleted when no role points at it; the gate's state keeps the history"
    spec.at("revisionHistoryLimit").leave(why, settled=True)
    spec.at("paused").usual(value=False)


def metadata(document: Document) -> None:
    """Leave the labels and annotations of an object that Weighbridge makes itself."""
    for key in ("labels", "annotations"):
        document.root.at("metadata", key).leave(OWN_METADATA, settled=True)


def replicas(node: Node, release: Section) -> None:
    """Read the number of pods of each track."""
    count = node.whole()
    if count is not None and (broken := refusal(Release, "replicas", count)):
        node.leave(f"the settings' rule: {broken}")
        count = None
    release.put("replicas", count)


def autoscaling(document: Document, pods: Pods, workload: Section) -> bool:
    """Read a HorizontalPodAutoscaler; tell whether it came to be one here."""
    spec = document.open()
    metadata(document)
    if pods.image is not None and not pods.cpu:
        spec.leave("workload.autoscaling needs `resources.requests.cpu`, which the pods do not have")
        return False
    for key in ("apiVersion", "kind", "name"):
        spec.at("scaleTargetRef", key).used()
    cpu, asked = _cpu(spec)
    if asked and cpu is None:
        spec.leave("workload.autoscaling goes by the CPU alone")
        return False
    found = Section()
    found.put("min", spec.at("minReplicas").whole() or 1)
    found.put("max", spec.at("maxReplicas").whole())
    found.put("cpu", cpu or _CPU_DEFAULT)
    if broken := refusal(Workload, "autoscaling", found.plain()):
        spec.leave(f"the settings' rule: {broken}")
        return False
    workload.put("autoscaling", found)
    return True


def service(document: Document | None) -> Port:
    """Read a Service's port; the one of several that is named http."""
    if document is None:
        return Port(None, None)
    spec = document.open()
    metadata(document)
    spec.at("selector").leave(OWN_SELECTOR, settled=True)
    for key, value in _USUAL_SERVICE.items():
        spec.at(key).usual(value)
    for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        spec.at(key).leave("the cluster chooses it", settled=True)
    items = spec.at("ports").items()
    named = [item for item in items if str(item.at("name").value).startswith("http")]
    chosen = next((few[0] for few in (items, named) if len(few) == 1), None)
    for item in items:
        if item is not chosen:
            item.leave("a release has one port" if chosen else "which one the requests go to cannot be told")
    return _port(chosen) if chosen else Port(None, None)


def _port(item: Node) -> Port:
    name = item.at("name")
    if name.value is None or str(name.value) == "http":
        name.used()
    elif str(name.value).startswith("http-"):
        name.leave("the Service's port is named 'http'", settled=True)
    else:
        name.leave("the Service's port is named 'http', by which the mesh tells the protocol")
    item.at("protocol").usual("TCP")
    target = item.at("targetPort").scalar()
    return Port(item.at("port").whole(), target if isinstance(target, (int, str)) else None)


def ports(found: Port, pods: Pods, release: Section, where: str) -> None:
    """Put the ports of a release.

    Args:
        found: the Service's, and what it says of the pod's.
        pods: their named ports.
        release: gets them.
        where: what the documents would have them in.
    """
    if found.port is None:
        release.need("port", f"the Service's port, which {where} would say")
    else:
        release.put("port", found.port)
    target: Any = pods.ports.get(str(found.target), found.target)
    if isinstance(target, str):
        release.add(f"target_port: the number of the pod's port {target!r}")
    elif target != found.port:
        release.put("target_port", target)


def _cpu(spec: Node) -> tuple[int | None, bool]:
    """Find the percent of CPU that is aimed at, and whether any metric was asked for."""
    old = spec.at("targetCPUUtilizationPercentage").whole()
    items = spec.at("metrics").items()
    found = old
    for item in items:
        resource = item.at("resource")
        target = resource.at("target")
        percent = target.at("averageUtilization") or resource.at("targetAverageUtilization")
        if resource.at("name").value == "cpu" and percent:
            found = percent.whole()
            for used in (item.at("type"), resource.at("name"), target.at("type")):
                used.used()
        else:
            item.leave("workload.autoscaling goes by the CPU alone")
    return found, old is not None or bool(items)
