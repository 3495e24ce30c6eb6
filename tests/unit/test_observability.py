"""The section `observability`: what is taken, and each mistake with its line; and what Grafana and Kiali are given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.settings_cases import good
from weighbridge import dashboards
from weighbridge.errors import SettingsError
from weighbridge.settings import Observability, load
from weighbridge.sight import entrance, grafana, kiali

GRAFANA = {"host": "grafana.example.com", "gateway": "istio-system/public"}
KIALI = {"host": "kiali.example.com", "gateway": "istio-system/public"}
FULL: dict[str, Any] = {
    "namespace": "monitoring",
    "create_namespace": False,
    "mesh_namespace": "istio",
    "prometheus": {"url": "http://prometheus-server.monitoring", "basic_secret": "way-in", "tenant": "blue"},
    "grafana": {"entrance": GRAFANA, "admin_secret": "admin", "storage": {"size": "2Gi", "class_name": "ssd"}},
    "kiali": {"entrance": KIALI | {"port": 8443}, "auth": "token", "view_only": False},
}


def stack(section: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A good stack with the section."""
    return good() | {"observability": section} | more


def read(**section: Any) -> Observability:
    """The section as it is read."""
    found = load(stack(section)).observability
    assert found
    return found


@pytest.mark.parametrize(
    "section", [FULL, {"grafana": {}}, {"kiali": {}}, {"grafana": {}, "kiali": {"auth": "anonymous"}}]
)
def test_good_sections_are_taken(section: dict[str, Any]) -> None:
    """The smallest and the largest."""
    assert load(stack(section)).observability


KEY = "weighbridge:observability"
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, f"{KEY}: must hold grafana, kiali or both (got neither)"),
    ({"grafna": {}}, f"{KEY}.grafna: is not a setting; did you mean 'grafana'? (got a mapping)"),
    ({"grafana": {"password": "hunter2"}}, f"{KEY}.grafana.password: is not a setting (got a value not shown)"),
    ({"grafana": {"admin_secret": "P@ss word"}}, f"{KEY}.grafana: 'admin_secret' must be the name of a Secret in 'observability.namespace' (got a value not shown)"),
    ({"grafana": {"entrance": {"host": "g.example.com"}}}, f"{KEY}.grafana.entrance: 'gateway' is required (got nothing)"),
    ({"grafana": {"entrance": GRAFANA | {"host": "*.example.com"}}}, f"{KEY}.grafana.entrance: 'host' must be a host such as grafana.example.com (got '*.example.com')"),
    ({"grafana": {"entrance": GRAFANA | {"gateway": "public"}}}, f"{KEY}.grafana.entrance: 'gateway' must be 'namespace/name' of a Gateway (got 'public')"),
    ({"grafana": {"entrance": GRAFANA | {"port": 0}}}, f"{KEY}.grafana.entrance: 'port' must be a whole number from 1 to 65535 (got 0)"),
    ({"grafana": {"entrance": GRAFANA | {"port": 80, "insecure": True}}}, f"{KEY}.grafana.entrance.port: must not stand beside 'insecure', which answers on every port (got 80)"),
    ({"grafana": {"storage": {"size": "big"}}}, f"{KEY}.grafana.storage: 'size' must be a quantity such as 100m, 0.5, 2 or 64Mi (got 'big')"),
    ({"grafana": {"entrance": GRAFANA}, "kiali": {"entrance": GRAFANA}}, f"{KEY}.kiali.entrance.host: must not be the one of 'grafana' (got 'grafana.example.com')"),
    ({"kiali": {"auth": "openshift"}}, f"{KEY}.kiali: 'auth' must be one of token, anonymous (got 'openshift')"),
    ({"kiali": {"auth": "anonymous", "entrance": KIALI}}, f"{KEY}.kiali.auth: must be token beside 'entrance' (got 'anonymous')"),
    ({"kiali": {"auth": "anonymous", "view_only": False}}, f"{KEY}.kiali.view_only: must be true beside 'auth: anonymous' (got false)"),
    ({"kiali": {}, "prometheus": {"url": "prometheus:9090"}}, f"{KEY}.prometheus: 'url' must be an http or https address such as http://prometheus.istio-system:9090 (got 'prometheus:9090')"),
    ({"kiali": {}, "prometheus": {"url": "http://u:p@prometheus"}}, f"{KEY}.prometheus: 'url' must not hold a user or a password, as it is kept in the state in clear (got 'http://***@prometheus')"),
    ({"kiali": {}, "prometheus": {"url": "http://p", "basic_secret": "a", "bearer_secret": "b"}}, f"{KEY}.prometheus.bearer_secret: must not stand beside 'basic_secret' (got 'b')"),
    ({"kiali": {}, "cluster": "eu"}, f"{KEY}.cluster: must be the name of an entry in 'clusters' (got 'eu')"),
    ({"kiali": {}, "namespace": "A"}, f"{KEY}: 'namespace' must be a DNS label: lower-case letters, digits and '-', at most 63 (got 'A')"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "line"), MISTAKES, ids=[str(number) for number in range(len(MISTAKES))])
def test_each_mistake_is_one_line(section: dict[str, Any], line: str) -> None:
    """Key, rule and value; what may be a password is not shown."""
    with pytest.raises(SettingsError) as caught:
        load(stack(section))
    assert str(caught.value) == line


def test_whom_they_ask() -> None:
    """The gate's Prometheus, tenant and all, unless its way in is the run's own; then one has to be named."""
    seen: dict[str, Any] = {"kiali": {}}
    plain = load(stack(seen, prometheus={"url": "http://p:9090/x/", "tenant": "blue"}))
    assert plain.observability
    asked = plain.observability.source(plain.prometheus)
    assert (asked.url, asked.tenant, asked.tenant_header) == ("http://p:9090/x", "blue", "X-Scope-OrgID")
    needed = f"{KEY}.prometheus: is required, as 'prometheus' is reached by what only the gate has (auth, headers, tls, proxy or gmp) (got nothing)"
    basic = {"basic": {"username": "me", "password": {"env": "P"}}}
    for way_in in ({"auth": basic}, {"headers": {"X-A": "b"}}, {"tls": {"ca": "ca.pem"}}, {"proxy": "http://p:3128"}):
        given = {"url": "https://p", **way_in}
        with pytest.raises(SettingsError) as caught:
            load(stack(seen, prometheus=given))
        assert str(caught.value) == needed
        assert load(stack(seen | {"prometheus": {"url": "http://q"}}, prometheus=given))
    with pytest.raises(SettingsError) as caught:
        load(stack(seen, prometheus={"gmp": {"project": "my-project"}}))
    assert str(caught.value) == needed
    for here in ("http://127.0.0.1:9090", "http://localhost", "http://[::1]:9090"):
        with pytest.raises(SettingsError) as caught:
            load(stack(seen, prometheus={"url": here}))
        rule = "is required, as the 'url' of 'prometheus' leads pods to themselves, and not to the run's machine"
        assert str(caught.value) == f"{KEY}.prometheus: {rule} (got nothing)"
        assert load(stack(seen, prometheus={"url": here, "install": {}}))
    made = load(stack(seen, prometheus={"install": {"namespace": "monitoring"}}))
    assert made.observability
    assert made.observability.source(made.prometheus).url == "http://prometheus-server.monitoring.svc.cluster.local:80"
    nobody = stack(seen, prometheus=None)
    nobody["releases"]["podinfo"]["weight"] = 0
    with pytest.raises(SettingsError) as caught:
        load(nobody)
    assert str(caught.value) == f"{KEY}.prometheus: is required while there is no 'prometheus' (got nothing)"


def test_a_release_keeps_its_host() -> None:
    """Grafana takes no host that a release has on the same Gateway."""
    raw = stack({"grafana": {"entrance": GRAFANA}})
    raw["releases"]["podinfo"] |= {"hosts": ["grafana.example.com"], "gateways": ["istio-system/public"]}
    with pytest.raises(SettingsError) as caught:
        load(raw)
    line = "must not be a host of 'podinfo' (got 'grafana.example.com')"
    assert str(caught.value) == f"{KEY}.grafana.entrance.host: {line}"


GATEWAY = {"install": {}, "hosts": ["*.example.com"], "tls": {"secret": "wildcard"}}
OWN: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"host": "grafana.example.org"}, {}, ".host: must be one that 'gateway' serves (got 'grafana.example.org')"),
    ({}, {"tls": None, "insecure": True}, ".insecure: must be true, as 'gateway' has no 'tls' (got false)"),
    ({}, {"ports": {"https": 8443}}, ".port: must be 8443, the 'ports.https' of 'gateway' (got 443)"),
]


@pytest.mark.parametrize(("more", "gateway", "line"), OWN, ids=["host", "TLS", "port"])
def test_the_stacks_own_gateway_has_to_let_them_in(more: dict[str, Any], gateway: dict[str, Any], line: str) -> None:
    """What would only show as a page that is not there is a line of the settings; another Gateway is nobody's business."""
    own = {key: value for key, value in {**GATEWAY, **gateway}.items() if value is not None}
    with pytest.raises(SettingsError) as caught:
        load(stack({"grafana": {"entrance": GRAFANA | more}}, gateway=own))
    assert str(caught.value) == f"{KEY}.grafana.entrance{line}"
    assert load(stack({"grafana": {"entrance": GRAFANA | more | {"gateway": "other/public"}}}, gateway=own))
    assert load(stack({"grafana": {"entrance": GRAFANA}}, gateway=GATEWAY))


def test_their_cluster_is_in_use() -> None:
    """Where no release goes to the cluster of what people look at, the program still has it."""
    raw = stack({"kiali": {}, "cluster": "eu"}, clusters={"eu": {"kind": "existing", "context": "eu"}})
    assert set(load(raw).used_clusters()) == {None, "eu"}


def test_grafana_is_given_no_password() -> None:
    """Without a Secret the chart makes one by chance; with one it is named. `change-me` and its like are nowhere."""
    by_chance = read(grafana={})
    assert by_chance.grafana
    given = grafana.values(by_chance.grafana, by_chance.source(load(good()).prometheus))
    assert not {"adminPassword", "admin", "envValueFrom"} & given.keys()
    named = read(**FULL)
    assert named.grafana
    given = grafana.values(named.grafana, named.source(None))
    assert given["admin"] == {"existingSecret": "admin"}
    (source,) = given["datasources"]["datasources.yaml"]["datasources"]
    # The value is the pod's environment, and what is there comes from the Secret.
    variable = source["secureJsonData"]["basicAuthPassword"].strip("${}")
    assert given["envValueFrom"][variable] == {"secretKeyRef": {"name": "way-in", "key": "password"}}
    assert "change" not in json.dumps(given)


def test_a_tenant_is_no_variable_of_grafanas() -> None:
    """Grafana reads `$blue` in what it provisions as a variable of its environment; `$$` stands for the sign itself."""
    section = read(prometheus={"url": "http://p", "tenant": "$blue"}, grafana={})
    assert section.grafana
    given = grafana.values(section.grafana, section.source(None))
    (source,) = given["datasources"]["datasources.yaml"]["datasources"]
    assert source["secureJsonData"]["httpHeaderValue1"] == "$$blue"


def test_grafana_shows_our_dashboard_with_the_stacks_prometheus() -> None:
    """The data source is the default one, so that the dashboard's variable finds it; the folder is the mounted one."""
    section = read(**FULL)
    assert section.grafana
    given = grafana.values(section.grafana, section.source(None))
    (source,) = given["datasources"]["datasources.yaml"]["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", FULL["prometheus"]["url"], True)
    assert (source["jsonData"]["httpHeaderName1"], source["secureJsonData"]["httpHeaderValue1"]) == (
        "X-Scope-OrgID",
        "blue",
    )
    ((folder, name),) = given["dashboardsConfigMaps"].items()
    (provider,) = given["dashboardProviders"]["dashboardproviders.yaml"]["providers"]
    assert provider["options"]["path"] == f"/var/lib/grafana/dashboards/{folder}"
    board = grafana.dashboard_map("monitoring")
    assert (board["metadata"]["name"], board["metadata"]["namespace"]) == (name, "monitoring")
    assert board["data"] == {"canary.json": dashboards.canary()}
    assert given["persistence"] == {"enabled": True, "size": "2Gi", "storageClassName": "ssd"}


def test_a_token_for_prometheus_comes_from_its_secret() -> None:
    """Grafana sends it as a header, Kiali as its own kind of credential, and neither values hold it."""
    section = read(prometheus={"url": "http://p", "bearer_secret": "way-in"}, grafana={}, kiali={})
    assert section.grafana
    assert section.kiali
    given = grafana.values(section.grafana, section.source(None))
    (source,) = given["datasources"]["datasources.yaml"]["datasources"]
    assert (source["jsonData"]["httpHeaderName1"], source["secureJsonData"]["httpHeaderValue1"]) == (
        "Authorization",
        "Bearer ${PROMETHEUS_TOKEN}",
    )
    assert given["envValueFrom"] == {"PROMETHEUS_TOKEN": {"secretKeyRef": {"name": "way-in", "key": "token"}}}
    asked = kiali.values(section.kiali, section, section.source(None))["external_services"]["prometheus"]
    assert asked == {"url": "http://p", "auth": {"type": "bearer", "token": "secret:way-in:token"}}


def test_kiali_only_looks() -> None:
    """By default it takes a token of the cluster and may change nothing: the weights have one owner."""
    section = read(kiali={})
    assert section.kiali
    given = kiali.values(section.kiali, section, section.source(load(good()).prometheus))
    assert (given["auth"]["strategy"], given["deployment"]["view_only_mode"]) == ("token", True)
    assert given["external_services"]["istio"]["root_namespace"] == "istio-system"


@pytest.mark.parametrize(
    ("more", "matches", "found"),
    [
        ({}, [{"port": 443}], "https://grafana.example.com"),
        ({"port": 8443}, [{"port": 8443}], "https://grafana.example.com:8443"),
        ({"insecure": True}, None, "http://grafana.example.com"),
    ],
)
def test_only_tls_lets_people_in(more: dict[str, Any], matches: Any, found: str) -> None:
    """The route is for the Gateway's TLS port alone, unless `insecure` says otherwise."""
    asked = read(grafana={"entrance": GRAFANA | more}).grafana
    assert asked
    assert asked.entrance
    (route,) = entrance.virtual_service("grafana", "monitoring", 80, asked.entrance)["spec"]["http"]
    assert (route.get("match"), entrance.address(asked.entrance)) == (matches, found)
    ini = grafana.values(asked, read(kiali={}).source(load(good()).prometheus))["grafana.ini"]
    assert (ini["server"]["root_url"], ini["security"]["cookie_secure"]) == (found, found.startswith("https"))
