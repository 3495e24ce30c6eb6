"""Runs the tests on one changed module after another, each in a fork of a process that has the packages loaded."""

from __future__ import annotations

import gc
import importlib
import os
import resource
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import hypothesis
import pytest

_OURS: Final = ("weighbridge", "tests")
_CPU: Final = 60
"""Seconds of work after which a change counts as noticed: it made a loop without an end."""
_PATIENCE: Final = 600
"""Seconds after which a trial is given up: the judge waits for nothing, so something else is amiss."""
_MEMORY: Final = 8 << 30
"""Bytes of addresses: so does one that collects without an end."""
_NOTICED: Final = (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
_OPTIONS: Final = (
    *("-x", "-q", "--no-header", "--tb=short", "--assert=plain", "--noconftest"),
    *("-p", "no:cacheprovider", "-p", "no:timeout", "-o", "addopts=--import-mode=importlib"),
)

FEW: Final = "few"
MANY: Final = "many"
for _name, _examples in ((FEW, 15), (MANY, 200)):
    hypothesis.settings.register_profile(
        _name,
        max_examples=_examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )


@dataclass(frozen=True)
class Stage:
    """One round of tests.

    Attributes:
        profile: of Hypothesis: how many examples.
        which: of the tests, as pytest's `-k` takes it.
    """

    profile: str
    which: str


_EXACT: Final = "drift or starts_together or at_every_look or took_the_weight"
"""Tests that count every path exactly: right, and slow."""

STAGES: Final = (Stage(FEW, f"not ({_EXACT})"), Stage(MANY, f"not ({_EXACT})"), Stage(FEW, _EXACT))
"""The soonest first: few examples find nearly all, and what is left has to be overlooked by the others as well."""


class Tree:
    """A copy of what the tests need, in which modules may be changed.

    Attributes:
        root: where it is.
    """

    def __init__(self, root: Path, copy: Path) -> None:
        self.root = copy
        for name in _OURS:
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / "pyproject.toml", copy)
        # Compiled once, and told from a changed source by its hash: a time of change is too coarse here.
        compiled = (sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "weighbridge")
        subprocess.run(compiled, cwd=copy, check=True)
        os.chdir(copy)
        sys.path.insert(0, str(copy))
        sys.dont_write_bytecode = True

    def text(self, module: str) -> str:
        """Of a module, as it was when the tree was copied; others may edit the original meanwhile."""
        return (self.root / module).read_text(encoding="utf-8")

    def notices(self, module: str, text: str, tests: Sequence[str], stage: Stage) -> bool:
        """Whether a test fails where a module has another text.

        Args:
            module: its path from the root.
            text: its source in this trial.
            tests: paths from the root; the first that fails ends the trial.
            stage: which of them, and how hard they try.

        Raises:
            RuntimeError: pytest did not get as far as to run tests.
        """
        path, before = self.root / module, self.text(module)
        path.write_text(text, encoding="utf-8")
        try:
            status = self._forked(tests, stage)
        finally:
            path.write_text(before, encoding="utf-8")
        if os.WIFSIGNALED(status):
            if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
                return True
            raise RuntimeError(f"{module}: pytest ended by signal {os.WTERMSIG(status)}, see {self._log}")
        code = os.WEXITSTATUS(status)
        if code in _NOTICED:
            return True
        if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return False
        raise RuntimeError(f"{module}: pytest ended with {code}, see {self._log}")

    @property
    def _log(self) -> Path:
        return self.root / "pytest.log"

    def _forked(self, tests: Sequence[str], stage: Stage) -> int:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            code = 70
            try:
                code = self._tested(tests, stage)
            finally:
                os._exit(code)
        return os.waitpid(child, 0)[1]

    def _tested(self, tests: Sequence[str], stage: Stage) -> int:
        """In the fork: the exit code of pytest."""
        log = os.open(self._log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.alarm(_PATIENCE)
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU, _CPU + 5))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        hypothesis.settings.load_profile(stage.profile)
        code = pytest.main([*_OPTIONS, "-k", stage.which, *tests])
        loaded = importlib.import_module("weighbridge").__file__ or ""
        sys.stdout.flush()
        return code if Path(loaded).is_relative_to(self.root) else 71


def warm(tests: Sequence[str]) -> None:
    """Load the packages that some tests use, and forget what is ours again: each fork loads that for itself.

    Args:
        tests: paths of test files.
    """
    for each in tests:
        runpy.run_path(each)
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]
    gc.freeze()
