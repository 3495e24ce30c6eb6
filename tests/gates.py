"""The checks of a gate as it mostly is; a test says what is different in its own."""

from __future__ import annotations

from weighbridge.checks import Checks
from weighbridge.queries import Target

CHECKS = Checks(
    target=Target("podinfo", "test", "destination"),
    metrics={"request-success-rate": {"min": 99.0}},
    steps=(10, 30, 50, 100),
    soak={},
    default_soak=60.0,
    warm_up=30.0,
    interval=10.0,
    threshold=1,
    min_requests=100,
    wait=True,
    roll_back=True,
)
