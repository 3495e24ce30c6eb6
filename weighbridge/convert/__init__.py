"""A Flagger Canary or an Argo Rollout, with what belongs to it, as the settings of a stack. Pure.

convert     texts of documents -> Converted: the stack file, the settings, what is missing, what has no equal
documents   YAML -> Kubernetes objects; reading: a field, and what became of it
flagger     a Canary; flagger_metrics: its metrics
argo        a Rollout; argo_steps: its plan; argo_metrics, argo_args: its analyses
objects     Deployment, autoscaler, Service; pods: a pod template; mesh: routes and traffic policy
variables   queries; server: the one Prometheus; fitting: what the settings' own rules let through
writing     settings under construction, and their text
"""

from __future__ import annotations

from weighbridge.convert.whole import Converted, convert

__all__ = ["Converted", "convert"]
