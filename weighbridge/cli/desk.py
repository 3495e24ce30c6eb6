"""What a command works with: the project, the stack and its file, the settings, the engine, and the view."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from weighbridge import settings
from weighbridge.cli.view import View
from weighbridge.engine import Engine, Prefer, RunResult, choose
from weighbridge.engine.project import PROJECT_FILE, read_config, require_stack, stack_names
from weighbridge.errors import EngineError, SettingsError
from weighbridge.goal import wanted
from weighbridge.plan import Live, Move, decide
from weighbridge.settings import Release, Settings
from weighbridge.stackfile import StackFile
from weighbridge.state import GateState

NAMESPACE = "weighbridge"
EXAMPLE = "example"
"""The stack file that a project ships to be copied; it is nobody's default."""

POLICY = "policy"


@dataclass(frozen=True)
class Desk:
    """One command's surroundings."""

    project: Path
    stack: str
    prefer: Prefer
    view: View
    pick: Callable[..., Engine] = choose

    @property
    def file(self) -> StackFile:
        """The stack's file."""
        return StackFile(require_stack(self.project, self.stack))

    @cached_property
    def engine(self) -> Engine:
        """The engine; found at its first use."""
        pack = self.project / POLICY
        found = pack if (pack / "PulumiPolicy.yaml").exists() else None
        return self.pick(self.project, self.stack, self.prefer, policy_pack=found)

    def settings(self) -> Settings:
        """Read the settings as the file has them now; raises `SettingsError`."""
        return settings.load(self.raw())

    def raw(self) -> dict[str, object]:
        """Give the stack's config as the settings are read from it."""
        # No other namespace: what the engine has encrypted there is no part of the settings.
        config = read_config(self.project, self.stack, namespace=NAMESPACE)
        return {key.partition(":")[2]: _value(value) for key, value in config.items()}

    def release(self, name: str) -> Release:
        """Read one release's settings; raises `SettingsError`."""
        releases = self.settings().releases
        if name not in releases:
            raise SettingsError(f"release must be one of {', '.join(releases) or 'none'} (got '{name}')")
        return releases[name]

    def state(self, name: str) -> GateState | None:
        """Read what the gate of a release has saved; None before its first run."""
        return GateState.read(self.gates().get(name, {}))

    def move(self, name: str) -> Move:
        """Ask the plan for the move from what is live to what the file wants; raises `Refused`."""
        state = self.state(name)
        return decide(name, state.live if state else None, wanted(self.release(name)))

    def up(self, *, refresh: bool = False) -> RunResult:
        """Run the program, telling what it says."""
        try:
            return self.engine.up(self.view.say, refresh=refresh)
        finally:
            self.forget()

    def gates(self) -> Mapping[str, Mapping[str, object]]:
        """Give the gates' states, as last read."""
        return self._gates

    def secret(self, key: str) -> str | None:
        """Give a secret of the stack, as first read; raises `EngineError`."""
        if key not in self._secrets:
            self._secrets[key] = self.engine.secret(key)
        return self._secrets[key]

    def forget(self) -> None:
        """Read the gates' states again when they are asked for next: somebody may have changed them."""
        self.__dict__.pop("_gates", None)

    @cached_property
    def _gates(self) -> Mapping[str, Mapping[str, object]]:
        # To read the real engine's state takes two calls of its CLI, half a second in all.
        return self.engine.gates()

    @cached_property
    def _secrets(self) -> dict[str, str | None]:
        # As with the state: the real engine takes its time, and nobody changes a secret in the middle of a command.
        return {}


def live(state: GateState | None) -> Live | None:
    """Give what the plan knows of a saved state."""
    return state.live if state else None


def find_project(given: Path | None) -> Path:
    """Give the folder of the project: the one named, or the nearest above the working folder.

    Raises:
        EngineError: there is no Pulumi.yaml.
    """
    start = (given or Path.cwd()).resolve()
    for folder in (start,) if given else (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise SettingsError(f"project must be a folder with a {PROJECT_FILE}, or below one (got {start})")


def find_stack(project: Path, given: str | None) -> str:
    """Give the stack: the one named, else $WEIGHBRIDGE_STACK, else the only one there is.

    Raises:
        SettingsError: there is no such stack, or it cannot be told which is meant.
    """
    name = given or os.environ.get("WEIGHBRIDGE_STACK")
    known = stack_names(project)
    candidates = [stack for stack in known if stack != EXAMPLE] or list(known)
    if name is None and len(candidates) == 1:
        return candidates[0]
    try:
        require_stack(project, name or "")
    except EngineError as error:
        if name is None:
            raise SettingsError(f"--stack must be one of {', '.join(known) or 'none'} (got nothing)") from None
        raise SettingsError(str(error)) from None
    return str(name)


def _value(text: str) -> object:
    """Read a config value as the program does: JSON where it is JSON, else a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
