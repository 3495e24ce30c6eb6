"""Engine output -> one clean line for each thing that went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|<\{%[^%]*%\}>|[\x00-\x08\x0b-\x1f\x7f]")
"""Terminal colours, Pulumi's own colour tags and control characters; tabs and line ends are kept."""

EXCEPTION = re.compile(r"^(?P<path>(?:[A-Za-z_]\w*\.)*)(?P<name>[A-Z]\w*): (?P<text>.*)$")
PROBLEM = re.compile(r"^.* has a problem: ")
FRAME = re.compile(r'^\s+File ".*", line \d+|^\s*[\^~]+\s*$')

NOISE = (
    "update failed",
    "preview failed",
    "refresh failed",
    "destroy failed",
    "resource monitor shut down while waiting",
    "program exited with non-zero exit code",
    "program failed with an unhandled exception",
    "an unhandled error occurred: program exited",
    "running program",
    "one or more errors occurred",
    "traceback (most recent call last)",
    "during handling of the above exception",
    "the above exception was the direct cause",
    "keyboardinterrupt",
)
GATE_TYPE = "MetricGate"
GATE_SUFFIX = "-gate"


def strip_control(text: str) -> str:
    """Drop colours and control characters, keeping tabs and line ends."""
    return CONTROL.sub("", text)


def error_line(text: str) -> str:
    """Reduce what an engine, a runner or a provider said about one failure to its one line.

    Args:
        text: an error message of any number of lines, perhaps with a traceback in it.

    Returns:
        the line that a person needs; "" where there is nothing but noise.
    """
    lines = [line for line in strip_control(text).splitlines() if line.strip()]
    raised = _raised(lines)
    if raised:
        return raised
    return next((clean for clean in map(_without_prefix, lines) if clean and not _is_noise(clean)), "")


def error_lines(texts: Iterable[str]) -> tuple[str, ...]:
    """Clean every text, drop noise and repetitions, and keep the order in which things went wrong."""
    clean = [line for line in map(error_line, texts) if line]
    kept: list[str] = []
    for line in clean:
        if line not in kept and not any(line != other and line in other for other in clean):
            kept.append(line)
    return tuple(kept)


def gate_states(resources: Iterable[tuple[str, str, Mapping[str, object]]]) -> dict[str, Mapping[str, object]]:
    """Pick the gates' states out of a stack's resources.

    Args:
        resources: (type, name, outputs) of each resource.

    Returns:
        release -> the outputs of its gate.
    """
    return {
        name.removesuffix(GATE_SUFFIX): {key: value for key, value in outputs.items() if key != "__provider"}
        for kind, name, outputs in resources
        if GATE_TYPE in kind and name.endswith(GATE_SUFFIX)
    }


def _raised(lines: list[str]) -> str:
    """Find the last exception of a traceback: what follows it is what the user has to know."""
    if not any(line.lstrip().startswith("Traceback (most recent") for line in lines):
        return ""
    last = ""
    inside = False
    for line in lines:
        if line.lstrip().startswith("Traceback (most recent"):
            inside = True
        elif inside and not line.startswith((" ", "\t")) and not _is_noise(line):
            last, inside = _without_prefix(line), False
    return last


def _without_prefix(line: str) -> str:
    clean = line.strip()
    while clean.startswith(("error: ", "Error: ", "* ")):
        clean = clean.split(" ", 1)[1].strip()
    if FRAME.match(line):
        return ""
    clean = PROBLEM.sub("", clean)
    match = EXCEPTION.match(clean)
    # Builtin exceptions keep their name ("KeyError: 'x'" says nothing without it); ours are sentences by themselves.
    return match["text"] if match and match["path"] else clean


def _is_noise(line: str) -> bool:
    lowered = line.strip().lower().removeprefix("error: ")
    return lowered.startswith(NOISE)
