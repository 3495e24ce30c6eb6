"""What moves while a run is under way: weight set, share observed, success rate and latency of both tracks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from weighbridge.access import References, Session, config_keys
from weighbridge.cli.desk import Desk
from weighbridge.cli.view import View
from weighbridge.errors import EngineError
from weighbridge.goal import wanted
from weighbridge.measure import Prometheus
from weighbridge.observe import Observation, Window, observe
from weighbridge.queries import Target
from weighbridge.settings import Release
from weighbridge.state import GateState

COLUMNS = ("release", "weight", "share", "success canary", "success stable", "p99 canary", "p99 stable")
NONE = "-"
EVERY = 2.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class Figures:
    """One look at a release; the weight is what the gate had approved when the run began."""

    release: str
    weight: int
    seen: Observation

    def cells(self) -> tuple[str, ...]:
        """Give the cells of a table's row."""
        seen = self.seen
        return (
            self.release,
            f"{self.weight}%",
            _number(seen.share, "%", 1),
            _number(seen.canary.success, "%", 2),
            _number(seen.stable.success, "%", 2),
            _number(seen.canary.p99, " ms", 0),
            _number(seen.stable.p99, " ms", 0),
        )

    def line(self) -> str:
        """Give the same as a line."""
        _, weight, share, good, good_stable, p99, p99_stable = self.cells()
        return (
            f"{self.release} at {weight}: share {share}, success {good} (stable {good_stable}), "
            f"p99 {p99} (stable {p99_stable})"
        )


class Observer(Protocol):
    """Looks at a release's traffic."""

    def observe(self, release: str) -> Figures:
        """Give the figures of the last seconds; those that cannot be had are None."""


class MeshObserver:
    """Asks Prometheus for what the mesh has counted."""

    def __init__(
        self,
        prometheus: Prometheus | None,
        releases: Mapping[str, Release],
        gates: Mapping[str, Mapping[str, object]],
        *,
        recorded: bool = False,
    ) -> None:
        self._prometheus = prometheus
        self._recorded = recorded
        self._releases = releases
        self._states = {name: GateState.read(gate) for name, gate in gates.items()}

    def observe(self, release: str) -> Figures:
        """Look once."""
        settings, state = self._releases[release], self._states.get(release)
        if self._prometheus is None or state is None:
            return Figures(release, state.approved_weight if state else 0, Observation())
        target = Target(release, settings.namespace, settings.gate.reporter, recorded=self._recorded)
        canary = state.canary_revision or wanted(settings).canary
        canary = "" if canary == state.stable_revision else canary
        window = Window.of(settings.gate.interval, time.time())
        seen = observe(self._prometheus, target, state.stable_revision, canary, window)
        return Figures(release, state.approved_weight, seen)


class Watching:
    """Looks at some releases beside a run, and shows what it sees between the run's own lines."""

    def __init__(self, observer: Observer, releases: Sequence[str], view: View, every: float = EVERY) -> None:
        self._observer = observer
        self._releases = releases
        self._view = view
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=2 * self._every)
        self._view.still()

    def _look(self) -> None:
        while not self._over.wait(self._every):
            show([self._observer.observe(release) for release in self._releases], self._view, self._over.is_set)


def show(figures: Sequence[Figures], view: View, over: Callable[[], bool] = lambda: False) -> None:
    """Show figures: in place on a terminal, as lines elsewhere; releases without traffic are left out of the lines."""
    if over():
        return
    if view.terminal:
        view.live(COLUMNS, [each.cells() for each in figures])
        return
    for each in figures:
        if each.seen.stable.requests or each.seen.canary.requests:
            view.say(each.line())


def observer(desk: Desk) -> Observer:
    """Make the observer of a stack as it is now."""
    settings = desk.settings()
    given = settings.prometheus
    # One try and a short one: a figure that is late is of no use, and the next look comes soon.
    if given is None:
        return MeshObserver(None, settings.releases, desk.gates())
    session = _session(desk, given.inputs())
    prometheus = Prometheus(given.address, min(given.timeout, EVERY), 0, session=session)
    return MeshObserver(prometheus, settings.releases, desk.gates(), recorded=given.recorded)


def _session(desk: Desk, given: Mapping[str, Any]) -> Session:
    """The way in; the stack's secrets are read now, as the engine is busy once a run is under way."""
    secrets: dict[str, str | None] = {}
    try:
        secrets = {key: desk.secret(key) for key in config_keys(given)}
    except EngineError as error:
        desk.view.say(f"no figures: {error}")
    return Session(given, References(os.environ, secrets.get, desk.project))


def _number(value: float | None, unit: str, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}{unit}"
