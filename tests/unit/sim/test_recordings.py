"""The streams in the package are those whose truth is known."""

import gzip
from pathlib import Path

import pytest

from ctid.demo.session import DECK
from ctid.replay import replay
from ctid.sim import recordings
from tests import lab
from tests.benchmarks.streams import recorded
from tests.truth import CAPTURES

FOLDER = Path(recordings.__file__).parent / "recorded"
NAMES = recordings.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_is_that_of_the_captures(name: str) -> None:
    assert recordings.recorded(name) == recorded(name)
    assert gzip.decompress((FOLDER / f"{name}.ami.gz").read_bytes()) == recorded(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_knows_how_many_calls_it_holds(name: str) -> None:
    records = replay([CAPTURES / f"{name}.ami"], lab.PBX, lab.directory())
    assert recordings.template(name).calls == len({record.uniqueid for record in records})


def test_they_are_small_and_all_of_them_are_played() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 500_000
    assert set(NAMES) == set(DECK)
