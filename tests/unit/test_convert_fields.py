"""The converter field by field: what each comes to, and what is said of those that have no equal."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from weighbridge.convert import Converted, convert
from weighbridge.convert.variables import Untranslatable, of_argo, of_flagger


def patched(value: Any, path: str, new: Any) -> Any:
    """A copy with one place changed; a path is dotted, and a number is a place in a list."""
    key, _, rest = path.partition(".")
    if isinstance(value, list):
        copy: Any = [*value, *([{}] if int(key) == len(value) else [])]
        copy[int(key)] = patched(copy[int(key)], rest, new) if rest else new
        return copy
    return {**(value or {}), key: patched((value or {}).get(key), rest, new) if rest else new}


def found_at(value: Any, path: str) -> Any:
    """What stands at a place, None where there is nothing."""
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else (value or {}).get(key)
    return value


CANARY = {
    "apiVersion": "flagger.app/v1beta1",
    "kind": "Canary",
    "metadata": {"name": "pod", "namespace": "test"},
    "spec": {
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "pod"},
        "service": {"port": 80},
        "analysis": {"interval": "1m", "threshold": 5, "stepWeight": 10, "maxWeight": 50},
    },
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "pod", "namespace": "test"},
    "spec": {
        "selector": {"matchLabels": {"app": "pod"}},
        "template": {
            "metadata": {"labels": {"app": "pod"}},
            "spec": {"containers": [{"name": "app", "image": "pod:1"}]},
        },
    },
}
ROLLOUT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "pod", "namespace": "test"},
    "spec": {
        "selector": {"matchLabels": {"app": "pod"}},
        "template": DEPLOYMENT["spec"]["template"],  # type: ignore[index]
        "strategy": {
            "canary": {
                "stableService": "pod",
                "trafficRouting": {"istio": {"virtualService": {"name": "pod"}}},
                "steps": [
                    {"setWeight": 10},
                    {"pause": {"duration": "1m"}},
                    {"setWeight": 50},
                    {"pause": {"duration": "1m"}},
                ],
            }
        },
    },
}
TEMPLATE = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AnalysisTemplate",
    "metadata": {"name": "t", "namespace": "test"},
    "spec": {
        "metrics": [
            {
                "name": "m",
                "interval": "1m",
                "successCondition": "result[0] > 1",
                "provider": {"prometheus": {"address": "http://p:9090", "query": "sum(up)"}},
            }
        ]
    },
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "pod", "namespace": "test"},
    "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
}
ROUTES = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "pod", "namespace": "test"},
    "spec": {"hosts": ["pod"], "http": [{"route": [{"destination": {"host": "pod"}, "weight": 100}]}]},
}


def run(*documents: Any) -> Converted:
    return convert({"x": yaml.safe_dump_all(documents)})


def release(found: Converted) -> Any:
    (only,) = found.settings["releases"].values()
    return only


def line_at(found: Converted, path: str) -> str | None:
    """What is said of a field."""
    return next((line.why for line in found.lines if line.path == path), None)


A, S = "spec.analysis", "spec.service"
FLAGGER: list[tuple[str, Any, str, Any]] = [
    # field, its value, setting, what it comes to
    (f"{S}.name", "pods", "port", 80),
    (f"{S}.targetPort", 9898, "target_port", 9898),
    (f"{S}.targetPort", 80, "target_port", None),
    (f"{S}.hosts", ["pod", "pod.test.svc.cluster.local", "a.example.com"], "hosts", ["a.example.com"]),
    (f"{S}.gateways", ["mesh", "gw", "ns/gw", "gw.ns.svc.cluster.local"], "gateways", ["test/gw", "ns/gw", "ns/gw"]),
    (f"{S}.timeout", "5s", "route.timeout", "5s"),
    (f"{S}.rewrite", {"uri": "/", "authority": "b"}, "route.rewrite", {"uri": "/", "authority": "b"}),
    (f"{S}.retries", {"attempts": 2, "perTryTimeout": "1s", "retryOn": "5xx"}, "route.retries", {"attempts": 2, "per_try_timeout": "1s", "retry_on": "5xx"}),
    (f"{S}.headers", {"response": {"remove": ["x"]}}, "route.headers", {"response": {"remove": ["x"]}}),
    (f"{S}.corsPolicy", {"allowOrigins": [{"exact": "a"}], "allowCredentials": True}, "route.cors", {"allow_origins": [{"exact": "a"}], "allow_credentials": True}),
    (f"{S}.match", [{"uri": {"prefix": "/"}, "ignoreUriCase": True}], "route.match", [{"uri": {"prefix": "/"}, "ignore_uri_case": True}]),
    (f"{S}.match", [{"uri": {"prefix": "/"}}, {}], "route", None),
    (f"{S}.match", [{"port": 80}], "route.match", "<match>"),
    (f"{S}.trafficPolicy", {"tls": {"mode": "DISABLE"}}, "traffic", {"tls_mode": "DISABLE"}),
    (f"{S}.trafficPolicy", {"connectionPool": {"tcp": {"tcpKeepalive": {"time": "60s"}}}}, "traffic.connection_pool.tcp.tcp_keepalive.time", "60s"),
    ("spec.progressDeadlineSeconds", 90, "workload.progress_deadline", "1m30s"),
    (f"{A}.interval", "30s", "gate.interval", "30s"),
    (f"{A}.interval", "30s", "gate.soak", "30s"),
    (f"{A}.interval", "1s", "gate.soak", "10s"),
    (f"{A}.interval", "1m", "gate.warm_up", "0s"),
    (f"{A}.interval", "1m", "gate.min_requests", 1),
    (f"{A}.threshold", 7, "gate.threshold", 7),
    (f"{A}.threshold", 0, "gate.threshold", 1),
    (f"{A}.stepWeight", 25, "steps", [25, 50]),
    (f"{A}.stepWeight", 20, "steps", [20, 40, 60]),
    (f"{A}.stepWeight", 60, "steps", [60]),
    (f"{A}.stepWeight", 0, "steps", "<steps>"),
    (f"{A}.maxWeight", 30, "steps", [10, 20, 30]),
    (f"{A}.maxWeight", 0, "steps", [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),
    (f"{A}.metrics", [], "gate.metrics", {"request-success-rate": {"min": 0}}),
    (f"{A}.metrics", [{"name": "request-success-rate", "thresholdRange": {"min": 98.5}}], "gate.metrics", {"request-success-rate": {"min": 98.5}}),
    (f"{A}.metrics", [{"name": "request-success-rate", "threshold": 97}], "gate.metrics.request-success-rate.min", 97),
    (f"{A}.metrics", [{"name": "request-duration", "thresholdRange": {"max": 1500}}], "gate.metrics.request-duration.max", "1s500ms"),
    (f"{A}.metrics", [{"name": "istio_requests_total", "threshold": 99}], "gate.metrics.request-success-rate.min", 99),
    (f"{A}.metrics", [{"name": "istio_request_duration_seconds_bucket", "threshold": 500}], "gate.metrics.request-duration.max", "500ms"),
    (f"{A}.metrics", [{"name": "request-success-rate", "interval": "5m"}], "gate.soak", "5m"),
    (f"{A}.metrics", [{"name": "my metric", "query": "up", "threshold": 3}], "gate.metrics.my-metric", {"query": "up", "interval": "1m", "max": 3}),
    (f"{A}.metrics", [{"name": "m", "query": "up", "thresholdRange": {"min": 1, "max": 2}, "interval": "2m"}], "gate.metrics.m", {"query": "up", "interval": "2m", "min": 1, "max": 2}),
    (f"{A}.metrics", [{"name": "m", "templateRef": {"name": "t"}, "threshold": 1}], "gate.metrics.m.query", "<query>"),
    ("spec.metricsServer", "http://p:9090/", "(prometheus).url", "http://p:9090"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "setting", "expected"), FLAGGER, ids=[f"{r[0]}={str(r[1])[:40]} {r[2]}" for r in FLAGGER]
)
def test_a_field_of_a_canary(field: str, value: Any, setting: str, expected: Any) -> None:
    """Each field that has an equal becomes that setting."""
    found = run(patched(CANARY, field, value), DEPLOYMENT)
    where = found.settings.get("prometheus") if setting.startswith("(prometheus).") else release(found)
    assert found_at(where, setting.removeprefix("(prometheus).")) == expected


WEBHOOK = {"name": "w", "url": "http://x"}
LEFT: list[tuple[str, Any, str, str]] = [
    # field, its value, the path of the line, a part of it
    ("spec.provider", "linkerd", "spec.provider", "Istio's"),
    ("spec.targetRef.kind", "DaemonSet", "spec.targetRef.kind", "Deployments"),
    ("spec.suspend", True, "spec.suspend", "its weight at 0"),
    ("spec.skipAnalysis", True, "spec.skipAnalysis", "steps: [100]"),
    ("spec.revertOnDeletion", True, "spec.revertOnDeletion", "stays as it is"),
    ("spec.ingressRef", {"name": "x"}, "spec.ingressRef", "Istio's"),
    ("spec.autoscalerRef", {"kind": "ScaledObject", "name": "x"}, "spec.autoscalerRef", "HorizontalPodAutoscaler"),
    ("spec.status", {}, "spec.status", "nothing reads it"),
    (f"{S}.portName", "grpc", f"{S}.portName", "named 'http'"),
    (f"{S}.appProtocol", "tcp", f"{S}.appProtocol", "named 'http'"),
    (f"{S}.portDiscovery", True, f"{S}.portDiscovery", "one port"),
    (f"{S}.headless", True, f"{S}.headless", "address of its own"),
    (f"{S}.delegation", True, f"{S}.delegation", "no delegate"),
    (f"{S}.mirror", [{}], f"{S}.mirror", "no mirroring"),
    (f"{S}.apex", {"labels": {"a": "b"}}, f"{S}.apex", "metadata"),
    (f"{S}.hosts", ["*"], f"{S}.hosts[0]", "not '*' alone"),
    (f"{S}.gateways", ["a/b"], f"{S}.gateways", "the mesh is always one"),
    (f"{S}.timeout", "soon", f"{S}.timeout", "must be a duration"),
    (f"{S}.retries", {"attempts": 1000}, f"{S}.retries.attempts", "from 0 to 100"),
    (f"{S}.retries", {"retryOn": "5xx"}, f"{S}.retries", "the settings' rule"),
    (f"{S}.match", [{"uri": {"prefix": "/"}, "sourceLabels": {"a": "b"}}], f"{S}.match[0]", "no sourceLabels"),
    (f"{S}.trafficPolicy", {"portLevelSettings": [], "loadBalancer": {"simple": "RANDOM"}}, f"{S}.trafficPolicy.portLevelSettings", "nothing reads it"),
    (f"{S}.trafficPolicy", {"tls": {"mode": "MUTUAL"}}, f"{S}.trafficPolicy.tls.mode", "ISTIO_MUTUAL"),
    (f"{A}.iterations", 5, f"{A}.iterations", "before any traffic"),
    (f"{A}.iterations", 5, f"{A}.stepWeight", "iterations takes its place"),
    (f"{A}.mirror", True, f"{A}.mirror", "no mirroring"),
    (f"{A}.stepWeightPromotion", 50, f"{A}.stepWeightPromotion", "change of roles"),
    (f"{A}.stepWeights", [5, 5], f"{A}.stepWeights", "rise strictly"),
    (f"{A}.canaryReadyThreshold", 50, f"{A}.canaryReadyThreshold", "all pods"),
    (f"{A}.sessionAffinity", {"cookieName": "c"}, f"{A}.sessionAffinity", "not bound to a track"),
    (f"{A}.alerts", [{"name": "a"}], f"{A}.alerts[0]", "no notifications"),
    (f"{A}.webhooks", [WEBHOOK], f"{A}.webhooks[0]", "load from a Job"),
    (f"{A}.webhooks", [WEBHOOK | {"type": "pre-rollout"}], f"{A}.webhooks[0]", "before the first"),
    (f"{A}.webhooks", [WEBHOOK | {"type": "rollback"}], f"{A}.webhooks[0]", "`weighbridge abort`"),
    (f"{A}.threshold", 5000, f"{A}.threshold", "from 1 to 1000"),
    (f"{A}.metrics", [{"name": "request-success-rate", "thresholdRange": {"min": 1, "max": 2}}], f"{A}.metrics[0].thresholdRange.max", "least value"),
    (f"{A}.metrics", [{"name": "request-duration"}], f"{A}.metrics[0]", "never pass"),
    (f"{A}.metrics", [{"name": "request-duration", "threshold": 9, "interval": "2m"}], f"{A}.metrics[0].interval", "looks back 2m"),
    (f"{A}.metrics", [{"name": "m"}], f"{A}.metrics[0]", "neither a query nor a template"),
    (f"{A}.metrics", [{"name": "m", "query": "sum("}], f"{A}.metrics[0].query", "must be PromQL"),
    (f"{A}.metrics", [{"name": "m", "query": 'a{s="pod-canary"}'}], f"{A}.metrics[0].query", "'pod-canary'"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "path", "why"), LEFT, ids=[f"{r[0]}={str(r[1])[:40]}" for r in LEFT])
def test_a_field_of_a_canary_without_an_equal(field: str, value: Any, path: str, why: str) -> None:
    """Each field that has no equal, or one with a difference, is listed by its path with a reason."""
    canary = patched(CANARY, field, value)
    if "stepWeights" in field:
        canary = patched(canary, f"{A}.stepWeight", 0)
    assert why in (line_at(run(canary, DEPLOYMENT), path) or "")


DEFAULTS: list[tuple[str, Any]] = [
    ("spec.provider", "istio"),
    ("spec.suspend", False),
    ("spec.skipAnalysis", False),
    (f"{S}.portName", "http"),
    (f"{S}.portDiscovery", False),
    (f"{S}.gateways", ["mesh"]),
    (f"{A}.mirror", False),
    (f"{A}.canaryReadyThreshold", 100),
    (f"{A}.metrics", [{"name": "request-success-rate", "interval": "1m", "thresholdRange": {"min": 99}}]),
]


@pytest.mark.parametrize(("field", "value"), DEFAULTS, ids=[str(row[0]) for row in DEFAULTS])
def test_what_means_the_same_anyway_is_not_listed(field: str, value: Any) -> None:
    """A field that asks for what is done anyway adds no line."""
    assert run(patched(CANARY, field, value), DEPLOYMENT).lines == run(CANARY, DEPLOYMENT).lines


def test_users_of_a_test_are_merged_as_flagger_merges_them() -> None:
    """Each condition of the analysis gives its headers to each one of the Service; nothing else of it counts there."""
    canary = patched(
        patched(CANARY, f"{S}.match", [{"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/b"}}]), f"{A}.iterations", 4
    )
    canary = patched(canary, f"{A}.match", [{"headers": {"x": {"exact": "1"}}, "method": {"exact": "GET"}}])
    found = release(run(canary, DEPLOYMENT))
    headers = {"x": {"exact": "1"}}
    assert found["route"]["match"] == [
        {"uri": {"prefix": "/a"}, "headers": headers},
        {"uri": {"prefix": "/b"}, "headers": headers},
    ]
    assert (found["steps"], found["gate"]["soak"]) == ([100], "4m")


def test_users_that_cannot_be_told_are_not_everybody() -> None:
    """An A/B test whose users have no equal leaves a place to be filled in; without it all requests would move."""
    canary = patched(patched(CANARY, f"{A}.iterations", 4), f"{A}.match", [{"sourceLabels": {"a": "b"}}])
    found = run(canary, DEPLOYMENT)
    assert release(found)["route"]["match"] == "<match>"
    assert any(each.startswith("match: which requests") for each in found.missing)


POD = "spec.template.spec"
ONE = f"{POD}.containers.0"
PODS: list[tuple[str, Any, str, Any]] = [
    ("spec.replicas", 3, "replicas", 3),
    ("spec.minReadySeconds", 5, "workload.min_ready", "5s"),
    (f"{ONE}.command", ["a", "1"], "workload.command", ["a", "1"]),
    (f"{ONE}.args", ["b"], "workload.args", ["b"]),
    (f"{ONE}.env", [{"name": "A", "value": "b"}, {"name": "B"}], "workload.env", {"A": "b", "B": ""}),
    (f"{ONE}.resources", {"requests": {"cpu": "100m"}}, "workload.resources", {"requests": {"cpu": "100m"}}),
    (f"{ONE}.readinessProbe", {"httpGet": {"path": "/r", "port": 8080}}, "workload.readiness", {"path": "/r", "port": 8080}),
    (f"{ONE}.livenessProbe", {"httpGet": {"path": "/l", "port": 1}, "periodSeconds": 7, "failureThreshold": 2}, "workload.liveness", {"path": "/l", "port": 1, "period": "7s", "failure_threshold": 2}),
    (f"{ONE}.lifecycle", {"preStop": {"sleep": {"seconds": 30}}}, "workload.drain", "30s"),
    (f"{POD}.serviceAccountName", "sa", "workload.service_account", "sa"),
    (f"{POD}.imagePullSecrets", [{"name": "r"}], "workload.image_pull_secrets", ["r"]),
    ("spec.template.metadata.labels", {"app": "pod", "team": "a"}, "workload.labels", {"team": "a"}),
    ("spec.template.metadata.annotations", {"a.b/c": "d"}, "workload.annotations", {"a.b/c": "d"}),
    (f"{ONE}.image", "pod:2", "stable.image", "pod:2"),
    (f"{ONE}.image", "not an image", "stable.image", "<image>"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "setting", "expected"), PODS, ids=[row[0] for row in PODS])
def test_a_field_of_a_workload(field: str, value: Any, setting: str, expected: Any) -> None:
    """A Deployment that a Canary names, and a Rollout's own template, become the workload and stable alike."""
    canary = release(run(CANARY, patched(DEPLOYMENT, field, value)))
    rollout = release(run(patched(ROLLOUT, field, value), SERVICE, ROUTES))
    assert found_at(canary, setting) == found_at(rollout, setting) == expected


PODS_LEFT: list[tuple[str, Any, str, str]] = [
    (f"{ONE}.env", [{"name": "A", "valueFrom": {}}], f"{POD}.containers[0].env[0]", "values from elsewhere"),
    (f"{ONE}.envFrom", [{}], f"{POD}.containers[0].envFrom", "no setting"),
    (f"{ONE}.securityContext", {"runAsUser": 1}, f"{POD}.containers[0].securityContext", "no setting"),
    (f"{ONE}.resources", {"requests": {"cpu": "lots"}}, f"{POD}.containers[0].resources.requests.cpu", "quantity"),
    (f"{ONE}.startupProbe", {"exec": {}}, f"{POD}.containers[0].startupProbe", "no setting"),
    (f"{ONE}.readinessProbe", {"tcpSocket": {"port": 1}}, f"{POD}.containers[0].readinessProbe", "by HTTP"),
    (f"{ONE}.lifecycle", {"preStop": {"exec": {}}}, f"{POD}.containers[0].lifecycle", "workload.drain"),
    (f"{ONE}.name", "web", f"{POD}.containers[0].name", "named 'app'"),
    (f"{POD}.volumes", [{}], f"{POD}.volumes", "no setting"),
    (f"{POD}.terminationGracePeriodSeconds", 60, f"{POD}.terminationGracePeriodSeconds", "workload.drain"),
    (f"{POD}.containers.1", {"name": "side", "image": "s"}, f"{POD}.containers[1]", "which one serves cannot be told"),
    ("spec.template.metadata.labels", {"app": "other"}, "spec.template.metadata.labels.app", "the release's name"),
    ("spec.template.metadata.labels", {"version": "v1"}, "spec.template.metadata.labels.version", "the revision"),
    ("spec.replicas", 0, "spec.replicas", "from 1 to 10000"),
]


@pytest.mark.parametrize(("field", "value", "path", "why"), PODS_LEFT, ids=[row[0] for row in PODS_LEFT])
def test_a_field_of_a_workload_without_an_equal(field: str, value: Any, path: str, why: str) -> None:
    """What the pod template here has not is listed, with a reason."""
    assert why in (line_at(run(CANARY, patched(DEPLOYMENT, field, value)), path) or "")


def test_an_autoscaler_needs_the_cpu_that_it_measures_by() -> None:
    """A HorizontalPodAutoscaler becomes workload.autoscaling where the pods ask for CPU; else the replicas stay."""
    canary = patched(CANARY, "spec.autoscalerRef", {"kind": "HorizontalPodAutoscaler", "name": "h"})
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {"maxReplicas": 4},
    }
    asking = patched(patched(DEPLOYMENT, f"{ONE}.resources", {"requests": {"cpu": "1"}}), "spec.replicas", 2)
    found = release(run(canary, asking, scaler))
    assert (found["workload"]["autoscaling"], "replicas" in found) == ({"min": 1, "max": 4, "cpu": 80}, False)
    silent = run(canary, patched(DEPLOYMENT, "spec.replicas", 2), scaler)
    assert release(silent)["replicas"] == 2
    assert "requests.cpu" in (line_at(silent, "spec") or "")


C = "spec.strategy.canary"
STEPS: list[tuple[str, list[Any], Any, str]] = [
    # what it shows, Argo's steps, ours, the gate's soak
    ("pauses are soaks", [{"setWeight": 10}, {"pause": {"duration": "1m"}}, {"setWeight": 20}, {"pause": {"duration": 60}}], [{"weight": 10}, {"weight": 20}], "1m"),
    ("two pauses add up", [{"setWeight": 10}, {"pause": {"duration": "1m"}}, {"pause": {"duration": "30"}}], [{"weight": 10}], "1m30s"),
    ("no pause, no soak", [{"setWeight": 10}, {"setWeight": 20}], [10, 20], "0s"),
    ("an endless pause is a person's", [{"setWeight": 10}, {"pause": {}}], [{"weight": 10}], "0s"),
    ("the rarer soak is a step's own", [{"setWeight": 1}, {"setWeight": 2}, {"setWeight": 3}, {"pause": {"duration": "1h"}}], [{"weight": 1}, {"weight": 2}, {"weight": 3, "soak": "1h"}], "0s"),
    ("0 is where it begins", [{"setWeight": 0}, {"pause": {}}, {"setWeight": 10}], [10], "0s"),
    ("what does not rise is left", [{"setWeight": 20}, {"setWeight": 10}, {"setWeight": 30}], [20, 30], "0s"),
    ("no weight at all", [{"pause": {}}], "<steps>", "0s"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "steps", "ours", "soak"), STEPS, ids=[row[0] for row in STEPS])
def test_steps_of_a_rollout(name: str, steps: list[Any], ours: Any, soak: str) -> None:
    """Weights become the plan, and pauses the soak of the weight before them."""
    del name
    found = release(run(patched(ROLLOUT, f"{C}.steps", steps), SERVICE, ROUTES))
    assert (found["steps"], found["gate"]["soak"]) == (ours, soak)


@pytest.mark.parametrize(("start", "index"), [(0, None), (1, None), (2, 1), (3, 1), (9, 1)])
def test_a_starting_step_counts_all_of_argos_steps(start: int, index: int | None) -> None:
    """Argo counts pauses too; here it is the index of the weight that is live at that step."""
    rollout = patched(ROLLOUT, f"{C}.analysis", {"startingStep": start, "templates": [{"templateName": "t"}]})
    found = release(run(rollout, SERVICE, ROUTES, TEMPLATE))
    assert found["gate"]["metrics"]["m"].get("starting_step") == index


M = "spec.metrics.0"
METRICS: list[tuple[str, Any, str, Any]] = [
    (f"{M}.failureCondition", "isNaN(result[0]) || len(result) > 2", "failure_condition", "isNaN(result[0]) || len(result) > 2"),
    (f"{M}.successCondition", "result[0] >= 0.95", "success_condition", "result[0] >= 0.95"),
    (f"{M}.successCondition", "result['a'] > 1", "success_condition", "<success_condition>"),
    (f"{M}.successCondition", None, "success_condition", "true"),
    (f"{M}.interval", "30s", "interval", "30s"),
    (f"{M}.initialDelay", "2m", "initial_delay", "2m"),
    (f"{M}.failureLimit", 3, "failure_limit", 3),
    (f"{M}.failureLimit", "3", "failure_limit", 3),
    (f"{M}.failureLimit", -1, "dry_run", True),
    (f"{M}.inconclusiveLimit", 2, "inconclusive_limit", 2),
    (f"{M}.consecutiveErrorLimit", 9, "consecutive_error_limit", 9),
    (f"{M}.name", "My Metric", "query", None),
    ("spec.dryRun", [{"metricName": "^m$"}], "dry_run", True),
    ("spec.dryRun", [{"metricName": "n"}], "dry_run", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "setting", "expected"), METRICS, ids=[f"{r[0]}={r[1]}" for r in METRICS])
def test_a_field_of_a_metric(field: str, value: Any, setting: str, expected: Any) -> None:
    """Each field of Argo's metric becomes the setting of its name."""
    rollout = patched(ROLLOUT, f"{C}.analysis", {"templates": [{"templateName": "t"}]})
    found = release(run(rollout, SERVICE, ROUTES, patched(TEMPLATE, field, value)))
    assert (found["gate"]["metrics"].get("m") or {}).get(setting) == expected


def test_a_metric_of_two_analyses_is_measured_from_the_earlier_weight_on() -> None:
    """The same metric in the background and at a step is one metric; another one of its name gets a name of its own."""
    rollout = patched(ROLLOUT, f"{C}.analysis", {"startingStep": 3, "templates": [{"templateName": "t"}]})
    rollout = patched(rollout, f"{C}.steps.1", {"analysis": {"templates": [{"templateName": "t"}]}})
    metrics = release(run(rollout, SERVICE, ROUTES, TEMPLATE))["gate"]["metrics"]
    assert set(metrics) == {"m", "request-success-rate"}
    assert "starting_step" not in metrics["m"]
    counted = release(run(rollout, SERVICE, ROUTES, patched(TEMPLATE, f"{M}.count", 2)))["gate"]["metrics"]
    assert {name: metric.get("count") for name, metric in counted.items()} == {
        "m": None,
        "m-2": 2,
        "request-success-rate": None,
    }


def test_settings_that_would_be_refused_are_told() -> None:
    """Where the documents break a rule over several settings, its line stands in the list."""
    canary = patched(CANARY, "spec.progressDeadlineSeconds", 60)
    found = run(canary, patched(DEPLOYMENT, "spec.minReadySeconds", 100))
    assert str(found.lines[-1]).startswith(
        "settings: weighbridge:releases.pod.workload: 'progress_deadline' must be longer"
    )


def test_a_step_has_time_for_its_analysis() -> None:
    """An analysis as a step lengthens the soak of its weight by its delay and its measurements."""
    rollout = patched(ROLLOUT, f"{C}.steps.1", {"analysis": {"templates": [{"templateName": "t"}]}})
    template = patched(patched(TEMPLATE, f"{M}.count", 3), f"{M}.initialDelay", "30s")
    found = release(run(rollout, SERVICE, ROUTES, template))
    assert (found["gate"]["soak"], found["gate"]["metrics"]["m"]["count"]) == ("3m30s", 3)


@pytest.mark.parametrize("provider", ["datadog", "web", "job", "kayenta", "wavefront", "newRelic", "cloudWatch", "graphite", "influxdb", "skywalking", "plugin"])  # fmt: skip
def test_other_providers_have_no_equal(provider: str) -> None:
    """A metric that asks anything but Prometheus is listed, and no part of the gate."""
    rollout = patched(ROLLOUT, f"{C}.analysis", {"templates": [{"templateName": "t"}]})
    found = run(rollout, SERVICE, ROUTES, patched(TEMPLATE, f"{M}.provider", {provider: {"a": 1}}))
    assert release(found)["gate"]["metrics"] == {"request-success-rate": {"min": 0}}
    assert line_at(found, "spec.metrics[0]") == f"it asks {provider}: only an instant query of Prometheus is asked here"


def test_one_stack_has_one_prometheus() -> None:
    """The first address counts; a metric of another server is listed and left out."""
    rollout = patched(ROLLOUT, f"{C}.analysis", {"templates": [{"templateName": "t"}]})
    other = patched(TEMPLATE["spec"]["metrics"][0], "provider.prometheus.address", "http://q:9090")  # type: ignore[index]
    found = run(rollout, SERVICE, ROUTES, patched(TEMPLATE, "spec.metrics.1", {**other, "name": "n", "interval": "2m"}))
    assert found.settings["prometheus"]["url"] == "http://p:9090"
    assert set(release(found)["gate"]["metrics"]) == {"m", "request-success-rate"}


ROLLOUTS_LEFT: list[tuple[str, Any, str, str]] = [
    ("spec.rollbackWindow", {"revisions": 2}, "spec.rollbackWindow", "weight 0"),
    ("spec.restartAt", "2026-01-01", "spec.restartAt", "annotation"),
    (f"{C}.maxSurge", 1, f"{C}.maxSurge", "nothing is replaced in place"),
    (f"{C}.canaryMetadata", {"labels": {}}, f"{C}.canaryMetadata", "no role"),
    (f"{C}.dynamicStableScale", True, f"{C}.dynamicStableScale", "all its pods"),
    (f"{C}.pingPong", {"pingService": "a"}, f"{C}.pingPong", "one Service"),
    (f"{C}.trafficRouting.nginx", {"stableIngress": "a"}, f"{C}.trafficRouting.nginx", "Istio's"),
    (f"{C}.steps.0.experiment", {"duration": "1m"}, f"{C}.steps[0].experiment", "no third track"),
    (f"{C}.steps.0.setCanaryScale", {"weight": 1}, f"{C}.steps[0].setCanaryScale", "all their pods"),
    (f"{C}.steps.0.setHeaderRoute", {"name": "a"}, f"{C}.steps[0].setHeaderRoute", "route.match"),
    (f"{C}.steps.0.setMirrorRoute", {"name": "a"}, f"{C}.steps[0].setMirrorRoute", "no mirroring"),
    (f"{C}.steps.0.plugin", {"name": "a"}, f"{C}.steps[0].plugin", "in CI"),
    (f"{C}.trafficRouting.maxTrafficWeight", 999, f"{C}.steps[0].setWeight", "whole percentage"),
]


@pytest.mark.parametrize(("field", "value", "path", "why"), ROLLOUTS_LEFT, ids=[row[0] for row in ROLLOUTS_LEFT])
def test_a_field_of_a_rollout_without_an_equal(field: str, value: Any, path: str, why: str) -> None:
    """What a Rollout has and a release has not is listed, with a reason."""
    assert why in (line_at(run(patched(ROLLOUT, field, value), SERVICE, ROUTES), path) or "")


FLAGGER_QUERIES: list[tuple[str, str | None]] = [
    ('a{ns="{{ namespace }}",w="{{ target }}"}', 'a{ns="{{ namespace }}",w="{{ canary }}"}'),
    ('a{w="{{target}}"}[{{interval}}]', None),
    ('rate(a{w=~"{{- target -}}"}[{{ interval }}])', 'rate(a{w=~"{{ canary }}"}[{{ interval }}])'),
    ('a{w="{{ target }}"} - a{w="{{ target }}-primary"}', 'a{w="{{ canary }}"} - a{w="{{ stable }}"}'),
    ('a{pod=~"{{ target }}-primary-.*"}', 'a{pod=~"{{ stable }}-.*"}'),
    ('a{s="{{ service }}"}', 'a{s="{{ release }}"}'),
    ('a{s="{{ service }}-canary"}', None),
    ('a{s="{{ ingress }}"}', None),
    ('a{v="{{ variables.v }}"}', 'a{v="{{ args.v }}"}'),
    ('a{v="{{ variables.other }}"}', None),
    ('a{v="{{ index variables "v" }}"}', None),
]


@pytest.mark.parametrize(("theirs", "ours"), FLAGGER_QUERIES, ids=[row[0] for row in FLAGGER_QUERIES])
def test_a_query_of_flaggers(theirs: str, ours: str | None) -> None:
    """Flagger's variables become ours; what says more than that is not guessed."""
    names = {"name": "pod", "target": "pod", "service": "pods"}
    if ours is None:
        with pytest.raises(Untranslatable):
            of_flagger(theirs, names, {"v": "x"})
    else:
        assert of_flagger(theirs, names, {"v": "x"}) == ours


ARGO_QUERIES: list[tuple[str, str | None]] = [
    ('a{s="{{args.text}}"}', 'a{s="{{ args.text }}"}'),
    ("sum(a) > {{args.number}}", "sum(a) > {{ args.number }}"),
    ("sum(rate(a[{{ args.span }}]))", "sum(rate(a[{{ args.span }}]))"),
    ("sum({{args.query}})", 'sum(rate(a{b="c"}[1m]))'),
    ('a{ns="{{args.ns}}",s="{{args.me}}"}', 'a{ns="{{ namespace }}",s="{{ release }}"}'),
    ('a{pod=~"pod-{{args.latest}}-.*"}', 'a{pod=~"{{ canary }}-.*"}'),
    ('a{w="pod-{{args.stable}}"}', 'a{w="{{ stable }}"}'),
    ('a{rollouts_pod_template_hash="{{args.latest}}"}', None),
    ('a{h="abcd{{args.latest}}"}', None),
    ('a{s="{{args.missing}}"}', None),
    ('a{s="{{workflow.name}}"}', None),
]


@pytest.mark.parametrize(("theirs", "ours"), ARGO_QUERIES, ids=[row[0] for row in ARGO_QUERIES])
def test_a_query_of_argos(theirs: str, ours: str | None) -> None:
    """Argo's arguments become ours; a piece of PromQL is written out; a bare revision has no equal."""
    texts = {"text": "x", "number": "0.5", "span": "2m", "query": 'rate(a{b="c"}[1m])'}
    hashes, own = {"latest": "Latest", "stable": "Stable"}, {"": "pod", "ns": "namespace", "me": "release"}
    if ours is None:
        with pytest.raises(Untranslatable):
            of_argo(theirs, texts, hashes, own)
    else:
        assert of_argo(theirs, texts, hashes, own) == ours


def test_what_the_api_server_adds_is_no_news() -> None:
    """A live Deployment, with all that the API server wrote into it, lists nothing that its file would not."""
    live = patched(DEPLOYMENT, "metadata.uid", "1-2-3")
    live = patched(live, "status", {"replicas": 1})
    pod: dict[str, Any] = {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler"}
    pod |= {
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        "serviceAccountName": "a",
        "serviceAccount": "a",
    }
    container = {"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log"}
    container |= {"terminationMessagePolicy": "File"}
    for key, value in pod.items():
        live = patched(live, f"{POD}.{key}", value)
    for key, value in container.items():
        live = patched(live, f"{ONE}.{key}", value)
    added = set(map(str, run(CANARY, live).lines)) - set(map(str, run(CANARY, DEPLOYMENT).lines))
    assert {line.partition(": ")[2].partition(":")[0] for line in added} == {"metadata.uid", "status"}
