"""What a cloud refuses is one line with what to do; what is no refusal of a cloud is left as it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.refusal_cases import ALIBABA, GOOGLE, NOT_OURS, OTHERS
from weighbridge.cloud.refusals import refusal
from weighbridge.engine.events import Report
from weighbridge.engine.plain import error_lines, strip_control

ALL = [*GOOGLE, *ALIBABA, *OTHERS]
URN = "urn:pulumi:dev::weighbridge::weighbridge:index:GkeCluster$gcp:container/cluster:Cluster::cluster-gke"


@pytest.mark.parametrize(("fact", "source", "text", "line"), ALL, ids=[f"{row[0]} ({row[1][:40]})" for row in ALL])
def test_a_refusal_is_one_line_with_what_to_do(fact: str, source: str, text: str, line: str) -> None:
    """The line says what was refused, and one thing that may be done about it."""
    assert refusal(strip_control(text)) == line, (fact, source)
    assert line.isprintable()


@pytest.mark.parametrize("text", NOT_OURS)
def test_what_is_no_refusal_of_a_cloud_is_left_alone(text: str) -> None:
    """Verdicts, settings, Kubernetes' own words: none is taken for a cloud's."""
    assert refusal(text) is None


@pytest.mark.parametrize(("fact", "source", "text", "line"), ALL, ids=[row[0] for row in ALL])
def test_a_line_is_not_read_again(fact: str, source: str, text: str, line: str) -> None:
    """What was made of a message is no message of a cloud: cleaning it twice does nothing."""
    del fact, source, text
    assert refusal(line) is None
    assert error_lines([line]) == (line,)


def test_a_long_reason_is_cut() -> None:
    """A line stays one that can be read."""
    line = refusal(f"googleapi: Error 400: {'reason ' * 100}, badRequest") or ""
    assert len(line) == 300
    assert line.endswith("...")


def event(message: str, urn: str = "") -> Any:
    """An error as the engine's events have it."""
    said = SimpleNamespace(severity="error", message=message, urn=urn, ephemeral=False)
    return SimpleNamespace(
        diagnostic_event=said, policy_event=None, res_outputs_event=None, summary_event=None, res_op_failed_event=None
    )


@pytest.mark.parametrize(("fact", "source", "text", "line"), GOOGLE + ALIBABA, ids=[row[0] for row in GOOGLE + ALIBABA])
def test_the_command_says_it_once_and_whose_it_is(fact: str, source: str, text: str, line: str) -> None:
    """Provider and engine both tell it, with a summary behind: one line is left, with the resource's name before it."""
    del fact, source
    report = Report(lambda _: None)

    def run() -> None:
        report(event(f"<{{%reset%}}>  sdk-v2/provider2.go:520: sdk.helper_schema: {text}<{{%reset%}}>\n", URN))
        report(event(f"<{{%reset%}}>{text}<{{%reset%}}>\n", URN))
        report(event("update failed", "urn:pulumi:dev::weighbridge::pulumi:pulumi:Stack::weighbridge-dev"))

    report.follow(run, lambda: None)
    assert error_lines(report.errors) == (f"cluster-gke: {line}",)
