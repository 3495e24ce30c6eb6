"""One run at a time on a stack."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weighbridge.errors import EngineError


@contextmanager
def run_lock(path: Path, stack: str) -> Iterator[None]:
    """Hold the stack for the length of a run.

    The kernel drops the lock with the process that holds it, however that ends, so a dead run never stands in the way.

    Raises:
        EngineError: another run holds it; nothing was changed.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise EngineError(
                f"stack '{stack}': another run is under way (process {owner}); nothing was changed"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
