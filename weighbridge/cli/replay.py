"""`weighbridge replay`: the gate walked over a past range. It decides nothing: it calls the gate's own code."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from weighbridge import durations, settings
from weighbridge.access import References, Session, config_keys
from weighbridge.cli.commands import ReleaseName
from weighbridge.cli.desk import Desk
from weighbridge.cli.exits import Exit
from weighbridge.cli.options import command
from weighbridge.errors import SettingsError
from weighbridge.goal import checked, wanted
from weighbridge.measure import Prometheus
from weighbridge.replay import file, plot, spans, tell
from weighbridge.replay.asked import Remembering
from weighbridge.replay.chosen import Known, Which, chosen
from weighbridge.replay.figures import points
from weighbridge.replay.record import about, record
from weighbridge.replay.spans import Span
from weighbridge.replay.walk import Column, again, checks_of, walk
from weighbridge.settings import Release
from weighbridge.workload import workload_name

OWN = "stack"
"""The name of the stack's own settings."""


@command()
def replay(  # noqa: PLR0913, PLR0917  each is an option of the command
    desk: Desk,
    release: ReleaseName,
    start: Annotated[str | None, typer.Option("--from", help="ISO 8601, a span ago such as -2h, or now.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The same; else now.")] = None,
    weight: Annotated[int | None, typer.Option(help="One weight for the whole time, not the history's.")] = None,
    stable: Annotated[str | None, typer.Option(help="A revision, or the name of any workload.")] = None,
    canary: Annotated[str | None, typer.Option(help="The same.")] = None,
    others: Annotated[
        list[Path] | None, typer.Option("--with", help="YAML with a section 'gate' to compare; may be given again.")
    ] = None,
    series: Annotated[Path | None, typer.Option(help="Ask this file, which --record wrote, and no server.")] = None,
    kept: Annotated[Path | None, typer.Option("--record", help="Write what the replay needs to this file.")] = None,
    picture: Annotated[Path | None, typer.Option("--plot", help="Draw it: a file that ends in .svg or .png.")] = None,
    interval: Annotated[str | None, typer.Option(help="Time between two looks, in place of the settings'.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the looks that decided nothing, too.")] = False,  # noqa: FBT002
) -> Exit:
    """Walk the gate over a past range: what it would have decided, and when; nothing is changed."""
    if series and kept:
        raise SettingsError("--record must not stand beside --series, which asks no server")
    if picture:
        plot.require(picture)
    source = _of_file(series, release) if series else _of_server(desk, release)
    columns = _columns(desk, release, others or [], interval, recorded=source.recorded)
    walked = chosen(Which(start, end, weight, stable, canary), source.known)
    source.require(walked[-1].until)
    walks = [(column, walk(column, walked, source.asked)) for column in columns]
    looks = again(columns[0], walked, source.asked) if interval is None else []
    # A server that died meanwhile has given errors, and no past.
    source.require(walked[-1].until)
    found = tell.Replay(release, source.words, walked, walks, looks)
    _show(desk, found, verbose=verbose)
    if picture:
        plot.draw(found, points([each.checks for each in columns], walked, source.asked), picture)
        desk.view.say(f"drawn in {picture}")
    if kept and source.server:
        target = columns[0].checks.target
        what = about(release, target.namespace, walked)
        file.write(record(what, source.server, source.asked, (target.requests, target.buckets)), kept)
        desk.view.say(f"recorded in {kept}")
    desk.view.document({"ok": True, "exit": 0, **tell.document(found)})
    return Exit.DONE


@dataclass(frozen=True)
class _Source:
    """Where the answers come from: a server, or a file.

    Attributes:
        words: for it.
        known: of the release.
        asked: gives the answers.
        server: None for a file.
        recorded: whether the series are those of the recording rules.
    """

    words: str
    known: Known
    asked: Remembering
    server: Prometheus | None = None
    recorded: bool = False

    def require(self, at: float) -> None:
        """Insist on a server that answers; raises `PrometheusError`."""
        if self.server:
            self.asked.require(at)


def _show(desk: Desk, found: tell.Replay, *, verbose: bool) -> None:
    desk.view.say(tell.heading(found))
    desk.view.table(tell.COLUMNS, tell.rows(found, verbose=verbose))
    if len(found.columns) > 1:
        desk.view.say("")
        desk.view.table(*tell.side_by_side(found))
    desk.view.say("")
    for line in (*tell.checked(found.again), *tell.summaries(found)):
        desk.view.say(line)


def _columns(desk: Desk, name: str, others: Sequence[Path], interval: str | None, *, recorded: bool) -> list[Column]:
    """The stack's own gate first, then one for each file."""
    releases = [(OWN, desk.release(name)), *((path.stem, _with_gate(desk, name, path)) for path in others)]
    names = [each for each, _ in releases]
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise SettingsError(f"--with must be files of different names, none of them {OWN!r} (got {twice!r} twice)")
    columns = [Column(each, name, checks_of(checked(release), recorded=recorded)) for each, release in releases]
    if interval is None:
        return columns
    try:
        seconds = durations.parse(interval)
    except ValueError as error:
        raise SettingsError(f"--interval {error} (got {interval[:60]!r})") from None
    if seconds < 0.1:  # noqa: PLR2004  the same bound as the setting's
        raise SettingsError(f"--interval must be a duration of 100ms or more (got {interval!r})")
    return [replace(each, checks=replace(each.checks, interval=seconds)) for each in columns]


def _with_gate(desk: Desk, name: str, path: Path) -> Release:
    """The release as it would be with a file's section `gate` in the place of its own."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--with {path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise SettingsError(f"--with {path}: is not YAML") from None
    if not isinstance(given, dict) or set(given) != {"gate"}:
        got = ", ".join(map(str, given)) if isinstance(given, dict) else type(given).__name__
        raise SettingsError(f"--with {path}: must hold the section 'gate' alone (got {got[:60] or 'nothing'})")
    raw: dict[str, Any] = dict(desk.raw())
    releases: Mapping[str, Any] = raw["releases"]
    raw["releases"] = {**releases, name: {**releases[name], "gate": given["gate"]}}
    try:
        return settings.load(raw).releases[name]
    except SettingsError as error:
        raise SettingsError(f"--with {path}: {error}") from None


def _of_file(path: Path, release: str) -> _Source:
    recorded = file.read(path)
    of, last = recorded.about, recorded.about.spans[-1]
    if of.release != release:
        raise SettingsError(f"--series {path}: is of the release {of.release!r} (got {release!r})")
    known = Known(release, last.stable, last.canary, of.spans, of.end)
    return _Source(f"the series in {path}", known, Remembering(recorded), recorded=recorded.by_rules)


def _of_server(desk: Desk, name: str) -> _Source:
    given = desk.settings().prometheus
    if given is None:
        raise SettingsError("weighbridge:prometheus: is required to replay without --series (got nothing)")
    inputs = given.inputs()
    secrets = {key: desk.secret(key) for key in config_keys(inputs)}
    session = Session(inputs, References(os.environ, secrets.get, desk.project))
    server = Prometheus(given.address, given.timeout, given.retries, session=session)
    words = f"Prometheus at {given.address}"
    return _Source(words, _of_state(desk, name), Remembering(server), server, given.recorded)


def _of_state(desk: Desk, name: str) -> Known:
    now = time.time()
    wish, state = wanted(desk.release(name)), desk.state(name)
    found: list[Span] = spans.of_state(name, state, now) if state else []
    stable = state.stable_revision if state else wish.stable
    canary = (state.canary_revision if state else "") or wish.canary
    return Known(name, workload_name(name, stable), workload_name(name, canary), found, now)
