"""The story of an alert that `ctid alerts show` tells."""

from zoneinfo import ZoneInfo

import pytest

from ctid.cli.alert_story import story
from ctid.domain.alerts import Alert, Firing
from ctid.store.alert_queries import AlertRow
from tests import alerts as made

ZONE = ZoneInfo("Asia/Shanghai")
HOUR = 3600.0


def last_line(alert: Alert, now: float, why: str | None = None) -> str:
    row = AlertRow(
        number=alert.number,
        kind=alert.kind,
        line=alert.line,
        about=None,
        since=alert.since,
        limit_at=alert.limit_at,
        state="firing",
        fired_at=made.LIMIT,
        ended_at=None,
        ending=None,
        acknowledged_at=None,
        acknowledged_by=None,
        resolved_by=None,
        why=None,
        title=None,
    )
    return list(story(row, alert, (), "Network", ZONE, now, why))[-1]


@pytest.mark.parametrize(
    ("hours", "why", "said"),
    [
        (5.0, None, "nobody was paged yet: waits until 14:15"),
        (24.0, None, "nobody was paged yet: waits until 11-28 09:15"),
        (5.0, "it is silenced", "nobody was paged: it is silenced"),
        (1.0, None, "nobody was paged"),
    ],
)
def test_a_first_page_that_waits_says_until_when(hours: float, why: str | None, said: str) -> None:
    state = Firing(made.LIMIT, 0, made.LIMIT + hours * HOUR)
    waiting = made.alert(1, state=state, paged=(), pages=0)
    assert last_line(waiting, made.LIMIT + 2 * HOUR, why) == said


def test_one_whose_steps_were_taken_does_not_wait() -> None:
    state = Firing(made.LIMIT, 1, made.LIMIT + HOUR)
    assert (
        last_line(made.alert(1, state=state, paged=(), pages=0), made.LIMIT) == "nobody was paged"
    )
