"""The dashboard and the metrics of the releases, as documents: current, whole, and told apart from other releases'."""

from __future__ import annotations

import json
import re

import promql_parser
import pytest

from docs import dashboard
from docs.grafana import queries
from docs.panels import PHASES, ROWS
from tests.unit.settings_cases import good
from weighbridge import dashboards, routes
from weighbridge.plan import Phase
from weighbridge.settings import load
from weighbridge.sight import state_metrics, tracks
from weighbridge.telemetry import charts

BOARD = json.loads(dashboards.canary())


def test_the_dashboard_is_that_of_its_generator() -> None:
    """`python -m docs.dashboard` writes the JSON and the page; whoever changes a panel runs that."""
    assert dashboards.canary() == dashboard.text()
    assert dashboard.PAGE.read_text(encoding="utf-8") == dashboard.page()


def test_each_panel_says_what_it_shows() -> None:
    """Title, description, unit and a legend for each query; no two panels on one place."""
    places = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        places |= {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]
    assert len(places) == sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in BOARD["panels"])
    assert max(x for x, _ in places) == 23


@pytest.mark.parametrize("asked", list(queries(BOARD)), ids=lambda asked: asked.where)
def test_each_query_is_promql(asked: object) -> None:
    """A PromQL parser reads it once Grafana's variables are filled in, and there are no others."""
    text = getattr(asked, "promql")  # noqa: B009
    filled = (
        text.replace("$__rate_interval", "1m")
        .replace("$namespace", "n")
        .replace("$release", "r")
        .replace("$reporter", "destination")
    )
    # `$1` is label_replace's own.
    assert "$" not in filled.replace('"$1"', "")
    promql_parser.parse(filled)


def test_a_release_takes_no_other_ones_workloads() -> None:
    """A release whose name another begins with: only a revision's ten digits may follow."""
    workloads = re.compile(tracks.WORKLOADS.replace("$release", "podinfo"))
    assert workloads.fullmatch("podinfo-02277bc65f")
    for other in ("podinfo-api-02277bc65f", "podinfo", "podinfo-02277bc65f-1", "xpodinfo-02277bc65f"):
        assert not workloads.fullmatch(other)


def test_every_phase_has_its_place() -> None:
    """The StateSet has every phase of the plan, and so has the picture of the past."""
    (phase,) = [
        each
        for each in state_metrics.custom_resource_state()["spec"]["resources"][0]["metrics"]
        if each["name"] == "phase"
    ]
    assert phase["each"]["stateSet"]["list"] == [str(each) for each in Phase] == [str(each) for each in PHASES]


def test_what_the_metrics_are_made_of_is_in_the_routes() -> None:
    """Every path of the document ends in an annotation that a release's VirtualService has."""
    (resource,) = state_metrics.custom_resource_state()["spec"]["resources"]
    assert resource["groupVersionKind"] == {"group": "networking.istio.io", "version": "v1", "kind": "VirtualService"}
    asked = set(re.findall(r"weighbridge\.dev/[a-z-]+", json.dumps(resource)))
    assert asked == {
        routes.WEIGHT,
        routes.WANTED,
        routes.PHASE,
        routes.CHANGED,
        routes.STABLE_REVISION,
        routes.CANARY_REVISION,
    }


def test_kube_state_metrics_may_see_the_routes_and_no_more() -> None:
    """The one right beyond the chart's own is to list and watch VirtualServices."""
    values = state_metrics.state_metrics_values()
    assert values["customResourceState"]["enabled"] is True
    assert values["rbac"]["extraRules"] == [
        {"apiGroups": ["networking.istio.io"], "resources": ["virtualservices"], "verbs": ["list", "watch"]}
    ]


def test_a_prometheus_that_the_stack_installs_gets_the_releases_with_it() -> None:
    """Its chart's own kube-state-metrics is given the document, where it is wanted, and nothing where it is not."""
    for wanted in (True, False):
        settings = load(good() | {"prometheus": {"install": {"kube_state_metrics": wanted}}})
        assert settings.prometheus
        assert settings.prometheus.install
        given = charts.prometheus(settings.prometheus, settings.prometheus.install, [])["kube-state-metrics"]
        for key, value in state_metrics.state_metrics_values().items():
            assert (given.get(key) == value) is wanted, key
        assert given["enabled"] is wanted


def test_alerts_and_dashboard_have_what_they_ask_unless_it_is_turned_off() -> None:
    """An installed Prometheus brings the metrics of the releases along without a word."""
    settings = load(good() | {"prometheus": {"install": {}}})
    assert settings.prometheus
    assert settings.prometheus.install
    given = charts.prometheus(settings.prometheus, settings.prometheus.install, [])["kube-state-metrics"]
    assert given["enabled"] is True
    assert given.items() >= state_metrics.state_metrics_values().items()


def test_what_comes_along_unasked_reads_no_secret() -> None:
    """The chart's own list of kinds gives the right to read every Secret of the cluster."""
    settings = load(good() | {"prometheus": {"install": {}}})
    assert settings.prometheus
    assert settings.prometheus.install
    given = charts.prometheus(settings.prometheus, settings.prometheus.install, [])["kube-state-metrics"]
    assert {"pods", "deployments"} <= set(given["collectors"])
    assert not {"secrets", "configmaps"} & set(given["collectors"])


def test_a_mesh_with_an_api_server_of_its_own_gets_a_kube_state_metrics_of_its_own() -> None:
    """It goes by the kubeconfig in the Secret that was named, sees releases only, and has no rights in the cluster."""
    values = state_metrics.state_metrics_values("asm")
    (mount,), (volume,) = values["volumeMounts"], values["volumes"]
    assert (volume["secret"]["secretName"], volume["name"]) == ("asm", mount["name"])
    assert f"--kubeconfig={mount['mountPath']}/kubeconfig" in values["extraArgs"]
    assert "--custom-resource-state-only=true" in values["extraArgs"]
    assert values["rbac"] == {"create": False}
    assert values["customResourceState"]["config"] == state_metrics.custom_resource_state()


def test_recorded_series_are_asked_by_their_own_names() -> None:
    """With the switch each question goes to the recorded counter, and nothing else of it changes."""
    for ask in (
        lambda names: tracks.success("canary", names),
        lambda names: tracks.requests("stable", ("response_code",), names),
        lambda names: tracks.duration("canary", 0.99, names),
        tracks.share,
        tracks.by_revision,
    ):
        raw, recorded = ask(tracks.RAW), ask(tracks.RECORDED)
        assert recorded == raw.replace("istio_request", "weighbridge:istio_request") != raw
        promql_parser.parse(recorded.replace("$__rate_interval", "1m"))


def test_the_rows_cover_what_flaggers_dashboard_has() -> None:
    """Success rate, request rate, duration by quantile, CPU and memory, and requests by code: of both tracks."""
    titles = {panel.title for panels in ROWS.values() for panel in panels}
    assert {
        "Success rate",
        "Request rate",
        "Request duration, P50",
        "Request duration, P90",
        "Request duration, P99",
    } <= titles
    assert {"CPU", "Memory", "Answers by code", "Failures by code", "Pods ready"} <= titles
