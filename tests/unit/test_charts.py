"""The table of charts: one exact version each, and an address that Helm can be given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from weighbridge.charts import CHARTS, Chart

LAB = Path(__file__).resolve().parents[2] / "lab" / "servers" / "go.mod"


@pytest.mark.parametrize("chart", CHARTS.values(), ids=list(CHARTS))
def test_a_chart_has_one_version_and_a_reason(chart: Chart) -> None:
    """No range, no 'latest': two runs of one commit install the same."""
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", chart.version)
    assert chart.why
    assert chart.repository.startswith(("oci://", "https://"))
    assert not chart.repository.endswith("/")


def test_helm_is_given_a_registry_s_whole_address_and_a_repository_s_chart_by_name() -> None:
    """A registry has no index, so there is nothing to look a name up in."""
    assert CHARTS["istiod"].reference == "oci://ghcr.io/istio/release/charts/istiod"
    assert CHARTS["alidns-webhook"].reference == "alidns-webhook"


def test_istio_s_parts_are_of_one_version() -> None:
    """Istiod and its CRDs, and the gateway that it injects, are released together."""
    assert len({CHARTS[name].version for name in ("istio-base", "istiod", "istio-gateway")}) == 1


def test_the_lab_s_istio_is_of_the_charts_minor() -> None:
    """What the lab shows is said of the minor that is installed."""
    found = re.search(r"istio\.io/api v(\d+\.\d+)", LAB.read_text(encoding="utf-8"))
    assert found
    assert CHARTS["istiod"].version.startswith(f"{found[1]}.")
