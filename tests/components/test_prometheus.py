"""PrometheusAddon: what it registers, by whom, and what must not vanish."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes import Provider

from components.prometheus import PrometheusAddon, PrometheusAddonArgs
from tests.components.recording import Registered, Stack, declare
from tests.components.test_program import RELEASE, Servers, ran, servers
from tests.unit.settings_cases import changed
from weighbridge.charts import CHARTS
from weighbridge.settings import load

__all__ = ["servers"]

SERVER = {"url": "http://prometheus.example"}


def made(**section: Any) -> Stack:
    """What is registered for a section `prometheus`, on a cluster whose mesh has an API server of its own."""
    given = load(changed("prometheus", section)).prometheus
    assert given is not None

    def program() -> None:
        cluster, mesh = (Provider(name, context=name) for name in ("cluster", "mesh"))
        PrometheusAddon(
            "prometheus", PrometheusAddonArgs(given, mesh_provider=mesh), pulumi.ResourceOptions(provider=cluster)
        )

    stack = declare(program, {})
    assert stack.error is None, stack.error
    return stack


def kinds(stack: Stack) -> set[str]:
    """The kinds of objects that go to an API server."""
    return {
        str(each.inputs["kind"]) for each in stack.all if each.type.startswith("kubernetes:") and "kind" in each.inputs
    }


def charts(stack: Stack) -> dict[str, Registered]:
    return {str(each.inputs["chart"]): each for each in stack.of("Release")}


def test_an_installed_server_is_one_release_of_helms() -> None:
    """One pinned version from the chart's own repository, taken back when it does not come up, and protected."""
    (server,) = charts(made(install={}, recorded=True, alerts={})).values()
    chart = CHARTS["prometheus"]
    assert (server.inputs["chart"], server.inputs["version"]) == ("prometheus", chart.version)
    assert server.inputs["repositoryOpts"] == {"repo": chart.repository}
    assert server.inputs["atomic"] is True
    assert server.protected
    assert server.provider == "cluster"
    files = server.inputs["values"]["serverFiles"]
    assert {"envoy-stats", "gateways"} <= {job["job_name"] for job in files["prometheus.yml"]["scrape_configs"]}
    assert files["recording_rules.yml"]["groups"]
    assert files["alerting_rules.yml"]["groups"]


def test_what_is_not_asked_for_is_not_there() -> None:
    """No rules, no alerts, no adapter, nothing for the mesh; and a server that may go where that is said."""
    stack = made(install={"protect": False})
    (server,) = charts(stack).values()
    files = server.inputs["values"]["serverFiles"]
    assert (files["recording_rules.yml"], files["alerting_rules.yml"]) == ({}, {})
    assert not server.protected
    assert kinds(stack) == set()


def test_the_adapter_asks_the_gates_server() -> None:
    """Beside an installed server or one's own."""
    found = charts(made(adapter={}, url="https://p.example/x"))["prometheus-adapter"].inputs["values"]
    assert found["prometheus"] == {"url": "https://p.example", "port": 443, "path": "/x"}
    both = charts(made(adapter={}, install={}))
    assert set(both) == {"prometheus", "prometheus-adapter"}
    assert (
        both["prometheus-adapter"]
        .inputs["values"]["prometheus"]["url"]
        .startswith("http://prometheus-server.monitoring")
    )


def test_the_adapter_asks_from_inside_whatever_leads_the_run_there() -> None:
    """A port-forward is the run's own: pods ask the Service of the server that is installed."""
    both = charts(made(adapter={}, install={}, url="http://127.0.0.1:9090"))
    told = both["prometheus-adapter"].inputs["values"]["prometheus"]
    assert told["url"] == "http://prometheus-server.monitoring.svc.cluster.local"


def test_the_meshs_objects_go_to_the_meshs_api_server() -> None:
    """The rest goes to the cluster's."""
    stack = made(install={}, mesh={"telemetry": True})
    (telemetry,) = [each for each in stack.all if each.inputs.get("kind") == "Telemetry"]
    assert telemetry.provider == "mesh"
    assert {each.provider for each in stack.of("Release")} == {"cluster"}


def test_an_old_mesh_gets_its_filters() -> None:
    """Four of them, beside an existing server, and each under a name that does not change with the next one."""
    stack = made(**SERVER, mesh={"version": "1.9", "filters": True})
    found = [each for each in stack.all if each.inputs.get("kind") == "EnvoyFilter"]
    assert {each.provider for each in found} == {"mesh"}
    assert {each.name for each in found} == {
        f"prometheus-envoyfilter-{name}-1.9"
        for name in ("metadata-exchange", "tcp-metadata-exchange", "stats-filter", "tcp-stats-filter")
    }


def test_googles_collectors_are_told() -> None:
    """What to scrape and, where alerts are asked for, the rules; nothing where somebody else tells them."""
    assert kinds(made(gmp={"project": "my-project"}, alerts={})) == {"ClusterPodMonitoring", "ClusterRules"}
    assert kinds(made(gmp={"project": "my-project"})) == {"ClusterPodMonitoring"}
    assert kinds(made(gmp={"project": "my-project", "scrape": False})) == set()


def test_arms_gets_an_environment_for_the_cluster() -> None:
    """Bound to it and protected; jobs wait for the collector; each alert is a rule of its own."""
    stack = made(url="https://arms.example/api", arms={"cluster_id": "c0123456789abcdef"}, alerts={})
    (environment,) = stack.of("Environment")
    (jobs,) = stack.of("EnvCustomJob")
    assert environment.inputs["bindResourceId"] == "c0123456789abcdef"
    assert environment.protected
    assert "prometheus-collector" in stack.waits_for(jobs.name)
    assert "http-envoy-prom" in jobs.inputs["configYaml"] or "envoy-prom" in jobs.inputs["configYaml"]
    rules = stack.of("PrometheusAlertRule")
    assert {"WeighbridgeReleaseStuck", "WeighbridgeReleaseRolledBack"} <= {
        each.inputs["prometheusAlertRuleName"] for each in rules
    }
    assert {each.inputs["clusterId"] for each in rules} == {"c0123456789abcdef"}


@pytest.mark.parametrize("section", ["{'install': {}}", "{'gmp': {'project': 'my-project'}}"])
def test_no_cloud_is_imported_for_the_others(section: str) -> None:
    """Alibaba's package is imported where ARMS makes something, and nowhere else."""
    code = (
        "import sys, pulumi\n"
        "from tests.components.test_prometheus import made\n"
        f"made(**{section})\n"
        "print(sorted(each for each in sys.modules if each.startswith(('pulumi_gcp', 'pulumi_alicloud'))))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_whole_program_measures_and_asks(servers: Servers) -> None:
    """From the stack file: the collectors are told on the default cluster, and the gate asks where Google answers."""
    stack = ran(
        {
            "cluster": servers.cluster("home"),
            "prometheus": {"gmp": {"project": "my-project"}, "alerts": {}},
            "releases": {"podinfo": RELEASE},
        }
    )
    assert stack.error is None
    assert kinds(stack) >= {"ClusterPodMonitoring", "ClusterRules"}
    told = [each for each in stack.all if each.parent == "prometheus"]
    assert {each.provider for each in told} == {"cluster-provider"}
    (gate,) = stack.of("MetricGate")
    asked = gate.inputs["prometheus"]
    assert asked["url"].startswith("https://monitoring.googleapis.com/v1/projects/my-project/location/global/")
    assert asked["auth"] == {"google": {}}


def test_a_gate_that_is_only_asked_for_makes_nothing(servers: Servers) -> None:
    """With a `url` alone there is no component: stacks of before are as they were."""
    stack = ran({"cluster": servers.cluster("home"), "prometheus": SERVER, "releases": {"podinfo": RELEASE}})
    assert stack.error is None
    assert stack.of("PrometheusAddon") == []
