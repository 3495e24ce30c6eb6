"""The commands. They decide nothing: decisions come out of `weighbridge.plan` and the gate's state."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import typer

from weighbridge.cli import moves, overview
from weighbridge.cli.desk import Desk
from weighbridge.cli.exits import Exit, of_run
from weighbridge.cli.options import command
from weighbridge.cli.watch import EVERY, observer, show
from weighbridge.engine import Engine, RunResult
from weighbridge.engine.rehearsal import Rehearsal

ReleaseName = Annotated[str, typer.Argument(help="The release's name.", metavar="RELEASE", show_default=False)]


@command()
def plan(desk: Desk) -> Exit:
    """Show each release: its steps, the live and the wanted weight, and what the next run would do."""
    found = overview.rows(desk)
    desk.view.table(overview.COLUMNS, [row.cells() for row in found])
    desk.view.document({"ok": True, "exit": 0, "stack": desk.stack, "releases": [row.content() for row in found]})
    return Exit.DONE


@command()
def preview(desk: Desk) -> Exit:
    """Say what a run would do, with the gate's forecast; nothing is changed."""
    result = desk.engine.preview(desk.view.say)
    return _told(desk, result, of_run(result, desk.gates(), desk.settings().releases))


@command()
def up(
    desk: Desk,
    refresh: Annotated[bool, typer.Option(help="Judge what is live again first, and take traffic back.")] = False,  # noqa: FBT002
) -> Exit:
    """Make the stack what its file says; what CI runs after a merge."""
    return _told(desk, *moves.up(desk, tuple(desk.settings().releases), refresh=refresh))


@command()
def advance(desk: Desk, release: ReleaseName) -> Exit:
    """Write the next step's weight into the stack file, and run it."""
    return _told(desk, *moves.advance(desk, release))


@command()
def run(
    desk: Desk,
    release: ReleaseName,
    to: Annotated[str, typer.Option(help="Where to stop: 'promote', or the weight of a step.")] = moves.PROMOTE,
) -> Exit:
    """Walk the plan step by step, up to the promotion; stop at the first red run."""
    return _told(desk, *moves.run(desk, release, to))


@command()
def promote(desk: Desk, release: ReleaseName) -> Exit:
    """Make the canary's template the stable one in the stack file, and run it."""
    return _told(desk, *moves.promote(desk, release))


@command()
def abort(desk: Desk, release: ReleaseName) -> Exit:
    """Write weight: 0 into the stack file, and run it; needs no Prometheus."""
    return _told(desk, *moves.abort(desk, release))


@command("set-image")
def set_image(
    desk: Desk,
    release: ReleaseName,
    image: Annotated[str, typer.Argument(help="The image, with its tag or digest.", show_default=False)],
    track: Annotated[Literal["canary", "stable"], typer.Option(help="Whose image.")] = "canary",
) -> Exit:
    """Write an image into the stack file; nothing is run."""
    before = desk.file.path.read_bytes()
    desk.file.set_image(release, track, image)
    try:
        desk.settings()
    except BaseException:
        desk.file.path.write_bytes(before)
        raise
    desk.view.say(f"{desk.file.path.name}: {release}: {track}: {image}")
    desk.view.document({"ok": True, "exit": 0, "release": release, "track": track, "image": image})
    return Exit.DONE


@command()
def status(
    desk: Desk,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing what moves until interrupted.")] = False,  # noqa: FBT002
) -> Exit:
    """Show where each release is and why, and what its traffic looks like now."""
    names = tuple(desk.settings().releases)
    while True:
        found = overview.rows(desk)
        figures = [observer(desk).observe(name) for name in names]
        if not watch:
            desk.view.table(overview.COLUMNS, [row.cells() for row in found])
            for row in found:
                if row.reason:
                    desk.view.say(row.reason)
            show(figures, desk.view)
            desk.view.still()
            desk.view.document(
                {
                    "ok": True,
                    "exit": 0,
                    "stack": desk.stack,
                    "releases": [row.content() for row in found],
                    "gates": {name: dict(gate) for name, gate in desk.gates().items()},
                }
            )
            return Exit.DONE
        show(figures, desk.view)
        time.sleep(EVERY)
        desk.forget()


@command()
def rehearse(
    desk: Desk,
    operation: Annotated[
        Literal["preview", "up", "refresh", "destroy"], typer.Argument(help="What to rehearse.")
    ] = "up",
) -> Exit:
    """Run on the rehearsal engine: the same program and real objects, with its state in a file of its own."""
    engine = Rehearsal(desk.project, desk.stack)
    result: RunResult = getattr(engine, operation)(desk.view.say)
    return _told(desk, result, of_run(result, engine.gates(), desk.settings().releases), engine)


def _told(desk: Desk, result: RunResult, code: Exit, engine: Engine | None = None) -> Exit:
    """End a run with its errors and one line of what has changed, or with the JSON document."""
    ran = engine or desk.engine
    for line in result.errors:
        desk.view.say(f"error: {line}")
    changed = ", ".join(f"{count} {kind}" for kind, count in sorted(result.changes.items()) if kind != "same")
    desk.view.say(f"{'done' if result.ok else 'red'}: {changed or 'nothing changed'}")
    desk.view.document(
        {
            "ok": result.ok,
            "exit": int(code),
            "stack": desk.stack,
            "engine": ran.name,
            "changes": dict(result.changes),
            "errors": list(result.errors),
            "releases": {name: dict(gate) for name, gate in ran.gates().items()},
        }
    )
    return code
