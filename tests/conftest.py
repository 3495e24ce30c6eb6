"""What every room's tests share: the lab, started once for each process of a run, and an HTTP server on loopback."""

import signal
from collections.abc import Iterator

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from lab import Lab, LabError, namespace
from tests.loopback import server

__all__ = ["lab", "server"]


# How long an example takes says something of the machine, and nothing of the code. A run of the tests has the same
# examples each time; who wants to find new ones asks for `--hypothesis-profile search`.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=3000)
hypothesis.settings.load_profile("house")

# A shell starts what it puts into the background with interrupts ignored, and so would every run that a test starts
# and interrupts; CI may do the same.
signal.signal(signal.SIGINT, signal.default_int_handler)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file's tests go to one process, as they share what they start; scenarios share nothing, and go one by one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid.partition("[")[0] if file.startswith("tests/engine/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Give the scheduler for `-n`; xdist's own groups do not work with pytest 9.2."""
    # In the order of the files: the scenarios, which take long, are not the last, and small files even the end out.
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """With `-n`, give each process a network of its own: so each can have a lab, on the lab's own ports."""
    if hasattr(config, "workerinput") and namespace.inside():
        namespace.own_network()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab; its kubeconfig is at `lab.kubeconfig`."""
    try:
        running = Lab.start(tmp_path_factory.mktemp("lab"))
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
    with running:
        yield running
