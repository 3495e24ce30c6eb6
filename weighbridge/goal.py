"""What a release's settings ask of the plan, and of the gate."""

from __future__ import annotations

from typing import Any

from weighbridge import workload
from weighbridge.plan import Wanted
from weighbridge.settings import Release


def wanted(release: Release) -> Wanted:
    """Put what a release's settings ask for in the plan's terms.

    Args:
        release: its settings; without a canary there is nothing to release, and its revision is the stable one's.
    """
    stable = workload.revision(release, release.stable)
    return Wanted(
        weight=release.weight,
        stable=stable,
        canary=workload.revision(release, release.canary) if release.canary else stable,
        steps=tuple(step.weight for step in release.steps),
        skip=release.skip,
        reason=release.reason,
        retry=release.retry,
    )


def checked(release: Release) -> dict[str, Any]:
    """What its gate checks, as `weighbridge.checks.Checks.read` takes it; JSON values.

    Args:
        release: its settings. What is not set is left out.
    """
    return {
        "release": release.name,
        "namespace": release.namespace,
        "steps": [step.model_dump(mode="json", exclude_none=True) for step in release.steps],
        "gate": release.gate.model_dump(mode="json", exclude_none=True),
    }
