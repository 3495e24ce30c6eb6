"""How a command ends: one number for scripts, and what it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from weighbridge.engine import RunResult
from weighbridge.errors import EngineError, PrometheusError, Refused, SettingsError, WeighbridgeError
from weighbridge.judge import Verdict
from weighbridge.plan import Phase


class Exit(IntEnum):
    """The exit codes."""

    DONE = 0
    UNEXPECTED = 1
    SETTINGS = 2
    ROLLED_BACK = 3
    HELD = 4
    UNREACHABLE = 5
    REFUSED = 6
    INTERRUPTED = 130


MEANING = {
    Exit.DONE: "done",
    Exit.UNEXPECTED: "something unexpected",
    Exit.SETTINGS: "wrong settings or usage; nothing was changed",
    Exit.ROLLED_BACK: "the canary failed: its traffic was taken back, or held where on_failure says so",
    Exit.HELD: "held: the weight stays, the next run goes on",
    Exit.UNREACHABLE: "the engine, the cluster or Prometheus cannot be reached",
    Exit.REFUSED: "refused by the plan or by a policy; nothing was changed",
    Exit.INTERRUPTED: "interrupted; what was done so far is saved",
}

OUT_OF_REACH = ("cannot be reached", "gave no answer", "cannot be used")
"""Words of ours, in the errors of the engines, of the settings' check of the cluster and of Prometheus."""


def of_error(error: WeighbridgeError) -> Exit:
    """Give the code for an error that kept a run from starting."""
    kinds = {
        SettingsError: Exit.SETTINGS,
        Refused: Exit.REFUSED,
        PrometheusError: Exit.UNREACHABLE,
        EngineError: Exit.UNREACHABLE,
    }
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), Exit.UNEXPECTED)


def of_run(result: RunResult, gates: Mapping[str, Mapping[str, object]], releases: Iterable[str]) -> Exit:
    """Give the code for a run that has ended.

    Args:
        result: how it ended.
        gates: the gates' states after it.
        releases: those that the command is about.
    """
    if result.ok:
        return Exit.DONE
    releases = tuple(releases)
    beyond = [line for line in result.errors if not _is_verdict(line, gates)]
    if beyond:
        return _of_line(beyond[0], releases)
    found = {_of_gate(gates[name]) for name in releases if name in gates}
    # A release that was rolled back is the worse news, wherever it stands.
    return next((code for code in (Exit.ROLLED_BACK, Exit.UNREACHABLE, Exit.HELD) if code in found), Exit.UNEXPECTED)


def _of_gate(gate: Mapping[str, object]) -> Exit:
    if gate.get("phase") == Phase.FAILED:
        return Exit.ROLLED_BACK
    if gate.get("phase") != Phase.WAITING:
        return Exit.DONE
    history = gate.get("history")
    verdict = history[-1].get("verdict") if isinstance(history, list) and history else ""
    return Exit.UNREACHABLE if verdict == Verdict.ERROR else Exit.HELD


def _of_line(line: str, releases: Iterable[str]) -> Exit:
    if line.startswith("weighbridge:"):
        return Exit.SETTINGS
    # The plan's refusals begin with the release: `podinfo: 'weight' must be the next step, 30 (got 77)`.
    if line.startswith("policy ") or any(line.startswith(f"{name}: ") for name in releases):
        return Exit.REFUSED
    return Exit.UNREACHABLE if any(words in line for words in OUT_OF_REACH) else Exit.UNEXPECTED


def _is_verdict(line: str, gates: Mapping[str, Mapping[str, object]]) -> bool:
    """Tell a gate's line (`podinfo 10 -> 30: hold, ...`) from an engine's."""
    return any(line == gate.get("reason") or line.startswith(f"{name} ") for name, gate in gates.items())
