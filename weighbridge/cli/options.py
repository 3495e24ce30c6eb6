"""The options that every command has, and the frame in which each runs: no traceback for a verdict or a mistake."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal, get_type_hints

import typer

from weighbridge.cli.desk import Desk, find_project, find_stack
from weighbridge.cli.exits import MEANING, Exit, of_error
from weighbridge.cli.view import View
from weighbridge.errors import WeighbridgeError

Command = Callable[..., Exit]

COMMON: dict[str, tuple[Any, object]] = {
    "stack": (
        Annotated[str | None, typer.Option(help="The stack; else $WEIGHBRIDGE_STACK, else the only one there is.")],
        None,
    ),
    "project": (
        Annotated[Path | None, typer.Option(help="The project's folder; else the nearest one with a Pulumi.yaml.")],
        None,
    ),
    "engine": (
        Annotated[
            Literal["auto", "pulumi", "rehearsal"],
            typer.Option(help="Pulumi's own engine, or the rehearsal; auto takes Pulumi's where it can be had."),
        ],
        "auto",
    ),
    "as_json": (
        Annotated[bool, typer.Option("--json", help="One JSON document on standard output; lines to standard error.")],
        False,
    ),
}

app = typer.Typer(
    name="weighbridge",
    help="Progressive delivery as reviewed infrastructure code.",
    epilog="\b\nExit codes:\n" + "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANING.items()),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def command(name: str | None = None) -> Callable[[Command], Command]:
    """Add a command: a function of a `Desk` and of its own options, which ends with an exit code."""

    def work(body: Command, common: dict[str, Any], given: dict[str, Any]) -> int:
        return _guarded(View(as_json=common["as_json"]), lambda view: body(_desk(common, view), **given))

    return _adding(name, COMMON, work)


def plain_command(name: str | None = None) -> Callable[[Command], Command]:
    """Add a command that needs no project and no stack: a function of a `View` and of its own options.

    What it makes is the text on standard output, so its lines go to standard error.
    """

    def work(body: Command, common: dict[str, Any], given: dict[str, Any]) -> int:
        view = View(as_json=common["as_json"], lines_aside=True)
        return _guarded(view, lambda view: body(view, **given))

    return _adding(name, {"as_json": COMMON["as_json"]}, work)


def _adding(
    name: str | None,
    shared: dict[str, tuple[Any, object]],
    work: Callable[[Command, dict[str, Any], dict[str, Any]], int],
) -> Callable[[Command], Command]:
    def add(body: Command) -> Command:
        hints = get_type_hints(body, include_extras=True)
        own = list(inspect.signature(body).parameters.values())[1:]
        added = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
            for key, (hint, default) in shared.items()
        ]

        def framed(**given: Any) -> None:
            common = {key: given.pop(key) for key in shared}
            raise typer.Exit(work(body, common, given))

        framed.__name__, framed.__doc__ = body.__name__, body.__doc__
        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[each.name]) for each in own]
        framed.__signature__ = inspect.Signature([*parameters, *added])  # type: ignore[attr-defined]
        framed.__annotations__ = {each.name: each.annotation for each in (*parameters, *added)}
        app.command(name or body.__name__)(framed)
        return body

    return add


def _desk(common: dict[str, Any], view: View) -> Desk:
    project = find_project(common["project"])
    return Desk(project, find_stack(project, common["stack"]), common["engine"], view)


def _guarded(view: View, body: Callable[[View], Exit]) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(body(view))
    except WeighbridgeError as error:
        code, line = of_error(error), str(error)
    except KeyboardInterrupt:
        code, line = Exit.INTERRUPTED, MEANING[Exit.INTERRUPTED]
    finally:
        view.still()
    view.say(f"error: {line}")
    view.document({"ok": False, "exit": int(code), "errors": [line]})
    return int(code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt
