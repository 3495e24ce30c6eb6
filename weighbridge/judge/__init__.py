"""Judgement: counts and bounds in, a verdict with its evidence out. Pure.

A verdict is never guessed. `pass` needs enough requests and every bound kept; `fail` needs enough evidence and a
bound broken; whatever else there is, is `insufficient` (ask again later) or `error` (the answer made no sense).

verdict      what a judgement is, and how several make one
counting     which requests were answered well
bounds       success rate and duration against a number
sequential   the statistic: evidence that may be looked at as often as one likes
rates        where a rate lies, at every look at once
calibration  what that evidence proves where no margin is allowed
comparison   canary against stable by that statistic
share        the share of traffic that the canary got, against the weight set
"""

from __future__ import annotations

from weighbridge.judge.bounds import duration, success_rate
from weighbridge.judge.comparison import Allowed, Question, compare, compare_shape
from weighbridge.judge.counting import Answered, Counts, count
from weighbridge.judge.sequential import Look, Pair
from weighbridge.judge.share import traffic_share
from weighbridge.judge.verdict import Evidence, Measurement, Scope, Verdict, combine, joined, unmeasured

__all__ = [
    "Allowed",
    "Answered",
    "Counts",
    "Evidence",
    "Look",
    "Measurement",
    "Pair",
    "Question",
    "Scope",
    "Verdict",
    "combine",
    "compare",
    "compare_shape",
    "count",
    "duration",
    "joined",
    "success_rate",
    "traffic_share",
    "unmeasured",
]
