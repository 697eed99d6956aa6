"""Answers to actions: responses, and the events that Asterisk sends as the items of a list."""

from typing import NamedTuple

from ctid.ami import text
from ctid.ami.headers import bare, field, shape
from ctid.ami.kinds import Groups, Kind, channel
from ctid.domain.events import ListedChannel, ListedQueueEntry
from ctid.domain.presence import PhoneState

# More no number of Asterisk's has.
_DIGITS = 10


class ListedQueue(NamedTuple):
    """A queue, of QueueStatus."""

    queue: str


class ListedMember(NamedTuple):
    """A member of a queue, of QueueStatus. `in_call`: on a call of this queue."""

    queue: str
    interface: str
    name: str
    phone: PhoneState
    in_call: bool
    paused: bool
    pause_reason: str


class ListedBridge(NamedTuple):
    """A bridge, of BridgeList."""

    bridge: str
    technology: str


Listed = ListedChannel | ListedQueueEntry | ListedQueue | ListedMember | ListedBridge

# Asterisk's device states, as QueueStatus numbers them and as DEVICE_STATE() names them. Invalid:
# there is no such phone, so it cannot ring either.
_PHONES = {
    "1": PhoneState.IDLE,
    "2": PhoneState.TALKING,
    "3": PhoneState.TALKING,
    "4": PhoneState.UNREGISTERED,
    "5": PhoneState.UNREGISTERED,
    "6": PhoneState.RINGING,
    "7": PhoneState.TALKING,
    "8": PhoneState.TALKING,
    "NOT_INUSE": PhoneState.IDLE,
    "INUSE": PhoneState.TALKING,
    "BUSY": PhoneState.TALKING,
    "UNAVAILABLE": PhoneState.UNREGISTERED,
    "RINGING": PhoneState.RINGING,
    "RINGINUSE": PhoneState.TALKING,
    "ONHOLD": PhoneState.TALKING,
}
_NO_SUCH_PHONE = "INVALID"


class Reply(NamedTuple):
    """A response (`event` empty), or one item or the end of a list (`event` is its name).

    `fields` holds the headers of what has no form of its own in `listed`. `at` is the time at
    which it came: the newest known time of the PBX where nothing else is known, 0.0 without any.
    """

    at: float
    action_id: str
    event: str
    fields: dict[str, str]
    listed: Listed | None

    @property
    def success(self) -> bool:
        return self.fields.get("Response") == "Success"

    @property
    def challenge(self) -> str:
        """Of Challenge: what to hash with the secret; empty where refused."""
        return self.fields.get("Challenge", "")

    @property
    def value(self) -> str:
        """Of Getvar."""
        return self.fields.get("Value", "")

    @property
    def phone(self) -> PhoneState | None:
        """Of Getvar, asked for DEVICE_STATE(); None: the PBX has no such phone."""
        if self.value == _NO_SUCH_PHONE:
            return None
        return _PHONES.get(self.value, PhoneState.UNKNOWN)

    @property
    def asterisk_version(self) -> str:
        """Of CoreSettings; empty where it does not say."""
        return self.fields.get("AsteriskVersion", "")

    @property
    def pbx_time(self) -> float | None:
        """Of Ping: the PBX's clock, Unix seconds."""
        try:
            return float(self.fields["Timestamp"])
        except (KeyError, ValueError):
            return None

    @property
    def commands(self) -> frozenset[str]:
        """Of ListCommands: the actions that this login may ask for."""
        return frozenset(name for name, text in self.fields.items() if "(Priv: " in text)

    @property
    def process_start(self) -> str | None:
        """Of CoreStatus: when this process of the PBX began, as it writes it, in its zone."""
        date, time = self.fields.get("CoreStartupDate"), self.fields.get("CoreStartupTime")
        return f"{date} {time}" if date and time else None


def _age(value: str) -> float | None:
    """`HH:MM:SS` or whole seconds."""
    age = 0
    for part in value.split(":"):
        if not (part.isascii() and part.isdigit() and len(part) < _DIGITS):
            return None
        age = age * 60 + int(part)
    return float(age)


def _core_channel(at: float, g: Groups, block: str, end: int) -> Reply:
    listed = ListedChannel(
        channel(g, 2),
        field(block, "\r\nBridgeId: ", end),
        field(block, "\r\nApplication: ", end),
        text.plain(field(block, "\r\nApplicationData: ", end)),
        _age(field(block, "\r\nDuration: ", end)),
        "",
    )
    return Reply(at, g[1], "CoreShowChannel", {}, listed)


def _status(at: float, g: Groups, block: str, end: int) -> Reply:
    listed = ListedChannel(
        channel(g, 1),
        field(block, "\r\nBridgeID: ", end),
        field(block, "\r\nApplication: ", end),
        text.plain(field(block, "\r\nData: ", end)),
        _age(field(block, "\r\nSeconds: ", end)),
        text.plain(field(block, "\r\nDNID: ", end)),
    )
    return Reply(at, _last(block, "ActionID"), "Status", {}, listed)


def _queue_entry(at: float, g: Groups, block: str, _end: int) -> Reply:
    listed = ListedQueueEntry(g[1], g[2], _age(_last(block, "Wait")) or 0.0)
    return Reply(at, _last(block, "ActionID"), "QueueEntry", {}, listed)


def _queue(at: float, g: Groups, block: str, _end: int) -> Reply:
    return Reply(at, _last(block, "ActionID"), "QueueParams", {}, ListedQueue(g[1]))


def _queue_member(at: float, g: Groups, block: str, end: int) -> Reply:
    listed = ListedMember(
        g[1],
        g[3],
        text.unescape(g[2]),
        _PHONES.get(field(block, "\r\nStatus: ", end), PhoneState.UNKNOWN),
        field(block, "\r\nInCall: ", end) == "1",
        field(block, "\r\nPaused: ", end) == "1",
        text.plain(field(block, "\r\nPausedReason: ", end)),
    )
    return Reply(at, _last(block, "ActionID"), "QueueMember", {}, listed)


def _bridge(at: float, g: Groups, _block: str, _end: int) -> Reply:
    return Reply(at, g[1], "BridgeListItem", {}, ListedBridge(g[2], g[3]))


def _last(block: str, header: str) -> str:
    """The last such header: a caller's number may have forged an earlier one."""
    return block.rpartition(f"\r\n{header}: ")[2].partition("\r\n")[0]


def response(at: float, block: str) -> Reply:
    """A response, or the end of a list. The first Response, Event and ActionID count."""
    fields: dict[str, str] = {}
    for line in block.split("\r\n"):
        header, colon, value = line.partition(":")
        if colon and header not in fields:
            fields[header] = value.strip()
    return Reply(at, fields.get("ActionID", ""), fields.get("Event", ""), fields, None)


def _event(kind: str) -> str:
    """List items have no Timestamp: its group is there, and empty."""
    return rf"Event: {kind}()"


# Items that hold a number before their last header must have that, else they were torn.
LISTED: dict[str, Kind[Reply]] = {
    "CoreShowChannel": Kind(
        shape(_event("CoreShowChannel") + r"\r\nActionID: (.*)"), _core_channel
    ),
    "Status": Kind(shape(_event("Status") + r"\r\nPrivilege: .*"), _status, last="\r\nActionID: "),
    "QueueEntry": Kind(
        bare(
            _event("QueueEntry")
            + r"\r\nQueue: (.*)\r\nPosition: .*\r\nChannel: .*\r\nUniqueid: (.*)",
            tearable=True,
        ),
        _queue_entry,
        last="\r\nActionID: ",
    ),
    "QueueParams": Kind(bare(_event("QueueParams") + r"\r\nQueue: (.*)"), _queue),
    "QueueMember": Kind(
        bare(
            _event("QueueMember")
            + r"\r\nQueue: (.*)\r\nName: (.*)\r\nLocation: .*\r\nStateInterface: (.*)"
        ),
        _queue_member,
    ),
    "BridgeListItem": Kind(
        bare(
            _event("BridgeListItem")
            + r"\r\nActionID: (.*)\r\nBridgeUniqueid: (.*)\r\nBridgeType: .*"
            + r"\r\nBridgeTechnology: (.*)"
        ),
        _bridge,
    ),
}
ENDS = (
    "CoreShowChannelsComplete",
    "StatusComplete",
    "QueueStatusComplete",
    "BridgeListComplete",
)
