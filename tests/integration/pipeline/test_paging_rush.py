"""Many lines cross their limit together, also where the daemon is killed: nobody is forgotten.

How soon they are told is what `python -m tests.benchmarks.paging` measures; here only that it is
no multiple of that.
"""

import asyncio
from pathlib import Path

import pytest

from tests.benchmarks.paging_play import LIMIT_SECONDS, SCENARIOS, Result, Scenario, run

_LINES = 200
_RATE = 10.0
_LATEST_SECONDS = 10.0
"""Ten times the bar of the benchmark."""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(params=SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    chosen: Scenario = request.param
    return chosen._replace(lines=_LINES, rate=_RATE, before=1.0, after=7.0)


def test_every_line_is_paged_once_and_every_call_recorded(
    scenario: Scenario, tmp_path: Path
) -> None:
    result = asyncio.run(run(scenario, tmp_path))
    assert result.missing() == set()
    assert result.doubled() == []
    assert result.recorded >= result.calls - result.unseen
    assert result.troubles() == []
    if scenario.kill:
        assert result.killed_at is not None
    else:
        assert result.again() == []
    assert max(_waited(result)) < _LATEST_SECONDS


def _waited(result: Result) -> list[float]:
    """From each limit to its page; where no daemon ran then, from when it was back."""
    back = result.ready_at or 0.0
    return [
        page.at - max(result.offered[page.line] + LIMIT_SECONDS, back) for page in result.firing()
    ]
