"""What a Flagger Canary runs: its target Deployment and its autoscaler."""

from __future__ import annotations

from dataclasses import dataclass, field

from weighbridge.convert.documents import Documents
from weighbridge.convert.fitting import refusal
from weighbridge.convert.objects import autoscaling, deployment, metadata, replicas
from weighbridge.convert.pods import NONE, Pods, pods
from weighbridge.convert.reading import Node, span_text
from weighbridge.convert.writing import Section
from weighbridge.settings import Workload


@dataclass(frozen=True)
class Running:
    """What is read of a Canary's target.

    Attributes:
        spec: of the Canary.
        documents: in which the target may be.
        names: of the release, of the target, and of the namespace.
        release: gets `replicas` and `workload`.
        workload: gets what both tracks have in common.
    """

    spec: Node
    documents: Documents
    names: tuple[str, str, str | None]
    release: Section
    workload: Section = field(default_factory=Section)

    def read(self) -> Pods:
        """Read the target and its autoscaler."""
        name, target, namespace = self.names
        kind = self.spec.at("targetRef", "kind")
        self.spec.at("targetRef", "apiVersion").used()
        if kind.value in {None, "Deployment"}:
            kind.used()
        else:
            kind.leave("a release runs Deployments")
        running = self.documents.find("Deployment", "apps", target, namespace)
        found = NONE
        if running:
            inner = running.open()
            metadata(running)
            deployment(inner, self.workload)
            found = pods(inner.at("template"), self.workload, name, _serving(self.spec.at("service")))
        _deadline(self.spec.at("progressDeadlineSeconds"), self.workload)
        self._number(running.root.at("spec", "replicas") if running else None, self._scaled(found))
        self.release.put("workload", self.workload)
        return found

    def _number(self, count: Node | None, scaled: bool) -> None:  # noqa: FBT001
        """Read the number of pods, or say what is missing with the Deployment."""
        target = self.names[1]
        if count is not None and scaled:
            count.leave("workload.autoscaling sets the number of pods", settled=True)
        elif count is not None:
            replicas(count, self.release)
        elif not scaled:
            self.release.add(f"replicas: the number of pods of {target}, if it is not 1")
        if count is None:
            self.release.add(f"workload: what {target} has: env, resources, readiness, liveness")

    def _scaled(self, found: Pods) -> bool:
        """Read the autoscaler; tell whether it came to be one here."""
        node = self.spec.at("autoscalerRef")
        if not node:
            return False
        kind, name = node.at("kind").text(), node.at("name").text()
        node.at("apiVersion").used()
        for key in ("primaryScalerQueries", "primaryScalerReplicas"):
            node.at(key).leave("both tracks are scaled alike, by one autoscaler each")
        if kind != "HorizontalPodAutoscaler":
            node.leave("workload.autoscaling is a HorizontalPodAutoscaler on the CPU")
            return False
        scaler = self.documents.find("HorizontalPodAutoscaler", "autoscaling", name, self.names[2])
        if scaler is None:
            what = f"as HorizontalPodAutoscaler {name} has them"
            self.release.add(f"workload.autoscaling: min, max and cpu, {what}")
            return False
        return autoscaling(scaler, found, self.workload)


def _serving(service: Node) -> str | int | None:
    found = service.at("targetPort").value
    return found if isinstance(found, (str, int)) else service.at("port").value


def _deadline(node: Node, workload: Section) -> None:
    seconds = node.whole()
    if seconds is None:
        return
    if broken := refusal(Workload, "progress_deadline", span_text(max(0, seconds))):
        node.leave(f"the settings' rule: {broken}")
    else:
        workload.put("progress_deadline", span_text(seconds), "spec.progressDeadlineSeconds")
