"""After attaching: events come while the PBX is still listing what is up.

The events are kept, the lists become one Snapshot, and the events are played behind it. Both tell
of the same moments, so what the events tell from its beginning is taken out of the lists.
"""

from collections.abc import Iterable

from ctid.domain import events as ev


def reconcile(snapshot: ev.Snapshot, kept: Iterable[ev.Event]) -> ev.Snapshot:
    """The snapshot as it must stand before the kept events."""
    born: set[str] = set()
    told: set[str] = set()
    for event in kept:
        channel = getattr(event, "channel", None)
        if isinstance(channel, ev.Channel):
            told.add(channel.uniqueid)
            if isinstance(event, ev.ChannelCreated):
                born.add(channel.uniqueid)
    return snapshot._replace(
        channels=tuple(row for row in snapshot.channels if row.channel.uniqueid not in born),
        queue_entries=tuple(row for row in snapshot.queue_entries if row.uniqueid not in born),
        told=frozenset(told),
    )
