"""What the components' tests share: a Prometheus with figures, a delivery that asks it, and clean tracebacks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.wire import Delivery
from tests.loopback import Figures, Loopback


@pytest.fixture(autouse=True)
def tracebacks() -> Iterator[None]:
    """A provider's `configure` takes the frames off every traceback of its process; here they are wanted again."""
    missing = object()
    before = getattr(sys, "tracebacklimit", missing)
    yield
    if before is missing:
        if hasattr(sys, "tracebacklimit"):
            del sys.tracebacklimit
    else:
        sys.tracebacklimit = before  # type: ignore[assignment]


@pytest.fixture
def figures(server: Loopback) -> Figures:
    """The figures that the server gives as Prometheus would; a test may change them."""
    figures = Figures()
    server.answer = figures
    return figures


@pytest.fixture
def delivery(server: Loopback, figures: Figures) -> Delivery:
    """A delivery that has not run yet, whose gate asks the server."""
    del figures
    return Delivery(server.url)


@pytest.fixture
def clouded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of both clouds, and their plugins on PATH."""
    for name in ("gke-gcloud-auth-plugin", "ack-ram-tool"):
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("GOOGLE_CREDENTIALS", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        monkeypatch.setenv(name, "x")
