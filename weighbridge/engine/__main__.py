"""`python -m weighbridge.engine`: find the real engine, or fetch it where it can be had, and say which one it will be.

For a machine that is about to run where there is no network, as the lab's namespace: found once, it stays.
"""

from __future__ import annotations

import sys

from weighbridge.engine.found import find
from weighbridge.errors import EngineError


def main() -> None:
    """Say it in one line."""
    try:
        line = f"engine: pulumi ({find().why})"
    except EngineError as missing:
        line = f"engine: rehearsal ({missing})"
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
