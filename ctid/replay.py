"""Recorded streams through the same decoder and tracker that the daemon runs.

Several files are the successive connections of one PBX. The clock is the last Timestamp, so the
same files always give the same records.
"""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

from ctid.ami.decode import Decoder, Greeting
from ctid.ami.replies import Reply
from ctid.ami.snapshot import SnapshotCollector
from ctid.domain import events as ev
from ctid.domain.catchup import reconcile
from ctid.domain.lines import Directory
from ctid.domain.records import GapCause, Record
from ctid.domain.tracker import Tracker

_CHUNK = 1 << 20
# The answers to the snapshot actions begin within this time of a connection, or never.
_LISTS_WITHIN_SECONDS = 2.0


class ReplayError(Exception):
    """A file cannot be replayed; the text is the one line for the operator."""


def replay(files: Iterable[Path], pbx: str, directory: Directory) -> Iterator[Record]:
    """The records of the calls in these files, each as its call ends; then those still open.

    Raises ReplayError.
    """
    tracker = Tracker(pbx, directory)
    clock = 0.0
    for number, path in enumerate(files):
        for event in events_of(path):
            if number and isinstance(event, ev.Attached):
                tracker.receive(ev.Detached(clock, GapCause.CONNECTION_LOST))
                event = event._replace(at=clock)  # noqa: PLW2901 - the lists have no time of their own
            tracker.receive(event)
            clock = event.at or clock
            yield from _finished(tracker)
    tracker.close()
    yield from _finished(tracker)
    yield from tracker.records_of_open_calls()


def _finished(tracker: Tracker) -> list[Record]:
    return [record for record in tracker.drain().records if not record.open]


def events_of(path: Path) -> Iterator[ev.Event]:
    """The events of one connection, beginning with Attached, the lists as a Snapshot.

    Raises ReplayError.
    """
    yield ev.Attached(0.0, restarted=False)
    collector = SnapshotCollector()
    kept: list[ev.Event] | None = []
    began: float | None = None
    listing = False
    decoder = Decoder()
    for item in _items(path, decoder):
        decoder.listing = kept is not None
        if kept is None:
            if not isinstance(item, Reply | Greeting):
                yield item
            continue
        snapshot = collector.add(item)
        if snapshot is not None:
            yield reconcile(snapshot, kept)
            yield from kept
            kept = None
        if isinstance(item, Reply):
            listing = listing or bool(item.event)
        elif isinstance(item, ev.FullyBooted) or (kept is None and not isinstance(item, Greeting)):
            # a restart of the PBX has to be known before its lists are read
            yield item
        elif not isinstance(item, Greeting) and kept is not None:
            kept.append(item)
            began = began if began is not None else item.at
            if not listing and item.at > began + _LISTS_WITHIN_SECONDS:
                yield from kept
                kept = None
    if kept:
        yield from kept


def _items(path: Path, decoder: Decoder) -> Iterator[ev.Event | Reply | Greeting]:
    for data in _chunks(path):
        yield from decoder.feed(data, None)
    if not decoder.counters.items and not decoder.counters.skipped:
        raise ReplayError(f"{path}: holds no AMI event; give a stream as it came from the PBX")


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            while data := stream.read(_CHUNK):
                yield data
    except FileNotFoundError:
        raise ReplayError(f"{path}: no such file; give the path of a recorded AMI stream") from None
    except IsADirectoryError:
        raise ReplayError(f"{path}: is a folder; name the streams in it: {path}/*.ami") from None
    except PermissionError:
        raise ReplayError(f"{path}: cannot be read: this user has no right to it") from None
    except (OSError, EOFError) as error:
        raise ReplayError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}; give a stream "
            "as `ctid capture` writes it, packed only if its name ends in .gz"
        ) from None
