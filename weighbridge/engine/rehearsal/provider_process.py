"""`python -m weighbridge.engine.rehearsal.provider_process`: Pulumi's dynamic provider host, on a leash.

`python -m pulumi.dynamic` waits for ever and answers no signal of its parent's end. Here it ends with its standard
input, so that a killed run leaves nothing behind.
"""

from __future__ import annotations

import os
import runpy
import threading


def end_with_input() -> None:
    """End this process at once when whoever started it is gone."""

    def wait() -> None:
        # Not sys.stdin: a thread that is inside of it would break an orderly end.
        while os.read(0, 1024):
            pass
        os._exit(137)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Serve until the input ends."""
    end_with_input()
    runpy.run_module("pulumi.dynamic", run_name="__main__")


if __name__ == "__main__":
    main()
