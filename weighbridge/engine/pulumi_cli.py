"""The real engine: Pulumi's own CLI, driven over its Automation API."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pulumi import automation

from weighbridge.engine import backend
from weighbridge.engine.command import Command
from weighbridge.engine.events import Report
from weighbridge.engine.found import Cli
from weighbridge.engine.plain import error_line, error_lines, gate_states
from weighbridge.engine.project import read_keys, read_project, require_stack
from weighbridge.engine.protocol import Line, RunResult
from weighbridge.errors import EngineError

SIGNATURE = "4dabf18193072939515e22adb298388d"
HIDDEN = "[secret]"


class Pulumi:
    """Runs one stack of a project on the real engine."""

    name = "pulumi"

    def __init__(self, project: Path, stack: str, cli: Cli, *, policy_pack: Path | None = None) -> None:
        """Find the stack; nothing is created before the first run.

        Raises:
            EngineError: the project has no such stack, or the state's folder cannot be made.
        """
        self._file = require_stack(project, stack)
        self._folder = project.resolve()
        self._kept = self._folder / ".weighbridge" / f"{stack}.yaml.kept"
        self._project = read_project(project)
        self._stack = stack
        self._policies = [str(policy_pack)] if policy_pack else None
        home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
        self._env = backend.settings(self._folder, os.environ, home)
        self._command = _reachable(lambda: Command(cli.root))
        self.reason = f"engine: pulumi {self._command.version} ({cli.why})"

    def preview(self, on_line: Line) -> RunResult:
        """Say what `up` would do."""
        return self._run(lambda stack, report: stack.preview(on_event=report, policy_packs=self._policies), on_line)

    def up(self, on_line: Line, *, refresh: bool = False) -> RunResult:
        """Make the stack what the program says."""
        return self._run(
            lambda stack, report: stack.up(on_event=report, policy_packs=self._policies, refresh=refresh or None),
            on_line,
            locking=True,
        )

    def refresh(self, on_line: Line) -> RunResult:
        """Read what is live into the state."""
        return self._run(lambda stack, report: stack.refresh(on_event=report), on_line, locking=True)

    def destroy(self, on_line: Line) -> RunResult:
        """Delete everything that the stack holds."""
        return self._run(lambda stack, report: stack.destroy(on_event=report), on_line, locking=True)

    def outputs(self) -> Mapping[str, object]:
        """Give the stack's outputs."""
        kept = [item for item in self._resources() if item["type"] == "pulumi:pulumi:Stack"]
        return {key: _shown(value) for item in kept for key, value in item.get("outputs", {}).items()}

    def gates(self) -> Mapping[str, Mapping[str, object]]:
        """Give release -> gate state."""
        return gate_states(
            (item["type"], item["urn"].rpartition("::")[2], _shown(item.get("outputs", {})))
            for item in self._resources()
            if not item.get("delete")
        )

    def secret(self, key: str) -> str | None:
        """Give a value of the config; the CLI decrypts it."""
        if key not in read_keys(self._folder, self._stack):
            return None
        with backend.Unchanged(self._file, self._kept):
            value = _reachable(
                lambda: automation.Stack.create_or_select(self._stack, self._workspace()).get_config(key).value
            )
        return str(value)

    def _run(self, operate: Callable[[Any, Report], object], on_line: Line, *, locking: bool = False) -> RunResult:
        on_line(self.reason)
        report = Report(on_line)
        with backend.Unchanged(self._file, self._kept):
            stack = _reachable(lambda: automation.Stack.create_or_select(self._stack, self._workspace()))
            if locking:
                self._clear_locks(stack, on_line)
            try:
                report.follow(lambda: operate(stack, report), self._command.interrupt)
            except automation.ConcurrentUpdateError:
                raise EngineError(f"stack '{self._stack}': another run is under way; nothing was changed") from None
            except automation.CommandError as error:
                # What the CLI says of itself matters only where no event has said it better.
                said = report.errors or [str(error).partition("stderr:")[2]]
                return RunResult(
                    ok=False,
                    changes=report.changes,
                    errors=error_lines(said) or ("the engine failed without a reason",),
                )
        return RunResult(not report.errors, report.changes, error_lines(report.errors))

    def _clear_locks(self, stack: automation.Stack, on_line: Line) -> None:
        """Take over from a killed run; leave a live one alone."""
        url = self._env.get("PULUMI_BACKEND_URL") or os.environ.get("PULUMI_BACKEND_URL", "")
        locks = backend.locks(url, self._project, self._stack)
        for lock in locks:
            if lock.alive:
                who = f"process {lock.pid} on {lock.host}"
                raise EngineError(f"stack '{self._stack}': another run is under way ({who}); nothing was changed")
        if locks:
            stack.cancel()
            on_line(f"engine: took over from process {locks[0].pid}, which ended in the middle of a run")

    def _resources(self) -> list[dict[str, Any]]:
        """Read the saved state; a stack that never ran has none."""
        try:
            with backend.Unchanged(self._file, self._kept):
                stack = automation.Stack.select(self._stack, self._workspace())
                deployment = stack.export_stack().deployment or {}
        except automation.StackNotFoundError:
            return []
        except automation.CommandError as error:
            raise EngineError(_cause(error)) from None
        resources: list[dict[str, Any]] = deployment.get("resources") or []
        return resources

    def _workspace(self) -> automation.LocalWorkspace:
        return automation.LocalWorkspace(work_dir=str(self._folder), env_vars=self._env, pulumi_command=self._command)


def _reachable(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except automation.CommandError as error:
        raise EngineError(_cause(error)) from None
    except (automation.InvalidVersionError, OSError) as error:
        raise EngineError(f"the Pulumi CLI cannot be used ({error_line(str(error))})") from None


def _cause(error: automation.CommandError) -> str:
    return error_line(str(error).partition("stderr:")[2]) or error_line(str(error))


def _shown(value: Any) -> Any:
    """Hide secrets."""
    if isinstance(value, dict):
        return HIDDEN if SIGNATURE in value else {key: _shown(part) for key, part in value.items()}
    return [_shown(part) for part in value] if isinstance(value, list) else value
