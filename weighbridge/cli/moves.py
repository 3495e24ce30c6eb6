"""The commands that move traffic: each edits the stack file, asks the plan, and runs the program.

The file says what is wanted, and stays so. A gate that holds leaves the edit in place, and the next run goes on with
it. After a rollback `weight` stays too, and the release stays red until it is 0, the revision is a new one, or `retry`
is raised. Only what never began is taken out of the file again: an edit that the plan refuses, and a promotion whose
last look ended in a rollback, as nobody should read a failed revision as the stable one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from weighbridge.cli.desk import Desk, live
from weighbridge.cli.exits import Exit, of_run
from weighbridge.cli.watch import Watching, observer
from weighbridge.engine import RunResult
from weighbridge.errors import Refused, SettingsError, WeighbridgeError
from weighbridge.goal import wanted
from weighbridge.plan import MoveKind, Phase, decide, next_weight

PROMOTE = "promote"


def up(desk: Desk, releases: tuple[str, ...], *, refresh: bool = False) -> tuple[RunResult, Exit]:
    """Run the program for what the file says, showing what moves."""
    with Watching(observer(desk), releases, desk.view):
        result = desk.up(refresh=refresh)
    return result, of_run(result, desk.gates(), releases)


def advance(desk: Desk, name: str) -> tuple[RunResult, Exit]:
    """Bring a release to its next step; one that was held is tried again with what the file says.

    Raises:
        Refused: there is no next step, or the plan does not allow it.
        SettingsError: the release has no candidate.
    """
    weight = following(desk, name)
    if weight is None:
        raise Refused(f"{name}: every step is done, what follows is to promote it")
    if weight != desk.release(name).weight:
        with _kept_if_allowed(desk, name):
            desk.file.set_weight(name, weight)
            desk.view.say(f"{desk.file.path.name}: {name}: weight: {weight}")
    return up(desk, (name,))


def run(desk: Desk, name: str, to: str) -> tuple[RunResult, Exit]:
    """Walk the plan, one run a step, to a weight or to the promotion; stop at the first red run.

    Raises:
        SettingsError: `to` is neither `promote` nor a step.
        Refused: the plan does not allow the next move.
    """
    goal = _goal(desk, name, to)
    result, code = RunResult(ok=True), Exit.DONE
    while code is Exit.DONE:
        state = desk.state(name)
        weight = state.approved_weight if state else 0
        done = state is not None and state.phase is Phase.PROGRESSING and goal is not None and weight >= goal
        if done:
            return result, code
        if following(desk, name) is None:
            return promote(desk, name)
        result, code = advance(desk, name)
        after = desk.state(name)
        if code is Exit.DONE and after is not None and after.approved_weight <= weight:
            raise Refused(f"{name}: stays at {weight}, {after.reason}")
    return result, code


def promote(desk: Desk, name: str) -> tuple[RunResult, Exit]:
    """Make the canary's template the stable one in the file, and run it.

    Raises:
        Refused: the plan does not allow it yet.
        SettingsError: there is no canary.
    """
    before = desk.file.path.read_bytes()
    with _kept_if_allowed(desk, name):
        desk.file.promote(name)
        if desk.move(name).kind not in {MoveKind.PROMOTE, MoveKind.REPLACE, MoveKind.BOOTSTRAP}:
            raise Refused(f"{name}: the canary has no traffic to be promoted from, or has failed")
        desk.view.say(f"{desk.file.path.name}: {name}: stable is what canary was, weight: 0")
    result, code = up(desk, (name,))
    if code is Exit.ROLLED_BACK:
        desk.file.path.write_bytes(before)
        desk.view.say(f"{desk.file.path.name}: {name}: as before, as the promotion was rolled back")
    return result, code


def abort(desk: Desk, name: str) -> tuple[RunResult, Exit]:
    """Take all traffic back to stable; nothing has to agree.

    Raises:
        Refused: a promotion is held, so that only the file's own history knows what stable was.
    """
    state, stable = desk.state(name), wanted(desk.release(name)).stable
    if state and state.approved_weight and stable != state.stable_revision:
        raise Refused(
            f"{name}: 'stable' must be {state.stable_revision} again, as before the promotion: take that change of "
            f"{desk.file.path.name} back and run, which sends all traffic there (got {stable})"
        )
    if desk.release(name).weight != 0:
        desk.file.set_weight(name, 0)
        desk.view.say(f"{desk.file.path.name}: {name}: weight: 0")
    return up(desk, (name,))


def following(desk: Desk, name: str) -> int | None:
    """Give the weight that the next run is to bring; None where only the promotion is left.

    Raises:
        Refused: the canary has failed, and nothing about it has changed.
        SettingsError: there is nothing to release.
    """
    release, state = desk.release(name), desk.state(name)
    wish = wanted(release)
    if wish.canary == wish.stable:
        got = release.canary.image if release.canary else "none"
        raise SettingsError(f"weighbridge:releases.{name}: 'canary' must differ from 'stable' to be moved (got {got})")
    here = live(state)
    if here is None or here.canary != wish.canary or here.weight == 0:
        first = wish.steps[0]
        _refuse_failed(desk, name, first)
        return first
    if wish.weight > here.weight:
        return wish.weight
    return next_weight(wish.steps, here.weight)


def _refuse_failed(desk: Desk, name: str, weight: int) -> None:
    """Say now what the plan would say of a canary that has failed: another run changes nothing."""
    wish, here = wanted(desk.release(name)), live(desk.state(name))
    trial = type(wish)(**{**wish.__dict__, "weight": weight})
    if decide(name, here, trial).kind is MoveKind.STAY_FAILED:
        raise Refused(
            f"{name}: {wish.canary} has failed; give 'canary' a new revision, or raise 'retry' (got {wish.retry})"
        )


@contextmanager
def _kept_if_allowed(desk: Desk, name: str) -> Iterator[None]:
    """Take an edit back when the settings or the plan refuse what it asks for."""
    before = desk.file.path.read_bytes()
    restore: Callable[[], object] = lambda: desk.file.path.write_bytes(before)  # noqa: E731
    try:
        yield
        desk.move(name)
    except WeighbridgeError:
        restore()
        raise


def _goal(desk: Desk, name: str, to: str) -> int | None:
    steps = [step.weight for step in desk.release(name).steps]
    if to == PROMOTE:
        return None
    if to.isdecimal() and int(to) in steps:
        return int(to)
    raise SettingsError(f"--to must be one of {', '.join(map(str, steps))}, {PROMOTE} (got '{to}')")
