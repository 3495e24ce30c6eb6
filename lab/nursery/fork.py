"""A fork that is as a new process would be, and the dynamic providers of a run as a fork of the run."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn, Self

from weighbridge.engine.rehearsal.start import PROVIDERS

_FILES = 1 << 12
"""File numbers that a child closes: more than this process ever opens."""


def forked(main: Callable[[], int], folder: str, streams: tuple[int, int, int]) -> int:
    """Fork, and give the child's process id; the child ends with what `main` returns.

    Args:
        main: what the child does.
        folder: where it works, and where it finds modules first.
        streams: files of its input, output and errors.
    """
    pid = os.fork()
    if pid == 0:
        _become(main, folder, streams)
    return pid


def _become(main: Callable[[], int], folder: str, streams: tuple[int, int, int]) -> NoReturn:
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for stream, file in enumerate(streams):
            os.dup2(file, stream)
        os.closerange(3, _FILES)
        os.chdir(folder)
        sys.path.insert(0, folder)
        code = main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001  told as a new process would tell it
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def providers(module: str, words: Sequence[str], folder: Path, env: Mapping[str, str], /, *, merged: bool) -> Child:
    """Start the process of the dynamic providers; see `Start`.

    Raises:
        ValueError: it is another module, or its errors are to go elsewhere.
    """
    if (module, tuple(words), merged) != (PROVIDERS, (), False):
        raise ValueError(f"a run has only {PROVIDERS}, with errors apart (got {module})")

    def main() -> int:
        os.environ.update(env)
        importlib.import_module(PROVIDERS).main()
        return 0

    its_in, leash = os.pipe()
    stdout, its_out = os.pipe()
    pid = forked(main, str(folder), (its_in, its_out, 2))
    os.close(its_in)
    os.close(its_out)
    return Child(pid, os.fdopen(stdout, encoding="utf-8", errors="replace"), leash)


class Child:
    """A fork of this process, as `subprocess.Popen` would show it."""

    def __init__(self, pid: int, stdout: IO[str], leash: int) -> None:
        self.stdout: IO[str] | None = stdout
        self._pid, self._leash = pid, leash
        self._code: int | None = None

    def send_signal(self, number: int, /) -> None:
        """Send it, unless the process has been waited for."""
        if self._code is None:
            os.kill(self._pid, number)

    def wait(self) -> int:
        """Wait for its end."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code

    def __enter__(self) -> Self:
        """For as long as it is of use."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of its input, and wait for its end."""
        os.close(self._leash)
        self.wait()
