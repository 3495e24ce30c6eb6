"""The `weighbridge` command, for people and for CI."""

from __future__ import annotations

from weighbridge.cli import commands as _commands
from weighbridge.cli.options import app

__all__ = ["app", "main"]

assert _commands  # noqa: S101  importing it is what adds the commands


def main() -> None:
    """Run the command."""
    app()
