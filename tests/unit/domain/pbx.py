"""A script-like way to say what a PBX does: `call = pbx.call(...)`, `pbx.rings(call, "101")` ..."""

from itertools import count

from ctid.domain import events as ev
from ctid.domain.duty import parse as parse_duty
from ctid.domain.lines import Callers, Directory, Line, Outside
from ctid.domain.patterns import parse
from ctid.domain.records import Fact, Record
from ctid.domain.tracker import Tracker

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC, a Monday


def line(name: str, **given: object) -> Line:
    fields: dict[str, object] = {
        "title": name,
        "specialty": name,
        "queues": frozenset(),
        "dids": (),
        "contexts": frozenset(),
        "agents": frozenset(),
        "duty": None,
        "zone": "UTC",
        "target_rate": 0.75,
    }
    return Line(name=name, **(fields | given))  # type: ignore[arg-type]


LINES = (
    line("alpha", dids=(parse("8001"),), queues=frozenset({"qa"}), agents=frozenset({"101"})),
    line("beta", dids=(parse("8002"),), queues=frozenset({"qb"})),
    line("office", dids=(parse("8003"),), duty=parse_duty(["mon-fri 08:00-10:00"])),
    line("gamma", contexts=frozenset({"hotline-gamma"})),
)
DIRECTORY = Directory(
    LINES,
    {"13911112222": "Li Si (mobile)"},
    Callers(test=(parse("_1380000XXXX"),), blocked=(parse("666"),), fax=(parse("777"),)),
    Outside(frozenset({"PJSIP/trunk"}), frozenset({"from-trunk"}), frozenset({"closed"})),
)


class Pbx:
    """One PBX and its tracker; every step happens a second after the one before."""

    def __init__(self) -> None:
        self.tracker = Tracker("lab", DIRECTORY)
        self.now = NOON
        self._serial = count(1)
        self._channels: dict[str, ev.Channel] = {}
        self.records: dict[tuple[str, int], Record] = {}
        self.facts: list[Fact] = []

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.tracker.handle_timer(self.now)
        self._collect()

    def give(self, event: ev.Event) -> None:
        self.tracker.receive(event)
        self._collect()

    def _collect(self) -> None:
        changes = self.tracker.drain()
        self.facts += changes.facts
        for record in changes.records:
            self.records[record.uniqueid, record.ordinal] = record

    def record(self, call: str, ordinal: int = 0) -> Record:
        return self.records[call, ordinal]

    def call(
        self,
        number: str = "13911110000",
        to: str = "8001",
        *,
        context: str = "from-trunk",
        endpoint: str = "PJSIP/trunk",
    ) -> str:
        channel = self._new(endpoint, number, context, to, state=4, linkedid="")
        self.give(ev.ChannelCreated(self.now, channel))
        return channel.uniqueid

    def unseen_call(self) -> str:
        """A call that nobody tells the tracker of."""
        return self._new(
            "PJSIP/trunk", "13911110000", "from-trunk", "8001", state=4, linkedid=""
        ).uniqueid

    def _new(
        self, endpoint: str, number: str, context: str, exten: str, *, state: int, linkedid: str
    ) -> ev.Channel:
        serial = next(self._serial)
        uniqueid = f"lab-{serial}.{serial}"
        name = f"{endpoint}-{serial:08x}"
        channel = ev.Channel(
            name, state, number, "", context, exten, uniqueid, linkedid or uniqueid
        )
        self._channels[uniqueid] = channel
        return channel

    def at(self, call: str, **changes: object) -> ev.Channel:
        self._channels[call] = self._channels[call]._replace(**changes)  # type: ignore[arg-type]
        return self._channels[call]

    def queue(self, call: str, queue: str) -> None:
        self.give(ev.QueueJoined(self.now, self.at(call), queue))

    def queue_ends(self, call: str, queue: str, status: str) -> None:
        self.give(ev.QueueAbandoned(self.now, self.at(call), queue))
        self.give(ev.QueueLeft(self.now, self.at(call), queue))
        self.give(ev.VariableSet(self.now, self.at(call), "QUEUESTATUS", status))

    def dial(self, call: str) -> None:
        self.give(ev.VariableSet(self.now, self.at(call), "DIALSTATUS", ""))

    def dial_ends(self, call: str, status: str) -> None:
        self.give(ev.VariableSet(self.now, self.at(call), "DIALSTATUS", status))

    def leg(self, call: str, extension: str) -> str:
        leg = self._new(f"PJSIP/{extension}", extension, "internal", "s", state=0, linkedid=call)
        self.give(ev.ChannelCreated(self.now, leg))
        self.give(ev.DialBegan(self.now, self.at(call), leg, extension))
        return leg.uniqueid

    def dials_out(self, call: str, number: str) -> str:
        leg = self._new("PJSIP/trunk", "", "from-trunk", "s", state=0, linkedid=call)
        self.give(ev.ChannelCreated(self.now, leg))
        self.give(ev.DialBegan(self.now, self.at(call), leg, f"{number}@trunk"))
        return leg.uniqueid

    def rings(self, call: str, extension: str) -> str:
        leg = self.leg(call, extension)
        self.give(ev.ChannelStateChanged(self.now, self.at(leg, state=5)))
        return leg

    def leg_ends(self, leg: str, status: str, cause: int = 0) -> None:
        self.give(ev.DialEnded(self.now, None, self.at(leg), status, ""))
        self.give(ev.HungUp(self.now, self.at(leg), cause))

    def bridge(self, *channels: str, name: str = "b1", technology: str = "simple_bridge") -> None:
        for uniqueid in channels:
            channel = self.at(uniqueid, state=6)
            self.give(ev.BridgeEntered(self.now, channel, name, technology))

    def leave(self, channel: str, name: str = "b1") -> None:
        self.give(ev.BridgeLeft(self.now, self.at(channel), name))

    def asks_to_hang_up(self, channel: str) -> None:
        self.give(ev.HangupRequested(self.now, self.at(channel), 16))

    def hang_up(self, channel: str, cause: int = 16) -> None:
        self.give(ev.HungUp(self.now, self.at(channel), cause))

    def answered_call(self, extension: str = "102") -> tuple[str, str]:
        call = self.call()
        self.dial(call)
        leg = self.rings(call, extension)
        self.advance(5.0)
        self.give(ev.ChannelStateChanged(self.now, self.at(leg, state=6)))
        self.bridge(leg, call)
        return call, leg
