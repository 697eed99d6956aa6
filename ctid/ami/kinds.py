"""The AMI events that matter: how each is recognised, and which domain event it becomes."""

import re
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from ctid.ami import text
from ctid.ami.headers import (
    CAPTURED,
    Further,
    Shape,
    bare,
    boring,
    field,
    further,
    loose_preamble,
    preamble,
    shape,
)
from ctid.domain import events

Made = TypeVar("Made")
Groups = tuple[str, ...]
Build = Callable[[float, Groups, str, int], events.Event | None]
_WIDTH = len(CAPTURED)
# Dial is told by its DIALSTATUS, also where no Newexten comes.
_APPS = ("Queue", "VoiceMail", "ConfBridge", "FollowMe")
_SHUTDOWN = "4"
# More no number of Asterisk's has.
_DIGITS = 10
# The constructor of a named tuple costs three times as much.
_new = tuple.__new__
_VARIABLES = ("DIALSTATUS", "QUEUESTATUS", "MIXMONITOR_FILENAME")
# That a Dial was answered says nothing: the bridge decides. It comes twice for each.
_TELLING = (r"DIALSTATUS\r\nValue: (?!ANSWER)[^\r]*", "QUEUESTATUS", "MIXMONITOR_FILENAME")


class Kind(NamedTuple, Generic[Made]):
    """One kind of event.

    `build(at, groups, block, end)` makes what is told of it, or None where this one does not
    matter; a group that did not match is empty, `end` is where the last snapshot ends. `boring`
    tells before decoding that this one does not matter. `last`: a header that must stand behind
    the snapshots, else the block was torn there.
    """

    shape: Shape
    build: Callable[[float, Groups, str, int], Made | None]
    further: tuple[Further, ...] = ()
    boring: re.Pattern[bytes] | None = None
    last: str = ""


def channel(groups: Groups, at: int) -> events.Channel:
    """The snapshot whose groups begin at `at`."""
    name, state, number, display, context, exten, uniqueid, linkedid = groups[at : at + _WIDTH]
    # Most values are plain: look before calling.
    if not number.isdigit():
        number = text.number(number)
    if display in text.UNKNOWN or "\\" in display or not display.isprintable():
        display = text.name(display)
    if exten and not exten.isalnum():
        exten = text.plain(exten)
    return _new(
        events.Channel,
        (name, int(state), number, display, context, exten, uniqueid, linkedid),
    )


def _optional(groups: Groups, at: int) -> events.Channel | None:
    return channel(groups, at) if groups[at] else None


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < _DIGITS else 0


def _dial_began(at: float, g: Groups, block: str, end: int) -> events.Event | None:
    if not g[1 + _WIDTH]:
        return None
    dial_string = text.plain(field(block, "\r\nDialString: ", end))
    return events.DialBegan(at, _optional(g, 1), channel(g, 1 + _WIDTH), dial_string)


def _dial_ended(at: float, g: Groups, block: str, end: int) -> events.Event | None:
    if not g[1 + _WIDTH]:
        return None
    return events.DialEnded(
        at,
        _optional(g, 1),
        channel(g, 1 + _WIDTH),
        field(block, "\r\nDialStatus: ", end),
        text.plain(field(block, "\r\nForward: ", end)),
    )


def _bridge_entered(at: float, g: Groups, _block: str, _end: int) -> events.Event:
    return events.BridgeEntered(at, channel(g, 3), g[1], g[2])


def _bridge_left(at: float, g: Groups, _block: str, _end: int) -> events.Event:
    return events.BridgeLeft(at, channel(g, 3), g[1])


def _hangup_requested(at: float, g: Groups, block: str, end: int) -> events.Event:
    return events.HangupRequested(at, channel(g, 1), _number(field(block, "\r\nCause: ", end)))


def _hung_up(at: float, g: Groups, block: str, end: int) -> events.Event:
    return events.HungUp(at, channel(g, 1), _number(field(block, "\r\nCause: ", end)))


def _queue_joined(at: float, g: Groups, block: str, end: int) -> events.Event:
    return events.QueueJoined(at, channel(g, 1), field(block, "\r\nQueue: ", end))


def _queue_left(at: float, g: Groups, block: str, end: int) -> events.Event:
    return events.QueueLeft(at, channel(g, 1), field(block, "\r\nQueue: ", end))


def _queue_abandoned(at: float, g: Groups, block: str, end: int) -> events.Event:
    return events.QueueAbandoned(at, channel(g, 1), field(block, "\r\nQueue: ", end))


def _member_added(at: float, g: Groups, _block: str, _end: int) -> events.Event:
    return events.QueueMemberSeen(at, g[1], g[3], text.unescape(g[2]), member=True)


def _member_removed(at: float, g: Groups, _block: str, _end: int) -> events.Event:
    return events.QueueMemberSeen(at, g[1], g[3], text.unescape(g[2]), member=False)


def _app_started(at: float, g: Groups, block: str, end: int) -> events.Event | None:
    app = field(block, "\r\nApplication: ", end)
    if app not in _APPS:
        return None
    return events.AppStarted(at, channel(g, 1), app, text.plain(field(block, "\r\nAppData: ", end)))


def _variable_set(at: float, g: Groups, block: str, end: int) -> events.Event | None:
    name = field(block, "\r\nVariable: ", end)
    if name not in _VARIABLES:
        return None
    value = text.unescape(field(block, "\r\nValue: ", end))
    return events.VariableSet(at, channel(g, 1), name, value)


def _blind_transferred(at: float, g: Groups, block: str, end: int) -> events.Event | None:
    if g[1] != "Success":
        return None
    return events.BlindTransferred(
        at,
        channel(g, 2),
        _optional(g, 2 + _WIDTH),
        field(block, "\r\nContext: ", end),
        text.plain(field(block, "\r\nExtension: ", end)),
    )


def _attended_transferred(at: float, g: Groups, block: str, end: int) -> events.Event | None:
    if g[1] != "Success" or not g[2 + _WIDTH]:
        return None
    return events.AttendedTransferred(
        at,
        channel(g, 2),
        channel(g, 2 + _WIDTH),
        _optional(g, 2 + 2 * _WIDTH),
        _optional(g, 2 + 3 * _WIDTH),
        field(block, "\r\nDestBridgeUniqueid: ", end),
    )


def _parked(at: float, g: Groups, _block: str, _end: int) -> events.Event:
    return events.Parked(at, channel(g, 1))


def _unparked(how: str) -> Build:
    def build(at: float, g: Groups, _block: str, _end: int) -> events.Event:
        return events.Unparked(at, channel(g, 1), _optional(g, 1 + _WIDTH), how)

    return build


def _picked_up(at: float, g: Groups, _block: str, _end: int) -> events.Event | None:
    if not g[1 + _WIDTH]:
        return None
    return events.PickedUp(at, channel(g, 1), channel(g, 1 + _WIDTH))


def _user_event(at: float, g: Groups, block: str, end: int) -> events.Event | None:
    name = ""
    fields: dict[str, str] = {}
    for line in block[end:].split("\r\n"):
        header, colon, value = line.partition(":")
        header = header.strip()
        if not colon or not header:
            continue
        if header == "UserEvent" and not name:
            name = text.plain(value.strip())
        elif name:
            fields[text.plain(header)] = text.plain(value.strip())
    return events.UserEvent(at, _optional(g, 1), name, fields) if name else None


def _shut_down(at: float, g: Groups, _block: str, _end: int) -> events.Event:
    return events.ShutDown(at, g[1] == "True")


def _shutdown_hangup(at: float, g: Groups, block: str, end: int) -> events.Event | None:
    if field(block, "\r\nCause: ", end) != _SHUTDOWN:
        return None
    return events.ShutdownHangup(at, channel(g, 1))


def _fully_booted(at: float, _g: Groups, block: str, end: int) -> events.Event:
    uptime = field(block, "\r\nUptime: ", end)
    known = uptime.isascii() and uptime.isdigit()
    return events.FullyBooted(at, float(uptime) if known else None)


def _simple(kind: str, make: Callable[[float, events.Channel], events.Event]) -> Kind[events.Event]:
    """An event of which only its channel matters."""

    def build(at: float, g: Groups, _block: str, _end: int) -> events.Event:
        return make(at, channel(g, 1))

    return Kind(shape(loose_preamble(kind)), build)


def _on_channel(kind: str, build: Build) -> Kind[events.Event]:
    return Kind(shape(loose_preamble(kind)), build)


def _dial(kind: str, build: Build) -> Kind[events.Event]:
    begin = shape(loose_preamble(kind), unless="DestChannel")
    return Kind(begin, build, (further("Dest"),))


def _bridge(kind: str, build: Build) -> Kind[events.Event]:
    own = r"\r\nBridgeUniqueid: (.*)\r\nBridgeType: .*\r\nBridgeTechnology: (.*)(?:\r\nBridge.*)*"
    return Kind(shape(loose_preamble(kind) + own), build)


def _transfer(kind: str, build: Build, first: str, others: tuple[str, ...]) -> Kind[events.Event]:
    begin = shape(loose_preamble(kind) + r"\r\nResult: (.*)", first)
    return Kind(begin, build, tuple(further(other) for other in others))


def _parking(kind: str, build: Build) -> Kind[events.Event]:
    return Kind(shape(loose_preamble(kind), "Parkee"), build, (further("Retriever"),))


def _member(kind: str, build: Build, skip: re.Pattern[bytes] | None = None) -> Kind[events.Event]:
    # StateInterface is the phone; Interface may be a Local channel that leads to it.
    own = r"\r\nQueue: (.*)\r\nMemberName: (.*)\r\nInterface: .*\r\nStateInterface: (.*)"
    return Kind(bare(preamble(kind) + own), build, boring=skip)


KINDS: dict[str, Kind[events.Event]] = {
    "Newchannel": _simple("Newchannel", events.ChannelCreated),
    "Newstate": _simple("Newstate", events.ChannelStateChanged),
    "DialBegin": _dial("DialBegin", _dial_began),
    "DialEnd": _dial("DialEnd", _dial_ended),
    "BridgeEnter": _bridge("BridgeEnter", _bridge_entered),
    "BridgeLeave": _bridge("BridgeLeave", _bridge_left),
    "HangupRequest": _on_channel("HangupRequest", _hangup_requested),
    "SoftHangupRequest": Kind(
        shape(loose_preamble("SoftHangupRequest")),
        _shutdown_hangup,
        boring=boring("Cause", (_SHUTDOWN,)),
    ),
    "Hangup": _on_channel("Hangup", _hung_up),
    "Hold": _simple("Hold", events.Held),
    "Unhold": _simple("Unhold", events.Unheld),
    "QueueCallerJoin": _on_channel("QueueCallerJoin", _queue_joined),
    "QueueCallerLeave": _on_channel("QueueCallerLeave", _queue_left),
    "QueueCallerAbandon": _on_channel("QueueCallerAbandon", _queue_abandoned),
    "QueueMemberAdded": _member("QueueMemberAdded", _member_added),
    "QueueMemberRemoved": _member("QueueMemberRemoved", _member_removed),
    # In use: the member is on a call, so it is one. Its other states say nothing of calls.
    "QueueMemberStatus": _member(
        "QueueMemberStatus", _member_added, re.compile(rb"\r\nStatus: (?!2\r\n)")
    ),
    "Newexten": Kind(
        shape(loose_preamble("Newexten")), _app_started, boring=boring("Application", _APPS)
    ),
    "VarSet": Kind(
        shape(loose_preamble("VarSet")), _variable_set, boring=boring("Variable", _TELLING)
    ),
    "BlindTransfer": _transfer("BlindTransfer", _blind_transferred, "Transferer", ("Transferee",)),
    "AttendedTransfer": _transfer(
        "AttendedTransfer",
        _attended_transferred,
        "OrigTransferer",
        ("SecondTransferer", "Transferee", "TransferTarget"),
    ),
    "ParkedCall": _parking("ParkedCall", _parked),
    "UnParkedCall": _parking("UnParkedCall", _unparked("UnParkedCall")),
    "ParkedCallTimeOut": _parking("ParkedCallTimeOut", _unparked("ParkedCallTimeOut")),
    "ParkedCallGiveUp": _parking("ParkedCallGiveUp", _unparked("ParkedCallGiveUp")),
    "Pickup": Kind(shape(loose_preamble("Pickup")), _picked_up, (further("Target"),)),
    "UserEvent": Kind(shape(preamble("UserEvent"), unless="UserEvent"), _user_event),
    "Shutdown": Kind(
        bare(preamble("Shutdown") + r"\r\nShutdown: .*\r\nRestart: (True|False)"), _shut_down
    ),
    "FullyBooted": Kind(bare(preamble("FullyBooted")), _fully_booted),
}
