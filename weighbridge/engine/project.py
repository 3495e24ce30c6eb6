"""What every engine reads of a project: its name, its stacks, and a stack's configuration as the program gets it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from weighbridge.errors import EngineError, SettingsError

PROJECT_FILE = "Pulumi.yaml"


def read_project(folder: Path) -> str:
    """Give the project's name.

    Raises:
        EngineError: there is no readable Pulumi.yaml.
    """
    name = _load(folder / PROJECT_FILE).get("name")
    if not isinstance(name, str):
        raise EngineError(f"{folder / PROJECT_FILE}: 'name' must be a text (got {name!r})")
    return name


def stack_file(folder: Path, stack: str) -> Path:
    """Where the configuration of a stack is."""
    return _stacks_folder(folder) / f"Pulumi.{stack}.yaml"


def stack_names(folder: Path) -> tuple[str, ...]:
    """List the stacks that have a file, by name."""
    found = _stacks_folder(folder).glob("Pulumi.*.yaml")
    return tuple(sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in found))


def require_stack(folder: Path, stack: str) -> Path:
    """Give the file of a stack.

    Raises:
        EngineError: there is no such stack; the line lists those that there are.
    """
    path = stack_file(folder, stack)
    if stack not in stack_names(folder):
        known = ", ".join(stack_names(folder)) or "none"
        raise EngineError(f"stack must be one of {known} (got '{stack}'; there is no {path})")
    return path


def read_keys(folder: Path, stack: str) -> frozenset[str]:
    """Give the full keys of a stack's file, whatever they hold.

    Raises:
        EngineError: a file cannot be read.
    """
    project = read_project(folder)
    return frozenset(_full(project, key) for key in _section(require_stack(folder, stack)))


def read_config(folder: Path, stack: str, *, namespace: str | None = None) -> dict[str, str]:
    """Give a stack's configuration as engines hand it to programs: full keys, and texts (JSON for what is no text).

    Args:
        folder: of the project.
        stack: its name.
        namespace: the only one whose keys are wanted; None for all.

    Raises:
        SettingsError: a value is encrypted, which only the engine that wrote it can read.
        EngineError: a file cannot be read.
    """
    project = read_project(folder)
    values: dict[str, Any] = {}
    for key, schema in _section(folder / PROJECT_FILE).items():
        default = schema.get("value", schema.get("default")) if isinstance(schema, Mapping) else schema
        if default is not None:
            values[_full(project, key)] = default
    values |= {_full(project, key): value for key, value in _section(require_stack(folder, stack)).items()}
    wanted = {key: value for key, value in values.items() if namespace in {None, key.partition(":")[0]}}
    for key, value in wanted.items():
        if isinstance(value, Mapping) and "secure" in value:
            raise SettingsError(f"{key}: is encrypted, and needs the real Pulumi engine (got 'secure: ...')")
    return {key: _text(value) for key, value in wanted.items()}


def _stacks_folder(folder: Path) -> Path:
    return folder / str(_load(folder / PROJECT_FILE).get("stackConfigDir") or ".")


def _section(path: Path) -> Mapping[str, Any]:
    section = _load(path).get("config") or {}
    if not isinstance(section, Mapping):
        raise EngineError(f"{path}: 'config' must be a mapping (got {type(section).__name__})")
    return section


def _full(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    # Written as the real engine writes it: compact, with sorted keys.
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _load(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise EngineError(f"there is no {path}") from None
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise EngineError(f"{path}: is not valid YAML ({line})") from None
    if not isinstance(document, Mapping):
        raise EngineError(f"{path}: must hold a mapping (got {type(document).__name__})")
    return document
