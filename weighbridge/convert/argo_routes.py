"""The Istio objects that an Argo Rollout changes, as hosts, gateways, route and traffic."""

from __future__ import annotations

from weighbridge.convert import mesh
from weighbridge.convert.documents import Document, Documents
from weighbridge.convert.objects import metadata
from weighbridge.convert.reading import Node
from weighbridge.convert.writing import Section

ISTIO = "networking.istio.io"


def routes(routing: Node, release: Section, document: Document, documents: Documents) -> None:
    """Read the VirtualService and the DestinationRule that a Rollout changes.

    Args:
        routing: the Rollout's `trafficRouting`.
        release: gets hosts, gateways, route and traffic.
        document: the Rollout.
        documents: in which they may be.
    """
    istio = routing.at("istio")
    routing.at("managedRoutes").leave("the VirtualService's routes are Weighbridge's", settled=True)
    named_ones = [istio.at("virtualService")] if istio.at("virtualService") else istio.at("virtualServices").items()
    for extra in named_ones[1:]:
        extra.leave("a release has one VirtualService")
    for node in named_ones[:1]:
        _virtual_service(node, release, document, documents)
    rule = istio.at("destinationRule")
    if rule:
        _destination_rule(rule, release, document, documents)


def _virtual_service(node: Node, release: Section, document: Document, documents: Documents) -> None:
    name, wanted = node.at("name").text(), node.at("routes").texts()
    for key in ("tlsRoutes", "tcpRoutes"):
        node.at(key).leave("routes are HTTP's here")
    found = documents.find("VirtualService", ISTIO, name, document.namespace)
    if found is None:
        release.add(f"hosts, gateways and route, as VirtualService {name} has them; it is not among the documents")
        return
    spec = found.open()
    metadata(found)
    own = [document.name, f"{document.name}.{document.namespace}.svc.cluster.local"]
    mesh.hosts(spec.at("hosts"), release, own)
    mesh.gateways(spec.at("gateways"), release, found.namespace or document.namespace)
    items = spec.at("http").items()
    chosen = [item for item in items if not wanted or item.at("name").value in wanted]
    for item in items:
        if item not in chosen[:1]:
            item.leave("the VirtualService has the weighted route alone: keep the rest in one of its own")
    for item in chosen[:1]:
        _route(item, release)


def _route(item: Node, release: Section) -> None:
    item.at("name").used()
    for target in item.at("route").items():
        for path in (("destination", "host"), ("destination", "subset"), ("weight",)):
            target.at(*path).used()
    mesh.route(item, release, mesh.conditions(item.at("match")))


def _destination_rule(node: Node, release: Section, document: Document, documents: Documents) -> None:
    name = node.at("name").text()
    for key in ("canarySubsetName", "stableSubsetName"):
        node.at(key).leave("a subset is a revision, and named so", settled=True)
    found = documents.find("DestinationRule", ISTIO, name, document.namespace)
    if found is None:
        release.add(f"traffic, as DestinationRule {name} has it; it is not among the documents")
        return
    spec = found.open()
    metadata(found)
    spec.at("host").used()
    for item in spec.at("subsets").items():
        item.at("name").used()
        item.at("labels").leave("a subset is a revision, by the label version", settled=True)
    mesh.traffic(spec.at("trafficPolicy"), release)
