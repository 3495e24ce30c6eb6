"""The `weighbridge` command: what it edits, what it runs, how it ends. The engine is one of our own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.loopback import Figures as Counted
from tests.loopback import Loopback
from weighbridge.cli import app, moves
from weighbridge.cli.desk import Desk, find_project, find_stack
from weighbridge.cli.exits import MEANING, Exit, of_run
from weighbridge.cli.view import View
from weighbridge.cli.watch import Figures, Watching, observer
from weighbridge.engine import Line, RunResult
from weighbridge.errors import EngineError, Refused, SettingsError
from weighbridge.goal import wanted
from weighbridge.observe import Observation, Track

STACK = """\
config:
  weighbridge:cluster: {kind: existing}
  weighbridge:prometheus: {url: "http://127.0.0.1:9"}
  weighbridge:releases:
    podinfo:
      namespace: test
      port: 9898
      stable: {image: a:1}
      canary: {image: a:2}
      weight: 0
      steps: [10, 50]
"""


def gate(desk: Desk, weight: int, phase: str, **more: Any) -> dict[str, Any]:
    """A gate's saved state at a weight."""
    wish = wanted(desk.release("podinfo"))
    return {
        "approved_weight": weight,
        "phase": phase,
        "reason": more.pop("reason", f"podinfo at {weight}"),
        "applied_at": "2026-01-01T00:00:00.000+00:00",
        "decision": "d",
        "stable_revision": wish.stable,
        "canary_revision": wish.canary if weight else "",
        **more,
    }


class FakeEngine:
    """An engine whose runs do what the test says."""

    name = "rehearsal"
    reason = "engine: fake"

    def __init__(self) -> None:
        self.states: dict[str, Mapping[str, object]] = {}
        self.secrets: dict[str, str] = {}
        self.locked = ""
        self.runs: list[Callable[[], RunResult]] = []
        self.ran = 0

    def up(self, on_line: Line, *, refresh: bool = False) -> RunResult:
        """Do the next run; one too many is a failure."""
        del refresh
        on_line("a line")
        self.ran += 1
        return self.runs.pop(0)()

    def preview(self, on_line: Line) -> RunResult:
        """Say a line."""
        on_line("forecast")
        return RunResult(ok=True)

    refresh = destroy = preview

    def outputs(self) -> Mapping[str, object]:
        """None."""
        return {}

    def gates(self) -> Mapping[str, Mapping[str, object]]:
        """What the test has saved."""
        return self.states

    def secret(self, key: str) -> str | None:
        """What the test has kept."""
        if self.locked:
            raise EngineError(self.locked)
        return self.secrets.get(key)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one stack."""
    (tmp_path / "Pulumi.yaml").write_text("name: weighbridge\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.dev.yaml").write_text(STACK)
    return tmp_path


@pytest.fixture
def engine() -> FakeEngine:
    """An engine that has not run yet."""
    return FakeEngine()


@pytest.fixture
def desk(project: Path, engine: FakeEngine) -> Desk:
    """A desk with that engine."""
    return Desk(project, "dev", "auto", View(out=io.StringIO()), pick=lambda *_, **__: engine)


def approving(desk: Desk, engine: FakeEngine) -> Callable[[], RunResult]:
    """A run in which the gate approves what the file wants."""

    def run() -> RunResult:
        release = desk.release("podinfo")
        same = wanted(release).canary == wanted(release).stable
        state = gate(desk, release.weight, "promoted" if same else "progressing")
        engine.states["podinfo"] = state
        return RunResult(ok=True)

    return run


def ending(desk: Desk, engine: FakeEngine, phase: str, weight: int, verdict: str = "") -> Callable[[], RunResult]:
    """A red run that leaves the gate in a phase."""

    def run() -> RunResult:
        line = f"podinfo: {phase}"
        canary = wanted(desk.release("podinfo")).canary
        more: dict[str, Any] = {"failed_revision": canary} if phase == "failed" else {}
        state = gate(desk, weight, phase, reason=line, history=[{"verdict": verdict}], **more)
        engine.states["podinfo"] = state
        return RunResult(ok=False, errors=(line,))

    return run


def weight_in(desk: Desk) -> str:
    """The line of the stack file that has the weight."""
    return next(line.strip() for line in desk.file.path.read_text().splitlines() if "weight:" in line)


def test_advance_writes_the_next_step_and_runs(desk: Desk, engine: FakeEngine) -> None:
    """From nothing to the first step, from there to the second."""
    engine.runs = [approving(desk, engine), approving(desk, engine)]
    assert moves.advance(desk, "podinfo")[1] is Exit.DONE
    assert weight_in(desk) == "weight: 10"
    moves.advance(desk, "podinfo")
    assert weight_in(desk) == "weight: 50"


def test_a_held_release_is_tried_again_with_what_the_file_says(desk: Desk, engine: FakeEngine) -> None:
    """The edit stays after a hold, and the next advance writes nothing further."""
    engine.states["podinfo"] = gate(desk, 10, "progressing")
    engine.runs = [ending(desk, engine, "waiting", 10, "insufficient")] * 2
    for _ in range(2):
        assert moves.advance(desk, "podinfo")[1] is Exit.HELD
        assert weight_in(desk) == "weight: 50"


def test_a_rollback_leaves_the_wanted_weight_in_the_file(desk: Desk, engine: FakeEngine) -> None:
    """And another advance is refused without a run, as nothing about the canary has changed."""
    engine.states["podinfo"] = gate(desk, 10, "progressing")
    engine.runs = [ending(desk, engine, "failed", 0, "fail")]
    assert moves.advance(desk, "podinfo")[1] is Exit.ROLLED_BACK
    assert weight_in(desk) == "weight: 50"
    with pytest.raises(Refused, match="has failed; give 'canary' a new revision"):
        moves.advance(desk, "podinfo")
    assert engine.ran == 1


def test_after_the_last_step_there_is_no_advance(desk: Desk, engine: FakeEngine) -> None:
    """What follows is the promotion, and the file stays as it is."""
    desk.file.set_weight("podinfo", 50)
    engine.states["podinfo"] = gate(desk, 50, "progressing")
    with pytest.raises(Refused, match="every step is done"):
        moves.advance(desk, "podinfo")


def test_run_walks_the_plan_to_the_promotion(desk: Desk, engine: FakeEngine) -> None:
    """One run a step and one for the promotion."""
    engine.runs = [approving(desk, engine)] * 3
    assert moves.run(desk, "podinfo", "promote")[1] is Exit.DONE
    assert engine.ran == 3
    assert weight_in(desk) == "weight: 0"
    assert "stable: {image: a:2}" in desk.file.path.read_text()


def test_run_stops_where_it_was_asked_to(desk: Desk, engine: FakeEngine) -> None:
    """`--to 10` is one run."""
    engine.runs = [approving(desk, engine)]
    assert moves.run(desk, "podinfo", "10")[1] is Exit.DONE
    assert engine.ran == 1


def test_run_stops_at_the_first_red_run(desk: Desk, engine: FakeEngine) -> None:
    """Nothing is tried after a rollback."""
    engine.runs = [approving(desk, engine), ending(desk, engine, "failed", 0, "fail")]
    assert moves.run(desk, "podinfo", "promote")[1] is Exit.ROLLED_BACK
    assert engine.ran == 2


def test_a_goal_off_the_plan_is_refused(desk: Desk) -> None:
    """`--to` takes a step's weight or `promote`."""
    with pytest.raises(SettingsError, match=r"^--to must be one of 10, 50, promote \(got '20'\)$"):
        moves.run(desk, "podinfo", "20")


def test_a_promotion_that_the_plan_refuses_leaves_the_file_alone(desk: Desk, engine: FakeEngine) -> None:
    """No run, no edit."""
    engine.states["podinfo"] = gate(desk, 10, "progressing")
    with pytest.raises(Refused, match="must wait for the canary's last step, 50"):
        moves.promote(desk, "podinfo")
    assert desk.file.path.read_text() == STACK
    assert engine.ran == 0


def test_a_failed_canary_is_not_promoted(desk: Desk, engine: FakeEngine) -> None:
    """Also not where the plan would only stay as it is."""
    failed = wanted(desk.release("podinfo")).canary
    engine.states["podinfo"] = gate(desk, 0, "idle", failed_revision=failed)
    with pytest.raises(Refused):
        moves.promote(desk, "podinfo")
    assert desk.file.path.read_text() == STACK


def test_a_promotion_that_is_rolled_back_is_taken_out_of_the_file(desk: Desk, engine: FakeEngine) -> None:
    """A failed revision never stays in the file as the stable one."""
    desk.file.set_weight("podinfo", 50)
    before = desk.file.path.read_text()
    engine.states["podinfo"] = gate(desk, 50, "progressing")
    engine.runs = [ending(desk, engine, "failed", 0, "fail")]
    assert moves.promote(desk, "podinfo")[1] is Exit.ROLLED_BACK
    assert desk.file.path.read_text() == before


def test_abort_writes_0_and_runs(desk: Desk, engine: FakeEngine) -> None:
    """From whatever weight."""
    desk.file.set_weight("podinfo", 50)
    engine.states["podinfo"] = gate(desk, 50, "progressing")
    engine.runs = [approving(desk, engine)]
    assert moves.abort(desk, "podinfo")[1] is Exit.DONE
    assert weight_in(desk) == "weight: 0"


@pytest.mark.parametrize(
    ("errors", "phase", "verdict", "code"),
    [
        (("podinfo 10 -> 0: rolled back, x",), "failed", "fail", Exit.ROLLED_BACK),
        (("podinfo 10 -> 30: hold, x",), "waiting", "insufficient", Exit.HELD),
        (("podinfo 10 -> 30: hold, Prometheus cannot be reached",), "waiting", "error", Exit.UNREACHABLE),
        (("the cluster at x cannot be reached (timed out)",), "waiting", "insufficient", Exit.UNREACHABLE),
        (("policy no-skips: x",), "progressing", "", Exit.REFUSED),
        (("weighbridge:releases.podinfo: x",), "progressing", "", Exit.SETTINGS),
        (("KeyError: 'x' (__main__.py:3)",), "progressing", "", Exit.UNEXPECTED),
    ],
)
def test_the_exit_code_tells_how_a_run_ended(errors: tuple[str, ...], phase: str, verdict: str, code: Exit) -> None:
    """A verdict by the gate's phase, everything else by its line."""
    gates = {"podinfo": {"phase": phase, "history": [{"verdict": verdict}]}}
    assert of_run(RunResult(ok=False, errors=errors), gates, ["podinfo"]) is code


def test_help_lists_every_exit_code() -> None:
    """What a script may rely on is where a person looks for it."""
    said = CliRunner().invoke(app, ["--help"]).output
    for code, meaning in MEANING.items():
        assert f"{code.value}  {meaning}" in said


def invoke(project: Path, *arguments: str) -> Any:
    """Run the command on the rehearsal."""
    return CliRunner().invoke(app, [*arguments, "--project", str(project), "--engine", "rehearsal"])


def test_plan_shows_what_the_next_run_would_do(project: Path) -> None:
    """Before the first run, with no cluster and no Prometheus."""
    result = invoke(project, "plan")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split() == ["podinfo", "10", "50", "0%", "0%", "new", "bootstrap", "at", "0"]


def test_json_is_one_document_on_standard_output(project: Path) -> None:
    """Everything else is on standard error."""
    result = invoke(project, "plan", "--json")
    assert json.loads(result.stdout)["releases"][0]["steps"] == [10, 50]
    assert "podinfo" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["plan", "--stack", "nope"], "error: stack must be one of dev (got 'nope'; there is no "),
        (["advance", "podinf"], "error: release must be one of podinfo (got 'podinf')"),
        (["set-image", "podinf", "a:3"], "error: release must be one of podinfo (got 'podinf')"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(project: Path, arguments: list[str], line: str) -> None:
    """No traceback, nothing changed."""
    result = invoke(project, *arguments)
    assert result.exit_code == 2
    assert result.stdout.startswith(line)
    assert len(result.stdout.splitlines()) == 1
    assert (project / "stacks" / "Pulumi.dev.yaml").read_text() == STACK


def test_wrong_settings_are_one_line_and_exit_2(project: Path) -> None:
    """A misspelt key is named, and JSON says the same."""
    (project / "stacks" / "Pulumi.dev.yaml").write_text(STACK.replace("weight:", "wieght:"))
    result = invoke(project, "plan", "--json")
    assert result.exit_code == 2
    assert "did you mean 'weight'" in json.loads(result.stdout)["errors"][0]


def test_set_image_edits_the_file_and_runs_nothing(project: Path) -> None:
    """One line of the file."""
    assert invoke(project, "set-image", "podinfo", "a:3").exit_code == 0
    assert "canary: {image: a:3}" in (project / "stacks" / "Pulumi.dev.yaml").read_text()


def test_the_project_is_found_from_below(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest folder above with a Pulumi.yaml."""
    monkeypatch.chdir(project / "stacks")
    assert find_project(None) == project


def test_the_stack_is_the_only_one_or_the_named_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two of them it has to be said which; the example is nobody's default."""
    (project / "stacks" / "Pulumi.example.yaml").write_text(STACK)
    assert find_stack(project, None) == "dev"
    (project / "stacks" / "Pulumi.prod.yaml").write_text(STACK)
    with pytest.raises(SettingsError, match=r"^--stack must be one of dev, example, prod \(got nothing\)$"):
        find_stack(project, None)
    monkeypatch.setenv("WEIGHBRIDGE_STACK", "prod")
    assert find_stack(project, None) == "prod"


class Sight:
    """An observer that always sees the same."""

    def observe(self, release: str) -> Figures:
        """A tenth of the traffic on a canary that errs."""
        return Figures(release, 10, Observation(9.6, Track(90, 100, 12.3), Track(10, 69.17, 14)))


class Seen(io.StringIO):
    """A stream that tells when it was written to."""

    def __init__(self, on_write: Callable[[], None]) -> None:
        super().__init__()
        self._on_write = on_write

    def write(self, text: str) -> int:
        """Write, and tell."""
        written = super().write(text)
        self._on_write()
        return written


def test_what_moves_is_a_plain_line_where_nobody_watches() -> None:
    """No colours and no control characters in a pipe."""
    import threading  # noqa: PLC0415

    written = threading.Event()
    out = Seen(written.set)
    with Watching(Sight(), ["podinfo"], View(out=out), every=0.01):
        assert written.wait(10)
    line = "podinfo at 10%: share 9.6%, success 69.17% (stable 100.00%), p99 14 ms (stable 12 ms)"
    assert out.getvalue().splitlines()[0] == line


def test_a_line_with_control_characters_is_cleaned() -> None:
    """What a program prints cannot play with the terminal."""
    out = io.StringIO()
    View(out=out).say("a\x1b[31mred\x1b[0m [bold]b\x07")
    assert out.getvalue() == "ared [bold]b\n"


SECURED = """
  weighbridge-secrets:password: {secure: v1:abcdefgh}
encryptionsalt: v1:abc
"""


def guard(project: Path, url: str) -> None:
    """Let the stack ask a Prometheus that wants a secret of the stack, which the engine has encrypted."""
    path = project / "stacks" / "Pulumi.dev.yaml"
    way_in = '", auth: {basic: {username: me, password: {config: password}}}}'
    written = path.read_text().replace("http://127.0.0.1:9", url).replace('"}\n', f"{way_in}\n")
    path.write_text(written + SECURED.lstrip("\n"))


def test_a_secret_of_the_stack_is_no_part_of_the_settings(project: Path, desk: Desk) -> None:
    """The engine's own encryption stands in a namespace that the settings do not see."""
    guard(project, "http://127.0.0.1:9")
    assert desk.release("podinfo").weight == 0


def test_figures_are_asked_for_with_the_secret_of_the_stack(
    project: Path, desk: Desk, engine: FakeEngine, server: Loopback
) -> None:
    """By way of the engine, which alone can read it, and once a command."""
    guard(project, server.url)
    server.answer = Counted()
    engine.secrets["weighbridge-secrets:password"] = "hunter2"
    engine.states["podinfo"] = gate(desk, 10, "progressing")
    assert observer(desk).observe("podinfo").seen.share is not None
    engine.secrets.clear()
    assert observer(desk).observe("podinfo").seen.share is not None
    assert {request.headers["authorization"] for request in server.seen} == {"Basic bWU6aHVudGVyMg=="}


def test_a_secret_that_is_not_to_be_had_leaves_the_figures_out(
    project: Path, desk: Desk, engine: FakeEngine, server: Loopback
) -> None:
    """The run goes on, and says in one line why there are no figures; nobody is asked without credentials."""
    guard(project, server.url)
    engine.locked = "the passphrase is wrong"
    engine.states["podinfo"] = gate(desk, 10, "progressing")
    assert observer(desk).observe("podinfo").seen == Observation()
    assert isinstance(desk.view._out, io.StringIO)
    assert desk.view._out.getvalue() == "no figures: the passphrase is wrong\n"
    assert server.seen == []
