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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process have all tests of the lab, of which there is one a run; the others go beside them.

    What starts servers of its own for a module stays together as well. First, as the groups are read by another hook.
    """
    for item in items:
        if "lab" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("lab"))
        elif item.path.parent.name == "lab":
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab; its kubeconfig is at `lab.kubeconfig`."""
    try:
        running = Lab.start(tmp_path_factory.mktemp("lab"))
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
    with running:
        yield running
