"""Runs the unmodified program as Pulumi's own runner does (`pulumi-language-python-exec`), on our monitor."""

from __future__ import annotations

import asyncio
import logging
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime.mocks import MockSettings

from weighbridge.engine.rehearsal.goal import StepFailed
from weighbridge.engine.rehearsal.monitor import Log, Monitor
from weighbridge.errors import WeighbridgeError

THREADS = 64
"""A gate that waits keeps its thread; as on the real engine, the others must go on meanwhile."""

MAIN = "__main__.py"


@dataclass(frozen=True)
class Program:
    """What the program is told: where it is, what it is called, which stack and with which settings."""

    folder: Path
    project: str
    stack: str
    config: dict[str, str]


def execute(program: Program, monitor: Monitor, log: Log, *, preview: bool) -> None:
    """Run the program to its end, and every registration that it has started.

    Raises:
        StepFailed: the program raised; the text is one line.
        KeyboardInterrupt: the run was interrupted.
    """
    # Half-done tasks are what an aborted program leaves; asyncio's complaints about them help nobody.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(THREADS))
    pulumi.runtime.set_all_config(dict(program.config), [])
    pulumi.runtime.configure(
        MockSettings(
            monitor=monitor,
            monitor_features=_features(monitor),
            engine=log,
            project=program.project,
            stack=program.stack,
            dry_run=preview,
            organization="organization",
            root_directory=str(program.folder),
            callbacks=None,
        )
    )
    sys.argv = ["."]
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _main(program.folder)))
    except (StepFailed, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001  whatever a program raises, SystemExit too, is told in one line
        raise StepFailed(explain(error, program.folder)) from None


def _features(monitor: Monitor) -> set[int]:
    info = monitor.GetDeploymentInfo(empty_pb2.Empty())  # type: ignore[no-untyped-call]
    return set(info.supportedFeatures)


def explain(error: BaseException, folder: Path) -> str:
    """Say in one line what a program raised; for a bug, where."""
    if isinstance(error, (WeighbridgeError, pulumi.RunError)):
        return str(error)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, str) else f"the program ended itself with {error.code}"
    text = next(iter(str(error).splitlines()), "")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _inside(frame.filename, folder)]
    place = f" ({Path(frames[-1].filename).resolve().relative_to(folder)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text}{place}"


def _main(folder: Path) -> None:
    if not (folder / MAIN).exists():
        raise StepFailed(f"there is no program: {folder / MAIN}")
    runpy.run_path(".", run_name="__main__")


def _inside(filename: str, folder: Path) -> bool:
    path = Path(filename).resolve()
    return path.is_relative_to(folder) and "site-packages" not in path.parts
