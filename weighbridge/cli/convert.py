"""`weighbridge convert`: documents in, a stack file out. What they mean is said in `weighbridge.convert`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from weighbridge import convert as converting
from weighbridge.cli.exits import Exit
from weighbridge.cli.options import plain_command
from weighbridge.cli.view import View
from weighbridge.errors import SettingsError

STANDARD_INPUT = "-"

Files = Annotated[
    list[str],
    typer.Argument(
        help="Kubernetes documents as YAML or JSON; - for standard input.", metavar="FILE", show_default=False
    ),
]
Namespace = Annotated[str | None, typer.Option(help="The namespace of a Canary or Rollout that names none.")]


@plain_command()
def convert(view: View, files: Files, namespace: Namespace = None) -> Exit:
    """Print a Flagger Canary or an Argo Rollout as a stack file, and list what has no equal."""
    found = converting.convert({name: _read(name) for name in files}, namespace=namespace)
    view.text(found.text)
    for what in found.missing:
        view.say(f"add: {what}")
    for line in found.lines:
        view.say(str(line))
    open_ones = sum(not line.settled for line in found.lines)
    view.say(f"done: {len(found.missing)} to add, {open_ones} without an equal or with a difference")
    view.document(
        {
            "ok": True,
            "exit": int(Exit.DONE),
            "settings": found.settings,
            "text": found.text,
            "missing": list(found.missing),
            "lines": [
                {"document": each.document, "path": each.path, "why": each.why, "settled": each.settled}
                for each in found.lines
            ],
        }
    )
    return Exit.DONE


def _read(name: str) -> str:
    try:
        found = sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
        return found.decode("utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{name}: cannot be read ({why})") from None
