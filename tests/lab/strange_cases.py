"""Histories of five minutes at 10% of 10 requests a second, each strange in its own way, and what the gate has to say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests import gates
from tests.lab.scraped import CANARY, STABLE, Flow, flow, histogram
from weighbridge.checks import Comparison, Latency
from weighbridge.judge import Verdict

PASS, FAIL, INSUFFICIENT, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.INSUFFICIENT, Verdict.ERROR
CHECKS = replace(gates.CHECKS, default_soak=300.0, interval=60.0)
SPENT = CHECKS.default_soak + CHECKS.warm_up
"""Seconds at the weight when a history ends."""
REST = flow(STABLE, 9)
GOOD = flow(CANARY, 1)
HEALTHY = (REST, GOOD)
ANY_SHARE = {"share_tolerance": 100.0}
LENIENT = {"metrics": {"request-success-rate": {"min": 50.0}}}
SUCCESS = {"request-success-rate": {"min": 99.0}}
SLOWEST = {"metrics": {**SUCCESS, "request-duration": {"max": 0.5, "quantile": 0.99}}}


@dataclass(frozen=True)
class Case:
    """One history.

    Attributes:
        fact: what it is.
        flows: the series.
        verdict: that it must have.
        line: that it must have; `WORKLOAD` stands for the canary's.
        checks: that are unlike the usual ones.
        weight: percent that is set.
    """

    fact: str
    flows: Sequence[Flow]
    verdict: Verdict
    line: str
    checks: Mapping[str, Any] = field(default_factory=dict)
    weight: int = 10

    @property
    def release(self) -> str:
        """Its name, a DNS label."""
        return "".join(each if each.isalnum() else "-" for each in self.fact.lower())


def mixed(revision: str, rate: float, bad: float) -> list[Flow]:
    """A track of which so many percent fail."""
    return [flow(revision, rate * (1 - bad / 100)), flow(revision, rate * bad / 100, "503")]


def compared(**more: Any) -> dict[str, Any]:
    """The checks of a comparison whose bound is out of the way."""
    given = {"margin": 1.0, "detect": 1.0, "alpha": 0.01, "beta": 0.05, "shared_failure": "hold", "latency": None}
    return {**LENIENT, "comparison": Comparison(**{**given, **more})}


def callers(flags: str, rate: float, code: str = "503") -> Flow:
    """What the caller of the canary saw."""
    return flow(CANARY, rate, code, reporter="source", response_flags=flags)


def slow(revision: str, rate: float, over: float) -> list[Flow]:
    """A track with its histogram, of which so many percent take between 500 ms and 1 s."""
    fast = rate * (1 - over / 100)
    return [
        flow(revision, rate),
        *histogram(revision, {"100.0": 0.8 * fast, "500.0": fast, "1000.0": rate, "+Inf": rate}),
    ]


def own(query: str, **more: Any) -> dict[str, Any]:
    """The checks of a query of the user's own."""
    return {"metrics": {**SUCCESS, "mine": {"query": query, "min": 0.0, "max": 1e9, **more}}}


REMARKED = "buckets that fall with their bounds"
WITHIN = Latency(500.0, 1.0, 1.0, shape=False)
SAME_BAD = (*mixed(STABLE, 9, 20), *mixed(CANARY, 1, 20))
MINE = 'sum(increase(istio_requests_total{{destination_workload="{{{{ canary }}}}"}}[5m])){}'

COUNTS = [
    Case("an ordinary canary", HEALTHY, PASS, "success rate 100.00% >= 99% (n=300, 5m)"),
    Case("no series at all", (), INSUFFICIENT, "0 of 100 requests needed (n=0, 5m)"),
    Case("only stable has series", [REST], ERROR, "the mesh did not take the weight: the canary gets 0.00%, 10% is set (n=2700, 5m)"),
    Case("only the canary has series", [GOOD], ERROR, "the mesh did not take the weight: the canary gets 100.00%, 10% is set (n=300, 5m)"),
    # The first scrape of the series says 20: they are lost, but for what Prometheus extrapolates by half an interval.
    Case("a series that appears in the window", [REST, flow(CANARY, 1, begin=150, value=lambda before: 170 - before)], PASS, "success rate 100.00% >= 99% (n=155, 5m)", ANY_SHARE),
    # Three failures, each of another pod and so the first of its series: what a first scrape says is no growth.
    Case("failures that are each the first of their series", [*HEALTHY, *(flow(CANARY, 0, "503", pod=pod, begin=begin, value=lambda _: 1.0) for pod, begin in (("a", 200), ("b", 150), ("c", 90)))], PASS, "success rate 100.00% >= 99% (n=300, 5m)"),
    Case("everything fails and the good series is gone", [REST, flow(CANARY, 1, end=150), flow(CANARY, 1, "503", begin=150)], FAIL, "success rate 50.82% < 99% (n=305, 5m)"),
    Case("a pod that is gone", [REST, flow(CANARY, 0.5), flow(CANARY, 0.5, pod="b", end=100)], PASS, "success rate 100.00% >= 99% (n=252, 5m)", ANY_SHARE),
    Case("a counter that begins anew", [REST, flow(CANARY, 1, restarts=(155,))], PASS, "success rate 100.00% >= 99% (n=294, 5m)"),
    Case("counters of both begin anew", [flow(STABLE, 9, restarts=(205,)), flow(CANARY, 1, restarts=(205, 105))], PASS, "success rate 100.00% >= 99% (n=289, 5m)"),
    Case("two pods of one workload", [REST, flow(CANARY, 0.5, pod="a"), flow(CANARY, 0.5, pod="b")], PASS, "success rate 100.00% >= 99% (n=300, 5m)"),
    # Two scrape jobs that both find the pod double its requests, and nobody can tell: the share of traffic does.
    Case("the same pod scraped twice", [REST, GOOD, flow(CANARY, 1, job="again")], ERROR, "the mesh did not take the weight: the canary gets 18.18%, 10% is set (n=3300, 5m)"),
    Case("NaN for a counter", [REST, flow(CANARY, 1, value=lambda _: math.nan)], ERROR, "Prometheus gave a count that is none: WORKLOAD has nan requests with code 200"),
    Case("NaN for a counter of stable", [GOOD, flow(STABLE, 9, value=lambda _: math.nan)], ERROR, "Prometheus gave a count that is none: STABLE has nan requests with code 200"),
    Case("infinity for a counter", [REST, flow(CANARY, 1, value=lambda before: math.inf if before < 100 else 400 - before)], ERROR, "Prometheus gave a count that is none: WORKLOAD has inf requests with code 200"),
    Case("a negative counter", [REST, flow(CANARY, 1, value=lambda before: before - 500.0)], ERROR, "Prometheus gave a count that is none: WORKLOAD has -10800.0 requests with code 200"),
    Case("no response code", [REST, flow(CANARY, 1, "")], ERROR, "Prometheus gave a count that is none: WORKLOAD has requests without a response code"),
]  # fmt: skip

DURATIONS = [
    Case("an ordinary histogram", [REST, *slow(CANARY, 1, 0.5)], PASS, "success rate 100.00% >= 99% (n=300, 5m)", SLOWEST),
    Case("a slow histogram", [REST, *slow(CANARY, 1, 50)], FAIL, "request duration 990ms > 500ms (n=300, 5m)", SLOWEST),
    Case("no histogram at all", [REST, GOOD], INSUFFICIENT, "no request duration measured yet (n=300, 5m)", SLOWEST),
    Case("a histogram without its last bucket", [REST, GOOD, *histogram(CANARY, {"500.0": 1.0})], INSUFFICIENT, "no request duration measured yet (n=300, 5m)", SLOWEST),
    Case("a histogram of NaN", [REST, GOOD, *histogram(CANARY, {"500.0": 1.0, "+Inf": 1.0}, value=lambda _: math.nan)], INSUFFICIENT, "no request duration measured yet (n=300, 5m)", SLOWEST),
    # Prometheus answers with the last finite bound (promql/quantile.go): what lies beyond cannot be told from it.
    Case("slower than the last finite bound", [REST, GOOD, *histogram(CANARY, {"250.0": 0.5, "1000.0": 0.5, "+Inf": 1.0})], FAIL, "request duration 1s > 500ms (n=300, 5m)", SLOWEST),
    # Prometheus mends such buckets, and remarks (`infos`) that it did; the answer is whole.
    Case(REMARKED, [REST, GOOD, *histogram(CANARY, {"100.0": 0.8, "500.0": 0.5, "1000.0": 1.0, "+Inf": 1.0})], FAIL, "request duration 975ms > 500ms (n=300, 5m)", SLOWEST),
    Case("bounds as Prometheus 2 and 3 write them", [REST, GOOD, *histogram(CANARY, {"500": 0.6, "+Inf": 0.6}), *histogram(CANARY, {"500.0": 0.4, "+Inf": 0.4}, pod="b")], PASS, "success rate 100.00% >= 99% (n=300, 5m)", SLOWEST),
]  # fmt: skip

GRPC = [
    *(
        Case(f"gRPC status {status} is a failure", [REST, flow(CANARY, 0.9, grpc_response_status=0), flow(CANARY, 0.1, grpc_response_status=status)], FAIL, "success rate 90.00% < 99% (n=300, 5m)")
        for status in (2, 13, 14)
    ),
    *(
        Case(f"gRPC status {status} is no failure", [REST, flow(CANARY, 1, grpc_response_status=status)], PASS, "success rate 100.00% >= 99% (n=300, 5m)")
        for status in (0, 1, 5, 16)
    ),
]  # fmt: skip

CALLERS = [
    *(
        Case(f"the caller alone saw {flags}", [REST, flow(CANARY, 0.9), callers(flags, 0.1)], FAIL, "success rate 90.00% < 99% (n=300, 5m)")
        for flags in ("UF", "UH", "UO", "UF,URX")
    ),
    *(
        Case(f"both saw {flags}", [REST, GOOD, callers(flags, 1)], PASS, "success rate 100.00% >= 99% (n=300, 5m)")
        for flags in ("-", "URX", "UC")
    ),
    Case("the caller is asked", [flow(STABLE, 9, reporter="source"), callers("-", 0.9, "200"), callers("UH", 0.1), flow(CANARY, 0.9)], FAIL, "success rate 90.00% < 99% (n=300, 5m)", {"reporter": "source"}),
]  # fmt: skip

SHARES = [
    Case("the mesh sends thrice the weight", [flow(STABLE, 7), flow(CANARY, 3)], ERROR, "the mesh did not take the weight: the canary gets 30.00%, 10% is set (n=3000, 5m)"),
    Case("a wider tolerance", [flow(STABLE, 7), flow(CANARY, 3)], PASS, "success rate 100.00% >= 99% (n=900, 5m)", {"share_tolerance": 25.0}),
    Case("a trickle on stable at a hundred", [flow(STABLE, 1), flow(CANARY, 9)], ERROR, "the mesh did not take the weight: the canary gets 90.00%, 100% is set (n=3000, 5m)", weight=100),
    Case("nothing on stable at a hundred", [flow(CANARY, 10)], PASS, "success rate 100.00% >= 99% (n=3000, 5m)", weight=100),
    Case("a bad canary is a fail whatever its share", [flow(STABLE, 7), *mixed(CANARY, 3, 50)], FAIL, "success rate 50.00% < 99% (n=900, 5m)"),
]  # fmt: skip

TOGETHER = [
    Case("both fail together and that holds", SAME_BAD, INSUFFICIENT, "success rate 80.00% < 99% (n=300, 5m), and so does stable with 80.00%: not the canary's fault", {**compared(), "metrics": SUCCESS}),
    Case("both fail together and that passes", (*mixed(STABLE, 90, 20), *mixed(CANARY, 10, 20)), PASS, "success rate 80.00% < 99% (n=3000, 5m), and so does stable with 80.00%: not the canary's fault", {**compared(shared_failure="pass", detect=10.0), "metrics": SUCCESS}),
    Case("both fail together and that fails", SAME_BAD, FAIL, "success rate 80.00% < 99% (n=300, 5m)", {**compared(shared_failure="fail"), "metrics": SUCCESS}),
    Case("both fail together and nothing is compared", SAME_BAD, FAIL, "success rate 80.00% < 99% (n=300, 5m)"),
    Case("the canary fails more than a failing stable", (*mixed(STABLE, 9, 5), *mixed(CANARY, 1, 50)), FAIL, "success rate 50.00% < 99% (n=300, 5m)", {**compared(), "metrics": SUCCESS}),
    Case("checks that both fail are not counted", (*mixed(STABLE, 90, 20), *mixed(CANARY, 10, 20)), PASS, "success rate 80.00% < 99% (n=3000, 5m), and so does stable with 80.00%: not the canary's fault", {**compared(shared_failure="pass", detect=10.0), "metrics": SUCCESS, "threshold": 3}),
    Case("checks that both fail hold", SAME_BAD, INSUFFICIENT, "success rate 80.00% < 99% (n=300, 5m), and so does stable with 80.00%: not the canary's fault", {**compared(), "metrics": SUCCESS, "threshold": 3}),
    Case("checks that both fail fail", SAME_BAD, FAIL, "5 of 3 failed checks, success rate 80.00% < 99% (n=300, 5m)", {**compared(shared_failure="fail"), "metrics": SUCCESS, "threshold": 3}),
    Case("checks that both fail and nothing is compared", SAME_BAD, FAIL, "5 of 3 failed checks, success rate 80.00% < 99% (n=300, 5m)", {"threshold": 3}),
]  # fmt: skip

COMPARED = [
    Case("worse than stable", (*mixed(STABLE, 9, 0.5), *mixed(CANARY, 1, 5)), FAIL, "errors: canary 5.0% [1.5, 11.5] vs stable 0.5% [0.1, 1.3], allowed +1.0 (n=300, 5m)", compared()),
    Case("as good as stable", (*mixed(STABLE, 90, 0.5), *mixed(CANARY, 10, 0.5)), PASS, "success rate 99.50% >= 50% (n=2999, 5m)", compared()),
    Case("too early to tell", (*mixed(STABLE, 9, 0.5), *mixed(CANARY, 1, 0.5)), INSUFFICIENT, "errors: canary 0.5% [0.0, 4.1] vs stable 0.5% [0.1, 1.3], allowed +1.0, undecided, about 47 more requests needed (n=300, 5m)", compared()),
    Case("slower than stable", (*slow(STABLE, 9, 1), *slow(CANARY, 1, 20)), FAIL, "over 500ms: canary 20.0% [12.0, 30.0] vs stable 1.0% [0.4, 2.0], allowed +1.0 (n=300, 5m)", compared(latency=WITHIN)),
    Case("as fast as stable", (*slow(STABLE, 90, 0.5), *slow(CANARY, 10, 0.5)), PASS, "success rate 100.00% >= 50% (n=3000, 5m)", compared(latency=WITHIN)),
    Case("a bound that is no bucket", (*slow(STABLE, 90, 1), *slow(CANARY, 10, 1)), ERROR, "'comparison.latency.within' must be a bound of the mesh's histogram, such as 100ms or 500ms (got 300ms)", compared(latency=Latency(300.0, 1.0, 1.0, shape=False))),
    Case("slower at another bound", (*slow(STABLE, 90, 0), *slow(CANARY, 10, 0)[:1], *histogram(CANARY, {"100.0": 3, "500.0": 10, "1000.0": 10, "+Inf": 10})), FAIL, "duration: slower than stable by more than 1 points at some bound (n=3000, 5m)", compared(latency=Latency(500.0, 1.0, 1.0, shape=True))),
    Case("compared without the last bucket", (*slow(STABLE, 90, 0), *slow(CANARY, 10, 0)[:-1]), ERROR, "Prometheus gave a histogram without its last bucket", compared(latency=WITHIN)),
    Case("compared with buckets of NaN", (*slow(STABLE, 90, 0), flow(CANARY, 10), *histogram(CANARY, {"500.0": 1.0, "+Inf": 1.0}, value=lambda _: math.nan)), ERROR, "Prometheus gave a histogram with nan requests up to 500ms", compared(latency=WITHIN)),
    Case("compared with bounds of Prometheus 2 and 3", (*slow(STABLE, 90, 0), flow(CANARY, 10), *histogram(CANARY, {"500": 6, "+Inf": 6}), *histogram(CANARY, {"500.0": 4, "+Inf": 4}, pod="b")), PASS, "success rate 100.00% >= 50% (n=3000, 5m)", compared(latency=WITHIN)),
]  # fmt: skip

OWN = [
    Case("an own query", HEALTHY, PASS, "success rate 100.00% >= 99% (n=300, 5m)", own(MINE.format(""))),
    Case("an own query that gives several series", HEALTHY, ERROR, "mine has 2 series where one is judged (5m)", own('increase(istio_requests_total{destination_workload=~"{{ canary }}|{{ stable }}"}[5m])')),
    Case("an own query that gives a scalar", HEALTHY, PASS, "success rate 100.00% >= 99% (n=300, 5m)", own("scalar(" + MINE.format("") + ")")),
    Case("an own query that gives nothing", HEALTHY, INSUFFICIENT, "mine has no series yet (5m)", own(MINE.format(" > 1e9"))),
    Case("an own query that gives NaN", HEALTHY, INSUFFICIENT, "mine has no value yet, it is NaN (5m)", own(MINE.format(" / 0 * 0"))),
    Case("an own query that gives infinity", HEALTHY, ERROR, "mine is infinite (5m)", own(MINE.format(" / 0"))),
    Case("an own query with a warning", HEALTHY, ERROR, 'mine: Prometheus at URL gave a partial answer: PromQL warning: bucket label "le" is missing or has a malformed value of "" (1:25)', own('histogram_quantile(0.9, istio_requests_total{destination_workload="{{ canary }}"})')),
    Case("an own query that does not parse", HEALTHY, ERROR, "mine: must be PromQL: unclosed left parenthesis", own("sum(")),
]  # fmt: skip

CASES = [*COUNTS, *DURATIONS, *GRPC, *CALLERS, *SHARES, *TOGETHER, *COMPARED, *OWN]
