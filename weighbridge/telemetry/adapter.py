"""Requests per second for autoscalers: the rules of prometheus-adapter, over Istio's counters.

The metric is `istio_requests_per_second` of custom.metrics.k8s.io, of a pod: what its own sidecar answered. A pod is
told by the labels `namespace` and `pod`, which the scrape jobs put on. Each track's autoscaler asks for the pods of its
own Deployment, so that the canary's share of the traffic scales the canary and nothing else.
"""

from __future__ import annotations

from typing import Any

from weighbridge.durations import format_seconds
from weighbridge.queries import REQUESTS
from weighbridge.workload import REQUESTS_PER_SECOND


def rules(window: float) -> list[dict[str, Any]]:
    """Build the adapter's rules for custom metrics.

    Args:
        window: seconds over which requests per second are taken; four scrapes at least, as a rate needs two samples
            and one may be missing.
    """
    return [
        {
            # The destination's view alone: the caller's sidecar counts the same request, under the caller's pod.
            "seriesQuery": f'{REQUESTS}{{reporter="destination",namespace!="",pod!=""}}',
            "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
            "name": {"matches": f"^{REQUESTS}$", "as": REQUESTS_PER_SECOND},
            "metricsQuery": (
                f'sum(rate(<<.Series>>{{<<.LabelMatchers>>,reporter="destination"}}[{format_seconds(window)}])) '
                "by (<<.GroupBy>>)"
            ),
        }
    ]
