"""Run the demo and put what it printed into the README, between its marker lines: `make record`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- demo:begin -->", "<!-- demo:end -->"
TOLD = "what happened"
"""The demo's rule before its table."""


def recorded() -> str:
    """What the demo printed; it must have ended as it should."""
    command = [sys.executable, "-m", "lab", "ns", "--", sys.executable, "-m", "lab", "demo"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def block(text: str) -> str:
    """The README's part: the end of the recording in sight, the whole of it folded."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    table = next(number for number, line in enumerate(lines) if TOLD in line)
    end = "\n".join(lines[table + 1 :])
    whole = "\n".join(lines)
    folded = f"<details>\n<summary>the whole recording</summary>\n\n```text\n{whole}\n```\n\n</details>"
    return f"```text\n{end}\n```\n\n{folded}"


def main() -> None:
    """Record, and write the README again."""
    readme = README.read_text(encoding="utf-8")
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    written = f"{before}{BEGIN}\nWhat `make demo` printed, recorded:\n\n{block(recorded())}\n{END}{after}"
    README.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
