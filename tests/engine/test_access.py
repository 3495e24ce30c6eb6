"""Secrets of Prometheus on both engines: each place is read, and no file that a run writes has one in it."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from pulumi import automation

from tests.components.wire import GATE, STEPS, X, Y
from tests.engine.delivery import ROOT
from tests.engine.engines import Kind, engine
from tests.loopback import Answer, Figures, Loopback, Request
from weighbridge.engine import RunResult
from weighbridge.engine.pulumi_cli import Pulumi

WORDS = {"env": "hunter2environment", "file": "hunter2file", "config": "hunter2config"}
PAIR = base64.b64encode(f"{WORDS['env']}:{WORDS['config']}".encode()).decode()

PROGRAM = """
import json
import pulumi
from components import saved
from components.gate import AppliedRoute, MetricGate
from weighbridge.settings import load

config = pulumi.Config()
settings = load({"cluster": {"kind": "existing"}, "prometheus": config.require_object("prometheus")})
applied = saved.release(saved.resource_outputs(), "podinfo").applied
props = {
    **json.load(open("wish.json")),
    "weight": config.require_int("weight"),
    "applied": {key: each for key, each in applied.items() if key != "revisions"},
    "prometheus": settings.prometheus.inputs(),
}
gate = MetricGate("podinfo-gate", props)
AppliedRoute(
    "podinfo-applied",
    {"release": "podinfo", "decision": gate.decision, "revisions": [gate.stable_revision, gate.canary_revision]},
)
pulumi.export("reason", gate.reason)
"""

WISH = {
    "release": "podinfo",
    "namespace": "test",
    "revision": Y,
    "stable_revision": X,
    "steps": list(STEPS),
    "retry": 0,
    "gate": {**GATE, "soak": 1.0, "warm_up": 0.0, "interval": 0.2, "wait": True},
}


@dataclass
class Stack:
    """A project with nothing but a gate and its record, so that it needs no cluster.

    Attributes:
        folder: of the project.
        kind: of the engine.
        lines: of all runs.
    """

    folder: Path
    kind: Kind
    lines: list[str] = field(default_factory=list)

    def write(self, url: str, weight: int) -> None:
        """Write the stack file; what the engine has put there stays."""
        path = self.folder / "stacks" / "Pulumi.dev.yaml"
        document = yaml.safe_load(path.read_text()) if path.exists() else {"config": {}}
        document["config"] |= {
            "weighbridge:weight": weight,
            "weighbridge:prometheus": {
                "url": url,
                "retries": 0,
                "auth": {"basic": {"username": {"env": "WB_WHO"}, "password": {"config": "password"}}},
                "headers": {"X-Api-Key": {"file": "key"}},
            },
        }
        path.write_text(yaml.safe_dump(document))

    def keep_secret(self) -> None:
        """Set the stack's own secret: encrypted where the engine can, plain for a rehearsal, which has no key."""
        taken = engine(self.folder, self.kind)
        if isinstance(taken, Pulumi):
            stack = automation.Stack.create_or_select("dev", taken._workspace())
            stack.set_config("weighbridge-secrets:password", automation.ConfigValue(WORDS["config"], secret=True))
            return
        path = self.folder / "stacks" / "Pulumi.dev.yaml"
        document = yaml.safe_load(path.read_text())
        document["config"]["weighbridge-secrets:password"] = WORDS["config"]
        path.write_text(yaml.safe_dump(document))

    def run(self, operate: Callable[[Callable[[str], None]], RunResult]) -> None:
        """Do a run, which is green, and keep what it said."""
        result = operate(self.lines.append)
        self.lines.append(str(result))
        assert result.ok, self.lines

    def up(self, url: str, weight: int) -> str:
        """A run with another weight; gives the gate's reason."""
        self.write(url, weight)
        taken = engine(self.folder, self.kind)
        self.run(taken.preview)
        self.run(taken.up)
        state = taken.gates()["podinfo"]
        self.lines.append(json.dumps(state))
        return str(state["reason"])

    def refresh(self) -> None:
        """Read what is live."""
        self.run(engine(self.folder, self.kind).refresh)

    @property
    def written(self) -> str:
        """Every file that is there but for those in which the test keeps a secret itself."""
        own = {"key"} | ({"Pulumi.dev.yaml"} if self.kind == "rehearsal" else set())
        found = [
            path.read_text(errors="replace")
            for path in self.folder.rglob("*")
            if path.is_file() and not path.is_symlink() and path.name not in own
        ]
        return "\n".join(found)


@pytest.fixture
def stack(tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch, server: Loopback) -> Stack:
    """A project with a secret in each place."""
    monkeypatch.setenv("WB_WHO", WORDS["env"])
    options = f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}"
    (tmp_path / "Pulumi.yaml").write_text(f"name: weighbridge\n{options}\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    for part in ("components", "weighbridge"):
        (tmp_path / part).symlink_to(ROOT / part)
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "wish.json").write_text(json.dumps(WISH))
    (tmp_path / "key").write_text(f"{WORDS['file']}\n")
    made = Stack(tmp_path, kind)
    made.write(server.url, 0)
    made.keep_secret()
    return made


def told(request: Request) -> Answer:
    """A refusal by a server that repeats all it was sent, plain and decoded."""
    return 403, f"{request.headers['authorization']} {base64.b64decode(PAIR)!r} {request.headers['x-api-key']}".encode()


def test_secrets_are_read_and_never_written(stack: Stack, server: Loopback) -> None:
    """Through runs that pass, hold and refresh: Prometheus gets all three, and nothing that stays has one."""
    server.answer = Figures()
    stack.up(server.url, 0)
    stack.up(server.url, 10)
    assert "10 -> 30: pass" in stack.up(server.url, 30)
    stack.refresh()
    server.answer = told
    held = stack.up(server.url, 50)
    assert "refuses access (HTTP 403)" in held
    stack.refresh()
    assert server.seen
    for request in server.seen:
        assert (request.headers["authorization"], request.headers["x-api-key"]) == (f"Basic {PAIR}", WORDS["file"])
    everything = "\n".join([stack.written, *stack.lines])
    assert "WB_WHO" in everything  # the state is among what was searched
    assert not [word for word in (*WORDS.values(), PAIR) if word in everything]


def test_the_command_reads_the_stack_s_secret_by_its_engine(stack: Stack) -> None:
    """In clear, as `status` needs it; a name that is not there is none."""
    taken = engine(stack.folder, stack.kind)
    assert taken.secret("weighbridge-secrets:password") == WORDS["config"]
    assert taken.secret("weighbridge-secrets:nobody") is None
