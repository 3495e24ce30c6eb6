"""Engine output -> one clean line for each thing that went wrong."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Mapping

from weighbridge.cloud.refusals import refusal

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|<\{%[^%]*%\}>|[\x00-\x08\x0b-\x1f\x7f]")
"""Terminal colours, Pulumi's own colour tags and control characters; tabs and line ends are kept."""

EXCEPTION = re.compile(r"^(?P<path>(?:[A-Za-z_]\w*\.)*)(?P<name>[A-Z]\w*): (?P<text>.*)$")
CHART = re.compile(
    r"^kubernetes:helm\.sh/v\d+:Release resource '(?P<name>[^']+)'.* has a problem: (?P<text>.*?)"
    r"; check the chart name and repository configuration\.$"
)
"""How the Kubernetes provider tells that a chart cannot be had; the name is lost in what PROBLEM leaves."""

PROBLEM = re.compile(r"^.* has a problem: ")
COUNTED = re.compile(r"^\d+ errors? occurred:$")
FRAME = re.compile(r'^\s+File ".*", line \d+|^\s*[\^~]+\s*$')

TRACEBACK = "Traceback (most recent call last)"

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
    """Give the first line of `split_error`, "" where there is nothing but noise."""
    return next(iter(split_error(text)), "")


def split_error(text: str) -> list[str]:
    """Reduce what an engine, a runner or a provider said about one failure to the lines that a person needs.

    Args:
        text: an error message of any number of lines, perhaps with a traceback in it.

    Returns:
        what was raised, each of its lines by itself (a verdict has one for each release), or the first line that
        says something. What a cloud refused is one line with what to do about it.
    """
    told = refusal(strip_control(text))
    if told:
        return [told]
    lines = [line for line in strip_control(text).splitlines() if line.strip()]
    raised = _raised(lines)
    if raised:
        return raised
    return [clean for clean in map(_without_prefix, lines) if clean and not _is_noise(clean)][:1]


def error_lines(texts: Iterable[str]) -> tuple[str, ...]:
    """Clean every text, drop noise and repetitions, and keep the order in which things went wrong."""
    clean = [line for text in texts for line in split_error(text)]
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


def _raised(lines: list[str]) -> list[str]:
    """Find the last exception that is told, with all lines of its message.

    With `sys.tracebacklimit` at 0 a traceback is the exception's own lines, without the heading.
    """
    starts = [index for index, line in enumerate(lines) if EXCEPTION.match(line.strip().removeprefix("error: "))]
    headed = [index for index, line in enumerate(lines) if line.strip().removeprefix("error: ").startswith(TRACEBACK)]
    if headed:
        starts = [index for index in starts if index > headed[-1] and not lines[index].startswith((" ", "\t"))]
    elif starts[:1] != [0]:
        return []
    if not starts:
        return []
    message = [lines[starts[0]], *(line for line in lines[starts[0] + 1 :] if not _is_noise(line))]
    return [clean for clean in map(_without_prefix, message) if clean]


def _without_prefix(line: str) -> str:
    clean = line.strip()
    while clean.startswith(("error: ", "Error: ", "* ")):
        clean = clean.split(" ", 1)[1].strip()
    if FRAME.match(line):
        return ""
    chart = CHART.match(clean)
    if chart:
        return f"{chart['name']}: the chart cannot be fetched: {chart['text'].removeprefix('failed to pull chart: ')}"
    clean = PROBLEM.sub("", clean)
    match = EXCEPTION.match(clean)
    # Builtin exceptions keep their name ("KeyError: 'x'" says nothing without it); ours are sentences by themselves.
    ours = match and (match["path"] or not hasattr(builtins, match["name"]))
    return match["text"] if match and ours else clean


def _is_noise(line: str) -> bool:
    lowered = line.strip().lower().removeprefix("error: ")
    return lowered.startswith(NOISE) or COUNTED.match(lowered) is not None
