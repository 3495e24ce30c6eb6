"""The section `gateway`: what is read, the one line for each mistake, and that the schema tells an editor the same."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rendered import ALIBABA, GATEWAYS
from weighbridge.access import References, key_pair
from weighbridge.errors import SettingsError, WeighbridgeError
from weighbridge.settings import Gateway, load
from weighbridge.settings.schema import stack_schema

PLAIN = {"adopt": {}, "hosts": ["*"], "insecure": True}
SERVED = {"adopt": {}, "hosts": ["*.example.com"], "tls": {"secret": "mine"}}
KEY = "weighbridge:gateway"
HOST_RULE = "must be a host such as example.com or *.example.com, or '*'"
ALIBABA_RULE = "must hold access_key_id and access_key_secret, or secret alone"


def read(gateway: Mapping[str, Any], **sections: Any) -> Gateway:
    """The section, as it is read."""
    found = load({"cluster": {"kind": "existing"}, "gateway": gateway, **sections}).gateway
    assert found
    return found


def line(gateway: Mapping[str, Any], **sections: Any) -> str:
    """The line by which it is refused."""
    with pytest.raises(SettingsError) as refused:
        read(gateway, **sections)
    return str(refused.value)


def dns01(**alibaba: Any) -> dict[str, Any]:
    """A gateway whose domain is on Alibaba Cloud."""
    certificate = {"email": "a@example.com", "acme": "staging", "dns01": {"alibaba": alibaba}}
    return {"adopt": {}, "hosts": ["a.example.com"], "tls": {"certificate": certificate}}


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("no mesh", {"hosts": ["*"], "insecure": True}, f"{KEY}: must hold exactly one of install, adopt, asm (got none)"),
    (
        "two meshes",
        PLAIN | {"install": {}},
        f"{KEY}: must hold exactly one of install, adopt, asm (got install, adopt)",
    ),
    (
        "no TLS",
        {"adopt": {}, "hosts": ["*"]},
        f"{KEY}: 'tls' is required; 'insecure: true' serves plain HTTP instead (got nothing)",
    ),
    (
        "protection of somebody else's namespace",
        PLAIN | {"namespaces": {"prod": {"protect": False}}},
        f"{KEY}.namespaces.prod.protect: needs 'create' (got false)",
    ),
    (
        "ASM in a cluster that nobody named",
        {"asm": {}, "hosts": ["*"], "insecure": True},
        f"{KEY}.asm: 'clusters' is required, as nobody here made the cluster (got nothing)",
    ),
    ("TLS and insecure", SERVED | {"insecure": True}, f"{KEY}: 'insecure' must not stand beside 'tls' (got true)"),
    ("a redirect to nothing", PLAIN | {"redirect": True}, f"{KEY}: 'redirect' needs 'tls' beside it (got true)"),
    ("no hosts", {"adopt": {}, "insecure": True}, f"{KEY}: 'hosts' is required (got nothing)"),
    ("empty hosts", PLAIN | {"hosts": []}, f"{KEY}: 'hosts' must hold at least 1 item (got [])"),
    (
        "a host that is none",
        PLAIN | {"hosts": ["a.b", "https://x"]},
        f"{KEY}: 'hosts[1]' {HOST_RULE} (got 'https://x')",
    ),
    ("a wildcard in the middle", PLAIN | {"hosts": ["a.*.b"]}, f"{KEY}: 'hosts[0]' {HOST_RULE} (got 'a.*.b')"),
    (
        "a host twice",
        PLAIN | {"hosts": ["a.b", "a.b"]},
        f"{KEY}: 'hosts' must not hold an item twice (got ['a.b', 'a.b'])",
    ),
    ("a misspelt key", PLAIN | {"host": ["*"]}, f"{KEY}.host: is not a setting; did you mean 'hosts'? (got ['*'])"),
    (
        "one port for both",
        SERVED | {"ports": {"https": 80}},
        f"{KEY}.ports.https: must not be the one of 'http' (got 80)",
    ),
    (
        "no certificate for every name",
        GATEWAYS["alibaba"] | {"hosts": ["*"]},
        f"{KEY}: 'hosts' must be names, as 'tls.certificate' needs them (got *)",
    ),
    (
        "no record for every name",
        PLAIN | {"dns": {"google": {"zone": "z"}}},
        f"{KEY}: 'hosts' must be names, as 'dns' needs them (got *)",
    ),
    (
        "a host outside of the domain",
        SERVED | {"dns": {"alibaba": {"domain": "example.org"}}},
        f"{KEY}: 'hosts' must be in 'example.org', the domain of 'dns.alibaba' (got '*.example.com')",
    ),
    (
        "another cloud's address",
        SERVED | {"address": {"alibaba": {}}},
        f"{KEY}.address: must be google or ip beside 'adopt' (got alibaba)",
    ),
    (
        "two addresses",
        SERVED | {"address": {"ip": "192.0.2.1", "google": {"region": "europe-west1"}}},
        f"{KEY}: 'address' must hold exactly one of google, alibaba, ip (got google, ip)",
    ),
    (
        "no address",
        SERVED | {"address": {"ip": "192.0.2.300"}},
        f"{KEY}.address: 'ip' must be an IP address (got '192.0.2.300')",
    ),
    (
        "protection of somebody else's",
        SERVED | {"address": {"ip": "192.0.2.1", "protect": False}},
        f"{KEY}.address.protect: must not stand beside 'ip', which is not made here (got false)",
    ),
    (
        "a mode of Istio's that is none",
        SERVED | {"mtls": {"mode": "strict"}},
        f"{KEY}.mtls: 'mode' must be one of PERMISSIVE, STRICT, DISABLE (got 'strict')",
    ),
    ("no mode at all", SERVED | {"mtls": {}}, f"{KEY}: 'mtls' must hold mode, namespaces or both (got neither)"),
    (
        "two modes for the mesh",
        SERVED | {"mtls": {"namespaces": {"istio-system": "STRICT"}}},
        f"{KEY}.mtls.namespaces: must not hold the mesh's own namespace, whose mode is 'mode' (got 'istio-system')",
    ),
    (
        "sidecars for istiod",
        SERVED | {"namespaces": {"istio-system": {}}},
        f"{KEY}.namespaces: must not hold the mesh's own namespace (got 'istio-system')",
    ),
    (
        "a gateway whose label nobody knows",
        {"install": {"gateway": "ingress"}, "hosts": ["*"], "insecure": True},
        f"{KEY}.install: 'gateway' must be a DNS label that begins with 'istio-', at most 53 (got 'ingress')",
    ),
    (
        "fewer than the fewest",
        {"install": {"replicas": {"min": 3, "max": 2}}, "hosts": ["*"], "insecure": True},
        f"{KEY}.install.replicas.max: must be 3 or more, the 'min' (got 2)",
    ),
    (
        "a selector of nothing",
        PLAIN | {"adopt": {"selector": {}}},
        f"{KEY}.adopt.selector: must hold a label, or every proxy of the mesh would be a gateway (got none)",
    ),
    (
        "ASM without its server",
        {"asm": {"clusters": ["c1"]}, "hosts": ["*"], "insecure": True},
        f"{KEY}: 'asm' needs 'mesh_kubeconfig' in its cluster, as the mesh has an API server of its own (got cluster without it)",
    ),
    (
        "ASM without a cluster",
        {"asm": {"clusters": []}, "hosts": ["*"], "insecure": True},
        f"{KEY}.asm: 'clusters' must hold at least 1 item (got [])",
    ),
    (
        "a cluster that is not there",
        PLAIN | {"cluster": "eu"},
        f"{KEY}: 'cluster' needs an entry in 'clusters' (got 'eu')",
    ),
    (
        "a certificate and a Secret",
        SERVED | {"tls": {"secret": "a", **GATEWAYS["alibaba"]["tls"]}},
        f"{KEY}: 'tls' must hold exactly one of secret, certificate (got secret, certificate)",
    ),
    (
        "TLS that is long gone",
        SERVED | {"tls": {"secret": "a", "min_version": "1.1"}},
        f"{KEY}.tls: 'min_version' must be one of 1.2, 1.3 (got '1.1')",
    ),
    (
        "a key in clear",
        dns01(access_key_id="LTAI", access_key_secret="hunter2"),  # noqa: S106  what must not be there
        f"{KEY}.tls.certificate.dns01.alibaba: 'access_key_secret' must be where the secret is, {{env: NAME}}, {{file: PATH}} or {{config: NAME}}, and never the secret itself (got a value not shown)",
    ),
    (
        "a key under another name",
        dns01(access_key="hunter2"),
        f"{KEY}.tls.certificate.dns01.alibaba.access_key: is not a setting; did you mean 'access_key_id'? (got a value not shown)",
    ),
    (
        "half a key pair",
        dns01(access_key_id={"env": "A"}),
        f"{KEY}.tls.certificate.dns01: 'alibaba' {ALIBABA_RULE} (got access_key_id)",
    ),
    (
        "a key pair and a Secret",
        dns01(**ALIBABA | {"secret": "a"}),
        f"{KEY}.tls.certificate.dns01: 'alibaba' {ALIBABA_RULE} (got secret, access_key_id, access_key_secret)",
    ),
]


@pytest.mark.parametrize(("gateway", "told"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_a_mistake_is_one_exact_line(gateway: dict[str, Any], told: str) -> None:
    """Key, rule, value; and no secret."""
    assert line(gateway) == told
    assert "hunter2" not in told


ACK = {"kind": "ack", "region": "cn-hangzhou", "zones": ["cn-hangzhou-i"], "name": "demo"}
MESH_ELSEWHERE = {"kind": "existing", "mesh_kubeconfig": "asm.yaml"}


@pytest.mark.parametrize(
    ("cluster", "line"),
    [
        (MESH_ELSEWHERE, f"{KEY}.asm: 'clusters' is required, as nobody here made the cluster (got nothing)"),
        (ACK, f"{KEY}: 'asm' needs 'mesh' in its cluster (got kind 'ack' without it)"),
    ],
    ids=["whose id nobody says", "without a mesh"],
)
def test_asm_knows_the_cluster_that_the_stack_makes_and_no_other(cluster: dict[str, Any], line: str) -> None:
    """The id of a cluster is not known before it is made, so the stack that makes it need not say it."""
    gateway = {"asm": {}, "hosts": ["*"], "insecure": True}
    with pytest.raises(SettingsError) as caught:
        load({"cluster": cluster, "gateway": gateway})
    assert str(caught.value) == line
    assert load({"cluster": ACK | {"mesh": {}}, "gateway": gateway}).gateway


def test_a_release_s_host_that_the_gateway_does_not_serve_is_refused() -> None:
    """Istio would answer it with a 404 and say nothing."""
    release = {"namespace": "test", "port": 80, "stable": {"image": "a:1"}, "gateways": ["istio-system/public"]}
    rule = "'hosts' must be served by the Gateway, which has *.example.com"
    told = line(SERVED, releases={"shop": release | {"hosts": ["shop.example.org"]}})
    assert told == f"weighbridge:releases.shop: {rule} (got 'shop.example.org')"
    assert read(SERVED, releases={"shop": release | {"hosts": ["shop.example.com"]}})
    elsewhere = release | {"hosts": ["shop.example.org"], "gateways": ["istio-system/other"]}
    assert read(SERVED, releases={"shop": elsewhere})


LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=5)
NAMES = st.lists(LABEL, min_size=2, max_size=4).map(".".join)


@given(NAMES, LABEL)
def test_a_gateway_serves_its_own_hosts_and_what_its_wildcards_stand_for(name: str, more: str) -> None:
    """As Istio and browsers have it: `*.a.b` stands for `x.a.b`, and not for `a.b`."""
    gateway = read(SERVED | {"hosts": [f"*.{name}"]})
    assert gateway.serves(f"{more}.{name}")
    assert gateway.serves(f"*.{name}")
    assert not gateway.serves(name)
    assert not gateway.serves(f"{more}.{name}x")
    assert read(SERVED | {"hosts": [name]}).serves(name)
    assert not read(SERVED | {"hosts": [name]}).serves(f"{more}.{name}")


def test_what_is_said_of_an_installed_gateway_leads_to_its_pods() -> None:
    """Namespace, selector and Service follow from what it is called."""
    one = read({"install": {"namespace": "mesh", "gateway": "istio-edge"}, "hosts": ["*"], "insecure": True})
    assert (one.namespace, one.root_namespace, one.service) == ("mesh", "mesh", "istio-edge")
    assert dict(one.selector) == {"istio": "edge"}


SCHEMA = jsonschema.Draft202012Validator(stack_schema())


def is_valid(gateway: Mapping[str, Any]) -> bool:
    """Whether an editor underlines nothing."""
    config = {"weighbridge:cluster": {"kind": "existing"}, "weighbridge:gateway": copy.deepcopy(dict(gateway))}
    return bool(SCHEMA.is_valid({"config": config}))


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_the_schema_takes_what_load_takes(name: str) -> None:
    """An editor does not underline a section that is right."""
    assert is_valid(GATEWAYS[name])


@pytest.mark.parametrize(
    "name",
    [
        "no hosts",
        "empty hosts",
        "a host that is none",
        "a misspelt key",
        "a mode of Istio's that is none",
        "a key in clear",
    ],
)
def test_the_schema_refuses_what_load_refuses(name: str) -> None:
    """An editor underlines the mistakes that a schema can tell."""
    (gateway,) = [each[1] for each in BAD if each[0] == name]
    assert not is_valid(gateway)


def test_a_key_pair_is_read_from_where_the_settings_say() -> None:
    """By the names that the Secret has; a reference that leads nowhere is one line, with the setting's key."""
    gateway = read(GATEWAYS["alibaba"])
    found = key_pair(gateway, References({"ID": "LTAI", "SECRET": "hunter2"}, lambda _: None))
    assert found == {"access-token": "LTAI", "secret-key": "hunter2"}
    with pytest.raises(WeighbridgeError) as missing:
        key_pair(gateway, References({"ID": "LTAI"}, lambda _: None))
    where = f"{KEY}.tls.certificate.dns01.alibaba.access_key_secret"
    assert str(missing.value) == f"{where}: the environment variable SECRET is not set"
    assert key_pair(read(SERVED), References({}, lambda _: None)) == {}


GKE = {"kind": "gke", "project": "demo-project", "location": "europe-west1-b", "name": "demo"}
ACK = {"kind": "ack", "region": "cn-hangzhou", "zones": ["cn-hangzhou-i"], "name": "demo"}


@pytest.mark.parametrize(
    ("cluster", "address", "said"),
    [
        (
            GKE,
            {"google": {"region": "us-east1"}},
            "weighbridge:gateway.address.google: 'region' must be europe-west1, the cluster's (got 'us-east1')",
        ),
        (
            GKE,
            {"alibaba": {}},
            "weighbridge:gateway.address: 'alibaba' needs a cluster of Alibaba Cloud (got kind 'gke')",
        ),
        (
            ACK,
            {"google": {"region": "europe-west1"}},
            "weighbridge:gateway.address: 'google' needs a cluster of Google Cloud (got kind 'ack')",
        ),
    ],
)
def test_an_address_that_the_cluster_could_not_use_is_refused(
    cluster: dict[str, Any], address: dict[str, Any], said: str
) -> None:
    """The load balancer would wait for it for ever, and the address be paid for."""
    assert (
        line({"install": {}, "hosts": ["a.example.com"], "insecure": True, "address": address}, cluster=cluster) == said
    )
