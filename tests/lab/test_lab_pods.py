"""The pod agent does to Pods what a kubelet does."""

import time
from typing import TYPE_CHECKING, Any

import pytest

from lab import Lab

if TYPE_CHECKING:
    from tests.lab.conftest import Application

Object = dict[str, Any]


def container(pod: Object) -> Object:
    """The status of a pod's only container, empty before there is one."""
    statuses = pod["status"].get("containerStatuses") or [{}]
    return dict(statuses[0])


def reason(pod: Object) -> str:
    """Why the pod's container waits, or ""."""
    return str(container(pod).get("state", {}).get("waiting", {}).get("reason", ""))


def addresses(slices: list[Object], *, ready: bool) -> set[str]:
    """The endpoints' addresses with this readiness."""
    endpoints = [endpoint for found in slices for endpoint in found.get("endpoints") or []]
    return {endpoint["addresses"][0] for endpoint in endpoints if endpoint["conditions"]["ready"] is ready}


def test_a_deployment_becomes_ready_with_a_process_on_each_pods_own_address(app: "Application") -> None:
    """Each replica is a process that answers on its own address, with its own name and its image's version."""
    app.await_ready(app.deploy("v1", replicas=3, tag="1.2.3"))
    answers = {pod["status"]["podIP"]: app.ask(f"{pod['status']['podIP']}:9898")[1] for pod in app.pods()}
    assert len(answers) == 3
    assert {answer["pod"] for answer in answers.values()} == {pod["metadata"]["name"] for pod in app.pods()}
    assert {answer["version"] for answer in answers.values()} == {"1.2.3"}


def test_a_pod_that_turns_unready_leaves_the_endpoints_and_comes_back(app: "Application", lab: Lab) -> None:
    """Readiness decides who is an endpoint, at run time too."""
    app.expose()
    name = app.deploy("v1", replicas=2)
    app.await_ready(name)
    app.until("EndpointSlice", lambda slices: len(addresses(slices, ready=True)) == 2)
    lab.dial(name, ready=False)
    app.until("EndpointSlice", lambda slices: len(addresses(slices, ready=False)) == 2)
    lab.dial(name, ready=True)
    app.until("EndpointSlice", lambda slices: len(addresses(slices, ready=True)) == 2)


def test_a_crashing_container_shows_as_a_crash_loop(app: "Application") -> None:
    """After its second crash the container waits with CrashLoopBackOff, its restarts counted, its pod not ready."""
    app.deploy("v1", tag="2.0.0-crash")
    (pod,) = app.until("Pod", lambda pods: any(reason(pod) == "CrashLoopBackOff" for pod in pods))
    assert container(pod)["restartCount"] >= 1
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 1
    assert {c["type"]: c["status"] for c in pod["status"]["conditions"]}["Ready"] == "False"


def test_a_crash_loop_that_is_dialled_away_ends(app: "Application", lab: Lab) -> None:
    """A container that crashes at run time is started again, and is ready as soon as it no longer crashes."""
    name = app.deploy("v1")
    app.await_ready(name)
    lab.dial(name, crash=True)
    app.until("Pod", lambda pods: any(reason(pod) == "CrashLoopBackOff" for pod in pods))
    lab.dial(name, crash=False)
    (pod,) = app.until("Pod", lambda pods: all(container(pod)["ready"] for pod in pods))
    assert container(pod)["restartCount"] >= 2


def test_an_image_that_cannot_be_had_shows_as_such(app: "Application") -> None:
    """Another image without a command waits with ErrImagePull, then with ImagePullBackOff; its pod is pending."""
    app.deploy("v1", image="example.com/absent:1")
    app.until("Pod", lambda pods: any(reason(pod) == "ErrImagePull" for pod in pods))
    (pod,) = app.until("Pod", lambda pods: any(reason(pod) == "ImagePullBackOff" for pod in pods))
    assert "example.com/absent:1" in container(pod)["state"]["waiting"]["message"]
    assert pod["status"]["phase"] == "Pending"


def test_a_command_is_run_as_it_is_with_its_environment(app: "Application") -> None:
    """Any image with a command runs it, with the downward API's fields and `$(NAME)` references in place."""
    code = "import sys; from http.server import *; HTTPServer((sys.argv[1], 9898), SimpleHTTPRequestHandler).serve_forever()"
    env = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    probe = {"httpGet": {"path": "/", "port": 9898}, "periodSeconds": 1}
    command = ["python3", "-c", code, "$(POD_IP)"]
    app.await_ready(app.deploy("v1", image="python:3", command=command, env=env, readinessProbe=probe))


def test_a_failing_liveness_probe_restarts_the_container(app: "Application", lab: Lab) -> None:
    """The container is ended and started again, in the same pod."""
    live = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1}
    name = app.deploy("v1", livenessProbe={**live, "initialDelaySeconds": 2})
    app.await_ready(name)
    (before,) = app.pods()
    lab.dial(name, ready=False)
    (pod,) = app.until("Pod", lambda pods: all(container(pod)["restartCount"] == 1 for pod in pods))
    assert pod["metadata"]["uid"] == before["metadata"]["uid"]


def test_a_deleted_pod_serves_through_its_drain(app: "Application") -> None:
    """With preStop.sleep the process answers for that long after the deletion, and the pod goes only then."""
    app.create("Pod", app.name, spec=app.pod("1.0.0", drain=2))
    (pod,) = app.until("Pod", lambda pods: all(container(pod).get("ready") for pod in pods))
    app.delete("Pod", app.name)
    deleted = time.monotonic()
    served_until = deleted
    try:
        while app.ask(f"{pod['status']['podIP']}:9898")[0] == 200:
            served_until = time.monotonic()
    except ConnectionError:
        pass
    app.until("Pod", lambda pods: not pods)
    assert 1.8 < served_until - deleted < 3.5
    assert time.monotonic() - deleted < 5


def test_the_agent_outlives_a_restart_of_the_api_server(app: "Application", lab: Lab) -> None:
    """Running processes are left alone, and what is deployed afterwards is run."""
    before = app.deploy("v1")
    app.await_ready(before)
    (pod,) = app.pods()
    lab.servers["kube-apiserver"].kill()
    assert app.ask(f"{pod['status']['podIP']}:9898")[0] == 200
    lab.servers["kube-apiserver"].start()
    after = app.deploy("v2")
    app.await_ready(before, after)
    (same,) = [found for found in app.pods() if found["metadata"]["uid"] == pod["metadata"]["uid"]]
    assert container(same) == container(pod)


def test_a_killed_agent_takes_its_pods_along_and_runs_them_again(app: "Application", lab: Lab) -> None:
    """No process is left that nobody watches; started again, the agent brings every pod back."""
    app.await_ready(app.deploy("v1"))
    (pod,) = app.pods()
    address = f"{pod['status']['podIP']}:9898"
    lab.servers["agent"].kill()
    with pytest.raises(ConnectionError):
        app.ask(address)
    lab.servers["agent"].start()
    (again,) = app.until("Pod", lambda pods: all(p["status"]["startTime"] and container(p)["ready"] for p in pods))
    app.until("Pod", lambda pods: all(_answers(app, p) for p in pods))
    assert again["metadata"]["uid"] == pod["metadata"]["uid"]


def _answers(app: "Application", pod: Object) -> bool:
    try:
        return app.ask(f"{pod['status']['podIP']}:9898")[0] == 200
    except ConnectionError:
        return False


@pytest.mark.parametrize(("command", "phase"), [("true", "Succeeded"), ("false", "Failed")])
def test_a_pod_that_is_not_to_be_restarted_keeps_how_it_ended(app: "Application", command: str, phase: str) -> None:
    """With restartPolicy Never the phase tells the exit code, and nothing is started again."""
    once = {"restartPolicy": "Never", "containers": [{"name": "job", "image": "job:1", "command": [command]}]}
    app.create("Pod", app.name, spec=once)
    (pod,) = app.until("Pod", lambda pods: any(pod["status"]["phase"] == phase for pod in pods))
    assert container(pod)["restartCount"] == 0


def test_what_the_agent_cannot_do_is_said_in_the_pod(app: "Application") -> None:
    """A probe of another kind leaves the container waiting, with the reason."""
    app.deploy("v1", readinessProbe={"exec": {"command": ["true"]}})
    (pod,) = app.until("Pod", lambda pods: any(reason(pod) == "CreateContainerConfigError" for pod in pods))
    assert "httpGet probes only" in container(pod)["state"]["waiting"]["message"]
