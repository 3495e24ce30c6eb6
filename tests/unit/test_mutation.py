"""The reasons for what `make mutate` lets pass: each is about a line that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.reasons import Change, change, read

ROOT = Path(__file__).resolve().parents[2]
LISTED = read(ROOT / "tests/mutation/survivors.toml")


@pytest.mark.parametrize("listed", sorted(LISTED), ids=[f"{each.module}: {each.becomes}" for each in sorted(LISTED)])
def test_a_reason_is_about_a_line_that_is_there(listed: Change) -> None:
    """The line is in its module, and the change changes it."""
    lines = [line.strip() for line in (ROOT / listed.module).read_text(encoding="utf-8").splitlines()]
    assert set(listed.was.splitlines()) <= set(lines)
    assert listed.becomes != listed.was


def test_a_change_is_known_by_its_lines_wherever_they_are() -> None:
    """What surrounds a line, how far it is indented and where it stands tell no change from another."""
    found = change("m.py", "f", "x = 1\n    y = 2\n", "x = 1\n    y = 3\n")
    assert found == change("m.py", "f", "\n\ny = 2", "\n\ny = 3") == Change("m.py", "f", "y = 2", "y = 3")


WRONG = [
    ("without a reason", '[[reason]]\nmodule = "m.py"\nwhy = " "\nchanges = [["f", "a", "b"]]'),
    ("twice", '[[reason]]\nmodule = "m.py"\nwhy = "so"\nchanges = [["f", "a", "b"], ["f", "a", "b"]]'),
]


@pytest.mark.parametrize("text", [text for _, text in WRONG], ids=[fact for fact, _ in WRONG])
def test_a_change_is_listed_once_with_its_reason(text: str, tmp_path: Path) -> None:
    """A list that says nothing of a change, or says it twice, is refused."""
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(ValueError, match="must be listed once and have a reason"):
        read(tmp_path / "s.toml")
