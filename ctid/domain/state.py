"""What a tracker knows about one PBX, and the few ways in which it changes."""

from sys import intern

from ctid.domain import events as ev
from ctid.domain.calls import Call, Visit
from ctid.domain.channels import DOWN, RINGING, Leg, Mirror
from ctid.domain.lines import Directory, endpoint, member_names
from ctid.domain.records import Direction, Fact, Record


class State:
    """Channels, calls and queue members of one PBX, and what changed since the last drain."""

    def __init__(self, pbx: str, directory: Directory) -> None:
        self.pbx = pbx
        self.directory = directory
        self.mirror = Mirror()
        self.calls: dict[str, Call] = {}
        # calls whose caller is gone and that wait for the ends of their other channels
        self.settling: dict[str, Call] = {}
        self.members: dict[str, set[str]] = {}
        self.dead: dict[str, None] = {}
        self.detached_at: float | None = None
        # the last event said that the PBX ends
        self.shutting_down = False
        # What has to be written, by call: its state (a channel of no call has one, too; None for
        # what is gone), its facts, and how it ended. The first names every call of the others.
        self.dirty: dict[str, Call | Leg | None] = {}
        self.facts: dict[str, list[Fact]] = {}
        self.finished: dict[str, list[Record]] = {}
        # whose state was given out to be saved and not yet taken back
        self.saved: set[str] = set()

    def stray(self, leg: Leg) -> None:
        """A channel that belongs to no call yet changed."""
        self.dirty[leg.uniqueid] = leg

    def gone(self, uniqueid: str) -> None:
        if uniqueid in self.saved or uniqueid in self.finished or uniqueid in self.facts:
            self.dirty[uniqueid] = None
        else:
            self.dirty.pop(uniqueid, None)  # nobody ever wrote it: nothing to take back

    def touch(self, call: Call) -> None:
        self.dirty[call.uniqueid] = call

    def tell(
        self, call: Call, at: float, kind: str, because: str, **data: str | float | None
    ) -> None:
        uniqueid = call.uniqueid
        fact = Fact(self.pbx, uniqueid, call.facts, at, kind, because, data)
        call.facts += 1
        self.facts.setdefault(uniqueid, []).append(fact)
        self.dirty[uniqueid] = call

    def forget(self, call: Call) -> None:
        """It is over: it leaves memory, and its saved state goes."""
        self.calls.pop(call.uniqueid, None)
        self.gone(call.uniqueid)

    def call_of(self, leg: Leg) -> Call | None:
        return self.calls.get(leg.call) if leg.call else None

    def call_of_caller(self, leg: Leg | None) -> Call | None:
        """The call whose caller this channel is; None for every other channel."""
        return self.calls.get(leg.uniqueid) if leg is not None else None

    def caller_of(self, call: Call) -> Leg | None:
        return call.legs.get(call.uniqueid)

    def see(self, channel: ev.Channel, at: float, *, create: bool = True) -> Leg | None:
        """The leg of this snapshot, brought up to date; made where it is new and alive."""
        leg = self.mirror.legs.get(channel.uniqueid)
        if leg is None:
            if not create or not channel.uniqueid or channel.uniqueid in self.dead:
                return None
            return self.make_leg(channel, at)
        leg.state = channel.state
        if leg.linkedid != channel.linkedid:
            leg.linkedid = intern(channel.linkedid)
        if leg.exten != channel.exten:
            leg.exten = intern(channel.exten)
        if leg.context != channel.context:
            leg.context = intern(channel.context)
            if leg.uniqueid == leg.call and self.directory.is_closed_context(channel.context):
                self.calls[leg.call].closed_context = True
        return leg

    def make_leg(self, channel: ev.Channel, at: float, *, dialled: bool | None = None) -> Leg:
        if dialled is None:
            dialled = channel.state in (DOWN, RINGING) or channel.uniqueid != channel.linkedid
        leg = Leg(
            # interned: thousands of open calls share these few words
            uniqueid=intern(channel.uniqueid),
            name=channel.name,
            linkedid=intern(channel.linkedid),
            state=channel.state,
            number=channel.caller_number,
            caller_name=channel.caller_name,
            context=intern(channel.context),
            exten=intern(channel.exten),
            created_at=at,
            dialled=dialled,
            outside=self.directory.is_trunk(channel.name),
            local=channel.name.startswith("Local/"),
        )
        leg.agent = self.agent_name(leg, "")
        self.mirror.add(leg)
        self._find_call(leg, at)
        return leg

    def _find_call(self, leg: Leg, at: float) -> None:
        call = self.calls.get(leg.linkedid)
        if call is None and leg.linkedid == leg.uniqueid:
            call = self.begin_call(leg, at)
        if call is None:
            self.stray(leg)
            return
        self.join(leg, call)

    def join(self, leg: Leg, call: Call) -> None:
        """This channel belongs to that call."""
        if leg.call == call.uniqueid:
            return
        old = self.call_of(leg)
        if old is not None:
            self._take_from(old, leg)
        elif not leg.call and leg.uniqueid != call.uniqueid:
            self.gone(leg.uniqueid)
        leg.call = call.uniqueid
        call.legs[leg.uniqueid] = leg
        self.touch(call)

    def _take_from(self, call: Call, leg: Leg) -> None:
        call.legs.pop(leg.uniqueid, None)
        self.touch(call)
        if call.settled and not call.legs:
            self.forget(call)

    def begin_call(self, leg: Leg, at: float) -> Call:
        """A call whose caller this channel is."""
        old = self.call_of(leg)
        if old is not None:  # it was called by the PBX, and is handed on to a line
            self._take_from(old, leg)
        inbound = leg.outside if old is not None else self._calls_in(leg)
        direction = Direction.INBOUND if inbound else Direction.INTERNAL
        if leg.outside and leg.dialled and old is None:
            direction = Direction.OUTBOUND  # the PBX itself calls somebody
        line = self.directory.line_of_did(leg.exten) or self.directory.line_of_context(leg.context)
        call = Call(
            uniqueid=leg.uniqueid,
            linkedid=leg.linkedid,
            direction=direction,
            caller_number=leg.agent if old is not None else leg.number,
            caller_name=leg.caller_name,
            did=leg.exten,
            agent=leg.agent,
            interface="" if inbound else endpoint(leg.name),
            member_of=[] if inbound else self._queues_of(endpoint(leg.name)),
            started_at=at,
            closed_context=self.directory.is_closed_context(leg.context),
        )
        call.visits.append(Visit(0, line.name if line else None))
        self.calls[leg.uniqueid] = call
        leg.call = call.uniqueid
        call.legs[leg.uniqueid] = leg
        self.tell(
            call,
            at,
            "call_began",
            f"channel {leg.name} came up at {leg.context},{leg.exten}",
            direction=direction.value,
            line=call.visit.line,
        )
        return call

    def _queues_of(self, interface: str) -> list[str]:
        names = member_names(interface)
        return sorted(q for q, members in self.members.items() if not names.isdisjoint(members))

    def _calls_in(self, leg: Leg) -> bool:
        outside = leg.outside or self.directory.is_inbound_context(leg.context)
        return outside and not leg.dialled

    def agent_name(self, leg: Leg, dial_string: str) -> str:
        """Config's name for this phone; else its extension, or the number dialled over a trunk.

        Empty where that was not seen.
        """
        known = self.directory.agent_name(endpoint(leg.name))
        if known:
            return known
        if leg.outside and not leg.dialled:
            return self.directory.agent_name(leg.number) or ""
        number = _dialled_number(dial_string) if leg.outside else leg.number
        if not number and not leg.outside:
            number = endpoint(leg.name).partition("/")[2]
        return self.directory.agent_name(number) or number


def dials_a_number(dial_string: str) -> bool:
    """Whether Dial() was given a number to call over an endpoint: the outside, whoever it is.

    `PJSIP/101/sip:101@192.0.2.1` names one of the endpoint's own phones instead.
    """
    if "sip:" in dial_string or not ("@" in dial_string or dial_string.count("/") > 1):
        return False
    return _dialled_number(dial_string).lstrip("+").isdigit()


def _dialled_number(dial_string: str) -> str:
    """`13911112222@trunk`, `PJSIP/13911112222@trunk`, `SIP/trunk/13911112222`: the number."""
    number, at, _ = dial_string.partition("@")
    return number.rpartition("/")[2] if at or "/" in dial_string else ""
