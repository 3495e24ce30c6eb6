"""Our judge on many releases at once: the arithmetic of `weighbridge.judge`, with its own bets, on arrays.

What is judged is what `compare` judges. A window's wagers never come to more than the likelihood ratio of its counts,
so most releases are seen to be undecided from that alone, and only the others are worked out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bench.judging.streams import CANARY_BAD, CANARY_GOOD, STABLE_BAD, STABLE_GOOD, Array, Flags, Rows
from weighbridge.judge import Counts, Pair
from weighbridge.judge.comparison import Allowed
from weighbridge.judge.sequential import Bet, Look, bets_on_not_worse, bets_on_worse, staked, starts
from weighbridge.judge.sequential import turned_worse as turned_worse_of_one
from weighbridge.judge.share import Share

_STABLE_NEEDED = 10
_OFF = math.log(1000)
"""What `Share` needs at least to say that the mesh is off its weight."""

_NOW_AND_THEN = 16

Windows = Mapping[int, Array]
"""By their starts: the counts up to now."""


def worse(counts: Array, share: float, margin: float) -> Array:
    """`weighbridge.judge.sequential.worse` of each release."""
    odds = np.maximum(share / (1 - share), _odds(counts))
    return _stake(bets_on_worse(share, margin), counts, odds)


def not_worse(counts: Array, share: float, limit: float) -> Array:
    """`weighbridge.judge.sequential.not_worse` of each release."""
    odds = np.minimum(share / (1 - share), _odds(counts))
    return _stake(bets_on_not_worse(limit), counts, odds)


def turned_worse(windows: Windows, share: float, margin: float) -> Array:
    """`weighbridge.judge.sequential.turned_worse` of each release."""
    return _sum([staked(start) + worse(counts, share, margin) for start, counts in windows.items()])


def ceiling(counts: Array, share: float, margin: float) -> Array:
    """Above what the evidence of `worse` cannot be.

    Stakes are likelihood ratios: no better than that of two rates to one rate; nor, as stable's bad answers only take
    from them, than that of the canary's rate to the margin. Without any of stable's, the factor of the canary's is at
    most one over its share.
    """
    bad, other = counts[CANARY_BAD], counts[STABLE_BAD]
    sent, kept = bad + counts[CANARY_GOOD], other + counts[STABLE_GOOD]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, mean = bad / sent, (bad + other) / (sent + kept)
        ratio = bad * np.log(rate / mean) + np.where(other > 0, other * np.log(other / kept / mean), 0.0)
        alone = bad * np.log(1 / np.minimum(share, sent / (sent + kept)))
        found = np.where(other == 0, alone, np.where(bad * kept > other * sent, ratio, 0.0))
        found = np.where(bad > 0, found, 0.0)
        if margin > 0:
            single = bad * np.log(rate / margin) + np.where(
                rate < 1, (sent - bad) * np.log((1 - rate) / (1 - margin)), 0.0
            )
            found = np.minimum(found, np.where(rate > margin, single, 0.0))
    return found


class Ours:
    """Rolls back when `compare` says fail; and, if it is asked to, passes when that says pass.

    The windows' starts are the looks. Counts may be stretched as Prometheus does it: what was counted between the first
    and the last scrape of a window stands for the whole of it.
    """

    name = "weighbridge"

    def __init__(
        self, releases: int, weight: int, allowed: Allowed, *, min_requests: int | None, unseen: float, thorough: int
    ) -> None:
        """For some releases.

        Args:
            releases: how many.
            weight: percent.
            allowed: as for `compare`.
            min_requests: of the canary for a pass; None where it never passes.
            unseen: part of one look's time that lies outside of the scrapes of a window.
            thorough: looks up to which the later starts are all looked at; afterwards they are now and then, which can
                only make a rollback later.
        """
        self._weight, self._allowed, self._min_requests = weight, allowed, min_requests
        self._unseen, self._thorough = unseen, thorough
        self._now = np.zeros((4, releases))
        self._before = {0: np.zeros((4, releases))}
        self.passed = np.zeros(releases, bool)

    def look(self, number: int, counts: Array, undecided: Flags) -> Flags:
        """Which releases end at this look.

        Args:
            number: of the look, from 1 on.
            counts: since the look before.
            undecided: those that are still looked at.
        """
        self._now = self._now + counts
        rows = np.flatnonzero(undecided)
        found = starts(number) if number <= self._thorough or not number % _NOW_AND_THEN else (0,)
        windows = {start: self._window(start, number, rows) for start in found}
        failed = self._failed(windows)
        passed = ~failed & self._good(windows[0])
        self._before[number] = self._now
        for start in [each for each in self._before if each and number >= each + 2 * (each & -each)]:
            del self._before[start]  # no later look starts there
        ended = np.zeros(len(undecided), bool)
        ended[rows] = failed | passed
        self.passed[rows] = passed
        return ended

    def keep(self, kept: Flags) -> None:
        """Leave the other releases out from now on."""
        self._now = self._now[:, kept]
        self._before = {start: counts[:, kept] for start, counts in self._before.items()}
        self.passed = self.passed[kept]

    def _window(self, start: int, number: int, rows: Rows) -> Array:
        counts = self._now[:, rows] - self._before[start][:, rows]
        return counts * ((number - start) / (number - start - self._unseen))

    def _failed(self, windows: Windows) -> Flags:
        enough = math.log(self._allowed.tests / self._allowed.alpha)
        margin, share = self._allowed.margin / 100, self._weight / 100
        failed = np.zeros(windows[0].shape[1], bool)
        later = _sum(
            [staked(start) + ceiling(each, share, margin) for start, each in windows.items() if start]
            or [failed - np.inf]
        )
        rows = np.flatnonzero(np.logaddexp(staked(0) + ceiling(windows[0], share, margin), later) >= enough)
        # The whole window's evidence decides nearly always: only where it is close are the others worked out.
        whole = staked(0) + worse(windows[0][:, rows], share, margin)
        rows = rows[(np.logaddexp(whole, later[rows]) >= enough) | _maybe_off(windows[0][:, rows], share)]
        if len(rows):
            closer = {start: counts[:, rows] for start, counts in windows.items()}
            evidence = turned_worse(closer, share, margin)
            for row in np.flatnonzero(_maybe_off(closer[0], share)):
                evidence[row] = _one(closer, int(row), self._weight, margin)
            failed[rows] = (evidence >= enough) & (closer[0][STABLE_BAD] + closer[0][STABLE_GOOD] >= _STABLE_NEEDED)
        return failed

    def _good(self, counts: Array) -> Flags:
        if self._min_requests is None:
            return np.zeros(counts.shape[1], bool)
        limit = (self._allowed.margin + self._allowed.detect) / 100
        enough = counts[CANARY_BAD] + counts[CANARY_GOOD] >= self._min_requests
        enough &= counts[STABLE_BAD] + counts[STABLE_GOOD] >= _STABLE_NEEDED
        good: Flags = enough & (not_worse(counts, self._weight / 100, limit) >= -math.log(self._allowed.beta))
        return good


def _stake(bets: Sequence[Bet], counts: Array, odds: Array) -> Array:
    return _sum([_one_stake(bet, counts, odds) for bet in bets])


def _one_stake(bet: Bet, counts: Array, odds: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        stable = np.log(np.maximum(0.0, 1 - odds * bet.gap))
        gained = [
            np.where(count > 0, count * factor, 0.0)
            for count, factor in (
                (counts[CANARY_BAD], bet.bad),
                (counts[CANARY_GOOD], bet.good),
                (counts[STABLE_BAD], stable),
            )
        ]
    return bet.weight + gained[0] + gained[1] + gained[2]


def _sum(logs: Sequence[Array]) -> Array:
    top = np.max(logs, axis=0)
    floor = np.where(np.isinf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        return np.asarray(floor + np.log(np.exp(np.array(logs) - floor).sum(axis=0)))


def _odds(counts: Array) -> Array:
    sent, kept = counts[CANARY_BAD] + counts[CANARY_GOOD], counts[STABLE_BAD] + counts[STABLE_GOOD]
    odds: Array = np.divide(sent, kept, out=np.zeros_like(sent), where=kept > 0)
    return odds


def _maybe_off(counts: Array, share: float) -> Flags:
    """Whether the mesh may be seen to send the canary more than its weight: then the wagers are others."""
    sent, kept = counts[CANARY_BAD] + counts[CANARY_GOOD], counts[STABLE_BAD] + counts[STABLE_GOOD]
    seen = sent / (sent + kept)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sent * np.log(seen / share) + np.where(kept > 0, kept * np.log((1 - seen) / (1 - share)), 0.0)
    off: Flags = (seen > share) & (ratio >= _OFF)
    return off


def _one(windows: Windows, row: int, weight: int, margin: float) -> float:
    """The evidence of one release, by the judge itself."""
    found = [Look(start, pair(counts[:, row])) for start, counts in windows.items()]
    return turned_worse_of_one(found, Share.of(found[0].pair, weight).to_bet_on, margin)


def pair(counts: Array) -> Pair:
    """One release's counts as the judge takes them."""
    bad, good, stable_bad, stable_good = (float(each) for each in counts)
    return Pair(Counts(good, bad + good), Counts(stable_good, stable_bad + stable_good))
