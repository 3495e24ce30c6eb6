"""Workloads: what decides a revision, and what the Deployment and the Service look like."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.settings_cases import FULL_WORKLOAD, good
from weighbridge.settings import Release, load
from weighbridge.settings.quantities import canonical
from weighbridge.workload import autoscaler, deployment, pod_template, revision, service, workload_name


def release(**keys: Any) -> Release:
    """Return the good release with some keys set."""
    raw = good()
    raw["releases"]["podinfo"] |= {"weight": 0, **keys}
    return load(raw).releases["podinfo"]


def revisions(**keys: Any) -> tuple[str, str]:
    """Return the revisions of stable and canary of the good release with some keys set."""
    changed = release(**keys)
    assert changed.canary is not None
    return revision(changed, changed.stable), revision(changed, changed.canary)


BEFORE = revisions()
PINNED = ("74452ad256", "719be18788")


def test_a_revision_is_ten_hex_digits_that_do_not_change_between_versions() -> None:
    """A revision is in the names of live objects: the same settings give the same one in every later version."""
    assert all(re.fullmatch("[0-9a-f]{10}", each) for each in BEFORE)
    assert BEFORE == PINNED


@pytest.mark.parametrize(
    "keys",
    [
        {"replicas": 5},
        {"weight": 30},
        {"steps": [50, 100]},
        {"port": 9898.0},
        {"port": "9898"},
        {"target_port": 9898},
        {"workload": {"progress_deadline": "5m", "min_ready": "5s"}},
        {"workload": {"drain": "15s"}},
        {"hosts": ["a.example"]},
        {"gate": {"soak": "1m"}},
        {"route": {"timeout": "5s"}},
        {"traffic": {"tls_mode": "DISABLE"}},
    ],
)
def test_a_revision_does_not_depend_on_what_is_not_in_the_pod(keys: dict[str, Any]) -> None:
    """Replicas, plan, gate, routes and the timing of rollouts leave both revisions as they are."""
    assert revisions(**keys) == BEFORE


@pytest.mark.parametrize(
    "keys",
    [
        {"workload": {"drain": "20s"}},
        {"workload": {"env": {"A": "1"}}},
        {"workload": {"annotations": {"a": "b"}}},
        {"workload": {"readiness": {"path": "/readyz"}}},
        {"target_port": 80},
    ],
)
def test_what_both_tracks_share_changes_both_revisions(keys: dict[str, Any]) -> None:
    """A workload's pod template is common to both: `drain` too, which is its preStop and grace period."""
    stable, canary = revisions(**keys)
    assert stable != BEFORE[0]
    assert canary != BEFORE[1]


def test_what_one_track_says_changes_only_its_own_revision() -> None:
    """An override of the canary leaves stable alone."""
    stable, canary = revisions(canary={"image": "ghcr.io/stefanprodan/podinfo:6.7.1", "env": {"A": "1"}})
    assert stable == BEFORE[0]
    assert canary != BEFORE[1]


@given(st.permutations(list(FULL_WORKLOAD)), st.permutations(["A", "B", "C"]))
def test_a_revision_does_not_depend_on_the_order_of_keys(keys: list[str], names: list[str]) -> None:
    """The same settings in another order give the same revision."""
    shuffled = {key: FULL_WORKLOAD[key] for key in keys} | {"env": dict.fromkeys(names, "x")}
    ordered = {key: FULL_WORKLOAD[key] for key in sorted(keys)} | {"env": dict.fromkeys(sorted(names), "x")}
    assert revisions(workload=shuffled) == revisions(workload=ordered)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"cpu": 1}, {"cpu": "1000m"}),
        ({"cpu": 0.5}, {"cpu": "500m"}),
        ({"cpu": 1.0}, {"cpu": "1"}),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}),
    ],
)
def test_a_revision_does_not_depend_on_how_a_number_is_written(one: object, other: object) -> None:
    """Equal quantities are one quantity."""
    first = revisions(workload={"resources": {"limits": one}, "drain": "1m"})
    assert first == revisions(workload={"resources": {"limits": other}, "drain": "60s"})


@pytest.mark.parametrize(
    ("text", "same"),
    [
        *[("0.5", "500m"), ("1000m", "1"), ("2", "2"), ("1500m", "1500m"), ("0", "0"), ("1000", "1k")],
        *[("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1024", "1024"), ("128974848", "128974848")],
        *[("1e3Mi", None), ("0.0001", None), ("1.2.3", None), ("", None), ("-1", None)],
    ],
)
def test_a_quantity_has_one_spelling(text: str, same: str | None) -> None:
    """The spelling is the API server's own."""
    if same is None:
        with pytest.raises(ValueError, match="must be a quantity"):
            canonical(text)
    else:
        assert canonical(text) == same


@given(
    env=st.dictionaries(
        st.from_regex("[A-Z]{1,5}", fullmatch=True), st.text(max_size=5).filter(lambda s: "\0" not in s)
    ),
    labels=st.dictionaries(st.sampled_from(["team", "example.com/tier"]), st.sampled_from(["a", "b", ""])),
    replicas=st.integers(1, 9),
    scaled=st.booleans(),
)
def test_promotion_leaves_the_deployment_as_it_is(
    env: dict[str, str], labels: dict[str, str], replicas: int, scaled: bool
) -> None:
    """The canary's template as the stable one: the same revision, Deployment and autoscaler, to the last byte."""
    track = {"image": "a:2", "env": env, "labels": labels}
    fixed = {key: value for key, value in FULL_WORKLOAD.items() if key != "autoscaling"}
    same: dict[str, Any] = {"workload": FULL_WORKLOAD} if scaled else {"workload": fixed, "replicas": replicas}
    before, after = release(canary=track, weight=100, **same), release(stable=track, canary=None, **same)
    assert before.canary is not None
    for build in (deployment, autoscaler):
        assert json.dumps(build(before, before.canary)) == json.dumps(build(after, after.stable))


def test_an_autoscaler_is_no_part_of_the_revision() -> None:
    """Whoever lets an autoscaler set the number of pods releases nothing anew."""
    cpu = {"resources": {"requests": {"cpu": "100m"}}}
    assert revisions(workload={**cpu, "autoscaling": {"min": 2, "max": 3}}) == revisions(workload=cpu)


def test_the_autoscaler_of_a_revision() -> None:
    """It has its Deployment's name, and the Deployment begins at its least number of pods; without one, none is made."""
    full = release(workload=FULL_WORKLOAD)
    target = deployment(full, full.stable)
    assert target["spec"]["replicas"] == 3
    assert autoscaler(full, full.stable) == {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": target["metadata"],
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target["metadata"]["name"]},
            "minReplicas": 3,
            "maxReplicas": 10,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
                }
            ],
        },
    }
    fixed = release(replicas=5)
    assert (autoscaler(fixed, fixed.stable), deployment(fixed, fixed.stable)["spec"]["replicas"]) == (None, 5)


def test_the_deployment_of_a_full_workload() -> None:
    """Every setting arrives where Kubernetes looks for it."""
    full = release(workload=FULL_WORKLOAD, target_port=8080)
    version = revision(full, full.stable)
    labels = {"app": "podinfo", "version": version}
    found = deployment(full, full.stable)
    template = found["spec"].pop("template")
    assert found == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"podinfo-{version}", "namespace": "test", "labels": labels},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "minReadySeconds": 1,
            "progressDeadlineSeconds": 300,
        },
    }
    assert template["metadata"] == {
        "labels": labels | {"example.com/team": "web"},
        "annotations": {"example.com/note": "any text"},
    }
    probe = {"timeoutSeconds": 1, "failureThreshold": 3, "initialDelaySeconds": 0}
    assert template["spec"] == {
        "containers": [
            {
                "name": "app",
                "image": "ghcr.io/stefanprodan/podinfo:6.7.0",
                "command": ["/app"],
                "args": ["--level", "info"],
                "env": [{"name": "MODE", "value": "fast"}],
                "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1"}},
                "readinessProbe": {
                    **probe,
                    "httpGet": {"path": "/readyz", "port": 9797, "scheme": "HTTP"},
                    "periodSeconds": 2,
                },
                "livenessProbe": {
                    **probe,
                    "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
                    "periodSeconds": 10,
                    "failureThreshold": 5,
                    "initialDelaySeconds": 5,
                },
                "lifecycle": {"preStop": {"sleep": {"seconds": 20}}},
            },
        ],
        "serviceAccountName": "podinfo",
        "imagePullSecrets": [{"name": "registry"}],
        "terminationGracePeriodSeconds": 35,
    }


def test_a_pod_template_has_no_version_and_says_nothing_that_was_not_asked_for() -> None:
    """The version is made from the template; what is not given stays with Kubernetes' own defaults."""
    plain = release(workload={"drain": 0})
    assert pod_template(plain, plain.stable) == {
        "metadata": {"labels": {"app": "podinfo"}},
        "spec": {
            "containers": [
                {
                    "name": "app",
                    "image": "ghcr.io/stefanprodan/podinfo:6.7.0",
                    "ports": [{"name": "http", "containerPort": 9898, "protocol": "TCP"}],
                },
            ],
            "terminationGracePeriodSeconds": 15,
        },
    }


def test_a_track_overrides_the_workload_and_merges_its_names() -> None:
    """Env, labels and annotations are merged; anything else is replaced whole."""
    both = {"env": {"A": "1", "B": "1"}, "labels": {"x": "1"}, "args": ["a", "b"], "resources": {"limits": {"cpu": 1}}}
    own = {"env": {"B": "2"}, "labels": {"y": "2"}, "args": ["c"], "resources": {"requests": {"cpu": 1}}, "drain": "1m"}
    mixed = release(workload=both, stable={"image": "a:1", **own})
    template = pod_template(mixed, mixed.stable)
    container = template["spec"]["containers"][0]
    assert container["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert container["args"] == ["c"]
    assert container["resources"] == {"requests": {"cpu": "1"}}
    assert template["metadata"]["labels"] == {"x": "1", "y": "2", "app": "podinfo"}
    assert template["spec"]["terminationGracePeriodSeconds"] == 75


def test_the_service_selects_every_revision() -> None:
    """Its selector never changes, and its target is a name that each revision may give its own number."""
    assert service(release(target_port=8080)) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "podinfo", "namespace": "test", "labels": {"app": "podinfo"}},
        "spec": {
            "selector": {"app": "podinfo"},
            "ports": [{"name": "http", "port": 9898, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def test_the_name_of_a_workload_leaves_room_for_its_replica_sets_hash() -> None:
    """With the hash, which has at most ten characters, it is still short enough for a label."""
    assert len(workload_name("a" * 40, "0123456789")) + len("-0123456789") <= 63
