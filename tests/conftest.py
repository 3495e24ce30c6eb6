"""What every room's tests share: the lab, started once for a run, and an HTTP server on loopback."""

import signal
from collections.abc import Iterator

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from lab import Lab, LabError
from tests.loopback import server

__all__ = ["lab", "server"]


# How long an example takes says something of the machine, and nothing of the code.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

# A shell starts what it puts into the background with interrupts ignored, and so would every run that a test starts
# and interrupts; CI may do the same.
signal.signal(signal.SIGINT, signal.default_int_handler)


class OneLab(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Two processes: one has every test of the lab, of which there is one a run; the others go beside it, by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "lab" if file.startswith(("tests/lab/", "tests/engine/")) and not file.endswith(WITHOUT_LAB) else file


WITHOUT_LAB = (
    "test_access.py",
    "test_lab_alerts.py",
    "test_lab_prometheus.py",
    "test_lab_recorded.py",
    "test_lab_schema.py",
    "test_rehearsal_steps.py",
    "test_rehearsal_endings.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneLab:
    """Give the scheduler for `-n`; xdist's own groups do not work with pytest 9.2."""
    return OneLab(config, log)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab; its kubeconfig is at `lab.kubeconfig`."""
    try:
        running = Lab.start(tmp_path_factory.mktemp("lab"))
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
    with running:
        yield running
