"""Other gates' rules.

Flagger: a check a minute, `request-success-rate` of the last minute at least 99 (docs/gitbook/usage/metrics.md). A
check without data fails. Failed checks add up over the analysis, and the check after the one that reached the threshold
rolls back (pkg/controller/scheduler.go).

Argo Rollouts: `successCondition: result[0] >= 0.95` and `failureLimit: 3` are its docs' example
(docs/features/analysis.md), which measures every five minutes; here it is each minute, over the last one, to be like
the others. 99% with a limit of 2 is no example of theirs: it is there because 95% does not see a canary with 2%. The
run fails when more measurements failed than the limit, in all (analysis/analysis.go); the limit's default is 0. A
minute without data is left out, which is kind: it would be an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.judging.streams import CANARY_BAD, CANARY_GOOD, Array, Flags

CHECK = 60.0
"""Seconds."""


class Checked:
    """A rule that counts failed checks."""

    def __init__(self, rule: Rule, releases: int, gap: float) -> None:
        self.name = rule.name
        self._rule, self._every = rule, max(1, round(CHECK / gap))
        self._minute = np.zeros((2, releases))
        self._failed = np.zeros(releases)

    def look(self, number: int, counts: Array, _undecided: Flags) -> Flags:
        """As `Ours.look`."""
        self._minute += counts[[CANARY_BAD, CANARY_GOOD]]
        if number % self._every:
            return np.zeros(counts.shape[1], bool)
        rolled_back = self._failed >= self._rule.threshold if self._rule.at_the_next else None
        total = self._minute.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = self._minute[1] / total
        self._failed += np.where(total > 0, rate < self._rule.least, self._rule.silence_fails)
        self._minute = np.zeros_like(self._minute)
        return self._failed >= self._rule.threshold if rolled_back is None else rolled_back

    def keep(self, kept: Flags) -> None:
        """As `Ours.keep`."""
        self._minute, self._failed = self._minute[:, kept], self._failed[kept]


@dataclass(frozen=True)
class Rule:
    """What a gate that counts failed checks is set to.

    Attributes:
        name: for the table.
        least: success rate of a minute, 0..1.
        threshold: failed checks that roll back.
        at_the_next: whether that happens at the check after.
        silence_fails: whether a check without requests fails.
    """

    name: str
    least: float
    threshold: int
    at_the_next: bool
    silence_fails: bool


RULES = (
    Rule("flagger 99% x5", 0.99, 5, at_the_next=True, silence_fails=True),
    Rule("flagger 99% x10", 0.99, 10, at_the_next=True, silence_fails=True),
    Rule("argo 95% x4", 0.95, 4, at_the_next=False, silence_fails=False),
    Rule("argo 99% x3", 0.99, 3, at_the_next=False, silence_fails=False),
)
"""Argo's limits are 3 and 2: the run fails with one more."""
