"""What can be wrong with the application, and the three places where that is said: image tag, environment, dial."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

_SUFFIXES = re.compile(r"-(errors|latency|notready|crash)(\d*)(?=-|$)")
_TRUE = frozenset({"1", "true", "yes"})


@dataclass(frozen=True)
class Faults:
    """How the application misbehaves: share of 500s (0..1), seconds added to each answer, readiness, crashing."""

    error_rate: float = 0.0
    latency: float = 0.0
    ready: bool = True
    crash: bool = False

    @classmethod
    def of(cls, image: str, env: Mapping[str, str], dial: Path) -> Self:
        """The faults of a starting application: its tag's, overridden by its environment, overridden by the dial."""
        return cls().tagged(image.rpartition(":")[2]).from_env(env).dialled(dial)

    def tagged(self, tag: str) -> Self:
        """With the suffixes of a tag: `2.0.0-errors30-latency800` is 30% errors and 800 ms."""
        found = self
        for name, number in _SUFFIXES.findall(tag):
            found = found.changed(_SUFFIX_MEANS[name](float(number or 0)))
        return found

    def from_env(self, env: Mapping[str, str]) -> Self:
        """With ERROR_RATE (0..1), LATENCY_MS, READY and CRASH where they are set."""
        found = self
        if "ERROR_RATE" in env:
            found = replace(found, error_rate=float(env["ERROR_RATE"]))
        if "LATENCY_MS" in env:
            found = replace(found, latency=float(env["LATENCY_MS"]) / 1000)
        if "READY" in env:
            found = replace(found, ready=env["READY"].lower() in _TRUE)
        if "CRASH" in env:
            found = replace(found, crash=env["CRASH"].lower() in _TRUE)
        return found

    def dialled(self, dial: Path) -> Self:
        """With what was dialled at run time for the workload, if anything was."""
        try:
            return self.changed(json.loads(dial.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return self

    def changed(self, changes: Mapping[str, float | bool]) -> Self:
        """With some of the faults set anew.

        Raises:
            ValueError: for a name that is no fault.
        """
        unknown = set(changes) - set(asdict(self))
        if unknown:
            raise ValueError(f"a fault must be one of {', '.join(asdict(self))} (got {min(unknown)!r})")
        return replace(self, **changes)  # type: ignore[arg-type]  # the names are checked above


_SUFFIX_MEANS: Mapping[str, Callable[[float], dict[str, float | bool]]] = {
    "errors": lambda percent: {"error_rate": percent / 100},
    "latency": lambda milliseconds: {"latency": milliseconds / 1000},
    "notready": lambda _: {"ready": False},
    "crash": lambda _: {"crash": True},
}


def write_dial(dial: Path, changes: Mapping[str, float | bool]) -> None:
    """Add changes to a workload's dial, for the processes that start from now on."""
    dial.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(dial.read_text(encoding="utf-8")) if dial.exists() else {}
    partial = dial.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps({**known, **changes}), encoding="utf-8")
    partial.replace(dial)
