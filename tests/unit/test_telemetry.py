"""What measures the mesh, as configuration: jobs, rules, chart values, and what the mesh is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.unit.settings_cases import changed
from weighbridge import promql, queries, workload
from weighbridge.charts import CHARTS
from weighbridge.checks import Checks
from weighbridge.errors import SettingsError
from weighbridge.goal import checked
from weighbridge.queries import RECORDED_REQUESTS
from weighbridge.settings import Prometheus, load
from weighbridge.settings.telemetry import JOBS, MIXER_JOBS
from weighbridge.telemetry import adapter, alibaba, charts, google, mesh
from weighbridge.telemetry.__main__ import text
from weighbridge.telemetry.alerts import alerts
from weighbridge.telemetry.jobs import jobs
from weighbridge.telemetry.labels import ASKED, OUTCOME, OWN, REST
from weighbridge.telemetry.recording import recording

SEED_A = {
    "istio-mesh",
    "envoy-stats",
    "istio-policy",
    "istio-telemetry",
    "pilot",
    "sidecar-injector",
    "prometheus",
    "kubernetes-apiservers",
    "kubernetes-nodes",
    "kubernetes-nodes-cadvisor",
    "kubernetes-service-endpoints",
    "kubernetes-service-endpoints-slow",
    "prometheus-pushgateway",
    "kubernetes-services",
    "kubernetes-pods",
    "kubernetes-pods-slow",
}
"""The job_names that the article lists (`get cm prometheus ... | grep job_name`), of a mesh of its day."""
SEED_A_LABELS = set(
    re.findall(
        r"(\w+)=",
        'response_code="200",reporter="destination",source_workload="podinfo",source_workload_namespace="test",'
        'source_principal="",source_app="podinfo",source_version="unknown",source_cluster="c",'
        'destination_workload="podinfo",destination_workload_namespace="test",destination_principal="",'
        'destination_app="podinfo",destination_version="unknown",destination_service="",destination_service_name="",'
        'destination_service_namespace="test",destination_cluster="c",request_protocol="http",response_flags="-",'
        'grpc_response_status="",connection_security_policy="mutual_tls",source_canonical_service="podinfo",'
        'destination_canonical_service="podinfo",source_canonical_revision="latest",'
        'destination_canonical_revision="latest"',
    )
)
"""Of the istio_requests_total that the article shows."""


def prometheus(**section: Any) -> Prometheus:
    """The section `prometheus` of a stack."""
    read = load(changed("prometheus", section)).prometheus
    assert read is not None
    return read


def by_name(version: str) -> dict[str, dict[str, Any]]:
    return {each["job_name"]: each for each in jobs(version)}


def test_an_old_mesh_has_every_job_of_the_article_and_gateways() -> None:
    """With Mixer all sixteen; the gateways are a job of their own."""
    assert set(by_name("1.7")) == SEED_A | {"gateways"}


@pytest.mark.parametrize("version", ["1.8", "1.18", "1.31"])
def test_a_mesh_without_mixer_looks_for_none(version: str) -> None:
    """From 1.8 on the jobs of Mixer and of the separate injector are gone, and no other."""
    assert set(by_name("1.7")) - set(by_name(version)) == set(MIXER_JOBS)
    assert set(by_name(version)) == set(JOBS)


def test_a_proxy_is_scraped_by_one_job() -> None:
    """Sidecars by one, gateways by the other; jobs that follow annotations drop what a proxy says of the mesh."""
    found = by_name("1.31")
    marked = [
        (rule["action"], name)
        for name in ("envoy-stats", "gateways")
        for rule in found[name]["relabel_configs"]
        if rule.get("source_labels") == ["__tmp_gateway"]
    ]
    assert marked == [("drop", "envoy-stats"), ("keep", "gateways")]
    for name, job in found.items():
        if "annotation_prometheus_io_scrape" not in str(job):
            continue
        (dropped,) = [rule for rule in job["metric_relabel_configs"] if rule["action"] == "drop"]
        for metric in ("istio_requests_total", "istio_request_duration_milliseconds_bucket", "envoy_server_uptime"):
            assert re.fullmatch(dropped["regex"], metric), (name, metric)
        for metric in ("istio_agent_pilot_xds", "istio_build", "http_requests_total", "myapp_istio_requests_total"):
            assert not re.fullmatch(dropped["regex"], metric), (name, metric)


def test_every_label_of_the_mesh_is_kept_or_summed_away() -> None:
    """What the article's series has is known, each label once; what the gate asks by is kept."""
    assert set(OWN) >= SEED_A_LABELS
    assert len(OWN) == len(set(OWN))
    assert {*ASKED, *OUTCOME}.isdisjoint(REST)


def test_recorded_series_keep_the_process() -> None:
    """Nothing is named that is kept, so whatever label tells processes apart stays; every rule parses."""
    for rule in recording(15.0)[0]["rules"]:
        promql.check(rule["expr"])
        summed = rule["expr"].partition("sum without (")[2].partition(")")[0].split(", ")
        assert set(summed) <= {*REST, *OUTCOME}
        assert "sum by" not in rule["expr"]
        assert f"{rule['record']} offset 15s" in rule["expr"]


def test_the_gate_asks_the_same_of_other_names() -> None:
    """The whole question is the raw one but for the metric; a gate's inputs say which."""
    for ask in (queries.counts, queries.buckets):
        raw, recorded = (
            str(ask(queries.Target("podinfo", "test", "destination", recorded=each), ["x", "y"], 60))
            for each in (False, True)
        )
        assert recorded != raw
        assert recorded.replace("weighbridge:istio_", "istio_") == raw
    release = load(changed("prometheus", {"install": {}, "recorded": True}))
    assert release.prometheus
    inputs = {**checked(release.releases["podinfo"]), "prometheus": release.prometheus.inputs()}
    assert Checks.read(inputs).target.recorded
    assert not Checks.read({**inputs, "prometheus": {"url": "http://a"}}).target.recorded
    assert not Checks.read(checked(release.releases["podinfo"])).target.recorded


def test_only_some_namespaces_can_be_recorded() -> None:
    """A large mesh pays for the namespaces that have releases."""
    for rule in recording(30.0, ["test", "prod"])[0]["rules"]:
        assert '{destination_workload_namespace=~"prod|test"}' in rule["expr"]
        promql.check(rule["expr"])


def test_every_alert_says_what_to_do() -> None:
    """Each has a severity, the stack's labels, what happened to what, and a command or a setting to act with."""
    (group,) = alerts(7200, 1800, {"team": "web"}, 15)
    assert len({rule["alert"] for rule in group["rules"]}) == len(group["rules"])
    for rule in group["rules"]:
        promql.check(rule["expr"])
        assert rule["labels"]["team"] == "web"
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert "{{ $labels." in rule["annotations"]["summary"] + rule["annotations"]["description"]
        assert "`" in rule["annotations"]["description"]


def test_rules_that_nobody_records_are_watched_by_no_alert() -> None:
    """The alert about unsound recorded series comes with them alone."""
    (without,), (with_them,) = alerts(7200, 1800), alerts(7200, 1800, recorded=15)
    assert {rule["alert"] for rule in with_them["rules"]} - {rule["alert"] for rule in without["rules"]} == {
        "WeighbridgeRecordedSeriesUnsound"
    }


def values(**install: Any) -> dict[str, Any]:
    given = prometheus(install=install, recorded=True, alerts={})
    assert given.install
    return charts.prometheus(given, given.install, [*recording(15.0), *alerts(7200, 1800)])


def test_the_chart_has_our_jobs_and_none_of_its_own() -> None:
    """Two jobs for one pod would double its requests: the chart's are off, by every name that it has."""
    made = values()
    assert {name for name, job in made["scrapeConfigs"].items() if job == {"enabled": False}} >= {
        "kubernetes-pods",
        "kubernetes-pods-slow",
        "kubernetes-service-endpoints",
        "kubernetes-api-servers",
    }
    given = [job["job_name"] for job in made["serverFiles"]["prometheus.yml"]["scrape_configs"]]
    assert given == list(JOBS)


def test_the_chart_has_rules_and_alerts() -> None:
    """Each in the file that the chart's configuration reads."""
    files = values()["serverFiles"]
    records = [rule["record"] for group in files["recording_rules.yml"]["groups"] for rule in group["rules"]]
    assert RECORDED_REQUESTS in records
    assert {"alert"} <= set(files["alerting_rules.yml"]["groups"][0]["rules"][0])


def test_the_chart_costs_no_more_than_is_asked() -> None:
    """Beside the server the metrics of the releases alone; a week on a volume; each of the others when it is named."""
    made = values()
    assert not any(made[name]["enabled"] for name in ("alertmanager", "prometheus-pushgateway"))
    assert values(kube_state_metrics=False)["kube-state-metrics"] == {"enabled": False}
    assert (made["server"]["retention"], made["server"]["persistentVolume"]) == (
        "604800s",
        {"enabled": True, "size": "20Gi"},
    )
    assert values(pushgateway=True)["prometheus-pushgateway"] == {"enabled": True}
    assert values(storage=None)["server"]["persistentVolume"] == {"enabled": False}


def test_a_remote_write_has_its_token_by_a_secret() -> None:
    """The token is in a file of a mounted Secret, and nowhere in the values."""
    server = values(remote_write={"url": "https://mimir.example/push", "secret": "mimir"})["server"]
    (write,), (mount,) = server["remoteWrite"], server["extraSecretMounts"]
    assert write["authorization"]["credentials_file"].startswith(f"{mount['mountPath']}/")
    assert mount["secretName"] == "mimir"


def test_the_gate_asks_where_the_chart_serves() -> None:
    """Without a `url` the address is that of the Service that the values name."""
    given = prometheus(install={"namespace": "watch"})
    assert given.address == "http://prometheus-server.watch.svc.cluster.local:80"
    assert values()["server"]["fullnameOverride"] == "prometheus-server"
    assert prometheus(url="https://p.example", install={}).address == "https://p.example"


def test_a_project_of_googles_is_all_that_the_gate_needs() -> None:
    """Address and credentials follow from it, as the gate's inputs have them."""
    told = prometheus(gmp={"project": "my-project"}).inputs()
    assert told == {
        "url": "https://monitoring.googleapis.com/v1/projects/my-project/location/global/prometheus",
        "timeout": 5.0,
        "retries": 3,
        "auth": {"google": {}},
    }
    key = {"google": {"credentials": {"env": "KEY"}}}
    assert prometheus(gmp={"project": "my-project"}, auth=key).inputs()["auth"] == key


def test_what_is_made_is_no_business_of_the_gates() -> None:
    """Another size of the volume, or another alert, is no change of the gate."""
    url = "http://prometheus.example"
    bare = prometheus(url=url).inputs()
    assert (
        prometheus(url=url, install={"retention": "30d"}, alerts={}, adapter={}, mesh={"telemetry": True}).inputs()
        == bare
    )
    assert prometheus(url=url, recorded=True).inputs() == bare | {"recorded": True}


def test_the_collectors_of_google_take_what_the_gate_asks() -> None:
    """Of the proxies nothing else, as each sample is billed; and the labels by which processes are told apart."""
    proxies, istiod = google.monitorings(30)
    endpoint = proxies["spec"]["endpoints"][0]
    (only,) = endpoint["metricRelabeling"]
    for metric in ("istio_requests_total", "istio_request_duration_milliseconds_bucket"):
        assert re.fullmatch(only["regex"], metric)
    assert not re.fullmatch(only["regex"], "envoy_server_uptime")
    assert (endpoint["port"], endpoint["path"], endpoint["interval"]) == ("http-envoy-prom", "/stats/prometheus", "30s")
    assert "pod" in proxies["spec"]["targetLabels"]["metadata"]
    assert istiod["spec"]["selector"] == {"matchLabels": {"app": "istiod"}}


def test_arms_is_told_the_mesh_and_not_the_cluster() -> None:
    """Its own collectors have nodes and cAdvisor; ours twice would be billed twice."""
    found = yaml.safe_load(alibaba.custom_jobs("1.31", 30))["scrape_configs"]
    assert [(job["job_name"], job["scrape_interval"]) for job in found] == [
        ("envoy-stats", "30s"),
        ("gateways", "30s"),
        ("pilot", "30s"),
    ]
    told = list(alibaba.alerts(alerts(7200, 1800)))
    assert {each.name for each in told} == {rule["alert"] for rule in alerts(7200, 1800)[0]["rules"]}
    assert {each.minutes for each in told} == {1, 2, 30}


def test_the_telemetry_object_takes_labels_off() -> None:
    """Prometheus for the whole mesh, and fewer labels on every metric where that is asked."""
    made = mesh.telemetry("istio-system", ["source_principal"])
    assert made["metadata"] == {"name": "mesh-default", "namespace": "istio-system"}
    (metrics,) = made["spec"]["metrics"]
    assert metrics["providers"] == [{"name": "prometheus"}]
    assert metrics["overrides"][0]["tagOverrides"] == {"source_principal": {"operation": "REMOVE"}}
    assert "overrides" not in mesh.telemetry("istio-system")["spec"]["metrics"][0]


def patches(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (each["metadata"]["name"], patch["match"]["context"], patch["applyTo"])
        for each in found
        for patch in each["spec"]["configPatches"]
    ]


def test_an_old_mesh_gets_exchange_and_stats_everywhere() -> None:
    """HTTP and TCP; inbound, outbound and gateway, as the issue has it."""
    found = mesh.filters("1.8", "istio-system")
    seen = {(name.removesuffix("-1.8"), context) for name, context, _ in patches(found)}
    kinds = ("metadata-exchange", "tcp-metadata-exchange", "stats-filter", "tcp-stats-filter")
    assert seen == {(kind, context) for kind in kinds for context in ("SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY")}
    for each in found:
        for patch in each["spec"]["configPatches"]:
            pattern = patch["match"]["proxy"]["proxyVersion"]
            assert re.match(pattern, "1.8.6")
            assert not re.match(pattern, "1.18.1")
            assert not re.match(pattern, "1.80.0")


def test_a_caller_and_a_callee_count_from_their_own_side() -> None:
    """The inbound filter names its own cluster as the destination, the outbound one as the source."""
    stats = next(each for each in mesh.filters("1.9", "istio-system") if each["metadata"]["name"] == "stats-filter-1.9")
    said: Mapping[str, Any] = {
        patch["match"]["context"]: yaml.safe_load(
            patch["patch"]["value"]["typed_config"]["value"]["config"]["configuration"]["value"]
        )
        for patch in stats["spec"]["configPatches"]
    }
    mine = "node.metadata['CLUSTER_ID']"
    assert said["SIDECAR_INBOUND"]["metrics"][0]["dimensions"]["destination_cluster"] == mine
    assert said["SIDECAR_OUTBOUND"]["metrics"][0]["dimensions"]["source_cluster"] == mine
    # The Host header of a stranger must not become a series.
    assert [name for name, each in said.items() if each.get("disable_host_header_fallback")] == ["GATEWAY"]


def test_the_adapter_gives_what_the_autoscaler_asks() -> None:
    """One name for both, of a pod, from the pod's own view."""
    (rule,) = adapter.rules(120)
    assert rule["name"]["as"] == workload.REQUESTS_PER_SECOND
    assert 'reporter="destination"' in rule["metricsQuery"]
    assert set(rule["resources"]["overrides"]) == {"namespace", "pod"}


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://prometheus-server.monitoring.svc.cluster.local:80", ("http://prometheus-server.monitoring.svc.cluster.local", 80, "")),
        ("https://p.example/tenant", ("https://p.example", 443, "/tenant")),
    ],
)  # fmt: skip
def test_the_adapter_asks_the_same_server(address: str, told: tuple[str, int, str]) -> None:
    """The chart takes an address in three parts."""
    given = prometheus(url="http://a", adapter={}).adapter
    assert given
    asked = charts.prometheus_adapter(given, address)["prometheus"]
    assert (asked["url"], asked["port"], asked["path"]) == told


def test_requests_scale_a_track_without_a_new_revision() -> None:
    """Who scales is no part of what runs: the revision stays, and CPU is asked only where it is wanted."""
    raw = changed("releases/podinfo/workload", {"autoscaling": {"min": 2, "max": 9, "cpu": None, "requests": 50}})
    scaled, plain = (load(each).releases["podinfo"] for each in (raw, changed("releases/podinfo/weight", 10)))
    assert workload.revision(scaled, scaled.stable) == workload.revision(plain, plain.stable)
    made = workload.autoscaler(scaled, scaled.stable)
    assert made
    (metric,) = made["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == workload.REQUESTS_PER_SECOND
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "50"}
    assert made["spec"]["scaleTargetRef"]["name"].endswith(workload.revision(scaled, scaled.stable))


def test_a_server_of_ones_own_gets_its_rules_as_text() -> None:
    """`python -m weighbridge.telemetry` writes YAML that a rule file, or a configuration, can hold."""
    rules = yaml.safe_load(text(["rules", "--interval", "30s"]))
    assert [group["name"] for group in rules["groups"]] == ["weighbridge-requests", "weighbridge-releases"]
    assert rules["groups"][0]["interval"] == "30s"
    assert len(yaml.safe_load(text(["jobs", "--mesh", "1.7"]))["scrape_configs"]) == len(JOBS) + len(MIXER_JOBS)


def test_an_alert_has_the_labels_that_its_routing_asks_for() -> None:
    """They are no pod's labels: `app` is anybody's to give, and a value may be the name of a channel."""
    given = prometheus(install={}, alerts={"labels": {"app": "shop", "channel": "team web"}}).alerts
    assert given is not None
    assert dict(given.labels) == {"app": "shop", "channel": "team web"}


@pytest.mark.parametrize("where", [{"gate": {"soak": "3h"}}, {"steps": [10, {"weight": 30, "soak": "3h"}, 100]}])
def test_a_long_soak_is_no_standstill(where: dict[str, Any]) -> None:
    """Else each release would be told of as stuck while it does what its plan says; a longer `stuck` is the way out."""
    raw = changed("prometheus", {"install": {}, "alerts": {}})
    raw["releases"]["podinfo"] |= where
    rule = "must be longer than 'podinfo' stays at a step, 3h30s with its soak (got 2h)"
    with pytest.raises(SettingsError, match=f"^{re.escape(f'{PROMETHEUS}.alerts.stuck: {rule}')}$"):
        load(raw)
    raw["prometheus"]["alerts"]["stuck"] = "4h"
    assert load(raw).prometheus


def test_every_chart_has_one_version() -> None:
    """A range would let two runs of one commit install two things."""
    for name in ("prometheus", "prometheus-adapter"):
        assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", CHARTS[name].version)


PROMETHEUS = "weighbridge:prometheus"
BAD: list[tuple[str, Any, str]] = [
    ("nothing to ask", {}, f"{PROMETHEUS}.url: is required (got nothing)"),
    ("two sources", {"install": {}, "gmp": {"project": "my-project"}}, f"{PROMETHEUS}: must hold at most one of install, gmp, arms (got install, gmp)"),
    ("an address beside Google's", {"url": "https://a.example", "gmp": {"project": "my-project"}}, f"{PROMETHEUS}.url: must not stand beside 'gmp', from which it follows (got 'https://a.example')"),
    ("another way in beside Google's", {"gmp": {"project": "my-project"}, "auth": {"bearer": {"token": {"env": "A"}}}}, f"{PROMETHEUS}.auth: must be google beside 'gmp' (got another)"),
    ("no project", {"gmp": {"project": "My Project"}}, f"{PROMETHEUS}.gmp: 'project' must be the id of a Google Cloud project: 6 to 30 lower-case letters, digits and '-' (got a value not shown)"),
    ("no location", {"gmp": {"project": "my-project", "location": "Europe"}}, f"{PROMETHEUS}.gmp: 'location' must be global, or a region or zone of Google's (got a value not shown)"),
    ("recorded by Google", {"gmp": {"project": "my-project"}, "recorded": True}, f"{PROMETHEUS}.recorded: must be false with 'gmp', which keeps what a rule gives as gauges (got true)"),
    ("an adapter beside Google's", {"gmp": {"project": "my-project"}, "adapter": {}}, f"{PROMETHEUS}.adapter: must not stand beside 'gmp', which has an adapter of Google's own (got gmp)"),
    ("jobs without the mesh's", {"install": {"jobs": ["pilot", "prometheus"]}}, f"{PROMETHEUS}.install.jobs: must hold envoy-stats, from which the gate's series come (got pilot, prometheus)"),
    ("alerts for nobody", {"url": "http://a", "alerts": {}}, f"{PROMETHEUS}.alerts: needs one of install, gmp, arms; `python -m weighbridge.telemetry` writes them for a server of your own (got none)"),
    ("alerts without a cluster of ARMS", {"url": "http://a", "arms": {}, "alerts": {}}, f"{PROMETHEUS}.alerts: needs 'arms.cluster_id' (got nothing)"),
    ("ARMS without an address", {"arms": {"cluster_id": "c0123456789abcdef"}}, f"{PROMETHEUS}.url: is required (got nothing)"),
    ("Telemetry before its time", {"install": {}, "mesh": {"version": "1.9", "telemetry": True}}, f"{PROMETHEUS}.mesh.telemetry: needs Istio 1.18 or newer (got '1.9')"),
    ("filters after their time", {"install": {}, "mesh": {"filters": True}}, f"{PROMETHEUS}.mesh.filters: is for Istio 1.8 and 1.9, whose charts ship them (got '1.31')"),
    ("a label off that the gate asks by", {"install": {}, "mesh": {"telemetry": True, "drop_tags": ["reporter"]}}, f"{PROMETHEUS}.mesh: 'drop_tags[0]' must be one of {', '.join(REST)} (got a value not shown)"),
    ("an adapter that asks itself", {"url": "http://localhost:9090", "adapter": {}}, f"{PROMETHEUS}.adapter: needs a 'url' that pods reach, and not the run's own machine (got 'http://localhost:9090')"),
    ("a rate over nothing", {"install": {}, "adapter": {"window": "1s"}}, f"{PROMETHEUS}.adapter: 'window' must be a duration from 10s to 1h (got a value not shown)"),
    ("an adapter without the gate's credentials", {"url": "https://a.example", "auth": {"bearer": {"token": {"env": "A"}}}, "adapter": {}}, f"{PROMETHEUS}.adapter: must not stand beside 'auth', which only the gate has (got auth)"),
    ("an adapter without a tenant", {"url": "https://a.example", "tenant": "web", "adapter": {}}, f"{PROMETHEUS}.adapter: must not stand beside 'tenant', which only the gate has (got tenant)"),
    ("a rate over one sample", {"install": {"scrape_interval": "60s"}, "adapter": {}}, f"{PROMETHEUS}.adapter.window: must be four times 'install.scrape_interval', 4m, or more (got 2m)"),
    ("a severity that is each alert's own", {"install": {}, "alerts": {"labels": {"severity": "page"}}}, f"{PROMETHEUS}.alerts: 'labels' must leave 'alertname' and 'severity' to Weighbridge (got 'severity')"),
    ("a label of Kubernetes'", {"install": {}, "alerts": {"labels": {"example.com/team": "web"}}}, f"{PROMETHEUS}.alerts.labels: each name must be the name of an alert's label: letters, digits and '_' (got 'example.com/team')"),
    ("labels off without Telemetry", {"install": {}, "mesh": {"drop_tags": ["source_app"]}}, f"{PROMETHEUS}.mesh.drop_tags: needs 'telemetry: true' beside it (got source_app)"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "line"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_mistake_is_one_exact_line(section: dict[str, Any], line: str) -> None:
    """Key, rule, value; and nothing was touched."""
    with pytest.raises(Exception, match=r"^weighbridge:") as error:
        load(changed("prometheus", section))
    assert str(error.value) == line
