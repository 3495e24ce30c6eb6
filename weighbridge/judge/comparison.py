"""Canary against stable: proven worse, proven not worse, or not told apart yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from weighbridge.judge.calibration import proven_worse
from weighbridge.judge.counting import Counts
from weighbridge.judge.rates import interval
from weighbridge.judge.sequential import Look, Pair, log_sum, not_worse, turned_worse
from weighbridge.judge.share import Share
from weighbridge.judge.verdict import Measurement, Scope, Verdict

_STABLE_NEEDED: Final = 10
"""Requests of stable without which there is nothing to compare with."""

_A_POINT: Final = 0.01


@dataclass(frozen=True)
class Allowed:
    """What is allowed, and how sure one has to be.

    Attributes:
        margin: points (percent of requests) by which the canary may be worse than stable.
        detect: points beyond the margin that a pass has to rule out.
        alpha: probability of calling a canary worse that is within the margin, whatever the number of looks.
        beta: probability of passing one that is worse than margin and detect together.
        tests: between how many comparisons alpha is shared.
    """

    margin: float
    detect: float
    alpha: float
    beta: float
    tests: int = 1


@dataclass(frozen=True)
class Question:
    """What is compared.

    Attributes:
        metric: name of the measurement.
        subject: what a bad answer is, for the line: `errors`, `over 500ms`.
        query: the PromQL that gave the counts.
    """

    metric: str
    subject: str
    query: str


def compare(looks: Sequence[Look], weight: int, allowed: Allowed, question: Question, scope: Scope) -> Measurement:
    """Compare the tracks.

    Args:
        looks: windows that end now, the whole one (start 0) first.
        weight: percent that is set, between 0 and 100.
        allowed: see there.
        question: see there.
        scope: of the whole window; its minimum of requests is what a pass needs. A fail needs none: it has alpha.

    Returns:
        `fail` when the canary is proven worse than stable by more than the margin, `pass` when it is proven worse by
        less than margin and detect together, else `insufficient`.
    """
    pair = looks[0].pair
    share = _inside(Share.of(pair, weight).to_bet_on)
    worse = proven_worse(looks, share, allowed.margin / 100, allowed.alpha / allowed.tests)
    good = not_worse(pair, share, (allowed.margin + allowed.detect) / 100)
    verdict, note = _verdict(pair, good, allowed, scope, worse=worse)
    line = f"{question.subject}: {_tracks(pair, allowed)}{note} {scope.evidence(pair.canary.total)}"
    return _measurement(question, pair, allowed, scope, verdict, line)


def compare_shape(
    buckets: Sequence[Sequence[Look]], weight: int, allowed: Allowed, question: Question, scope: Scope
) -> Measurement:
    """Compare whole histograms: whether more of the canary's requests than of stable's are beyond any bucket's bound.

    The mean of the wagers on the single bounds is a wager as well. It only looks for a difference: what it passes, was
    not found to be worse, and the proof is left to `compare`.

    Args:
        buckets: for each bound the looks, in which a bad request is one beyond the bound; all start alike.
        weight: as for `compare`.
        allowed: as for `compare`; beta and detect have no part.
        question: as for `compare`.
        scope: as for `compare`.
    """
    pair = buckets[0][0].pair
    share = _inside(Share.of(pair, weight).to_bet_on)
    mean = log_sum(turned_worse(looks, share, allowed.margin / 100) for looks in buckets) - math.log(len(buckets))
    if mean >= math.log(allowed.tests / allowed.alpha) and pair.stable.total >= _STABLE_NEEDED:
        verdict, words = Verdict.FAIL, f"slower than stable by more than {allowed.margin:g} points at some bound"
    elif pair.stable.total < _STABLE_NEEDED:
        verdict, words = Verdict.INSUFFICIENT, f"{_stable_needed(pair)} {scope.evidence(pair.canary.total)}"
    elif not scope.enough(pair.canary.total):
        verdict, words = Verdict.INSUFFICIENT, scope.needed(pair.canary.total)
    else:
        verdict, words = Verdict.PASS, "not found slower than stable at any bound"
    line = words if verdict is Verdict.INSUFFICIENT else f"{words} {scope.evidence(pair.canary.total)}"
    return _measurement(question, pair, allowed, scope, verdict, f"{question.subject}: {line}")


def _measurement(
    question: Question, pair: Pair, allowed: Allowed, scope: Scope, verdict: Verdict, line: str
) -> Measurement:
    total = pair.canary.total
    return Measurement(
        question.metric,
        question.query,
        100 * pair.canary.bad / total if total else None,
        f"<= stable + {allowed.margin:g}",
        pair.canary.good,
        total,
        scope.window,
        verdict,
        line,
    )


def _verdict(pair: Pair, good: float, allowed: Allowed, scope: Scope, *, worse: bool) -> tuple[Verdict, str]:
    if pair.stable.total < _STABLE_NEEDED:
        return Verdict.INSUFFICIENT, f", {_stable_needed(pair)}"
    if worse:
        return Verdict.FAIL, ""
    if not scope.enough(pair.canary.total):
        return Verdict.INSUFFICIENT, f", {math.floor(pair.canary.total)} of {scope.min_requests} requests needed"
    if good >= -math.log(allowed.beta):
        return Verdict.PASS, ""
    return Verdict.INSUFFICIENT, f", undecided{_more(pair, good, allowed)}"


def _stable_needed(pair: Pair) -> str:
    return f"{math.floor(pair.stable.total)} of {_STABLE_NEEDED} requests of stable needed"


def _more(pair: Pair, good: float, allowed: Allowed) -> str:
    """How many requests a pass still needs, if they go on as they went so far."""
    if good <= 0:
        return ""
    more = pair.canary.total * (-math.log(allowed.beta) / good - 1)
    return f", about {math.ceil(more)} more requests needed"


def _tracks(pair: Pair, allowed: Allowed) -> str:
    """`canary 0.4% [0.1, 0.9] vs stable 0.3% [0.2, 0.4], allowed +1.0`: rates and where they lie, in percent."""
    both = (pair.canary, pair.stable)
    ends = [interval(counts.bad, counts.total, allowed.alpha) for counts in both]
    digits = 1 if min(high for _, high in ends) >= _A_POINT else 2
    canary, stable = (_rate(counts, end, digits) for counts, end in zip(both, ends, strict=True))
    return f"canary {canary} vs stable {stable}, allowed +{allowed.margin:.1f}"


def _rate(counts: Counts, ends: tuple[float, float], digits: int) -> str:
    if not counts.total:
        return "-"
    low, high = (100 * end for end in ends)
    return f"{100 * counts.bad / counts.total:.{digits}f}% [{low:.{digits}f}, {high:.{digits}f}]"


def _inside(share: float) -> float:
    """A probability with which a wager can be made: at 0 or 1 there is only one track, and nothing to be won."""
    return min(max(share, 1e-6), 1 - 1e-6)
