"""The labels of Istio's standard metrics, by who asks for them.

https://istio.io/latest/docs/reference/config/metrics/ has what each one means.

A label that stands in neither list is not Istio's own: the scrape put it there (job, instance, pod, ...), or somebody's
Telemetry object. It is never summed away, as it may be what tells two processes apart.
"""

from __future__ import annotations

from typing import Final

ASKED: Final = (
    "reporter",
    "destination_workload",
    "destination_workload_namespace",
)
"""The gate tells releases apart by these."""

OUTCOME: Final = ("response_code", "grpc_response_status", "response_flags")
"""What became of a request."""

REST: Final = (
    "connection_security_policy",
    "destination_app",
    "destination_canonical_revision",
    "destination_canonical_service",
    "destination_cluster",
    "destination_principal",
    "destination_service",
    "destination_service_name",
    "destination_service_namespace",
    "destination_version",
    "request_protocol",
    "source_app",
    "source_canonical_revision",
    "source_canonical_service",
    "source_cluster",
    "source_principal",
    "source_version",
    "source_workload",
    "source_workload_namespace",
)
"""Who called, and by which name: nobody of the gate's asks, and each caller multiplies the series by itself."""

OWN: Final = (*ASKED, *OUTCOME, *REST)
"""All that the mesh itself puts onto a counter."""
