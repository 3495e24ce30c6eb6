"""IstioGateway under the mocks: what it declares, in which order, for whom, and what is kept secret."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.gateway import IstioGateway, IstioGatewayArgs
from tests.components.recording import SECRET, Recording, Registered, Stack, declare
from tests.rendered import GATEWAYS, stack
from weighbridge.settings import load

ROOT = Path(__file__).resolve().parents[2]
CHARTS = {
    "gateway-base": ("istio-base", "istio-system"),
    "gateway-istiod": ("istiod", "istio-system"),
    "gateway-ingress": ("istio-ingressgateway", "istio-system"),
    "gateway-cert-manager": ("cert-manager", "cert-manager"),
}


class Clouds(Recording):
    """Mocks that give what only a cloud, or Helm, knows once a resource is made.

    Args:
        status: of each Service that is read.
    """

    def __init__(self, status: Mapping[str, Any] | None = None) -> None:
        super().__init__({})
        self.read: list[str] = []
        self._status = status or {}

    def new_resource(self, args: Any) -> tuple[str | None, dict[Any, Any]]:
        """Make up what is computed."""
        made, outputs = super().new_resource(args)
        kind = args.typ.rpartition(":")[2]
        if kind == "Service":
            self.read.append(args.resource_id)
            return args.resource_id, {"status": self._status}
        if kind in {"Address", "ApplicationLoadBalancer"}:
            outputs.setdefault("address", "192.0.2.7")
        elif kind == "Account":
            outputs |= {
                "email": f"{args.inputs['accountId']}@my-project.iam.gserviceaccount.com",
                "name": "the-account",
            }
        elif kind == "Release":
            outputs["status"] = {"namespace": args.inputs["namespace"], "name": args.inputs["name"]}
        return made, outputs


def declared(gateway: Mapping[str, Any], *, preview: bool = False, mesh: bool = False) -> Stack:
    """What a section `gateway` makes of itself; with `mesh` the mesh has an API server of its own."""
    settings = stack(gateway)

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=kubernetes.Provider("cluster", context="cluster"))
        other = kubernetes.Provider("mesh", context="mesh") if mesh else None
        secrets = {"access-token": pulumi.Output.secret("LTAI-id"), "secret-key": pulumi.Output.secret("hunter2")}
        assert settings.gateway
        certificate = settings.gateway.tls.certificate if settings.gateway.tls else None
        wanted = secrets if certificate and certificate.dns01.alibaba and not certificate.dns01.alibaba.secret else {}
        made = IstioGateway("gateway", IstioGatewayArgs(settings.gateway, other, wanted), opts)
        pulumi.export("address", made.address)

    return declare(program, {}, preview=preview, monitor=Recording({}) if preview else Clouds())


def parts(stack: Stack) -> list[Registered]:
    """What the component is made of."""
    return [each for each in stack.all if each.parent == "gateway"]


EVERYTHING = GATEWAYS["everything"] | {
    "address": {"google": {"region": "europe-west1", "project": "my-project"}},
    "dns": {"google": {"zone": "example", "project": "my-project"}},
}


def test_charts_come_in_order_and_pinned() -> None:
    """CRDs, istiod, gateway: each waits for the one before; every chart has its one version, and nothing floats."""
    made = declared(EVERYTHING)
    assert made.error is None
    releases = {each.name: each.inputs for each in made.of("Release")}
    assert {name: (each["name"], each["namespace"]) for name, each in releases.items()} == CHARTS
    assert all(each["version"] and each["atomic"] for each in releases.values())
    assert {"gateway-base"} <= made.waits_for("gateway-istiod")
    assert {"gateway-base", "gateway-istiod"} <= made.waits_for("gateway-ingress")


@pytest.mark.parametrize(
    ("part", "charts"),
    [
        ("gateway-gateway", {"gateway-base", "gateway-istiod"}),
        ("gateway-mtls", {"gateway-base", "gateway-istiod"}),
        ("gateway-mtls-prod", {"gateway-base", "gateway-istiod"}),
        ("gateway-issuer", {"gateway-cert-manager"}),
        ("gateway-certificate", {"gateway-cert-manager", "gateway-issuer"}),
    ],
)
def test_an_object_waits_for_the_chart_that_brings_its_kind(part: str, charts: set[str]) -> None:
    """No custom object is applied before its CRD, nor before the webhook that checks it answers."""
    assert charts <= declared(EVERYTHING).waits_for(part)


def test_nobody_is_redirected_to_a_tls_without_a_certificate() -> None:
    """The Gateway, which redirects, comes after the certificate, which the run waits to be issued."""
    made = declared(EVERYTHING)
    assert "gateway-certificate" in made.waits_for("gateway-gateway")
    annotations = made["gateway-certificate"].inputs["metadata"]["annotations"]
    assert annotations == {"pulumi.com/waitFor": "condition=Ready"}


def test_the_static_address_is_kept_and_used() -> None:
    """It is protected, the load balancer binds it, and every host's record, apex and wildcard, leads to it."""
    made = declared(EVERYTHING)
    (address,) = made.of("Address")
    assert address.protected
    assert (address.inputs["addressType"], address.inputs["region"]) == ("EXTERNAL", "europe-west1")
    assert "gateway-address" in made.waits_for("gateway-ingress")
    records = {each.inputs["name"]: each for each in made.of("RecordSet")}
    assert set(records) == {"example.com.", "*.example.com."}
    assert all("gateway-address" in made.waits_for(each.name) for each in records.values())
    assert {each.inputs["managedZone"] for each in records.values()} == {"example"}


def test_protection_can_be_turned_off() -> None:
    """Who says so may delete the address, and a namespace that was made here."""
    raw = EVERYTHING | {"address": {"google": {"region": "europe-west1"}, "protect": False}}
    raw["namespaces"] = {"prod": {"create": True, "protect": False}}
    made = declared(raw)
    (address,) = made.of("Address")
    assert not address.protected
    assert not made["gateway-namespace-prod"].protected
    assert declared(EVERYTHING)["gateway-namespace-prod"].protected


def test_an_address_that_is_not_known_yet_still_gives_records_of_a_known_shape() -> None:
    """In a first preview a reviewer sees each record, with its name; only the address is open."""
    made = declared(EVERYTHING, preview=True)
    assert made.error is None
    records = {each.inputs["name"]: each.inputs for each in made.of("RecordSet")}
    assert set(records) == {"example.com.", "*.example.com."}
    # What the free edition of Alibaba Cloud DNS takes at least: one default for both clouds.
    assert {each["ttl"] for each in records.values()} == {600.0}


def test_without_a_static_address_the_records_get_that_of_the_load_balancer() -> None:
    """The Service is read once its chart has made it, and in a first preview not at all."""
    raw = {key: value for key, value in EVERYTHING.items() if key != "address"}
    seen: list[str] = []
    made = _with_service(raw, "192.0.2.9", seen)
    assert made.error is None
    assert seen == ["istio-system/istio-ingressgateway"]
    assert {tuple(each.inputs["rrdatas"]) for each in made.of("RecordSet")} == {("192.0.2.9",)}


def test_an_adopted_gateway_s_address_is_made_static() -> None:
    """As in the tutorial: the address that the load balancer has is reserved, and the records lead there."""
    raw = {
        "adopt": {},
        "hosts": ["istio.example.com", "*.istio.example.com"],
        "tls": {"secret": "mine"},
        "address": {"google": {"region": "us-central1"}},
        "dns": {"google": {"zone": "example"}},
    }
    made = _with_service(raw, "192.0.2.9", [])
    assert made.error is None
    assert made.of("Release") == []
    (address,) = made.of("Address")
    assert address.inputs["address"] == "192.0.2.9"


def test_a_service_without_an_address_is_one_line() -> None:
    """A load balancer that the cloud has not made yet stops the run, and the line says what is missing."""
    raw = {"adopt": {}, "hosts": ["a.example.com"], "tls": {"secret": "mine"}, "dns": {"google": {"zone": "example"}}}
    made = _with_service(raw, "", [])
    line = "weighbridge:gateway: the Service 'istio-ingressgateway' must have an address for the DNS (got none yet)"
    assert str(made.error).splitlines()[-1].endswith(line)


def _with_service(raw: Mapping[str, Any], ip: str, seen: list[str]) -> Stack:
    """What is declared where a Service with this address can be read."""
    settings, clouds = stack(raw).gateway, Clouds({"loadBalancer": {"ingress": [{"ip": ip}] if ip else []}})
    assert settings

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=kubernetes.Provider("cluster", context="cluster"))
        IstioGateway("gateway", IstioGatewayArgs(settings), opts)

    found = declare(program, {}, monitor=clouds)
    seen += clouds.read
    return found


def test_only_a_mesh_of_ones_own_is_another_server() -> None:
    """Istio's objects go to the mesh's API server, all that runs or is read by pods to the cluster's."""
    made = declared(EVERYTHING, mesh=True)
    on_mesh = {each.name for each in parts(made) if each.provider == "mesh"}
    assert on_mesh == {"gateway-gateway", "gateway-mtls", "gateway-mtls-prod", "gateway-injection-old"}
    kubernetes_ones = [each for each in parts(made) if each.type.startswith("kubernetes:")]
    assert {each.provider for each in kubernetes_ones} == {"mesh", "cluster"}


def test_an_existing_namespace_gets_a_label_and_no_owner() -> None:
    """Its patch would leave the namespace; one that is made here is protected."""
    made = declared(EVERYTHING)
    assert {each.name for each in made.of("NamespacePatch")} == {"gateway-injection-old"}
    assert made["gateway-injection-old"].inputs["metadata"] == {
        "name": "old",
        "labels": {"istio-injection": "disabled"},
    }
    (own,) = made.of("Namespace")
    assert own.protected
    assert own.inputs["metadata"]["labels"] == {"istio-injection": "enabled"}


def test_a_key_pair_is_a_secret_of_pulumi_s_wherever_it_goes() -> None:
    """The Secret's two parts cross the wire marked, and nothing else has them."""
    made = declared(GATEWAYS["alibaba"])
    assert made.error is None
    data = made["gateway-credentials"].inputs["stringData"]
    assert SECRET in json.dumps(data)
    others = [each for each in made.all if each.name != "gateway-credentials"]
    assert "hunter2" not in json.dumps([(each.inputs, each.outputs) for each in others], default=str)
    assert "gateway-credentials" in made.waits_for("gateway-issuer")
    assert "gateway-alidns" in made.waits_for("gateway-issuer")
    assert "gateway-cert-manager" in made.waits_for("gateway-alidns")


def test_cert_manager_proves_a_domain_by_an_identity_without_a_key() -> None:
    """Google's service account is lent to cert-manager's own, and no key of it is made."""
    made = declared(EVERYTHING)
    (account,) = made.of("Account")
    assert 6 <= len(account.inputs["accountId"]) <= 30
    assert made["gateway-dns01-identity"].inputs["member"] == (
        "serviceAccount:my-project.svc.id.goog[cert-manager/cert-manager]"
    )
    assert made["gateway-dns01-identity"].inputs["role"] == "roles/iam.workloadIdentityUser"
    assert not [each for each in made.all if each.type.endswith(":Key")]


def test_an_adopted_mesh_gets_nothing_but_objects() -> None:
    """No chart, no cloud: what somebody else looks after is left alone."""
    made = declared(GATEWAYS["both"])
    assert {each.type for each in parts(made)} == {"kubernetes:networking.istio.io/v1:Gateway"}


ASM = {
    "asm": {"clusters": ["c-1"]},
    "hosts": ["shop.example.com"],
    "tls": {"secret": "mine"},
    "address": {"alibaba": {}},
    "dns": {"alibaba": {"domain": "example.com"}},
    "namespaces": {"shop": {}},
}


def test_asm_makes_the_gateway_from_its_own_object() -> None:
    """On the mesh's API server, in ASM's one namespace, with our load balancer; and no chart."""
    made = declared_asm()
    assert made.error is None
    assert made.of("Release") == []
    own = made["gateway-asm"]
    assert (own.provider, own.inputs["metadata"]["namespace"]) == ("mesh", "istio-system")
    assert own.inputs["spec"]["clusterIds"] == ["c-1"]
    annotations = own.inputs["spec"]["serviceAnnotations"]
    assert "gateway-address-id" in annotations.values()
    assert made["gateway-gateway"].inputs["spec"]["selector"] == {"istio": own.inputs["metadata"]["name"]}
    assert made["gateway-injection-shop"].provider == "mesh"
    (balancer,) = made.of("ApplicationLoadBalancer")
    assert (balancer.protected, balancer.inputs["deleteProtection"]) == (True, "on")
    (record,) = made.of("AlidnsRecord")
    assert (record.inputs["rr"], record.inputs["domainName"]) == ("shop", "example.com")


def declared_asm() -> Stack:
    """What ASM's section makes of itself."""
    cluster = {"kind": "existing", "mesh_kubeconfig": "mesh"}
    settings = load({"cluster": cluster, "gateway": ASM}).gateway
    assert settings

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=kubernetes.Provider("cluster", context="cluster"))
        mesh = kubernetes.Provider("mesh", context="mesh")
        IstioGateway("gateway", IstioGatewayArgs(settings, mesh), opts)

    return declare(program, {}, monitor=Clouds())


@pytest.mark.parametrize(("host", "rr"), [("example.com", "@"), ("*.example.com", "*"), ("*.a.example.com", "*.a")])
def test_alibaba_names_a_record_within_its_domain(host: str, rr: str) -> None:
    """The domain itself is "@" there."""
    raw = {
        "adopt": {},
        "hosts": [host],
        "tls": {"secret": "mine"},
        "address": {"ip": "192.0.2.1"},
        "dns": {"alibaba": {"domain": "example.com"}},
    }
    (record,) = declared(raw).of("AlidnsRecord")
    assert (record.inputs["rr"], record.inputs["type"], record.inputs["value"]) == (rr, "A", "192.0.2.1")


def test_an_address_of_version_6_gets_its_own_kind_of_record() -> None:
    """AAAA."""
    raw = {
        "adopt": {},
        "hosts": ["a.example.com"],
        "tls": {"secret": "mine"},
        "address": {"ip": "2001:db8::1"},
        "dns": {"google": {"zone": "example"}},
    }
    (record,) = declared(raw).of("RecordSet")
    assert (record.inputs["type"], record.inputs["rrdatas"]) == ("AAAA", ["2001:db8::1"])


def test_a_stack_without_a_cloud_imports_no_sdk_of_one() -> None:
    """An adopted mesh needs neither pulumi-gcp nor pulumi-alicloud, which are large."""
    code = "import components.gateway, sys; print([m for m in sys.modules if m in ('pulumi_gcp', 'pulumi_alicloud')])"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ast.literal_eval(said.stdout) == []


def test_a_missing_sdk_is_one_line() -> None:
    """Who asks for a cloud without its package is told which to install."""
    code = (
        "import sys; sys.modules['pulumi_gcp'] = None\n"
        "from components.dns import cloud\n"
        "from weighbridge.errors import SettingsError\n"
        "try:\n    cloud('google')\nexcept SettingsError as error:\n    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    rule = "'google' needs the package pulumi-gcp, which `pip install 'weighbridge[gcp]'` brings"
    assert said.stdout.strip() == f"weighbridge:gateway: {rule} (got no such package)"
