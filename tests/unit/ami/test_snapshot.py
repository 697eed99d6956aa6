from ctid.ami.decode import Decoder
from ctid.ami.snapshot import SnapshotCollector
from ctid.domain.events import Snapshot
from tests.unit.ami.streams import decoded, recorded


def collected(name: str) -> tuple[Snapshot, int]:
    collector = SnapshotCollector()
    for index, item in enumerate(decoded(recorded(name))):
        snapshot = collector.add(item)
        if snapshot is not None:
            return snapshot, index
    raise AssertionError("no snapshot")


def test_answers_after_a_cut_make_one_snapshot() -> None:
    snapshot, _ = collected("ami_cut.after")
    channels = {listed.channel.name: listed for listed in snapshot.channels}
    assert len(channels) == 8
    waiting = channels["PJSIP/trunk-0000002c"]
    assert (waiting.application, waiting.data) == ("Queue", "one,,,,15")
    assert (waiting.dnid, waiting.age) == ("8025", 5.0)
    talking = channels["PJSIP/a101-00000029"]
    assert snapshot.bridges[talking.bridge] == "native_rtp"
    assert [(entry.queue, entry.wait) for entry in snapshot.queue_entries] == [("one", 5.0)]
    assert ("hotline", "PJSIP/a101", "Zhang San") in snapshot.members
    assert snapshot.at > 1_795_464_000


def test_it_is_given_once() -> None:
    collector = SnapshotCollector()
    given = [collector.add(item) for item in decoded(recorded("restart_now.after"))]
    assert sum(snapshot is not None for snapshot in given) == 1


def test_a_missing_list_is_waited_for_two_seconds() -> None:
    listed = (
        b"Response: Success\r\nActionID: x\r\n\r\n"
        b"Event: CoreShowChannelsComplete\r\nActionID: x\r\nListItems: 0\r\n\r\n"
    )
    decoder, collector = Decoder(), SnapshotCollector()
    for now, expected in ((100.0, None), (101.9, None), (102.0, ())):
        snapshots = [
            snapshot
            for item in decoder.feed(listed if now == 100.0 else b"Response: Pong\r\n\r\n", now)
            if (snapshot := collector.add(item)) is not None
        ]
        assert [snapshot.channels for snapshot in snapshots] == (
            [] if expected is None else [expected]
        )
