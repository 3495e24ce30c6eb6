"""A Flagger Canary as a release (pkg/apis/flagger/v1beta1/canary.go; what it does, pkg/controller/scheduler.go)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from weighbridge.convert import mesh
from weighbridge.convert.documents import Document, Documents
from weighbridge.convert.fitting import refusal
from weighbridge.convert.flagger_metrics import GROUP, Judged, metrics
from weighbridge.convert.flagger_steps import steps
from weighbridge.convert.flagger_target import Running
from weighbridge.convert.objects import Port, metadata, ports
from weighbridge.convert.reading import Node, span_text
from weighbridge.convert.server import Server
from weighbridge.convert.shared import begun, finished, named, tracks
from weighbridge.convert.writing import Section
from weighbridge.settings import Gate

VERSIONS = (f"{GROUP}/v1alpha3", f"{GROUP}/v1beta1")

INTERVAL = 60.0
"""Seconds: the default of `analysis.interval`; shorter ones than `SHORTEST` are lengthened by Flagger."""
SHORTEST = 10.0

_WHOLE = 100
_DELETED = "the object stays as it is when it is converted"
_NO_HOOKS = "there are no webhooks; "
HOOKS = {
    "pre-rollout": "run the test in CI before the first `weighbridge advance`",
    "rollout": "run it beside the release; load from a Job or from CI",
    "confirm-rollout": "the review of the pull request that sets the first weight is the confirmation",
    "confirm-traffic-increase": "the review of each weight is the confirmation",
    "confirm-promotion": "the review of the promotion is the confirmation",
    "post-rollout": "run it in CI after `weighbridge promote`",
    "rollback": "`weighbridge abort` takes the traffic back",
    "event": "CI has each run's lines, and `--json`",
}
_SPEC = {
    "ingressRef": "routes are Istio's here",
    "routeRef": "routes are Istio's here",
    "upstreamRef": "routes are Istio's here",
}
_SERVICE = {
    "appProtocol": "the Service's port is named 'http', by which the mesh tells the protocol",
    "trafficDistribution": "the Service is a plain one",
    "backendTimeout": "routes are Istio's here",
    "gatewayRefs": "routes are Istio's here",
    "mirror": "a step weighs; there is no mirroring yet",
    "meshName": "routes are Istio's here",
    "backends": "routes are Istio's here",
    "apex": "the Service's and the routes' metadata are Weighbridge's",
    "primary": "one Service serves both tracks",
    "canary": "one Service serves both tracks",
    "unmanagedMetadata": "nothing else writes the release's objects",
}
_ANALYSIS = {
    "mirror": "a step weighs; there is no mirroring yet",
    "mirrorWeight": "a step weighs; there is no mirroring yet",
    "sessionAffinity": "a client is not bound to a track",
}
_OFF = {
    "suspend": "leave the release out of the stack file, or its weight at 0",
    "revertOnDeletion": _DELETED,
    "skipAnalysis": "each step is judged; a release that should not be is `steps: [100]` with bounds that all keep",
}


def canary(document: Document, documents: Documents, server: Server) -> tuple[str, Section]:
    """Read a Canary, with its target, autoscaler and templates where they are among the documents.

    Returns:
        The release's name and section.
    """
    spec, release = document.open(), Section()
    metadata(document)
    service, target = spec.at("service"), spec.at("targetRef")
    target_name = target.at("name").text() or document.name
    name = named(service.at("name").text() or target_name)
    begun(release, document, name)
    _plain(spec, server)
    _reaches(service, release, target_name, document.namespace)
    found = Running(spec, documents, (name, target_name, document.namespace), release).read()
    asked = service.at("targetPort").scalar()
    port = Port(service.at("port").whole(), asked if isinstance(asked, (int, str)) else None)
    ports(port, found, release, "spec.service.port")
    tracks(release, found.image, f"the image of {target_name}")
    names = {"name": document.name, "target": target_name, "service": name}
    _analysis(spec, release, Judged(documents, server, document.namespace, names, INTERVAL))
    mesh.traffic(service.at("trafficPolicy"), release)
    return name, finished(release)


def _plain(spec: Node, server: Server) -> None:
    _only(spec.at("provider"), "istio", "routes and metrics are Istio's here")
    server.address(spec.at("metricsServer"))
    for key, why in _SPEC.items():
        spec.at(key).leave(why)
    for key, why in _OFF.items():
        _switched(spec.at(key), why)


def _only(node: Node, word: str, why: str) -> None:
    """Read a field of which one word is what Weighbridge does anyway."""
    if node.value == word:
        node.used()
    else:
        node.leave(why)


def _switched(node: Node, why: str) -> None:
    """Read a switch that changes nothing while it is off."""
    if node.flag():
        node.leave(why)


def _reaches(service: Node, release: Section, target: str, namespace: str | None) -> None:
    apex = str(service.at("name").value or target)
    own = [apex, f"{apex}.{namespace}", f"{apex}.{namespace}.svc", f"{apex}.{namespace}.svc.cluster.local"]
    mesh.hosts(service.at("hosts"), release, own)
    mesh.gateways(service.at("gateways"), release, namespace)
    _only(service.at("portName"), "http", _SERVICE["appProtocol"])
    for key, why in _SERVICE.items():
        service.at(key).leave(why)
    _switched(service.at("portDiscovery"), "a release has one port")
    _switched(service.at("headless"), "the Service has an address of its own")
    _switched(service.at("delegation"), "the VirtualService has the hosts and is no delegate")


def _analysis(spec: Node, release: Section, judged: Judged) -> None:
    node = spec.at("analysis") or spec.at("canaryAnalysis")
    if spec.at("analysis"):
        spec.at("canaryAnalysis").leave("analysis takes its place, as in Flagger", settled=True)
    every = max(SHORTEST, node.at("interval").span() or INTERVAL)
    plan = steps(node, every)
    if plan.weights is None:
        why = "the analysis has no weights that rise" if node else "without an analysis Flagger promotes at once"
        release.need("steps", f"the plan; {why}")
    else:
        release.put("steps", plan.weights, plan.said)
    gate = Section()
    found, window = metrics(node.at("metrics"), replace(judged, interval=every))
    gate.put("metrics", found)
    if window > plan.soak:
        plan = replace(plan, soak=window, why="as long as the metrics look back")
    gate.put("soak", span_text(plan.soak), plan.why)
    gate.put("warm_up", "0s", "Flagger has none")
    gate.put("interval", span_text(every), "interval")
    _threshold(node.at("threshold"), gate)
    gate.put("min_requests", 1, "Flagger asks for no more; our default is 100")
    release.put("gate", gate)
    _rest(node)
    _routes(spec.at("service"), node, release)


def _threshold(node: Node, gate: Section) -> None:
    count = max(1, node.whole() or 1)
    if broken := refusal(Gate, "threshold", count):
        node.leave(f"the settings' rule: {broken}")
    else:
        gate.put("threshold", count, "threshold; counted anew at each weight")


def _rest(node: Node) -> None:
    for key, why in _ANALYSIS.items():
        inner = node.at(key)
        if inner and not inner.value:
            inner.used()
        else:
            inner.leave(why)
    node.at("stepWeightPromotion").leave("a promotion is a change of roles: the pods stay, in one step", settled=True)
    for key in ("primaryReadyThreshold", "canaryReadyThreshold"):
        if node.at(key).value == _WHOLE:
            node.at(key).used()
        else:
            node.at(key).leave("all pods of a revision are ready before it gets requests")
    for item in node.at("alerts").items():
        item.leave("there are no notifications yet: CI tells of a red run")
    for item in node.at("webhooks").items():
        kind = str(item.at("type").value or "rollout")
        item.leave(_NO_HOOKS + HOOKS.get(kind, "run it in CI"))


def _routes(service: Node, analysis: Node, release: Section) -> None:
    """Read the route, with the conditions of an A/B test merged as Flagger's router merges them."""
    base = mesh.conditions(service.at("match"))
    if not analysis.at("match"):
        mesh.route(_istio(service), release, base)
        return
    users = mesh.conditions(analysis.at("match"))
    merged = users
    if base and users:
        merged = [{**each, **_headers(user)} for user in users for each in base]
    if service.at("gateways"):
        analysis.at("match").note(
            "on a gateway, requests that do not match are left to another VirtualService of the host: add one to stable"
        )
    mesh.route(_istio(service), release, merged)


def _headers(user: Mapping[str, Any]) -> dict[str, Any]:
    return {"headers": user["headers"]} if "headers" in user else {}


def _istio(service: Node) -> Node:
    """Take Flagger's own part of a rewrite away: its `type` is for the Gateway API."""
    service.at("rewrite", "type").leave("routes are Istio's here", settled=True)
    return service
