"""Closed days are summarised, old calls go, a changed configuration can be counted anew."""

from datetime import date
from pathlib import Path

import pytest

from ctid import config, housekeeping
from ctid.domain.batch import Batch
from ctid.domain.days import midnight
from ctid.domain.records import Seen
from ctid.store import figures, summary
from ctid.store.figures import Period
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests.integration.store.test_retention import DAY, NOON, call_on

FIRST, LAST = date(2025, 10, 9), date(2025, 10, 11)


def configured(tmp_path: Path, url: str, more: str = "") -> config.Config:
    path = tmp_path / "ctid.toml"
    path.write_text(
        f'[store]\nurl = "{url}"\n[[pbx]]\nname = "main"\nsecret_file = "none"\n'
        f'[[line]]\nname = "network"\nqueues = ["a"]\n{more}'
    )
    return config.load(path, read_secrets=False)


async def adjusted(reader: Reader, loaded: config.Config) -> list[int]:
    period = Period(FIRST, LAST)
    found = await figures.by_day(reader, loaded.desk(), period, NOON + 3 * DAY, "network")
    return [figure.counts.adjusted_rung for figure in found]


@pytest.fixture
async def three_days(store: Store) -> Store:
    for day in range(3):
        await store.commit(call_on(day, day))
    await store.commit(Batch(seen=(Seen("main", NOON + 3 * DAY, None),)))
    return store


async def test_what_is_old_goes_once_it_is_summarised(
    three_days: Store, reader: Reader, tmp_path: Path, url: str
) -> None:
    loaded = configured(tmp_path, url, "[retention]\nrecords_days = 2\n")
    await housekeeping.keep_house(three_days, loaded, NOON + 3 * DAY)
    assert len(await reader.records(RecordFilter())) == 2
    assert await adjusted(reader, loaded) == [1, 1, 1]


async def test_a_call_of_which_only_the_end_was_seen_is_counted_before_it_goes(
    store: Store, reader: Reader, tmp_path: Path, url: str
) -> None:
    for day in (0, 2):
        await store.commit(call_on(day, day))
    (record,) = call_on(1, 5).records
    early = record._replace(started_at=None, offered_at=None, ended_at=NOON - DAY)
    await store.commit(Batch(records=(early,), seen=(Seen("main", NOON + 3 * DAY, None),)))
    loaded = configured(tmp_path, url, "[retention]\nrecords_days = 2\n")
    period = Period(date(2025, 10, 8), LAST)
    found = []
    for _ in range(2):
        by_day = await figures.by_day(reader, loaded.desk(), period, NOON + 3 * DAY, "network")
        found.append([figure.counts.rung for figure in by_day])
        await housekeeping.keep_house(store, loaded, NOON + 3 * DAY)
    assert found[0] == found[1] == [1, 1, 0, 1]


async def test_months_without_a_record_are_not_counted_day_by_day(
    three_days: Store, reader: Reader, tmp_path: Path, url: str
) -> None:
    (record,) = call_on(9, 0).records
    ancient = record._replace(started_at=1.0, offered_at=1.0, ended_at=9.0)
    early = record._replace(uniqueid="early", started_at=1.0e9, offered_at=1.0e9, ended_at=1.0e9)
    await three_days.commit(Batch(records=(ancient, early)))
    loaded = configured(tmp_path, url)
    counted = await summary.summarise(three_days, reader, loaded.desk(), NOON + 3 * DAY)
    assert {(day.year, day.month) for day in counted} == {(2001, 9), (2025, 10)}


async def test_without_a_number_of_days_all_is_kept(
    three_days: Store, reader: Reader, tmp_path: Path, url: str
) -> None:
    await housekeeping.keep_house(three_days, configured(tmp_path, url), NOON + 30 * DAY)
    assert len(await reader.records(RecordFilter())) == 3


async def test_other_duty_hours_count_after_a_rebuild(
    three_days: Store, reader: Reader, tmp_path: Path, url: str
) -> None:
    await housekeeping.keep_house(three_days, configured(tmp_path, url), NOON + 3 * DAY)
    night = configured(tmp_path, url, 'duty = ["22:00-06:00"]\n')
    assert await adjusted(reader, night) == [1, 1, 1]
    keeper = housekeeping.Housekeeping(three_days, lambda: night, lambda: NOON + 3 * DAY, print)
    await keeper.rebuild()
    await housekeeping.keep_house(three_days, night, NOON + 3 * DAY)
    assert await adjusted(reader, night) == [0, 0, 0]


def test_house_is_kept_shortly_after_midnight_and_every_hour() -> None:
    zone = "Europe/Berlin"
    midnight_after = midnight(date(2026, 10, 26), zone)
    late = housekeeping.seconds_until_next(midnight_after - 60, zone)
    assert late == 60 + housekeeping.AFTER_MIDNIGHT_SECONDS
    assert housekeeping.seconds_until_next(midnight_after - 7200, zone) == 3600
