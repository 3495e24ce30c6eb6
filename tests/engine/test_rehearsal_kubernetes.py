"""The rehearsal on a real API server: apply, await, drift, delete."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from lab import Lab
from tests.engine.programs import Program, new_program

HEAD = """
import pulumi_kubernetes as k8s
cluster = k8s.Provider('cluster', kubeconfig={kubeconfig!r})
here = pulumi.ResourceOptions(provider=cluster)
def config_map(data, name={name!r}):
    return k8s.core.v1.ConfigMap('map', metadata={{'name': name, 'namespace': 'test'}}, data=data, opts=here)
def deployment(image):
    labels = {{'app': {name!r}}}
    container = {{'name': 'app', 'image': image, 'ports': [{{'container_port': 9898}}],
                  'readiness_probe': {{'http_get': {{'path': '/ready', 'port': 9898}}, 'period_seconds': 1}}}}
    return k8s.apps.v1.Deployment('app', metadata={{'name': {name!r}, 'namespace': 'test'}}, opts=here, spec={{
        'progress_deadline_seconds': 5, 'selector': {{'match_labels': labels}},
        'template': {{'metadata': {{'labels': labels}}, 'spec': {{'containers': [container]}}}}}})
"""
_numbers = itertools.count(1)


class Objects:
    """A program on the lab, and the live objects that it is about."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.name = f"r{next(_numbers)}"
        self.program: Program = new_program(folder)
        self.head = HEAD.format(kubeconfig=str(lab.kubeconfig), name=self.name)
        self.core: Any = client.CoreV1Api(config.new_client_from_config(str(lab.kubeconfig)))

    def up(self, source: str, *, refresh: bool = False) -> Any:
        """Run the program."""
        return self.program.up(self.head + source, refresh=refresh)

    def live(self) -> dict[str, str] | None:
        """The data of the live ConfigMap; None when there is none."""
        found = self.core.list_namespaced_config_map("test", field_selector=f"metadata.name={self.name}").items
        return dict(found[0].data) if found else None


@pytest.fixture
def objects(lab: Lab, tmp_path: Path) -> Iterator[Objects]:
    """A program of its own, taken away after the test."""
    made = Objects(lab, tmp_path)
    yield made
    assert made.program.engine.destroy(made.program.lines.append).ok


def test_an_object_is_applied_once_and_then_the_same(objects: Objects) -> None:
    """Unchanged inputs touch no object."""
    assert objects.up("config_map({'a': '1'})").ok
    version = objects.core.read_namespaced_config_map(objects.name, "test").metadata.resource_version
    assert dict(objects.up("config_map({'a': '1'})").changes) == {"same": 3}
    assert objects.core.read_namespaced_config_map(objects.name, "test").metadata.resource_version == version


def test_a_preview_asks_the_server_and_changes_nothing(objects: Objects) -> None:
    """What the server would refuse is red in the preview already."""
    objects.up("config_map({'a': '1'})")
    objects.program.write(objects.head + "config_map({'a': '2'})")
    assert objects.program.engine.preview(objects.program.lines.append).changes["update"] == 1
    assert objects.live() == {"a": "1"}
    objects.program.write(objects.head + "config_map({'a': '1'}, 'Not A Name')")
    result = objects.program.engine.preview(objects.program.lines.append)
    assert len(result.errors) == 1
    assert "ConfigMap test/Not A Name" in result.errors[0]


def test_a_field_that_leaves_the_program_leaves_the_object(objects: Objects) -> None:
    """Server-side apply owns what it wrote."""
    objects.up("config_map({'a': '1', 'b': '2'})")
    objects.up("config_map({'a': '1'})")
    assert objects.live() == {"a": "1"}


def test_an_object_that_exists_already_is_taken_over(objects: Objects) -> None:
    """An object that no state holds is applied over, as the real provider does."""
    body = {"metadata": {"name": objects.name}, "data": {"a": "0"}}
    objects.core.create_namespaced_config_map("test", body)
    assert objects.up("config_map({'a': '1'})").ok
    assert objects.live() == {"a": "1"}


def test_drift_is_seen_by_a_refresh_and_put_right(objects: Objects) -> None:
    """A hand's change stays until a refresh sees it; the same run then applies again."""
    objects.up("config_map({'a': '1'})")
    objects.core.patch_namespaced_config_map(objects.name, "test", {"data": {"a": "9"}})
    assert dict(objects.up("config_map({'a': '1'})").changes) == {"same": 3}
    assert objects.up("config_map({'a': '1'})", refresh=True).changes["update"] == 1
    assert objects.live() == {"a": "1"}


def test_an_object_that_is_gone_is_made_again(objects: Objects) -> None:
    """A deleted object comes back with the next run."""
    objects.up("config_map({'a': '1'})")
    objects.core.delete_namespaced_config_map(objects.name, "test")
    assert objects.up("config_map({'a': '1'})").ok
    assert objects.live() == {"a": "1"}


def test_what_leaves_the_program_is_deleted(objects: Objects) -> None:
    """And it is gone when the run ends."""
    objects.up("config_map({'a': '1'})")
    assert objects.up("").ok
    assert objects.live() is None


def test_a_deployment_is_awaited(objects: Objects) -> None:
    """The run ends when the pods are ready, and the outputs are the live object."""
    assert objects.up("pulumi.export('ready', deployment('weighbridge.dev/app:1.0.0').status.ready_replicas)").ok
    assert objects.program.engine.outputs() == {"ready": 1}


@pytest.mark.parametrize(
    ("fault", "reason"), [("notready", "not ready"), ("crash", r"CrashLoopBackOff|Error(, restarts: \d+)?")]
)
def test_a_deployment_that_never_gets_ready_says_why(objects: Objects, fault: str, reason: str) -> None:
    """The line names the Deployment, its pod and the reason; the next run takes it up again."""
    result = objects.up(f"deployment('weighbridge.dev/app:1.0.0-{fault}')")
    assert len(result.errors) == 1
    line = rf"Deployment test/{objects.name}: not rolled out in time, 0 of 1 pods are ready: pod {objects.name}-\S+: "
    assert re.match(f"{line}({reason})$", result.errors[0])
    assert objects.up("deployment('weighbridge.dev/app:1.0.0')").changes["update"] == 1
