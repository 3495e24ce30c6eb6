"""`make mutate`: change the judge in small ways, one at a time, and see that a test fails each time.

It works in a copy of the tree, in one process. A change that no test notices is printed, and the exit code is 1, unless
survivors.toml has it with its reason; so is a reason that is not needed any more.
"""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, Final

from tests.mutation.reasons import Change, change, read
from tests.mutation.trial import STAGES, Tree, warm

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHON: Final = ROOT / ".tools/mutation/bin/python"
REASONS: Final = ROOT / "tests/mutation/survivors.toml"

TESTS: Final = {
    "weighbridge/plan.py": ("test_plan",),
    "weighbridge/decision.py": ("test_decision",),
    "weighbridge/judge/verdict.py": ("test_verdict",),
    "weighbridge/judge/counting.py": ("test_judge",),
    "weighbridge/judge/bounds.py": ("test_judge",),
    "weighbridge/judge/words.py": ("test_words",),
    "weighbridge/judge/proof.py": ("test_proof",),
    "weighbridge/judge/rates.py": ("test_rates",),
    "weighbridge/judge/sequential.py": ("test_sequential",),
    "weighbridge/judge/calibration.py": ("test_calibration",),
    "weighbridge/judge/comparison.py": ("test_comparison",),
    "weighbridge/judge/share.py": ("test_share",),
    "weighbridge/analysis.py": ("test_analysis",),
}
"""The tests that belong to each module, those first that fail soonest."""


def main(names: Sequence[str]) -> int:
    """Try the changes of the modules whose path contains one of the names, or of all.

    Args:
        names: parts of paths.
    """
    modules = [path for path in TESTS if not names or any(name in path for name in names)]
    known = {each: why for each, why in read(REASONS).items() if each.module in modules}
    with tempfile.TemporaryDirectory(prefix="mutate-") as copy:
        tree = Tree(ROOT, Path(copy))
        warm([path for module in modules for path in _tests(module)])
        survived = {each for module in modules for each in _survivors(tree, module, known)}
    for each in sorted(set(known) - survived):
        print(f"\n{each.module}: listed, but a test notices it, or it is gone\n{each}")
    return 0 if survived == set(known) else 1


def _tests(module: str) -> list[str]:
    return [f"tests/unit/{name}.py" for name in TESTS[module]]


def _survivors(tree: Tree, module: str, known: Container[Change]) -> set[Change]:
    """What no test notices in one module; what is new of it is printed."""
    began = time.monotonic()
    before = tree.text(module)
    if any(tree.notices(module, before, _tests(module), stage) for stage in STAGES):
        sys.exit(f"{module}: its tests must pass before it is changed")
    found = set()
    tried: Counter[bool] = Counter()
    for mutant in _mutants(tree, module):
        noticed = any(tree.notices(module, mutant["text"], _tests(module), stage) for stage in STAGES)
        tried[noticed] += 1
        if not noticed:
            changed = change(module, mutant["scope"], before, mutant["text"])
            found.add(changed)
            if changed not in known:
                _show(changed, mutant["line"], before, mutant["text"])
    spent = time.monotonic() - began
    print(f"{module}: {tried.total()} changes, {tried[True]} noticed, {tried[False]} not ({spent:.0f} s)", flush=True)
    return found


def _show(changed: Change, line: int, before: str, after: str) -> None:
    print(f"{changed.module}:{line}: no test notices, in {changed.scope or 'the module'}")
    for text in difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm=""):
        if not text.startswith(("---", "+++", "@@")):
            print(f"    {text}", flush=True)


def _mutants(tree: Tree, module: str) -> list[dict[str, Any]]:
    command = (str(PYTHON), "tests/mutation/mutants.py", module)
    made = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=True).stdout
    found: list[dict[str, Any]] = json.loads(made)[module]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
