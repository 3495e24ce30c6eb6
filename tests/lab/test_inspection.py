"""What Istio's own analyzers say of the objects, and what Helm makes of the real charts with our values."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lab import Lab, LabError, inspection
from lab.inspection import Inspection
from tests.lab.strict import Strict
from tests.rendered import GATEWAYS, RENDERED, Object, Rendered, stack
from weighbridge.mesh import objects, values
from weighbridge.settings import Gateway
from weighbridge.settings.gateway_tls import CertManager

CASES = pytest.mark.parametrize("rendered", RENDERED, ids=[each.name for each in RENDERED])


@pytest.fixture(scope="module")
def inspect() -> Inspection:
    """The program, built before."""
    return inspection.require()


@CASES
def test_istio_finds_no_fault_with_what_is_rendered(inspect: Inspection, rendered: Rendered) -> None:
    """`istioctl analyze` has no error and no warning, but for those that a case explains."""
    said = inspect.analyze([*rendered.objects, *rendered.around])
    assert [each["line"] for each in said if each["level"] != "Info" and each["code"] not in rendered.unseen] == []


def _without(kind: str) -> Callable[[list[Object]], list[Object]]:
    return lambda found: [each for each in found if each["kind"] != kind]


def _with(kind: str, change: Callable[[Any], None]) -> Callable[[list[Object]], list[Object]]:
    def changed(found: list[Object]) -> list[Object]:
        broken = copy.deepcopy(found)
        change(next(each["spec"] for each in broken if each["kind"] == kind))
        return broken

    return changed


BREAKS: list[tuple[str, str, Callable[[list[Object]], list[Object]], str]] = [
    ("no Secret", "gateway, both", _without("Secret"), "Referenced credentialName not found"),
    ("no pod", "gateway, both", _without("Pod"), "Referenced selector not found"),
    ("no Gateway", "release, with everything", _without("Gateway"), "Referenced gateway not found"),
    ("no Service", "release, with everything", _without("Service"), "Referenced host not found"),
    (
        "a subset that is not there",
        "release, with everything",
        _with("DestinationRule", lambda spec: spec["subsets"].pop()),
        "Referenced host+subset in destinationrule not found",
    ),
    (
        "a host that the Gateway does not serve",
        "release, after its promotion",
        _with("VirtualService", lambda spec: spec.update(hosts=["a.example.org"], gateways=["istio-system/public"])),
        "not found in Gateway",
    ),
    (
        "a certificate without a name",
        "gateway, both",
        _with("Gateway", lambda spec: spec["servers"][1]["tls"].pop("credentialName")),
        "SIMPLE TLS requires",
    ),
    (
        "a port without a protocol",
        "gateway, plain",
        _with("Gateway", lambda spec: spec["servers"][0]["port"].update(protocol="HTTTP")),
        "invalid protocol",
    ),
]


@pytest.mark.parametrize(("case", "broken", "line"), [each[1:] for each in BREAKS], ids=[each[0] for each in BREAKS])
def test_istio_finds_what_is_broken(
    inspect: Inspection, case: str, broken: Callable[[list[Object]], list[Object]], line: str
) -> None:
    """The test above would notice: each thing that is left out or spoilt is complained of."""
    (rendered,) = [each for each in RENDERED if each.name == case]
    said = inspect.analyze(broken([*rendered.objects, *rendered.around]))
    assert any(line in each["line"] for each in said), said


def _installed() -> Gateway:
    gateway = stack(GATEWAYS["everything"]).gateway
    assert gateway
    return gateway


def _of(found: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    (one,) = [each for each in found if each["kind"] == kind and name in {None, each["metadata"]["name"]}]
    return one


def test_the_gateway_selects_the_pods_that_its_chart_makes(inspect: Inspection) -> None:
    """The chart's own labels, and its Service's ports, are those that the Gateway asks for."""
    gateway = _installed()
    assert gateway.install
    made = inspect.template(
        "istio-gateway", gateway.install.gateway, gateway.namespace, values.ingress(gateway, "192.0.2.7", {"a": "b"})
    )
    body = objects.gateway_object(gateway)["spec"]
    labels = _of(made, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert body["selector"].items() <= labels.items()
    service = _of(made, "Service", gateway.service)
    assert {server["port"]["number"] for server in body["servers"]} <= {p["port"] for p in service["spec"]["ports"]}
    assert (service["spec"]["type"], service["spec"]["loadBalancerIP"]) == ("LoadBalancer", "192.0.2.7")
    assert service["metadata"]["annotations"]["a"] == "b"
    assert _of(made, "HorizontalPodAutoscaler")["spec"]["minReplicas"] == 2
    assert _of(made, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_one_pod_has_no_budget_that_would_stop_a_node(inspect: Inspection) -> None:
    """With a single pod a budget would forbid every drain of its node."""
    gateway = stack(GATEWAYS["everything"] | {"install": {"replicas": {"min": 1}}}).gateway
    assert gateway
    made = inspect.template("istio-gateway", "istio-ingressgateway", "istio-system", values.ingress(gateway))
    assert "PodDisruptionBudget" not in {each["kind"] for each in made}


def test_istiod_is_told_its_own_namespace(inspect: Inspection) -> None:
    """Where it is installed is where it looks for what holds for the whole mesh."""
    made = inspect.template("istiod", "istiod", "mesh", values.istiod("mesh"))
    assert {each["metadata"].get("namespace") for each in made} <= {None, "mesh"}
    mesh = _of(made, "ConfigMap", "istio")["data"]["mesh"]
    assert "rootNamespace: mesh" in mesh
    assert "istio-system" not in mesh
    base = inspect.template("istio-base", "istio-base", "mesh", values.base("mesh"))
    hooks = _of(base, "ValidatingWebhookConfiguration")["webhooks"]
    assert {hook["clientConfig"]["service"]["namespace"] for hook in hooks} == {"mesh"}


def test_istio_s_base_brings_every_kind_that_is_rendered(inspect: Inspection) -> None:
    """The CRDs that the chart brings are those of the Istio objects, so these must wait for that chart."""
    made = inspect.template("istio-base", "istio-base", "istio-system", values.base("istio-system"))
    brought = {each["spec"]["names"]["kind"] for each in made if each["kind"] == "CustomResourceDefinition"}
    assert {"Gateway", "PeerAuthentication", "VirtualService", "DestinationRule"} <= brought


def test_cert_manager_may_act_as_the_service_account(inspect: Inspection) -> None:
    """The ServiceAccount under which its controller runs is the one that Google knows; the CRDs come with it."""
    settings = CertManager(namespace="certs")
    made = inspect.template(
        "cert-manager", values.SERVICE_ACCOUNT, "certs", values.cert_manager(settings, "dns@p.iam.gserviceaccount.com")
    )
    controller = _of(made, "Deployment", "cert-manager")["spec"]["template"]["spec"]
    account = _of(made, "ServiceAccount", controller["serviceAccountName"])
    assert account["metadata"]["annotations"] == {"iam.gke.io/gcp-service-account": "dns@p.iam.gserviceaccount.com"}
    assert (account["metadata"]["name"], account["metadata"]["namespace"]) == (values.SERVICE_ACCOUNT, "certs")
    arguments = controller["containers"][0]["args"]
    assert "--leader-election-namespace=certs" in arguments
    assert "--cluster-resource-namespace=$(POD_NAMESPACE)" in arguments
    brought = {each["spec"]["names"]["kind"] for each in made if each["kind"] == "CustomResourceDefinition"}
    assert {"ClusterIssuer", "Certificate"} <= brought


@pytest.mark.parametrize("chart", ["istio-gateway", "cert-manager"])
def test_a_chart_refuses_a_value_that_it_does_not_have(inspect: Inspection, chart: str) -> None:
    """Both charts hold their values to a schema, so a misspelt one of ours would fail here."""
    with pytest.raises(LabError, match="additional properties 'servce' not allowed"):
        inspect.template(chart, "x", "y", {"servce": {}})


CHARTS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "istio-base": ("istio-base", "mesh", values.base("mesh")),
    "istiod": ("istiod", "mesh", values.istiod("mesh")),
    "istio-gateway": ("istio-ingressgateway", "mesh", values.ingress(_installed(), "192.0.2.7")),
    "cert-manager": ("cert-manager", "cert-manager", values.cert_manager(CertManager())),
}


@pytest.fixture
def strict(lab: Lab) -> Strict:
    """The real API server."""
    return Strict(lab)


@pytest.mark.parametrize("chart", ["istiod", "istio-gateway"])
def test_the_api_server_takes_what_a_chart_makes_of_our_values(strict: Strict, inspect: Inspection, chart: str) -> None:
    """Each object of a chart is accepted, strictly; webhooks are left out, as their servers do not run here."""
    for body in inspect.template(chart, *CHARTS[chart]):
        if not body["kind"].endswith("WebhookConfiguration"):
            assert strict.apply(body)["metadata"]["name"] == body["metadata"]["name"]
