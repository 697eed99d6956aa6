"""Every recorded stream replays masked as it does plain, but for the numbers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ctid.ami.masking import Mask
from ctid.ami.recording import Recording
from ctid.domain.records import Record
from ctid.replay import replay
from tests.lab import PBX, directory
from tests.truth import CAPTURES

STREAMS = sorted(CAPTURES.glob("*.ami"))


def pieces(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), 1400):
        yield data[at : at + 1400]


def told(stream: Path) -> list[tuple[object, ...]]:
    def one(record: Record) -> tuple[object, ...]:
        return (
            *(record.uniqueid, record.line, record.outcome, record.reason, record.direction),
            *(record.started_at, record.wait_seconds, record.talk_seconds, record.ended_by),
            *(len(record.rings), len(record.transfers)),
        )

    return [one(record) for record in replay([stream], PBX, directory())]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda path: path.stem)
def test_it_replays_alike(stream: Path, tmp_path: Path) -> None:
    recording = Recording(Mask(lambda _: False, key=b"k" * 32))
    recording.logged_in = True
    data = stream.read_bytes()
    kept = b"".join(map(recording.feed, pieces(data))) + recording.end()
    (tmp_path / "masked.ami").write_bytes(kept)
    assert b"13800000001" not in kept
    assert len(kept) == len(data) - sum(
        len(block) + 4 for block in data.split(b"\r\n\r\n") if b"\r\nChallenge: " in block
    )
    assert told(tmp_path / "masked.ami") == told(stream)
