"""Our judge on many releases at once: the arithmetic of `weighbridge.judge`, with its own bets, on arrays.

What is judged is what `compare` judges. A window's wagers never come to more than the likelihood ratio of its counts,
so most releases are seen to be undecided from that alone, and only the others are worked out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from bench.judging.streams import CANARY_BAD, CANARY_GOOD, STABLE_BAD, STABLE_GOOD, Array, Flags, Rows
from weighbridge.judge import Counts, Pair
from weighbridge.judge.calibration import proven_worse as proven_worse_of_one
from weighbridge.judge.calibration import proves
from weighbridge.judge.comparison import Allowed
from weighbridge.judge.sequential import CHANCE, Bet, Look, bets_on_not_worse, bets_on_worse, staked, starts
from weighbridge.judge.share import Share

_STABLE_NEEDED = 10
_OFF = math.log(1000)
"""What `Share` needs at least to say that the mesh is off its weight."""

_NOW_AND_THEN = 16

_CLOSE = 1e-10
"""Two logarithms between which no stake of whole numbers lies."""

Windows = Mapping[int, Array]
"""By their starts: the counts up to now."""


def worse(counts: Array, share: float, margin: float) -> Array:
    """`weighbridge.judge.sequential.worse` of each release."""
    of_all = _at_least(counts, share)
    bets = bets_on_worse(share, margin)
    if margin:
        return _unless_within(_stake(bets, counts, of_all / (1 - of_all)), counts, margin)
    # Of each wager its part of the stake and its ratio of the two rates, which is that of its factors; then these for
    # each release with its own share.
    found = []
    for bet in bets:
        ratio = math.exp(bet.bad) / (1 - share / (1 - share) * bet.gap)
        stable = -np.log1p(of_all * (ratio - 1))
        found.append(bet.weight + counts[CANARY_BAD] * (math.log(ratio) + stable) + counts[STABLE_BAD] * stable)
    return _unless_within(_sum(found), counts, margin)


def whole(counts: Array) -> Array:
    """`weighbridge.judge.calibration.whole` of each release."""
    floor = np.floor(counts[CANARY_BAD] + 1e-9)
    return np.array([floor, counts[CANARY_GOOD] + counts[CANARY_BAD] - floor, counts[STABLE_BAD], counts[STABLE_GOOD]])


@lru_cache
def needed(share: float, alpha: float) -> float:
    """From what stake on, as a logarithm, `weighbridge.judge.calibration.proves` says so."""
    low, high = math.log(share), math.log(1 / alpha) - staked(0)
    while high - low > _CLOSE:
        middle = (low + high) / 2
        low, high = (low, middle) if proves(middle, share, alpha) else (middle, high)
    return high


def not_worse(counts: Array, share: float, limit: float) -> Array:
    """`weighbridge.judge.sequential.not_worse` of each release."""
    odds = np.minimum(share / (1 - share), _odds(counts))
    return _stake(bets_on_not_worse(limit), counts, odds)


def turned_worse(windows: Windows, share: float, margin: float) -> Array:
    """`weighbridge.judge.sequential.turned_worse` of each release."""
    return _sum([staked(start) + worse(counts, share, margin) for start, counts in windows.items()])


def proven_worse(windows: Windows, share: float, margin: float, alpha: float) -> Flags:
    """`weighbridge.judge.calibration.proven_worse` of each release."""
    found: Flags
    if margin:
        found = turned_worse(windows, share, margin) >= -math.log(alpha)
        return found
    later = {start: counts for start, counts in windows.items() if start}
    found = worse(whole(windows[0]), share, margin) >= needed(share, alpha)
    return found | (turned_worse(later, share, margin) >= -math.log(alpha)) if later else found


def ceiling(counts: Array, share: float, margin: float) -> Array:
    """Above what the evidence of `worse` cannot be.

    Stakes are likelihood ratios: no better than that of two rates to one rate; nor, as stable's bad answers only take
    from them, than that of the canary's rate to the margin. Without any of stable's, the factor of the canary's is at
    most one over its share. Where the share that is reckoned with is a little below what was seen, that adds the ratio
    of both.
    """
    bad, other = counts[CANARY_BAD], counts[STABLE_BAD]
    sent, kept = bad + counts[CANARY_GOOD], other + counts[STABLE_GOOD]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, mean = bad / sent, (bad + other) / (sent + kept)
        ratio = bad * np.log(rate / mean) + np.where(other > 0, other * np.log(other / kept / mean), 0.0)
        alone = bad * np.log(1 / np.minimum(share, sent / (sent + kept)))
        seen, taken = sent / (sent + kept), _at_least(counts, share)
        of_share = bad * np.log(seen / taken) + np.where(kept > 0, other * np.log((1 - seen) / (1 - taken)), 0.0)
        ratio += np.where(seen > taken, of_share, 0.0)
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
        """Which are proven worse: by one wager over all starts with a margin, else by the first or by the others."""
        alpha = self._allowed.alpha / self._allowed.tests
        enough, margin, share = -math.log(alpha), self._allowed.margin / 100, self._weight / 100
        failed = np.zeros(windows[0].shape[1], bool)
        first = ceiling(windows[0], share, margin)
        later = _sum(
            [staked(start) + ceiling(each, share, margin) for start, each in windows.items() if start]
            or [failed - np.inf]
        )
        if margin:
            rows = np.flatnonzero(np.logaddexp(staked(0) + first, later) >= enough)
            # The whole window's evidence decides nearly always: only where it is close are the others worked out.
            whole_window = staked(0) + worse(windows[0][:, rows], share, margin)
            close = np.logaddexp(whole_window, later[rows]) >= enough
        else:
            rows = np.flatnonzero((first >= needed(share, alpha)) | (later >= enough))
            close = worse(whole(windows[0][:, rows]), share, margin) >= needed(share, alpha)
            close |= later[rows] >= enough
        rows = rows[close | _maybe_off(windows[0][:, rows], share)]
        if len(rows):
            closer = {start: counts[:, rows] for start, counts in windows.items()}
            found = proven_worse(closer, share, margin, alpha)
            for row in np.flatnonzero(_maybe_off(closer[0], share)):
                found[row] = _one(closer, int(row), self._weight, margin, alpha)
            failed[rows] = found & (closer[0][STABLE_BAD] + closer[0][STABLE_GOOD] >= _STABLE_NEEDED)
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


def _at_least(counts: Array, share: float) -> Array:
    sent, kept = counts[CANARY_BAD] + counts[CANARY_GOOD], counts[STABLE_BAD] + counts[STABLE_GOOD]
    total = np.maximum(sent + kept, 1e-12)
    seen = np.maximum(share, sent / total - CHANCE * np.sqrt(share * (1 - share) / total))
    found: Array = np.where(kept > 0, seen, share)
    return found


def _unless_within(stake: Array, counts: Array, margin: float) -> Array:
    """No stake above 1 for a canary that is within the margin in the counts."""
    sent, kept = counts[CANARY_BAD] + counts[CANARY_GOOD], counts[STABLE_BAD] + counts[STABLE_GOOD]
    rates = [
        np.divide(bad, total, out=np.zeros_like(bad), where=total > 0)
        for bad, total in ((counts[CANARY_BAD], sent), (counts[STABLE_BAD], kept))
    ]
    within = (kept > 0) & (rates[0] - rates[1] <= margin)
    found: Array = np.where(within, np.minimum(stake, 0.0), stake)
    return found


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


def _one(windows: Windows, row: int, weight: int, margin: float, alpha: float) -> bool:
    """Whether one release is proven worse, by the judge itself."""
    found = [Look(start, pair(counts[:, row])) for start, counts in windows.items()]
    return proven_worse_of_one(found, Share.of(found[0].pair, weight).to_bet_on, margin, alpha)


def pair(counts: Array) -> Pair:
    """One release's counts as the judge takes them."""
    bad, good, stable_bad, stable_good = (float(each) for each in counts)
    return Pair(Counts(good, bad + good), Counts(stable_good, stable_bad + stable_good))
