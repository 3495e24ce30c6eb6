"""`python -m weighbridge`."""

from __future__ import annotations

from weighbridge.cli import main

main()
