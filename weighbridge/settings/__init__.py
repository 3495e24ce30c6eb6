"""The one reader of a stack's config: strict, typed, and every error one line that names its key.

load        raw config -> Settings, or SettingsError
Settings    cluster, gateway, prometheus, releases; read-only all the way down
stack       the whole; cluster, gateway, prometheus, release, pods, gate, metrics and mesh its sections
references  where a secret is, in place of the secret
rules       the rules of single values, section the rule of known keys, lines the text of an error
schema      the JSON Schema for editors; `python -m weighbridge.settings` writes it
"""

from __future__ import annotations

from weighbridge.settings.cluster import Cluster
from weighbridge.settings.gate import Gate
from weighbridge.settings.gateway import Gateway
from weighbridge.settings.mesh import Route, Traffic
from weighbridge.settings.metrics import Metric, OwnMetric, RequestDuration, SuccessRate
from weighbridge.settings.observability import Observability
from weighbridge.settings.pods import Probe, Resources, Track, Workload
from weighbridge.settings.prometheus import Prometheus
from weighbridge.settings.release import Release, Step
from weighbridge.settings.stack import Settings, load

__all__ = [
    "Cluster",
    "Gate",
    "Gateway",
    "Metric",
    "Observability",
    "OwnMetric",
    "Probe",
    "Prometheus",
    "Release",
    "RequestDuration",
    "Resources",
    "Route",
    "Settings",
    "Step",
    "SuccessRate",
    "Track",
    "Traffic",
    "Workload",
    "load",
]
