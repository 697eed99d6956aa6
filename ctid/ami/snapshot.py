"""Collects the answers to the questions asked after attaching into one `Snapshot`."""

from ctid.ami.decode import Greeting, Item
from ctid.ami.replies import ENDS, ListedBridge, ListedMember, Reply
from ctid.domain.events import ListedChannel, ListedQueueEntry, Snapshot

# Some recordings lack a list. Seconds of the PBX's time behind the end of the first one, after
# which what is there has to do.
_PATIENCE = 2.0


class SnapshotCollector:
    """Feed it every item of one connection, in order, until it gives a `Snapshot`.

    That is complete when the last list ended, or 2 s after the channels were listed. Where no
    item had a time so far it waits for the first that has. `answered_at` and `started_at` are
    filled by who asked for them: `answered`, `started`.
    """

    def __init__(self) -> None:
        self.channels: dict[str, ListedChannel] = {}
        self._bridges: dict[str, str] = {}
        self._entries: list[ListedQueueEntry] = []
        self._members: dict[tuple[str, str], str] = {}
        self._missing = set(ENDS)
        self.listed_at: float | None = None
        self._given = False
        self.answered: dict[str, float] = {}
        self.started: dict[str, float] = {}

    @property
    def is_complete(self) -> bool:
        """Whether all lists came to their end."""
        return not self._missing

    def refuse(self, end: str) -> None:
        """The list that this ends will not come: the PBX refused the action or lacks the module."""
        self._missing.discard(end)

    def add(self, item: Item) -> Snapshot | None:
        """Take an item; the snapshot, once, when it is complete.

        It belongs before `item` if that is an event.
        """
        if self._given or isinstance(item, Greeting):
            return None
        if isinstance(item, Reply):
            self._take(item)
            at = item.at
        else:
            at = item.at
        if at <= 0.0 or self.listed_at is None:
            return None
        if self.listed_at == 0.0:
            self.listed_at = at
        if self._missing and at < self.listed_at + _PATIENCE:
            return None
        self._given = True
        return self.snapshot(at)

    def snapshot(self, at: float) -> Snapshot:
        """What was collected so far."""
        return Snapshot(
            at,
            tuple(self.channels.values()),
            dict(self._bridges),
            tuple(self._entries),
            tuple((queue, member, name) for (queue, member), name in self._members.items()),
            dict(self.answered),
            dict(self.started),
        )

    def _take(self, reply: Reply) -> None:
        listed = reply.listed
        if isinstance(listed, ListedChannel):
            uniqueid = listed.channel.uniqueid
            known = self.channels.get(uniqueid)
            self.channels[uniqueid] = listed if known is None else _merged(known, listed)
        elif isinstance(listed, ListedQueueEntry):
            self._entries.append(listed)
        elif isinstance(listed, ListedMember):
            self._members[listed.queue, listed.interface] = listed.name
        elif isinstance(listed, ListedBridge):
            self._bridges[listed.bridge] = listed.technology
        elif reply.event in ENDS:
            self._missing.discard(reply.event)
            if reply.event == ENDS[0]:
                self.listed_at = reply.at


def _merged(first: ListedChannel, second: ListedChannel) -> ListedChannel:
    """CoreShowChannels and Status tell of the same channel; the later one is newer."""
    return ListedChannel(
        second.channel,
        second.bridge,
        second.application or first.application,
        second.data or first.data,
        second.age if second.age is not None else first.age,
        second.dnid or first.dnid,
    )
