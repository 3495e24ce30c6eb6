"""Observability: what it registers, by meaning: order, providers, charts, and that no secret is among it."""

from __future__ import annotations

import json
from typing import Any

import pulumi

from components.cluster.existing import ExistingCluster, ExistingClusterArgs
from components.observability import Observability, ObservabilityArgs
from tests.components.recording import SECRET, Stack, declare
from tests.unit.settings_cases import good
from tests.unit.test_observability import FULL, GRAFANA, KIALI
from weighbridge import dashboards
from weighbridge.charts import CHARTS
from weighbridge.settings import load

BOTH: dict[str, Any] = {"grafana": {"entrance": GRAFANA}, "kiali": {"entrance": KIALI}}


def declared(section: dict[str, Any]) -> Stack:
    """What is registered for a section, on a cluster whose mesh has an API server of its own."""

    def program() -> None:
        settings = load(good() | {"observability": section})
        assert settings.observability
        cluster = ExistingCluster("cluster", ExistingClusterArgs("kube.yaml", "dev", "mesh.yaml", "mesh"))
        source = settings.observability.source(settings.prometheus)
        args = ObservabilityArgs(settings.observability, source, cluster.mesh_provider)
        Observability("observability", args, pulumi.ResourceOptions(provider=cluster.provider))

    stack = declare(program, {})
    assert stack.error is None
    return stack


def test_each_thing_waits_for_what_it_needs() -> None:
    """Namespace, dashboard, Grafana, its entrance; Kiali waits for nothing of Grafana's."""
    stack = declared(BOTH)
    assert "observability-namespace" in stack["observability-dashboards"].depends_on
    assert {"observability-namespace", "observability-dashboards"} <= stack["observability-grafana"].depends_on
    assert "observability-grafana" in stack["observability-grafana-routes"].depends_on
    assert "observability-kiali" in stack["observability-kiali-routes"].depends_on
    assert not any("grafana" in name for name in stack.waits_for("observability-kiali-routes"))


def test_the_entrances_are_the_meshs_and_the_rest_the_clusters() -> None:
    """Where the mesh has an API server of its own, only the VirtualServices go there."""
    stack = declared(BOTH)
    providers = {each.name: each.provider for each in stack.all if each.parent == "observability"}
    mesh = {name for name, provider in providers.items() if provider == "cluster-mesh-provider"}
    assert mesh == {"observability-grafana-routes", "observability-kiali-routes"}
    assert {provider for name, provider in providers.items() if name not in mesh} == {"cluster-provider"}


def test_the_charts_are_pinned() -> None:
    """Each in the one version that the table has, in the namespace of the settings."""
    stack = declared(FULL)
    for part, chart in (("grafana", "grafana"), ("kiali", "kiali")):
        inputs = stack[f"observability-{part}"].inputs
        assert (inputs["chart"], inputs["version"]) == (CHARTS[chart].name, CHARTS[chart].version)
        assert inputs["repositoryOpts"] == {"repo": CHARTS[chart].repository}
        assert (inputs["name"], inputs["namespace"]) == (part, "monitoring")


def test_the_dashboard_that_ships_is_the_one_that_is_mounted() -> None:
    """The ConfigMap has the committed JSON, and the chart's values name that ConfigMap."""
    stack = declared(FULL)
    board = stack["observability-dashboards"].inputs
    assert board["data"] == {"canary.json": dashboards.canary()}
    mounted = stack["observability-grafana"].inputs["values"]["dashboardsConfigMaps"]
    assert list(mounted.values()) == [board["metadata"]["name"]]


def test_what_is_not_wanted_is_not_made() -> None:
    """No Kiali, no entrance and no namespace, unless the settings ask for them."""
    stack = declared({"grafana": {}, "create_namespace": False})
    assert {each.name for each in stack.all if each.parent == "observability"} == {
        "observability-dashboards",
        "observability-grafana",
    }


def test_there_is_no_secret_in_what_is_registered() -> None:
    """Neither in clear nor as a secret: passwords and tokens are in the cluster, and named here at most."""
    for section in (BOTH, FULL, FULL | {"prometheus": {"url": "http://p", "bearer_secret": "way-in"}}):
        text = json.dumps([each.inputs for each in declared(section).all if each.parent == "observability"])
        assert SECRET not in text
        assert "adminPassword" not in text
        assert "change-me" not in text
