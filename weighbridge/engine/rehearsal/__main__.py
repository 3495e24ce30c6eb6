"""`python -m weighbridge.engine.rehearsal OPERATION --project DIR --stack NAME --result FILE`, one run.

The engine starts it. Its output is the run's lines; how the run ended is written to the result file. It ends at once
when its standard input ends: that is how it learns that whoever started it is dead.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from weighbridge.engine.project import read_project
from weighbridge.engine.protocol import RunResult
from weighbridge.engine.rehearsal.provider_host import ProviderHost
from weighbridge.engine.rehearsal.provider_process import end_with_input
from weighbridge.engine.rehearsal.start import Start, started
from weighbridge.errors import WeighbridgeError


def main(words: Sequence[str] | None = None, start: Start = started) -> int:
    """Do one run.

    Args:
        words: the arguments; None for those of this process.
        start: gives the process of the dynamic providers.

    Returns:
        The exit code.
    """
    args = _arguments(words)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    end_with_input()
    try:
        result = _run(args, start)
    except WeighbridgeError as error:
        result = RunResult(ok=False, errors=(str(error),))
    except KeyboardInterrupt:
        result = RunResult(ok=False, errors=("interrupted; nothing was changed",))
    args.result.write_text(json.dumps(asdict(result)), encoding="utf-8")
    return 0 if result.ok else 1


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m weighbridge.engine.rehearsal")
    parser.add_argument("operation", choices=["preview", "up", "refresh", "destroy"])
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--refresh", action="store_true")
    return parser.parse_args(words)


def _run(args: argparse.Namespace, start: Start) -> RunResult:
    folder: Path = args.project.resolve()
    project = read_project(folder)
    with ProviderHost(folder, project, _say, start) as host:
        # Imported here because it takes a second, in which the host makes its own start.
        from weighbridge.engine.rehearsal.session import Session  # noqa: PLC0415

        return Session(folder, project, args.stack, args.operation, args.refresh, _say).run(host)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    # A second signal must not break into the saving that the first one started.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Not sys.exit: it would wait for threads in which an interrupted gate still has its call open.
    os._exit(code)
