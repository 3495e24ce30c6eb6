"""Numbers beside a bound, as people read them."""

from __future__ import annotations

import pytest

from weighbridge.judge.words import apart, milliseconds, percent, plain

WORDS = [
    ("a share has two decimals", percent(69.1871, 99), "69.19%"),
    ("two also where they are zeros", percent(100, 99), "100.00%"),
    ("and at its bound", percent(99.0, 99), "99.00%"),
    ("more where two would show the other side", percent(98.99912, 99), "98.999%"),
    ("as many as six", percent(99.9999991, 100), "99.999999%"),
    ("and else all that there are", percent(99.99999961, 100), "99.99999961%"),
    ("a setting is shown as it was written", plain(99.0), "99"),
    ("with all of its decimals", plain(99.99999), "99.99999"),
    ("a duration has one decimal", apart(12.56, 500), "12.6ms"),
    ("and none at its bound", apart(500, 500), "500ms"),
    ("more where one would show the bound", apart(500.04321, 500), "500.04ms"),
    ("a bound is rounded alike", apart(0.051, 0.052), "0.051ms"),
    ("as many as six", apart(500.0000012, 500), "500.000001ms"),
    ("and else all that there are", apart(500.0000001234, 500), "500.0000001234ms"),
    ("milliseconds without a needless zero", milliseconds(10), "10ms"),
    ("with one decimal", milliseconds(12.56), "12.6ms"),
    ("just below a second", milliseconds(999.4), "999.4ms"),
    ("from a second on in seconds", milliseconds(1000), "1s"),
    ("to the millisecond", milliseconds(1234.56), "1.235s"),
    ("without a needless zero", milliseconds(20_500), "20.5s"),
    ("a digit more of each", milliseconds(1234.5678, 2), "1.2346s"),
]


@pytest.mark.parametrize(("fact", "shown", "words"), WORDS, ids=[f"{row[0]}: {row[2]}" for row in WORDS])
def test_words(fact: str, shown: str, words: str) -> None:
    """A number is as short as people write it, and as long as shows on which side of its bound it is."""
    assert shown == words, fact
