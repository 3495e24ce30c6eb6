"""MetricGate, AppliedRoute and StackVerdict: the dynamic providers.

THIS PATH IS IN EVERY SAVED STATE: Pulumi pickles a provider by reference to its module, so this file and these
class names are never moved. What they decide lives in `weighbridge`; what is here is Pulumi's protocol, called as
pulumi/dynamic/__main__.py calls it: numbers arrive as floats, `update`'s outputs replace the old ones whole, and a
create or update that raises saves nothing. So a gate never raises on a verdict: its evidence has to reach the state.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic

from weighbridge import summary
from weighbridge.access import References, Session
from weighbridge.checks import Checks, measure
from weighbridge.decision import Turn, failed, settle
from weighbridge.errors import WeighbridgeError
from weighbridge.gate import Clock, Gate, missing
from weighbridge.judge import Evidence, Verdict
from weighbridge.measure import Prometheus
from weighbridge.plan import RED, Move, MoveKind, Phase, Wanted, decide
from weighbridge.state import GateState

_FORECAST_DEADLINE = 2.0
"""Seconds that a preview gives Prometheus; a forecast is a courtesy and must not hold a preview up."""

_CLOCK = Clock(time.time, time.sleep)

_forecasts: dict[str, tuple[float, Evidence]] = {}
"""Evaluations of `diff`, used again by the `update` that follows: decision and move -> (when, what)."""


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  the engine shows a provider's standard output to the user, live


class _OneLine(dynamic.ResourceProvider):
    """A provider whose errors reach the user as one line.

    The engine shows an exception as `traceback.format_exc()`; with no frames to show that is its last line.
    """

    serialize_as_secret_always = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Called once a process, before anything else."""
        del req
        sys.tracebacklimit = 0


def wanted_of(inputs: Mapping[str, Any]) -> Wanted:
    """What a gate's inputs ask for.

    Args:
        inputs: of the resource; numbers may be floats.
    """
    return Wanted(
        weight=int(inputs["weight"]),
        stable=inputs["stable_revision"],
        canary=inputs["revision"],
        steps=tuple(int(step["weight"]) for step in inputs["steps"]),
        skip=inputs.get("skip") or None,
        reason=inputs.get("reason_given") or None,
        retry=int(inputs.get("retry") or 0),
    )


class MetricGateProvider(_OneLine):
    """Asks Prometheus before the next weight is approved."""

    _references = References(os.environ, lambda _: None)

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Learn where the secrets are; they stay in this process, as the inputs hold only references to them."""
        super().configure(req)
        self._references = References(os.environ, req.config.get)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse what can be seen without the state, and echo what is wanted, so that a preview shows it."""
        failures = []
        weights = [int(step["weight"]) for step in news["steps"]]
        weight = int(news["weight"])
        if weight not in (0, *weights):
            allowed = ", ".join(str(each) for each in (0, *weights))
            failures.append(dynamic.CheckFailure("weight", f"'weight' must be one of {allowed} (got {weight})"))
        elif weight and news["revision"] == news["stable_revision"]:
            rule = f"'weight' must be 0 while nothing is released (got {weight})"
            failures.append(dynamic.CheckFailure("weight", rule))
        echo: dict[str, Any] = {
            "approved_weight": weight,
            "canary_revision": news["revision"] if weight else "",
            "previous_revisions": [],
        }
        return dynamic.CheckResult({**news, **echo}, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Refuse what the plan does not allow, and forecast the verdict of what it does.

        Raises:
            Refused: one line; here and not in `check`, which does not see the state.
        """
        state = GateState.read(olds)
        wanted = wanted_of(news)
        move = decide(news["release"], state.live if state else None, wanted)
        if move.judged and state is not None:
            self._forecast(news, state, move)
        return dynamic.DiffResult(changes=_changes(olds, news, state, move))

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """The first run of a release."""
        state = self._run(props, None)
        return dynamic.CreateResult(f"{props['namespace']}/{props['release']}", {**props, **state.outputs()})

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """A run that moves the release, or holds it, or takes its traffic back; never raises on a verdict."""
        state = self._run(news, GateState.read(olds))
        return dynamic.UpdateResult({**news, **state.outputs()})

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Judge the live weight again; only a fail changes anything."""
        state = GateState.read(props)
        if state is None or state.approved_weight == 0 or state.phase is Phase.FAILED or not props.get("prometheus"):
            return dynamic.ReadResult(id_, props)
        checks = Checks.read(props)
        since, now = _since(props, state), _CLOCK.now()
        evidence = measure(checks, state.live, since, now, self._prometheus(props, None))
        if evidence.verdict is not Verdict.FAIL:
            return dynamic.ReadResult(id_, props)
        wanted = wanted_of(props)
        move = Move(MoveKind.KEEP, state.approved_weight, state.approved_weight, judged=True)
        after = failed(state, Turn(props["release"], wanted, move, checks.roll_back, now), evidence)
        _say(after.reason)
        return dynamic.ReadResult(id_, {**props, **after.outputs()})

    def _run(self, news: dict[str, Any], state: GateState | None) -> GateState:
        name, wanted, checks = news["release"], wanted_of(news), Checks.read(news)
        move = decide(name, state.live if state else None, wanted)
        evidence = self._judge(news, state, move, checks) if move.judged and state is not None else None
        after = settle(state, Turn(name, wanted, move, checks.roll_back, _CLOCK.now()), evidence)
        if move.kind is not MoveKind.KEEP:
            _say(after.reason)
        return after

    def _judge(self, news: dict[str, Any], state: GateState, move: Move, checks: Checks) -> Evidence:
        if not news.get("prometheus"):
            return Evidence(Verdict.ERROR, "'prometheus' is not set, so nobody can be asked")
        if not _route_confirmed(news, state):
            line = f"the route at {state.approved_weight}% was not confirmed, a run was cut off; it is applied now"
            return Evidence(Verdict.INSUFFICIENT, line)
        since = _since(news, state)
        known = _forecasts.pop(_question(state, move), None)
        now = _CLOCK.now()
        if known and now - known[0] < min(checks.interval, 10) and missing(checks, move.start, since, *known) <= 0:
            return known[1]
        gate = Gate(news["release"], checks, self._prometheus(news, None), _CLOCK, _say)
        return gate.soak(state.live, move, since)

    def _forecast(self, news: dict[str, Any], state: GateState, move: Move) -> None:
        if not _route_confirmed(news, state) or not news.get("prometheus"):
            return
        checks, since, now = Checks.read(news), _since(news, state), _CLOCK.now()
        prometheus = self._prometheus(news, _FORECAST_DEADLINE)
        evidence = measure(checks, state.live, since, now, prometheus)
        if evidence.verdict is not Verdict.ERROR:
            # An error may be the short deadline's own: the update asks again, with the whole of its time.
            _forecasts[_question(state, move)] = (now, evidence)
        _say(summary.forecast(news["release"], move, evidence, missing(checks, move.start, since, now, evidence)))

    def _prometheus(self, news: dict[str, Any], deadline: float | None) -> Prometheus:
        settings = news["prometheus"]
        retries = 0 if deadline else int(settings["retries"])
        timeout = deadline or float(settings["timeout"])
        session = Session(settings, self._references)
        return Prometheus(settings["url"], timeout, retries, shared=deadline is not None, session=session)


def _changes(olds: dict[str, Any], news: dict[str, Any], state: GateState | None, move: Move) -> bool:
    if state is None or move.kind not in (MoveKind.KEEP, MoveKind.STAY_FAILED):
        return True
    if move.kind is MoveKind.KEEP and state.phase in RED:
        return True
    # What `read` judges by comes from the outputs, so new settings have to reach them.
    asked: tuple[str, ...] = ("namespace", "steps", "gate", "prometheus")
    if move.kind is MoveKind.KEEP:
        asked = (*asked, "weight", "retry", "skip", "reason_given")
    elif state.phase is not Phase.FAILED:
        return True
    return any(news.get(key) != olds.get(key) for key in asked)


def _question(state: GateState, move: Move) -> str:
    return f"{state.decision}|{move.kind}|{move.end}"


def _route_confirmed(news: Mapping[str, Any], state: GateState) -> bool:
    """Whether the routes of the live decision were applied: a run may have been killed between gate and route."""
    applied = news.get("applied") or {}
    return bool(applied.get("decision") == state.decision)


def _since(props: Mapping[str, Any], state: GateState) -> float:
    """When the mesh had the live weight: as the route's own record says, else when it was approved."""
    applied = props.get("applied") or {}
    if applied.get("decision") == state.decision and applied.get("at"):
        return float(applied["at"])
    return state.applied_time


class MetricGate(dynamic.Resource, module="weighbridge", name="MetricGate"):
    """The gate of one release: its outputs are what the routes follow.

    Attributes:
        approved_weight: percent.
        stable_revision: has the rest.
        canary_revision: has the weight; "" where none has.
        previous_revisions: whose subsets must stay for this run.
        decision: names the approval.
        applied_at: when it was given, ISO 8601 in UTC.
        phase: see `weighbridge.plan.Phase`.
        reason: the line that people read.
    """

    approved_weight: pulumi.Output[int]
    stable_revision: pulumi.Output[str]
    canary_revision: pulumi.Output[str]
    previous_revisions: pulumi.Output[list[str]]
    decision: pulumi.Output[str]
    applied_at: pulumi.Output[str]
    phase: pulumi.Output[str]
    reason: pulumi.Output[str]

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the gate.

        Args:
            name: of the resource.
            props: see `components.release`.
            opts: Pulumi's options.
        """
        outputs = dict.fromkeys(
            ("approved_weight", "canary_revision", "previous_revisions", "decision", "applied_at", "phase", "reason")
        )
        super().__init__(MetricGateProvider(), name, {**outputs, **props}, opts)


class AppliedRouteProvider(_OneLine):
    """Writes down when the routes of a decision were applied."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Anything goes."""
        return dynamic.CheckResult(news, [])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """A new decision is a new record."""
        return dynamic.DiffResult(changes=olds.get("decision") != news.get("decision"))

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """The first record."""
        return dynamic.CreateResult(str(props["release"]), {**props, "at": _CLOCK.now()})

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """The next record."""
        return dynamic.UpdateResult({**news, "at": _CLOCK.now()})


class AppliedRoute(dynamic.Resource, module="weighbridge", name="AppliedRoute"):
    """When the mesh was given a decision's weight. The next run's gate measures from then on, and not before."""

    at: pulumi.Output[float]

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the record.

        Args:
            name: of the resource.
            props: `release`, `decision`, and the `revisions` that the routes name.
            opts: Pulumi's options; it depends on the VirtualService.
        """
        super().__init__(AppliedRouteProvider(), name, {"at": None, **props}, opts)


class Halted(WeighbridgeError):  # noqa: N818  reads as the sentence that the user sees
    """A release was held or rolled back."""


# A traceback names an exception by its module, but for the built-in ones: `Halted: podinfo ...` is what people read.
Halted.__module__ = "builtins"


class StackVerdictProvider(_OneLine):
    """Ends the run non-zero when a release was held or rolled back, after all routes are applied."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Anything goes: a preview is never red for a verdict."""
        return dynamic.CheckResult(news, [])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """A red release makes each run red."""
        return dynamic.DiffResult(changes=bool(_red_lines(news)) or olds.get("releases") != news.get("releases"))

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """The first verdict.

        Raises:
            Halted: a line for each release that was held or rolled back.
        """
        _raise_when_red(props)
        return dynamic.CreateResult("verdict", props)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """The next verdict.

        Raises:
            Halted: a line for each release that was held or rolled back.
        """
        _raise_when_red(news)
        return dynamic.UpdateResult(news)


def _red_lines(props: Mapping[str, Any]) -> list[str]:
    releases = props.get("releases")
    if not isinstance(releases, Mapping):
        return []
    return [str(each["reason"]) for _, each in sorted(releases.items()) if each.get("phase") in RED]


def _raise_when_red(props: Mapping[str, Any]) -> None:
    lines = _red_lines(props)
    if lines:
        raise Halted("\n".join(lines))


class StackVerdict(dynamic.Resource, module="weighbridge", name="StackVerdict"):
    """The last resource of a stack: green, or one line for each release that is not."""

    def __init__(
        self, name: str, releases: Mapping[str, Mapping[str, Any]], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the verdict.

        Args:
            name: of the resource.
            releases: phase and reason of each.
            opts: Pulumi's options; it depends on every release.
        """
        super().__init__(StackVerdictProvider(), name, {"releases": releases}, opts)
