"""What every engine can do, so that neither the program nor the command knows which one it is on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Line = Callable[[str], None]
"""Receives each line that the program, a provider or the engine printed, as it comes."""

Prefer = Literal["auto", "pulumi", "rehearsal"]


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        ok: True when every step of the run was done.
        changes: how many resources met each operation: create, update, replace, delete, same.
        errors: one clean line for each thing that went wrong, without tracebacks.
    """

    ok: bool
    changes: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


class Engine(Protocol):
    """Runs the project's program against one stack.

    A run that ends red is a `RunResult`, not an exception. `EngineError` is raised for what is wrong before the
    program starts: an unknown stack, another run under way, no backend. An interrupt is raised as KeyboardInterrupt,
    once the run has ended and its state is saved.
    """

    name: str
    """"pulumi" or "rehearsal"."""

    reason: str
    """One line: which engine this is and why it was taken; also the first line of each run."""

    def preview(self, on_line: Line) -> RunResult:
        """Say what `up` would do; change nothing."""

    def up(self, on_line: Line, *, refresh: bool = False) -> RunResult:
        """Make the stack what the program says; read the live state first when `refresh` is set."""

    def refresh(self, on_line: Line) -> RunResult:
        """Read what is live into the state; change nothing that is live."""

    def outputs(self) -> Mapping[str, object]:
        """Give the stack's outputs as the last green run recorded them; secret ones are shown as `[secret]`."""

    def gates(self) -> Mapping[str, Mapping[str, object]]:
        """Give release -> gate state from the saved state, also after a red run."""

    def secret(self, key: str) -> str | None:
        """Give a value of the stack's config by its full key, in clear; None where there is none.

        Raises:
            EngineError: it cannot be read.
        """

    def destroy(self, on_line: Line) -> RunResult:
        """Delete everything that the stack holds."""
