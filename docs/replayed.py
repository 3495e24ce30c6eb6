"""Replay a bad canary that the lab recorded, and put what is printed and drawn into replay.md.

`python -m docs.replayed` replays the file that is there. With `record` it is made anew, which takes a lab and some
minutes: `python -m lab ns -- python -m docs.replayed record`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lab.lab import Lab

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURE, SERIES = (ROOT / "docs" / f"replay{ending}" for ending in (".md", ".svg", ".jsonl.gz"))
BEGIN, END = "<!-- replay:begin -->", "<!-- replay:end -->"
RATE, SPENT = 100, 60
"""Requests a second, and seconds at each weight."""

OWN = "gate: {reporter: source, warm_up: 5s, soak: 40s, interval: 5s, min_requests: 300}\n"
"""The stack's own gate."""

GATES = {
    "flagger": "gate: {reporter: source, warm_up: 5s, soak: 40s, interval: 5s, min_requests: 50, threshold: 3}\n",
    "compared": """\
gate:
  reporter: source
  warm_up: 5s
  soak: 20s
  interval: 5s
  min_requests: 50
  metrics: {request-success-rate: {min: 90}}
  comparison: {margin: 0.5, detect: 2}
""",
}

Weighbridge = Callable[..., str]


def project(folder: Path, environment: dict[str, str]) -> Weighbridge:
    """A project of its own with those gates, and the command in it."""
    (folder / "stacks").mkdir(parents=True)
    for part in ("__main__.py", "Pulumi.yaml"):
        shutil.copy(ROOT / part, folder / part)
    for part in ("components", "weighbridge", ".venv"):
        (folder / part).symlink_to(ROOT / part)
    lab = (ROOT / "stacks" / "Pulumi.lab.yaml").read_text(encoding="utf-8")
    before = lab.partition("      gate:\n")[0]
    stack = f"{before}      {OWN}      route: {{retries: {{attempts: 0}}}}\n"
    (folder / "stacks" / "Pulumi.lab.yaml").write_text(stack, encoding="utf-8")
    for name, gate in GATES.items():
        (folder / f"{name}.yaml").write_text(gate, encoding="utf-8")
    path = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"

    def weighbridge(*words: str) -> str:
        command = [sys.executable, "-m", "weighbridge", *words, "--stack", "lab", "--engine", "rehearsal"]
        env = os.environ | environment | {"PYTHONPATH": path}
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False).stdout

    return weighbridge


def record(folder: Path) -> None:
    """Let a canary be good at 10% and fail three requests in a hundred at 30%, and record that."""
    with Lab.start(folder / "lab") as lab:
        weighbridge = project(folder / "project", {"KUBECONFIG": str(lab.kubeconfig)})
        weighbridge("up")
        with lab.load(rate=RATE, host="podinfo.lab", duration=10 * SPENT):
            weighbridge("advance", "podinfo")
            time.sleep(SPENT)
            weighbridge("advance", "podinfo")
            time.sleep(SPENT / 4)
            canary = next(name for name, count in sorted(lab.counts().items(), key=lambda item: item[1]) if count)
            lab.dial(canary, error_rate=0.03)
            time.sleep(SPENT)
            weighbridge("advance", "podinfo")
        weighbridge("replay", "podinfo", "--record", str(SERIES))


def block(*words: str, picture: Path | None = None) -> str:
    """What a replay of the file prints, with the command before it."""
    with tempfile.TemporaryDirectory(prefix="weighbridge-replay-") as folder:
        weighbridge = project(Path(folder) / "project", {})
        shutil.copy(SERIES, Path(folder) / "project" / SERIES.name)
        command = ["replay", "podinfo", "--series", SERIES.name]
        command += [word for name in GATES for word in ("--with", f"{name}.yaml")]
        said = weighbridge(*command, *words)
        if picture:
            weighbridge(*command, "--plot", str(picture))
    lines = "\n".join(line.rstrip() for line in said.splitlines())
    return f"```text\n$ weighbridge {' '.join([*command, *words])}\n{lines}\n```"


def page(text: str) -> str:
    """The page with the recording of now."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{block()}\n{END}{after}"


def main() -> None:
    """Write the page and the picture again."""
    if "record" in sys.argv[1:]:
        with tempfile.TemporaryDirectory(prefix="weighbridge-replay-") as folder:
            record(Path(folder))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    block(picture=PICTURE)


if __name__ == "__main__":
    main()
