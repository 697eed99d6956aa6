"""What is going on on the simulated PBX at this moment, for those who ask with actions."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ctid.sim.template import Member

# What every channel is described by, in Asterisk's order.
SNAPSHOT = (
    "Channel",
    "ChannelState",
    "ChannelStateDesc",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "ConnectedLineName",
    "Language",
    "AccountCode",
    "Context",
    "Exten",
    "Priority",
    "Uniqueid",
    "Linkedid",
)
_UP = "6"
_RINGING = "5"
# By their numbers.
_STATES = (
    "UNKNOWN",
    "NOT_INUSE",
    "INUSE",
    "BUSY",
    "INVALID",
    "UNAVAILABLE",
    "RINGING",
    "RINGINUSE",
    "ONHOLD",
)

Headers = dict[str, str]
# One item of a list: headers in Asterisk's order.
Item = list[tuple[str, str]]


@dataclass(slots=True)
class _Channel:
    headers: Headers
    began_at: float
    dnid: str
    application: str = ""
    data: str = ""
    bridge: str = ""
    answered_at: float | None = None


@dataclass(slots=True)
class _Bridge:
    kind: str
    technology: str
    channels: int = 0


@dataclass(slots=True)
class _Waiting:
    queue: str
    position: str
    channel: str
    began_at: float


@dataclass(slots=True)
class State:
    """Follows what is played. `members` are those of the queues, whether calls come or not.

    `unplugged` are interfaces of phones without a contact, `paused` maps interfaces of members to
    their reasons.
    """

    members: list[Member] = field(default_factory=list)
    unplugged: set[str] = field(default_factory=set)
    paused: dict[str, str] = field(default_factory=dict)
    channels: dict[str, _Channel] = field(default_factory=dict)
    bridges: dict[str, _Bridge] = field(default_factory=dict)
    waiting: dict[str, _Waiting] = field(default_factory=dict)
    queues: dict[str, None] = field(init=False)

    def __post_init__(self) -> None:
        self.queues = dict.fromkeys(member.queue for member in self.members)

    def add(self, members: Iterable[Member]) -> None:
        """These are members of queues as well; a queue stays when its last member goes."""
        self.members += [member for member in members if member not in self.members]
        self.queues.update(dict.fromkeys(member.queue for member in self.members))

    def take(self, at: float, block: bytes) -> None:
        """Follow one event, as the PBX writes it, that happens `at` (Unix seconds)."""
        kind = block[7 : block.find(b"\r\n")]
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, at, _headers(block))

    # -- the lists --------------------------------------------------------------------------------

    def core_show_channels(self, now: float) -> Iterator[Item]:
        for channel in self.channels.values():
            seconds = int(max(now - channel.began_at, 0.0))
            yield [
                ("Event", "CoreShowChannel"),
                *channel.headers.items(),
                ("Application", channel.application),
                ("ApplicationData", channel.data),
                ("Duration", f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"),
                ("BridgeId", channel.bridge),
            ]

    def status(self, now: float) -> Iterator[Item]:
        for channel in self.channels.values():
            yield [
                ("Event", "Status"),
                ("Privilege", "Call"),
                *channel.headers.items(),
                ("Type", channel.headers["Channel"].partition("/")[0]),
                ("DNID", channel.dnid),
                ("BridgeID", channel.bridge),
                ("Application", channel.application),
                ("Data", channel.data),
                ("Seconds", str(int(max(now - channel.began_at, 0.0)))),
            ]

    def queue_status(self, now: float) -> Iterator[Item]:
        waiting: dict[str, list[tuple[str, _Waiting]]] = {queue: [] for queue in self.queues}
        for uniqueid, row in self.waiting.items():
            if row.queue in waiting:
                waiting[row.queue].append((uniqueid, row))
        members: dict[str, list[Member]] = {queue: [] for queue in self.queues}
        for member in self.members:
            members[member.queue].append(member)
        own = self._states_by_interface()
        for queue in self.queues:
            calls = str(len(waiting[queue]))
            yield [("Event", "QueueParams"), ("Queue", queue), ("Calls", calls)]
            for member in members[queue]:
                state = self._device_state(member.state_interface, own)
                yield [
                    ("Event", "QueueMember"),
                    ("Queue", queue),
                    ("Name", member.name),
                    ("Location", member.interface),
                    ("StateInterface", member.state_interface),
                    ("Membership", "static"),
                    ("InCall", "0"),
                    ("Status", str(_STATES.index(state))),
                    ("Paused", str(int(member.state_interface in self.paused))),
                    ("PausedReason", self.paused.get(member.state_interface, "")),
                ]
            for uniqueid, row in waiting[queue]:
                yield [
                    ("Event", "QueueEntry"),
                    ("Queue", queue),
                    ("Position", row.position),
                    ("Channel", row.channel),
                    ("Uniqueid", uniqueid),
                    ("Wait", str(int(max(now - row.began_at, 0.0)))),
                    ("Priority", "0"),
                ]

    def bridge_list(self, _now: float) -> Iterator[Item]:
        for uniqueid, bridge in self.bridges.items():
            yield [
                ("Event", "BridgeListItem"),
                ("BridgeUniqueid", uniqueid),
                ("BridgeType", bridge.kind),
                ("BridgeTechnology", bridge.technology),
                ("BridgeCreator", "<unknown>"),
                ("BridgeName", "<unknown>"),
                ("BridgeNumChannels", str(bridge.channels)),
                ("BridgeVideoSourceMode", "none"),
            ]

    def device_state(self, interface: str) -> str:
        """A phone's state, as DEVICE_STATE() names it. Any phone is there, as far as it knows."""
        return self._device_state(interface, self._states_by_interface())

    def _states_by_interface(self) -> dict[str, list[str]]:
        """The states of all channels of each phone."""
        found: dict[str, list[str]] = {}
        for channel in self.channels.values():
            interface = channel.headers["Channel"].rpartition("-")[0]
            found.setdefault(interface, []).append(channel.headers["ChannelState"])
        return found

    def _device_state(self, interface: str, channels: Mapping[str, list[str]]) -> str:
        if interface in self.unplugged:
            return "UNAVAILABLE"
        own = channels.get(interface)
        if not own:
            return "NOT_INUSE"
        return "RINGING" if all(state == _RINGING for state in own) else "INUSE"

    def variable(self, name: str, variable: str) -> str | None:
        """A channel's variable, as Getvar tells it; empty where unknown. None: no such channel."""
        channel = next((c for c in self.channels.values() if c.headers["Channel"] == name), None)
        if channel is None:
            return None
        times = {"CDR(start,u)": channel.began_at, "CDR(answer,u)": channel.answered_at}
        when = times.get(variable)
        return "" if when is None else f"{when:.6f}"

    # -- what happens -----------------------------------------------------------------------------

    def created(self, at: float, headers: Headers) -> None:
        exten = headers.get("Exten", "")
        dnid = exten if exten.isdigit() else ""
        self.channels[headers["Uniqueid"]] = _Channel(_snapshot(headers), at, dnid)

    def changed(self, at: float, headers: Headers) -> None:
        channel = self.channels.get(headers.get("Uniqueid", ""))
        if channel is not None:
            channel.headers = _snapshot(headers)
            if channel.answered_at is None and headers["ChannelState"] == _UP:
                channel.answered_at = at

    def renamed(self, _at: float, headers: Headers) -> None:
        channel = self.channels.get(headers.get("Uniqueid", ""))
        if channel is not None:
            channel.headers["Channel"] = headers["Newname"]

    def executes(self, at: float, headers: Headers) -> None:
        self.changed(at, headers)
        channel = self.channels.get(headers.get("Uniqueid", ""))
        if channel is not None:
            channel.application = headers.get("Application", "")
            channel.data = headers.get("AppData", "")

    def dialled(self, _at: float, headers: Headers) -> None:
        caller = self.channels.get(headers.get("Uniqueid", ""))
        called = self.channels.get(headers.get("DestUniqueid", ""))
        if called is not None and not called.application:
            queued = caller is not None and caller.application == "Queue"
            called.application = "AppQueue" if queued else "AppDial"
            called.data = "(Outgoing Line)"

    def hung_up(self, _at: float, headers: Headers) -> None:
        self.channels.pop(headers.get("Uniqueid", ""), None)
        self.waiting.pop(headers.get("Uniqueid", ""), None)

    def bridge_created(self, _at: float, headers: Headers) -> None:
        self.bridges[headers["BridgeUniqueid"]] = _Bridge(
            headers["BridgeType"], headers["BridgeTechnology"]
        )

    def bridge_destroyed(self, _at: float, headers: Headers) -> None:
        self.bridges.pop(headers.get("BridgeUniqueid", ""), None)

    def bridge_entered(self, at: float, headers: Headers) -> None:
        self.moved(at, headers, headers["BridgeUniqueid"])

    def bridge_left(self, at: float, headers: Headers) -> None:
        self.moved(at, headers, "")

    def moved(self, at: float, headers: Headers, bridge: str) -> None:
        self.changed(at, headers)
        channel = self.channels.get(headers["Uniqueid"])
        if channel is not None:
            channel.bridge = bridge
        known = self.bridges.get(headers["BridgeUniqueid"])
        if known is not None:
            known.technology = headers["BridgeTechnology"]
            known.channels = int(headers["BridgeNumChannels"])

    def joined(self, at: float, headers: Headers) -> None:
        self.waiting[headers["Uniqueid"]] = _Waiting(
            headers["Queue"], headers["Position"], headers["Channel"], at
        )

    def left(self, _at: float, headers: Headers) -> None:
        self.waiting.pop(headers.get("Uniqueid", ""), None)


def _snapshot(headers: Headers) -> Headers:
    return {name: headers.get(name, "") for name in SNAPSHOT}


def _headers(block: bytes) -> Headers:
    """The first of each name counts: a caller's number cannot replace what stands before it."""
    headers: Headers = {}
    for line in block.decode("utf-8", "surrogateescape").split("\r\n"):
        name, _, value = line.partition(": ")
        headers.setdefault(name, value)
    return headers


_HANDLERS: dict[bytes, Callable[[State, float, Headers], None]] = {
    b"Newchannel": State.created,
    b"Newstate": State.changed,
    b"NewCallerid": State.changed,
    b"NewConnectedLine": State.changed,
    b"Rename": State.renamed,
    b"Newexten": State.executes,
    b"DialBegin": State.dialled,
    b"Hangup": State.hung_up,
    b"BridgeCreate": State.bridge_created,
    b"BridgeDestroy": State.bridge_destroyed,
    b"BridgeEnter": State.bridge_entered,
    b"BridgeLeave": State.bridge_left,
    b"QueueCallerJoin": State.joined,
    b"QueueCallerLeave": State.left,
}
