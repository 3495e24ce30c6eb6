"""An environment of ARMS, Alibaba Cloud's Managed Service for Prometheus, for one ACK cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_alicloud import arms

from weighbridge.telemetry.alibaba import Alert


@dataclass(frozen=True)
class EnvironmentArgs:
    """What it is told.

    Attributes:
        cluster_id: of the ACK cluster.
        jobs: scrape jobs, YAML.
        alerts: alert rules.
        protect: whether it must not vanish.
    """

    cluster_id: str
    jobs: str
    alerts: Sequence[Alert]
    protect: bool


def environment(name: str, args: EnvironmentArgs, parent: pulumi.Resource) -> list[pulumi.Resource]:
    """Declare the environment, its collector, its scrape jobs and its alert rules.

    Args:
        name: of the component that they are a part of.
        args: see `EnvironmentArgs`.
        parent: the component.
    """
    place = arms.Environment(
        f"{name}-environment",
        bind_resource_id=args.cluster_id,
        environment_name=f"weighbridge-{args.cluster_id}"[:64],
        environment_type="CS",
        environment_sub_type="ACK",
        opts=pulumi.ResourceOptions(parent=parent, protect=args.protect),
    )
    collector = arms.EnvFeature(
        f"{name}-collector",
        env_feature_name="metric-agent",
        environment_id=place.id,
        feature_version="1.1.17",
        opts=pulumi.ResourceOptions(parent=parent),
    )
    jobs = arms.EnvCustomJob(
        f"{name}-jobs",
        config_yaml=args.jobs,
        env_custom_job_name="weighbridge-mesh",
        environment_id=place.id,
        status="run",
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[collector]),
    )
    rules = [
        arms.PrometheusAlertRule(
            f"{name}-alert-{each.name}",
            cluster_id=args.cluster_id,
            prometheus_alert_rule_name=each.name,
            expression=each.expression,
            duration=str(each.minutes),
            message=each.message,
            labels=[arms.PrometheusAlertRuleLabelArgs(name=key, value=value) for key, value in each.labels.items()],
            # The cluster has no Prometheus to take a rule before its collector is there.
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[collector]),
        )
        for each in args.alerts
    ]
    return [place, collector, jobs, *rules]
