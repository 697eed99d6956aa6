"""What is found wrong beside the calls."""

from pathlib import Path

import pytest

from ctid import observing
from ctid.config import Config, load
from ctid.domain.roster import Empty

DUTY = 1_798_414_200.0
"""2026-12-28 07:30 in Shanghai, a Monday."""
HOUR = 3600.0


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "ctid.toml"
    path.write_text(
        'timezone = "Asia/Shanghai"\n[roster]\nfile = "roster.toml"\n'
        '[[line]]\nname = "a"\ndids = ["1"]\n'
        'duty = ["mon-fri 08:00-12:00", "mon-fri 13:00-16:00"]\n'
    )
    return load(path, read_secrets=False)


def test_a_gap_of_the_roster_has_one_beginning_while_it_goes_on(config: Config) -> None:
    before, begun, still = (
        observing.unstaffed(Empty(), config, DUTY + hours * HOUR) for hours in (0, 1, 3)
    )
    assert [gap.since for gap in before] == [DUTY + HOUR / 2]
    assert before == begun == still


def test_a_gap_that_is_over_makes_room_for_the_next(config: Config) -> None:
    (gap,) = observing.unstaffed(Empty(), config, DUTY + 5 * HOUR)
    assert gap.since == DUTY + 5.5 * HOUR


def test_without_a_roster_file_nothing_is_missing(config: Config) -> None:
    none = config.model_copy(update={"roster": config.roster.model_copy(update={"file": None})})
    assert observing.unstaffed(Empty(), config, DUTY)
    assert observing.unstaffed(Empty(), none, DUTY) == []
