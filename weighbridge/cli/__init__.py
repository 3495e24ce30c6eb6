"""The `weighbridge` command, for people and for CI."""

from __future__ import annotations

from weighbridge.cli import commands as _commands
from weighbridge.cli import convert as _convert
from weighbridge.cli import replay as _replay
from weighbridge.cli.options import app

__all__ = ["app", "main"]

assert _commands  # noqa: S101  importing it is what adds the commands
assert _convert  # noqa: S101  the same
assert _replay  # noqa: S101  the same


def main() -> None:
    """Run the command."""
    app()
