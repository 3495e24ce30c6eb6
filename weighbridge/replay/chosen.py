"""Which spans are walked: those of the history, or the one that the options name. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from weighbridge.errors import SettingsError
from weighbridge.replay import when
from weighbridge.replay.spans import Span, between, walks
from weighbridge.workload import workload_name

_REVISION: Final = r"[0-9a-f]{10}"
_WORKLOAD: Final = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_ALL: Final = 100


@dataclass(frozen=True)
class Which:
    """What the options say of the time and of the workloads; None for what they do not say.

    Attributes:
        start: when it begins, as written.
        end: when it ends.
        weight: percent.
        stable: a revision of the release, or the name of any workload.
        canary: the same.
    """

    start: str | None = None
    end: str | None = None
    weight: int | None = None
    stable: str | None = None
    canary: str | None = None

    @property
    def named(self) -> bool:
        """Whether it is one span at one weight, and not what the history says."""
        return not (self.weight is None and self.stable is None and self.canary is None)


@dataclass(frozen=True)
class Known:
    """What is known of a release.

    Attributes:
        release: its name.
        stable: the workload that is stable now.
        canary: the workload that is, or would be, the canary.
        spans: of its history, oldest first.
        end: Unix time at which what is known ends.
    """

    release: str
    stable: str
    canary: str
    spans: Sequence[Span]
    end: float


def chosen(which: Which, known: Known) -> list[Span]:
    """The spans that are meant, at least one.

    Raises:
        SettingsError: there is none, or an option is wrong.
    """
    start = None if which.start is None else when.read(which.start, "--from", known.end)
    end = known.end if which.end is None else when.read(which.end, "--to", known.end)
    if start is not None and start >= end:
        raise SettingsError(f"--from must be before --to, {when.day(end)} (got {when.day(start)})")
    if which.named:
        return [_named(which, known, start, end)]
    newest = start is None and which.end is None
    found = between(walks(known.spans)[-1] if newest and known.spans else known.spans, start or 0.0, end)
    if not found:
        raise SettingsError(
            f"the history of {known.release} has no weight above 0 in this time; --from, --weight, --canary and "
            "--stable say what to replay"
        )
    return found


def _named(which: Which, known: Known, start: float | None, end: float) -> Span:
    if which.weight is None or not 1 <= which.weight <= _ALL:
        got = "nothing" if which.weight is None else which.weight
        raise SettingsError(f"--weight must be the canary's percent of the traffic, from 1 to {_ALL} (got {got})")
    if start is None:
        raise SettingsError("--from must say when the canary had its weight (got nothing)")
    canary = known.canary if which.canary is None else _workload(which.canary, "--canary", known.release)
    stable = known.stable if which.stable is None else _workload(which.stable, "--stable", known.release)
    if canary == stable:
        raise SettingsError(f"--canary must be another workload than --stable (got {canary} twice)")
    return Span(which.weight, canary, stable, start, end)


def _workload(given: str, option: str, release: str) -> str:
    """A revision of the release is meant by its ten hex digits; whatever else is a workload's name."""
    if re.fullmatch(_REVISION, given):
        return workload_name(release, given)
    if not re.fullmatch(_WORKLOAD, given):
        raise SettingsError(f"{option} must be a revision or the name of a workload (got {given[:60]!r})")
    return given
