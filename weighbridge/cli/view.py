"""What a person or a pipeline sees: plain lines, live figures on a terminal, or one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from weighbridge.engine.plain import strip_control

STYLES = {"+ ": "green", "~ ": "yellow", "- ": "red", "± ": "magenta", "error: ": "bold red", "engine: ": "dim"}


class View:
    """Writes lines as they come. With `as_json` they go to standard error, and the result alone to standard output.

    With `lines_aside` they go there as well, as the result is a text.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        lines_aside: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self._out = out or sys.stdout
        self._as_json = as_json
        lines = (err or sys.stderr) if as_json or lines_aside else self._out
        # Decided by the stream alone: nothing that is piped gets colours or control characters.
        self._console = Console(
            file=lines, force_terminal=lines.isatty(), highlight=False, markup=False, soft_wrap=True
        )
        self._live: Live | None = None

    @property
    def terminal(self) -> bool:
        """Whether a person is watching."""
        return self._console.is_terminal

    def say(self, line: str) -> None:
        """Write a line."""
        clean = strip_control(line)
        style = next((style for start, style in STYLES.items() if clean.startswith(start)), "")
        self._console.print(Text(clean, style=style))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table: ruled on a terminal, aligned columns elsewhere."""
        if self.terminal:
            self._console.print(_table(columns, rows))
            return
        widths = [max(len(row[index]) for row in (columns, *rows)) for index in range(len(columns))]
        for row in (columns, *rows):
            self.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def live(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table that stays below the lines and changes in place; only on a terminal."""
        if not self.terminal:
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(_table(columns, rows), refresh=True)

    def still(self) -> None:
        """Take the changing table away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def text(self, content: str) -> None:
        """Write the command's result, where it is a text and no JSON was asked for."""
        if not self._as_json:
            self._out.write(content)
            self._out.flush()

    def document(self, content: Mapping[str, object]) -> None:
        """Write the command's result, where JSON was asked for."""
        if self._as_json:
            self._out.write(json.dumps(content, indent=2, default=str) + "\n")
            self._out.flush()


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
