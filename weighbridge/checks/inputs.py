"""What a gate checks, read from the inputs of its resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weighbridge import queries

_SHORTEST = 1.0
"""Seconds: PromQL's windows are whole ones here, and one of none has nothing in it."""


@dataclass(frozen=True)
class Latency:
    """What is compared of the request duration.

    Attributes:
        within: milliseconds; a request that took longer is a bad one. A bound of the histogram.
        margin: points.
        detect: points.
        shape: whether all bounds of the histogram are compared as well.
    """

    within: float
    margin: float
    detect: float
    shape: bool


@dataclass(frozen=True)
class Comparison:
    """How canary and stable are compared; see `weighbridge.judge.Allowed` for the first four.

    Attributes:
        margin: points.
        detect: points.
        alpha: probability, 0..1.
        beta: probability, 0..1.
        shared_failure: what a broken bound means while stable breaks it too: hold, pass or fail.
        latency: the same for the request duration; None where it is not compared.
    """

    margin: float
    detect: float
    alpha: float
    beta: float
    shared_failure: str
    latency: Latency | None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Comparison:
        """From the section `comparison` of the settings."""
        latency = given.get("latency")
        return cls(
            margin=float(given["margin"]),
            detect=float(given["detect"]),
            alpha=float(given["alpha"]),
            beta=float(given["beta"]),
            shared_failure=str(given["shared_failure"]),
            # The settings give seconds, Istio's histogram has milliseconds.
            latency=Latency(
                1000 * float(latency["within"]),
                float(latency["margin"]),
                float(latency["detect"]),
                bool(latency["shape"]),
            )
            if latency
            else None,
        )


@dataclass(frozen=True)
class Checks:
    """What one release's gate checks, times in seconds.

    Attributes:
        target: whose series.
        metrics: by name, the bounds; in the order of the settings.
        steps: the weights of the plan, percent.
        soak: that the window has to span, by step weight.
        default_soak: for a weight that is no step.
        warm_up: left out at the start of a weight.
        interval: between two looks of a gate that waits, and the length of one check.
        threshold: failed checks until the verdict is fail; 1 judges the whole window.
        min_requests: fewer say nothing.
        wait: whether the run waits for the soak.
        roll_back: whether a fail takes the traffic back, or holds it where it is.
        comparison: of canary and stable; None where they are not compared.
        share_tolerance: points by which the share of traffic may be off; None for the judge's own.
    """

    target: queries.Target
    metrics: Mapping[str, Mapping[str, Any]]
    steps: tuple[int, ...]
    soak: Mapping[int, float]
    default_soak: float
    warm_up: float
    interval: float
    threshold: int
    min_requests: int
    wait: bool
    roll_back: bool
    comparison: Comparison | None = None
    share_tolerance: float | None = None

    @classmethod
    def read(cls, inputs: Mapping[str, Any]) -> Checks:
        """From a gate resource's inputs, where numbers are floats."""
        gate = inputs["gate"]
        tolerance = gate.get("share_tolerance")
        return cls(
            target=queries.Target(
                inputs["release"],
                inputs["namespace"],
                gate["reporter"],
                recorded=bool((inputs.get("prometheus") or {}).get("recorded")),
            ),
            metrics=gate["metrics"],
            steps=tuple(int(s["weight"]) for s in inputs["steps"]),
            soak={int(s["weight"]): float(s["soak"]) for s in inputs["steps"] if s.get("soak") is not None},
            default_soak=float(gate["soak"]),
            warm_up=float(gate["warm_up"]),
            interval=float(gate["interval"]),
            threshold=int(gate["threshold"]),
            min_requests=int(gate["min_requests"]),
            wait=bool(gate["wait"]),
            roll_back=gate["on_failure"] == "rollback",
            # A state that an older version saved has no such keys.
            comparison=Comparison.read(gate["comparison"]) if gate.get("comparison") else None,
            share_tolerance=None if tolerance is None else float(tolerance),
        )

    def soak_at(self, weight: int) -> float:
        """Seconds that the window at a weight has to span."""
        return max(_SHORTEST, self.soak.get(weight, self.default_soak))

    def missing(self, weight: int, since: float, now: float) -> float:
        """Seconds until the window at a weight is long enough; zero or less when it is."""
        return self.soak_at(weight) + self.warm_up - (now - since)
