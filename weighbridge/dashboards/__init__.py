"""The dashboard that ships: JSON for Grafana, written by `python -m docs.dashboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CANARY: Final = Path(__file__).with_name("canary.json")
"""A release: its weight, its phase, and its canary beside stable."""


def canary() -> str:
    """The text of the dashboard, for a ConfigMap or for Grafana's import."""
    return CANARY.read_text(encoding="utf-8")
