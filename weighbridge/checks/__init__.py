"""What a gate checks, and one look at it: queries out, samples in, evidence back.

inputs         what is checked                  answers    from samples to counts
look           one look, all metrics            against    canary against stable
failed_checks  Flagger's counting of checks
"""

from __future__ import annotations

from weighbridge.checks.answers import Asked, counted
from weighbridge.checks.inputs import Checks, Comparison, Latency
from weighbridge.checks.look import measure

__all__ = ["Asked", "Checks", "Comparison", "Latency", "counted", "measure"]
