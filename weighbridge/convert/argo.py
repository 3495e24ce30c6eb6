"""An Argo Rollout as a release (pkg/apis/rollouts/v1alpha1/types.go)."""

from __future__ import annotations

from weighbridge.convert.argo_metrics import GROUP, Runs
from weighbridge.convert.argo_routes import ISTIO, routes
from weighbridge.convert.argo_steps import plan
from weighbridge.convert.documents import Document, Documents
from weighbridge.convert.flagger_metrics import every_metric_is_named
from weighbridge.convert.objects import autoscaling, deployment, metadata, ports, replicas, rolling, service
from weighbridge.convert.pods import NONE, Pods, pods
from weighbridge.convert.reading import Node, span_text
from weighbridge.convert.server import Server
from weighbridge.convert.shared import begun, finished, named, tracks
from weighbridge.convert.writing import Section

VERSION = f"{GROUP}/v1alpha1"

_WHOLE = 100
_READY = "all pods of a revision are ready before it gets requests"
_NO_ROLE = "pods bear no role, so that a promotion leaves them as they are"
_DRAIN = "what no role points at is deleted by the next green run, after workload.drain"
_SPEC = {
    "rollbackWindow": "the way back is a commit, and needs no analysis: weight 0",
    "paused": "a release moves only when its weight is edited",
    "restartAt": "`kubectl rollout restart` is not meant for a revision: change an annotation",
    "progressDeadlineAbort": "a revision that does not become ready gets no requests, and the run is red",
}
_STRATEGY = {
    "antiAffinity": "the pod template has no setting for it",
    "canaryMetadata": _NO_ROLE,
    "stableMetadata": _NO_ROLE,
    "dynamicStableScale": "stable keeps all its pods, so that the way back is open at once",
    "minPodsPerReplicaSet": "both tracks have all their pods at every weight",
    "replicaProgressThreshold": _READY,
    "pingPong": "one Service serves both tracks",
}
_STRATEGY_OWN = {
    "maxSurge": "each revision has a Deployment of its own: nothing is replaced in place",
    "maxUnavailable": "each revision has a Deployment of its own: nothing is replaced in place",
    "scaleDownDelaySeconds": _DRAIN,
    "scaleDownDelayRevisionLimit": _DRAIN,
    "abortScaleDownDelaySeconds": "failed pods stay, without requests, until a green run asks for weight 0",
}
_BLUE_GREEN = {
    "previewService": "the candidate has no Service of its own; it is reached by its pods' label version",
    "previewReplicaCount": "both tracks have all their pods at every weight",
    "autoPromotionSeconds": "the switch is an edit of the weight",
    "prePromotionAnalysis": "nothing is measured before the first weight: run it in CI",
    "antiAffinity": "the pod template has no setting for it",
    "previewMetadata": _NO_ROLE,
    "activeMetadata": _NO_ROLE,
}


def rollout(document: Document, documents: Documents, server: Server) -> tuple[str, Section]:
    """Read a Rollout, with its workload, Services, routes and templates where they are among the documents.

    Returns:
        The release's name and section.
    """
    spec, release = document.open(), Section()
    metadata(document)
    name = named(document.name)
    begun(release, document, name)
    canary, switch = spec.at("strategy", "canary"), spec.at("strategy", "blueGreen")
    stable = _services(canary, switch, name, document, documents)
    found = service(stable[1])
    routes(canary.at("trafficRouting"), release, document, documents)
    read = _workload(spec, document, documents, release, found.target or found.port)
    ports(found, read, release, f"Service {stable[0]}" if stable[0] else "a Service")
    tracks(release, read.image, f"the image of {spec.at('workloadRef', 'name').value or document.name}")
    runs = Runs(documents, server, document.root, document.namespace, Section(), _gone(canary, switch, name))
    if switch:
        _blue_green(switch, release, runs)
    else:
        _canary(canary, release, runs)
    return name, finished(release)


def _workload(spec: Node, document: Document, documents: Documents, release: Section, port: int | str | None) -> Pods:
    workload, template = Section(), spec.at("template")
    rolling(spec, workload)
    _left(spec, _SPEC)
    spec.at("analysis").leave("the gate's state keeps the last 50 decisions", settled=True)
    reference = spec.at("workloadRef")
    if reference:
        template = _referred(reference, document, documents, workload)
    found = pods(template, workload, document.name, port) if template else NONE
    if not template:
        release.add(f"workload: what {reference.at('name').value} has: env, resources, readiness, liveness")
    scalers = documents.of("HorizontalPodAutoscaler", "autoscaling")
    own = [each for each in scalers if _scales(each, document)]
    if own and autoscaling(own[0], found, workload):
        spec.at("replicas").leave("workload.autoscaling sets the number of pods", settled=True)
    else:
        replicas(spec.at("replicas"), release)
    release.put("workload", workload)
    return found


def _referred(reference: Node, document: Document, documents: Documents, workload: Section) -> Node:
    """Find the pod template of the Deployment that a Rollout refers to."""
    for key in ("apiVersion", "kind"):
        reference.at(key).used()
    reference.at("scaleDown").leave("scale the Deployment down once the release has taken over")
    found = documents.find("Deployment", "apps", reference.at("name").text(), document.namespace)
    if found is None:
        return Node(None, (), document.ledger)
    metadata(found)
    inner = found.open()
    deployment(inner, workload)
    inner.at("replicas").leave("the Rollout's replicas count", settled=True)
    return inner.at("template")


def _scales(scaler: Document, document: Document) -> bool:
    target = scaler.root.at("spec", "scaleTargetRef")
    same = scaler.namespace in {None, document.namespace}
    return same and (target.at("kind").value, target.at("name").value) == ("Rollout", document.name)


def _services(
    canary: Node, switch: Node, name: str, document: Document, documents: Documents
) -> tuple[str | None, Document | None]:
    """Find the Service that requests go to, by its name; the canary's own has no part here."""
    namespace, rule = document.namespace, canary.at("trafficRouting", "istio", "destinationRule", "name").value
    found = documents.find("DestinationRule", ISTIO, rule, namespace) if rule else None
    host = str(found.root.at("spec", "host").value).partition(".")[0] if found else None
    stable = switch.at("activeService").text() or canary.at("stableService").text() or host
    own = documents.find("Service", "", stable or name, namespace)
    for place in (canary.at("canaryService"), switch.at("previewService")):
        other = documents.find("Service", "", str(place.value), namespace) if place else None
        if other and other is not own:
            other.root.leave("one Service serves both tracks", settled=True)
    canary.at("canaryService").leave("one Service serves both tracks", settled=True)
    if own and own.name != name:
        own.root.at("metadata", "name").note(
            f"the release's Service is named {name}: who asks for this one must ask for it"
        )
    return stable or (own.name if own else None), own


def _gone(canary: Node, switch: Node, name: str) -> tuple[str, ...]:
    """Give the names that a query may hold and nothing has any more."""
    places = [canary.at(key) for key in ("canaryService", "stableService")]
    places += [switch.at(key) for key in ("activeService", "previewService")]
    services = [str(place.value) for place in places if place and place.value != name]
    return (*services, "rollouts_pod_template_hash")


def _canary(node: Node, release: Section, runs: Runs) -> None:
    routing = node.at("trafficRouting")
    found = plan(node.at("steps"), routing.at("maxTrafficWeight").whole() or _WHOLE)
    background = node.at("analysis")
    if background:
        start = background.at("startingStep").whole() or 0
        index = found.index(start)
        found.lengthen(index, runs.analysis(background, index, background=True))
    for analysis, index in found.analyses:
        took = runs.analysis(analysis, index)
        found.stops[index].soak += took
        found.stops[index].said.append(f"analysis, {span_text(took)}")
        found.lengthen(index + 1, took)
        analysis.note(f"Argo measures it at {found.stops[index].weight} alone; here it is measured from there on")
    if found.stops:
        release.put("steps", found.steps())
    elif node.at("steps"):
        release.need("steps", "the plan: no step sets a weight")
    else:
        node.note("without steps it is a rolling update; here all requests move at once, and both revisions are whole")
        release.put("steps", [_WHOLE])
    _gate(release, runs, found.soak())
    _left(node, _STRATEGY)
    _left(node, _STRATEGY_OWN, settled=True)
    _left(node.at("trafficRouting"), dict.fromkeys(routing.fields().keys() - _ROUTED, "routes are Istio's here"))
    if node and not routing:
        node.note("without trafficRouting Argo weighs by the number of pods; here Istio weighs the requests")


_ROUTED = {"istio", "managedRoutes", "maxTrafficWeight"}


def _blue_green(node: Node, release: Section, runs: Runs) -> None:
    after = node.at("postPromotionAnalysis")
    soak = runs.analysis(after, 0) if after else 0.0
    release.put("steps", [_WHOLE], "blue/green: all at once")
    _gate(release, runs, soak)
    auto = node.at("autoPromotionEnabled")
    if auto:
        auto.flag()
        auto.note("the switch is an edit of the weight", settled=True)
    _left(node, _BLUE_GREEN)
    _left(node, _STRATEGY_OWN, settled=True)


def _gate(release: Section, runs: Runs, soak: float) -> None:
    gate = Section()
    every_metric_is_named(runs.metrics, "the Rollout")
    gate.put("metrics", runs.metrics)
    gate.put("soak", span_text(soak), "what most weights have")
    gate.put("warm_up", "0s", "Argo has none, but initialDelay")
    gate.put("min_requests", 1, "Argo asks for no more; our default is 100")
    release.put("gate", gate)


def _left(node: Node, table: dict[str, str], *, settled: bool = False) -> None:
    """Leave the fields of a table; switches that are off change nothing."""
    for key, why in table.items():
        inner = node.at(key)
        if inner.value is False:
            inner.used()
        else:
            inner.leave(why, settled=settled)
