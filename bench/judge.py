"""How right and how quick the judge is, on simulated requests, beside Wald's bound and other gates' rules.

Run by `make bench-judge`; needs no lab. Every number is a mean over 10,000 releases a cell (`--quick`: 500) with a seed
that is printed with it. The weight is 10 throughout, so stable has nine times the traffic; where it has less, there is
less to compare with and more requests are needed. The bets' weights were chosen by simulating these very rates, with
other seeds. Prints tables, and writes the same as data (results/judge.json) and as a picture
(docs/judge.svg). `--plot` simulates nothing: it prints the tables of the data that are there, works out again what is
derived from them, and draws the picture.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bench.judging.cells import cells
from bench.judging.picture import picture
from bench.judging.results import Result, read, written
from bench.judging.runs import Cell, run
from bench.judging.tables import tables

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "bench" / "results" / "judge.json"
PICTURE = ROOT / "docs" / "judge.svg"
RELEASES, QUICK = 10_000, 500
SEED = 4000
"""Of the first cell; each further one has the next."""


def simulate(cell: Cell, seed: int, releases: int) -> Result:
    """One cell; its name goes to the screen so that the wait can be followed."""
    result = Result.of(cell, seed, run(cell, releases, seed))
    print(f"  {cell.group}: {cell.name} (seed {seed})", file=sys.stderr, flush=True)
    return result


def simulate_place(place: int, releases: int) -> Result:
    """A cell by its place, as cells hold functions that cannot be sent to another process."""
    return simulate(cells()[place], SEED + place, releases)


def main(arguments: Sequence[str], now: datetime) -> None:
    """Simulate all cells on all processors, print, and write."""
    parser = argparse.ArgumentParser(description="How right and how quick the judge is.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} releases a cell, and nothing is written")
    parser.add_argument("--plot", action="store_true", help="simulate nothing: tables and picture from the data")
    options = parser.parse_args(arguments)
    if options.plot:
        about, results = read(DATA.read_text(encoding="utf-8"))
        print("\n".join(tables(results)))
        _write(about, results)
        return
    started, releases = time.monotonic(), QUICK if options.quick else RELEASES
    with ProcessPoolExecutor() as processes:
        places = range(len(cells()))
        results = list(processes.map(simulate_place, places, [releases] * len(places)))
    print(f"{releases:,} releases a cell, seeds {SEED} to {SEED + len(results) - 1}, stable has nine times the traffic")
    print("alpha 1%, beta 5%, detect 1 point; `+1`: a margin of 1 point")
    print("\n".join(tables(results)))
    print(f"\n{time.monotonic() - started:.0f} s")
    if options.quick:
        return
    about = {
        "date": now.date().isoformat(),
        "command": "make bench-judge",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "releases": releases,
    }
    _write(about, results)


def _write(about: Mapping[str, Any], results: Sequence[Result]) -> None:
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text(written(about, results))
    PICTURE.write_text(picture(results))


if __name__ == "__main__":
    main(sys.argv[1:], datetime.now(UTC))
