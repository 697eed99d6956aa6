"""Real ticket systems, one of each for the whole run."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.integration.tickets.real import redmine as redmines
from tests.integration.tickets.real import rt as request_tracker
from tests.integration.tickets.real.program import tell


@pytest.fixture(scope="session")
def rt(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[request_tracker.Rt]:
    if not request_tracker.installed():
        pytest.skip(request_tracker.MISSING)
    running = request_tracker.prepare(tmp_path_factory.mktemp("rt"))
    running.program.start()
    tell(request, f"Request Tracker {version('request-tracker5')}")
    yield running
    running.program.kill()


@pytest.fixture(scope="session")
def redmine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[redmines.Redmine]:
    if not redmines.installed():
        pytest.skip(redmines.MISSING)
    running = redmines.prepare(tmp_path_factory.mktemp("redmine"))
    running.program.start()
    tell(request, f"Redmine {version('redmine')}")
    yield running
    running.program.kill()


def version(package: str) -> str:
    """Of the installed package."""
    query = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout
