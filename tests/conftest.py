"""What every room's tests share: the lab, started once for a run, and an HTTP server on loopback."""

import signal
from collections.abc import Iterator

import hypothesis
import pytest

from lab import Lab, LabError
from tests.loopback import server

__all__ = ["lab", "server"]


# How long an example takes says something of the machine, and nothing of the code.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

# A shell starts what it puts into the background with interrupts ignored, and so would every run that a test starts
# and interrupts; CI may do the same.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab; its kubeconfig is at `lab.kubeconfig`."""
    try:
        running = Lab.start(tmp_path_factory.mktemp("lab"))
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
    with running:
        yield running
