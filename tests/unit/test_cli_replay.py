"""`weighbridge replay`: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from docs.replayed import PAGE, page
from tests.loopback import Answer, Figures, Loopback
from weighbridge.cli import app
from weighbridge.cli.desk import Desk
from weighbridge.cli.exits import Exit
from weighbridge.cli.replay import replay
from weighbridge.cli.view import View
from weighbridge.engine import Line, RunResult
from weighbridge.plan import Phase
from weighbridge.queries import BUCKETS, REQUESTS
from weighbridge.replay import file
from weighbridge.replay.increase import Counter
from weighbridge.replay.series import About, Recorded
from weighbridge.replay.spans import Decision, Span
from weighbridge.state import GateState, timestamp

T0 = 1_800_000_000.0
DEAD: Answer = (503, {})
X, Y = "0000000001", "0000000002"
STACK = """\
config:
  weighbridge:cluster: {kind: existing}
  weighbridge:prometheus: {url: "URL", timeout: 2s, retries: 0}
  weighbridge:releases:
    podinfo:
      namespace: test
      port: 9898
      stable: {image: a:1}
      canary: {image: a:2}
      weight: 10
      steps: [10, 50]
      gate:
        metrics: {request-success-rate: {min: 99}}
        soak: 1m
        interval: 10s
        min_requests: 20
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one stack, whose Prometheus is not there."""
    (tmp_path / "Pulumi.yaml").write_text("name: weighbridge\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    use(tmp_path, "http://127.0.0.1:9")
    return tmp_path


def use(project: Path, url: str) -> None:
    """Let the stack ask this server."""
    (project / "stacks" / "Pulumi.dev.yaml").write_text(STACK.replace("URL", url))


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """A file: ten requests a second, a tenth of them the canary's, of which from T0 + 60 on three in ten fail."""
    path = tmp_path / "series.jsonl.gz"
    stable, canary = (f"podinfo-{revision}" for revision in (X, Y))
    decided = Decision(T0 + 201, 0, "fail", "podinfo 10 -> 0: rolled back, because", T0, T0 + 200)
    span = Span(10, canary, stable, T0, T0 + 200, (decided,))
    counters = [
        (labels(stable, "200"), rising(9.0, -400)),
        (labels(canary, "200"), rising(0.7, -400)),
        (labels(canary, "503"), rising(0.3, 60)),
    ]
    what = About("podinfo", "test", (canary, stable), T0 - 400, T0 + 200, (span,))
    file.write(Recorded(what, {REQUESTS: counters, BUCKETS: []}), path)
    return path


def labels(workload: str, code: str) -> dict[str, str]:
    view = {"reporter": "destination", "destination_workload_namespace": "test"}
    return {**view, "destination_workload": workload, "response_code": code}


def rising(rate: float, begin: int) -> Counter:
    seconds = range(begin, 201, 5)
    return Counter.of([int(1000 * (T0 + each)) for each in seconds], [rate * (each - begin) for each in seconds])


def invoke(project: Path, *words: str) -> Any:
    """Run the command on the rehearsal."""
    return CliRunner().invoke(app, ["replay", "podinfo", *words, "--project", str(project), "--engine", "rehearsal"])


def test_a_file_is_replayed_without_a_server(project: Path, series: Path) -> None:
    """The table, the look that was taken, and what would have been beside what was; a bad canary is no bad exit."""
    result = invoke(project, "--series", str(series))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("replay of podinfo, 2027-01-15 08:00:00Z to 2027-01-15 08:03:20Z, by the series in ")
    assert lines[1].split() == ["when", "weight", "settings", "verdict", "requests", "the", "gate's", "line"]
    assert "fail" in lines[2]
    assert "podinfo 10 -> 0: rolled back, success rate" in lines[2]
    assert lines[3].split()[:5] == ["08:03:21", "10%", "really", "fail", "-"]
    assert lines[5].startswith("the look of 08:03:20 again: another line, podinfo 10 -> 0: rolled back, success rate")
    assert lines[6] == "really: podinfo 10 -> 0: rolled back, because, at 10% after 3m20s"
    assert lines[7].startswith("stack: would have rolled back at 10% after 1m10s, ")


def test_settings_are_compared_side_by_side(project: Path, series: Path) -> None:
    """Each file is a column, read by the rules of the stack file."""
    calm = project / "calm.yaml"
    calm.write_text("gate:\n  metrics: {request-success-rate: {min: 50}}\n  soak: 1m\n  min_requests: 20\n")
    result = invoke(project, "--series", str(series), "--with", str(calm))
    assert result.exit_code == 0, result.output
    table = result.stdout.partition("\n\n")[2].splitlines()
    assert table[0].split() == ["weight", "really", "stack", "calm"]
    assert "fail after 1m10s" in table[1]
    assert "pass after 1m30s" in table[1]
    assert "\ncalm: would have passed 10% after 1m30s, " in result.stdout


def test_json_is_one_document(project: Path, series: Path) -> None:
    """With every look, and the same summary."""
    result = invoke(project, "--series", str(series), "--json")
    said = json.loads(result.stdout)
    (weight,) = said["settings"][0]["weights"]
    assert (said["ok"], said["exit"], weight["weight"], weight["after"]) == (True, 0, 10, 70.001)
    assert [look["verdict"] for look in weight["looks"]] == ["insufficient", "insufficient", "pass", "fail"]
    assert said["summary"][1].startswith("stack: would have rolled back")
    assert "replay of podinfo" in result.stderr


def test_verbose_shows_every_look(project: Path, series: Path) -> None:
    """Another interval has other looks."""
    few, many = (invoke(project, "--series", str(series), "--verbose", *more) for more in ((), ("--interval", "5s")))
    assert few.stdout.count("  stack  ") == 4
    assert many.stdout.count("  stack  ") == 7


WRONG = [
    (["--series", "nope"], "--series nope: cannot be read (No such file or directory)"),
    (["--series", "SERIES", "--record", "x"], "--record must not stand beside --series, which asks no server"),
    (["--series", "SERIES", "--from", "soon"], "--from must be a time such as 2026-11-22T20:00:00Z, -2h or now (got 'soon')"),
    (["--series", "SERIES", "--interval", "1x"], "--interval must be a duration such as 90s, 5m, 1h30m or 500ms (got '1x')"),
    (["--series", "SERIES", "--interval", "1ms"], "--interval must be a duration of 100ms or more (got '1ms')"),
    (["--with", "nope.yaml"], "--with nope.yaml: cannot be read (No such file or directory)"),
    (["--with", "bad.yaml"], "--with bad.yaml: weighbridge:releases.podinfo.gate: 'soak' must be a duration such as 90s, 5m, 1h30m or 500ms (got 'long')"),
    (["--with", "list.yaml"], "--with list.yaml: must hold the section 'gate' alone (got list)"),
    (["--with", "more.yaml"], "--with more.yaml: must hold the section 'gate' alone (got gate, steps)"),
    (["--with", "broken.yaml"], "--with broken.yaml: is not YAML"),
    (["--with", "calm.yaml", "--with", "calm.yaml"], "--with must be files of different names, none of them 'stack' (got 'calm' twice)"),
    (["--series", "SERIES", "--from", "2027-01-15T07:40:00Z", "--weight", "10"], "the file has series from 2027-01-15 07:53:20Z to 2027-01-15 08:03:20Z, not from 2027-01-15 07:35:"),
    ([], "the history of podinfo has no weight above 0 in this time; "),
]  # fmt: skip
FILES = {
    "bad.yaml": "gate: {soak: long}",
    "list.yaml": "[1]",
    "more.yaml": "gate: {}\nsteps: [1]",
    "broken.yaml": "a: [",
    "calm.yaml": "gate: {}",
}


@pytest.mark.parametrize(("words", "line"), WRONG)
def test_a_mistake_is_one_line_and_exit_2(
    words: list[str], line: str, project: Path, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the option, the rule and the value."""
    monkeypatch.chdir(project)
    for name, text in FILES.items():
        (project / name).write_text(text)
    result = invoke(project, *(str(series) if word == "SERIES" else word for word in words))
    assert result.exit_code == 2, result.output
    assert len(result.stdout.splitlines()) == 1
    assert result.stdout.startswith(f"error: {line}")


def test_another_release_is_not_in_the_file(project: Path, series: Path) -> None:
    """It would be judged by series that are not its own."""
    stack = project / "stacks" / "Pulumi.dev.yaml"
    stack.write_text(stack.read_text().replace("    podinfo:", "    other:"))
    words = ["replay", "other", "--series", str(series), "--project", str(project), "--engine", "rehearsal"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "is of the release 'podinfo' (got 'other')" in result.stdout


def test_a_server_is_asked_by_name_weight_and_time(project: Path, server: Loopback) -> None:
    """For workloads of another tool, by their own names."""
    server.answer = Figures({"200": 95.0, "503": 5.0})
    use(project, server.url)
    result = invoke(project, "--from", "-10m", "--weight", "10", "--canary", "web", "--stable", "web-primary.x")
    assert result.exit_code == 0, result.output
    assert "stack: would have " in result.stdout
    assert f"by Prometheus at {server.url}" in result.stdout
    assert any(r'destination_workload=~"web|web-primary\\.x"' in query for query in server.queries)


def test_a_dead_server_is_exit_5(project: Path) -> None:
    """It is one line, and no table of errors."""
    result = invoke(project, "--from", "-10m", "--weight", "10")
    assert result.exit_code == 5
    assert result.stdout == "error: Prometheus at http://127.0.0.1:9 cannot be reached\n"


def test_the_page_shows_what_is_printed_today() -> None:
    """docs/replay.md is a replay of the file beside it, a recording of the lab; `python -m docs.replayed` writes it."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text)


def test_a_server_that_dies_meanwhile_is_exit_5(project: Path, server: Loopback) -> None:
    """Its errors are no past; nothing of the replay is shown."""
    use(project, server.url)
    healthy = Figures()
    server.answer = lambda asked: (
        healthy(asked) if asked.form["query"] == "vector(1)" and len(server.seen) == 1 else DEAD
    )
    result = invoke(project, "--from", "-10m", "--weight", "10")
    assert result.exit_code == 5
    assert result.stdout == f"error: Prometheus at {server.url} refused: HTTP Status Code 503\n"


class Saved:
    """An engine that has saved a history."""

    name = "rehearsal"
    reason = "engine: fake"

    def __init__(self, state: GateState) -> None:
        self._state = state

    def gates(self) -> dict[str, dict[str, object]]:
        """The history."""
        return {"podinfo": self._state.outputs()}

    def secret(self, key: str) -> str | None:
        """None."""
        del key
        return None

    def outputs(self) -> dict[str, object]:
        """None."""
        return {}

    def up(self, on_line: Line, *, refresh: bool = False) -> RunResult:
        """A replay runs nothing."""
        raise AssertionError(on_line, refresh)

    def preview(self, on_line: Line) -> RunResult:
        """A replay runs nothing."""
        raise AssertionError(on_line)

    refresh = destroy = preview


def test_the_history_says_what_is_replayed(project: Path, server: Loopback) -> None:
    """Without any option it is the newest walk, up to now where its weight is live."""
    server.answer = Figures()
    use(project, server.url)
    began = time.time() - 300
    base = {"verdict": "", "line": "podinfo 0 -> 10: started", "stable": X, "revision": Y}
    history = ({"at": timestamp(began), "from": 0, "to": 10, **base},)
    state = GateState(10, Phase.PROGRESSING, "", timestamp(began), "d", X, Y, history=history)
    out = io.StringIO()
    desk = Desk(project, "dev", "auto", View(out=out), pick=lambda *_, **__: Saved(state))
    assert replay(desk, "podinfo") is Exit.DONE
    assert any(f"podinfo-{Y}|podinfo-{X}" in query for query in server.queries)
    assert "\nstack: " in out.getvalue()
