"""Runs the program, `__main__.py`, in a process of its own on the SDK's mocks: `python -m tests.components.program`.

Takes the stack's config as JSON on standard input, and prints as JSON, in its last line, what was registered, how it
ended, and which packages had been imported by then.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pulumi

from tests.components.recording import PROJECT, declare

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run it."""
    config: dict[str, Any] = json.load(sys.stdin)

    def program() -> None:
        pulumi.runtime.config.set_all_config({f"{PROJECT}:{key}": json.dumps(value) for key, value in config.items()})
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    stack = declare(program, {})
    packages = sorted({name.partition(".")[0] for name in sys.modules})
    told = {"types": [each.type for each in stack.all], "error": str(stack.error or ""), "packages": packages}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
