"""Small programs with providers that tell what they are asked, written to a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.engines import rehearsal
from weighbridge.engine import RunResult
from weighbridge.engine.rehearsal import Rehearsal

PROVIDERS = """
import os
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, ResourceProvider
from pulumi.dynamic import UpdateResult

def say(*words):
    print(*words, flush=True)

class ThingProvider(ResourceProvider):
    serialize_as_secret_always = False
    def check(self, olds, news):
        bad = [CheckFailure("size", f"size must be small (got {news['size']:g})")] if news.get("size", 0) > 100 else []
        return CheckResult({**news, "doubled": news.get("size", 0) * 2}, bad)
    def diff(self, id_, olds, news):
        say("diff", id_, olds.get("made"), news.get("size"))
        if news.get("size") == 13:
            raise ValueError("thirteen is not a size")
        changed = any(olds.get(key) != news.get(key) for key in ("size", "colour"))
        shape = olds.get("shape") != news.get("shape")
        return DiffResult(changes=changed, replaces=["shape"] if shape else [],
                          delete_before_replace=bool(news.get("first")))
    def create(self, props):
        say("create", props["label"], type(props.get("size")).__name__)
        if props.get("fifo"):
            say("waiting", os.getpid())
            open(props["fifo"], "w" if props.get("opens") else "r").close()
        if props.get("broken"):
            raise RuntimeError("it broke")
        return CreateResult(props["label"], {**props, "made": "here"})
    def update(self, id_, olds, news):
        say("update", id_)
        return UpdateResult({**news, "made": "there"})
    def read(self, id_, props):
        if os.path.exists("gone"):
            return ReadResult("", {})
        return ReadResult(id_, {**props, "size": 0} if os.path.exists("drift") else props)
    def delete(self, id_, props):
        say("delete", id_, props.get("shape", ""))

class Thing(Resource, module="tests", name="Thing"):
    def __init__(self, name, opts=None, **props):
        self_props = {"label": name, "doubled": None, "made": None, "size": None, **props}
        super().__init__(ThingProvider(), name, self_props, opts)

class MetricGate(Thing, module="tests", name="MetricGate"):
    pass
"""


def gate_program(size: int = 10) -> str:
    """The source of a program with one gate."""
    return f"from things import MetricGate\ngate = MetricGate('podinfo-gate', size={size})"


@dataclass
class Program:
    """A project whose program can be changed between runs."""

    folder: Path
    lines: list[str] = field(default_factory=list)

    def write(self, source: str) -> None:
        """Write the program."""
        (self.folder / "__main__.py").write_text(f"import pulumi\nfrom things import Thing\n{source}\n")

    @property
    def engine(self) -> Rehearsal:
        """The rehearsal of it."""
        return rehearsal(self.folder)

    def up(self, source: str | None = None, *, refresh: bool = False) -> RunResult:
        """Run it; its lines are those of this run only."""
        if source is not None:
            self.write(source)
        self.lines.clear()
        return self.engine.up(self.lines.append, refresh=refresh)

    def started(self, source: str) -> subprocess.Popen[str]:
        """Start a run in a process of its own, which prints its lines."""
        self.write(source)
        script = (
            "import sys; from pathlib import Path; from weighbridge.engine.rehearsal import Rehearsal\n"
            "try:\n    print(Rehearsal(Path(sys.argv[1]), 'dev').up(lambda line: print(line, flush=True)))\n"
            "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
        )
        command = [sys.executable, "-c", script, str(self.folder)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True)


def new_program(folder: Path, config: str = "") -> Program:
    """Make a project with one stack, `dev`."""
    (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\nstackConfigDir: stacks\n")
    (folder / "stacks").mkdir()
    (folder / "stacks" / "Pulumi.dev.yaml").write_text(f"config:\n{config}" if config else "config: {}\n")
    (folder / "things.py").write_text(PROVIDERS)
    return Program(folder)
