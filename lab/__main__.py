"""`python -m lab`: the lab's commands."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from lab import namespace
from lab.errors import LabError

Command = Callable[[argparse.Namespace], int]


def _ns(asked: argparse.Namespace) -> int:
    return namespace.run(asked.command or [os.environ.get("SHELL", "/bin/sh")])


def _build(_asked: argparse.Namespace) -> int:
    from lab import build, inspection, schema, telemetry  # noqa: PLC0415

    schema.make()
    _say(f"the lab's servers are in {build.build().directory}")
    _say(f"what its objects are inspected with is in {inspection.build().directory}")
    _say(f"what tries telemetry out is in {telemetry.build().directory}")
    return 0


def _load(asked: argparse.Namespace) -> int:
    from lab.load import Generator  # noqa: PLC0415

    generator = Generator(
        url=asked.url, host=asked.host, rate=asked.rate, duration=asked.duration, in_flight=asked.in_flight
    )
    stats = asyncio.run(generator.run(asked.report))
    statuses = ", ".join(f"{number} x {status}" for status, number in sorted(stats.by_status.items()))
    _say(f"sent {stats.sent}: {statuses or 'no answer'}; lost {stats.lost}; p50 {stats.p50 * 1000:.1f} ms, "
         f"p99 {stats.p99 * 1000:.1f} ms")  # fmt: skip
    return 0


def _demo(_asked: argparse.Namespace) -> int:
    from lab import demo  # noqa: PLC0415

    return demo.run()


def _up(asked: argparse.Namespace) -> int:
    from lab import background  # noqa: PLC0415

    place = background.Place(asked.name)
    background.up(place)
    _say(f"the lab {place.name!r} is up; its files are in {place.run}")
    _say(
        f"enter it with `python -m lab shell --name {place.name}`, end it with `python -m lab down --name {place.name}`"
    )
    return 0


def _down(asked: argparse.Namespace) -> int:
    from lab import background  # noqa: PLC0415

    background.down(background.Place(asked.name))
    _say(f"the lab {asked.name!r} is down")
    return 0


def _status(asked: argparse.Namespace) -> int:
    from lab import background  # noqa: PLC0415

    rows = background.status(background.Place(asked.name))
    width = max(len(name) for name, _ in rows)
    for name, state in rows:
        _say(f"{name:<{width}}  {state}")
    return 0 if all(state != "not ready" for _, state in rows) else 1


def _shell(asked: argparse.Namespace) -> int:
    from lab import background  # noqa: PLC0415

    return background.shell(background.Place(asked.name), asked.command)


def _hold(asked: argparse.Namespace) -> int:
    from lab import background  # noqa: PLC0415

    return background.hold(background.Place(asked.name))


def _supervise(asked: argparse.Namespace) -> int:
    from lab import background  # noqa: PLC0415

    background.supervise(background.Place(asked.name))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab", description="A real mesh on this machine, without containers."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Command, text: str | None) -> argparse.ArgumentParser:
        # Commands without a text are the lab's own way of starting itself, and are not listed.
        command = commands.add_parser(name, help=text, description=text) if text else commands.add_parser(name)
        command.set_defaults(run=run)
        return command

    add("ns", _ns, "run a command (after `--`) in a fresh namespace")
    add("build", _build, "build the lab's servers, once")
    add("demo", _demo, "walk a good release and catch a bad one; inside a namespace")
    for name, run, text in (
        ("up", _up, "start a lab in the background"),
        ("status", _status, "show the servers and workloads of a lab"),
        ("shell", _shell, "open a shell in a lab, or run a command (after `--`), with KUBECONFIG set"),
        ("down", _down, "end a lab"),
        ("hold", _hold, None),
        ("supervise", _supervise, None),
    ):
        add(name, run, text).add_argument("--name", default="default", help="which lab (default: %(default)s)")
    _add_load_options(add("load", _load, "send requests to a gateway at a steady rate, without retries"))
    return parser


def _add_load_options(load: argparse.ArgumentParser) -> None:
    load.add_argument("--url", default="http://127.0.0.1:8080/", help="where to (default: %(default)s)")
    load.add_argument("--host", required=True, help="the Host header")
    load.add_argument("--rate", type=float, default=100, help="requests a second (default: %(default)s)")
    load.add_argument("--duration", type=float, default=120, help="seconds at most (default: %(default)s)")
    load.add_argument("--in-flight", type=int, default=500, help="requests in flight at most (default: %(default)s)")
    load.add_argument("--report", type=Path, help="write the statistics to this file, five times a second")


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run one command and return its exit code; what goes wrong is one line."""
    words, command = _split(sys.argv[1:])
    asked = _parser().parse_args(words)
    asked.command = command
    try:
        return int(asked.run(asked))
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
