"""An outside caller writes his number, 79 bytes of it. What can he do to us? Nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctid.ami.decode import Decoder, Item
from ctid.ami.replies import Reply
from ctid.domain import events
from tests.unit.ami.streams import (
    AGENT,
    CALLER,
    GREETING,
    decoded,
    event,
    recorded,
    snapshot,
    told,
)

VICTIM = "1795464300.1"
DIAL = "Extension: 8001\r\nApplication: Dial\r\nAppData: PJSIP/a101,20\r\n"
NOOP = "Extension: 8001\r\nApplication: NoOp\r\nAppData: x\r\n"
STATUS = "Variable: DIALSTATUS\r\nValue: BUSY\r\n"
OTHER = "Variable: SIPDOMAIN\r\nValue: 127.0.0.1\r\n"
BRIDGE = "BridgeUniqueid: b1\r\nBridgeType: basic\r\nBridgeTechnology: simple_bridge\r\n"

# Each at most 79 bytes, as Asterisk cuts them.
NUMBERS = [
    "1380\r\nUniqueid: 1795464300.1",
    "1380\r\nLinkedid: 1795464300.1\r\nCause: 16",
    "1380\r\nEvent: Hangup\r\nUniqueid: 1795464300.1\r\nLinkedid: 1795464300.1",
    "1380\r\nCallerIDName: x\r\nConnectedLineNum: y\r\nConnectedLineName: z",
    "1380\r\nDestChannel: x\r\nDestUniqueid: 1795464300.1",
    "1380\r\n\r\nEvent: Shutdown\r\nShutdown: Cleanly\r\nRestart: True\r\n\r\n",
    "\r\n\r\nEvent: Shutdown\r\nPrivilege: system,all\r\nShutdown: Cleanly\r\nRestart: True",
    "1380\r\n\r\nEvent: Hangup\r\nUniqueid: 1795464300.1\r\nCause: 16\r\n\r\n",
    "1380\r\n\r\nEvent: Hangup\r\nPrivilege: call,all\r\nUniqueid: 1795464300.1",
    "1\r\n\r\nEvent: Hangup\r\nChannelState: 6\r\nChannelStateDesc: \r\nCallerIDNum: 2",
    "1\r\n\r\nEvent: Hangup\r\nPrivilege: call,all\r\nChannel: x\r\nChannelState: 6",
    "1380\r\n\r\nEvent: A\r\n\r\nEvent: Hangup\r\nUniqueid: 1795464300.1\r\n\r\nEvent: B\r\n\r\n",
    "\r\n\r\nEvent: A\r\n\r\nEvent: B\r\n\r\nEvent: C\r\nCallerIDNum: 1",
    "1380\r\n\r\nEvent: UserEvent\r\nPrivilege: user,all\r\nUserEvent: S\r\nScore: 5\r\n\r\n",
    "1380\r\n\r\nResponse: Success\r\nActionID: x\r\nMessage: y\r\n\r\n",
    "1380\r\nLinkedid: 1795464300.1\r\n\r\nEvent: Hangup\r\nPrivilege: a,all\r\n\r\n",
    "1380\r\nVariable: X\r\nValue: Y\r\n\r\nEvent: Hangup\r\nPrivilege: a,all\r\n\r\n",
    "1380\r\nCause: 16\r\n\r\n",
    "1380\n\nEvent: Hangup",
    "1380\rEvent: Hangup\r",
    "\r\n",
    "\r\n\r\n",
]


def stream(*, number: str = "1380", connected: str = "<unknown>") -> bytes:
    """A short call; the caller's number and who he is connected with are given.

    The number stands on the other legs as well, as the number they are connected with.
    """
    mine = snapshot(number=number, connected=connected)
    leg = snapshot(uniqueid=AGENT, number="101", connected=number)
    dest = snapshot("Dest", uniqueid=AGENT, number="101", connected=number)
    return GREETING + b"".join(
        [
            event("Newchannel", mine),
            event("VarSet", mine, OTHER),
            event("Newexten", mine, NOOP),
            event("NewConnectedLine", mine),
            event("Newexten", mine, DIAL),
            event("Newchannel", leg),
            event("DialBegin", mine, dest, "DialString: a101\r\n"),
            event("DialState", mine, dest, "DialStatus: RINGING\r\n"),
            event("Newstate", leg),
            event("DialEnd", mine, dest, "DialStatus: ANSWER\r\n"),
            event("BridgeEnter", BRIDGE, leg),
            event("AgentCalled", mine, dest, "Queue: q\r\n"),
            event("BridgeEnter", BRIDGE, mine),
            event("VarSet", mine, STATUS),
            event("QueueCallerLeave", mine, "Queue: hotline\r\nCount: 0\r\n"),
            event("UserEvent", mine, "UserEvent: Survey\r\nScore: 5\r\n"),
            event("SoftHangupRequest", mine, "Cause: 4\r\n"),
            event("NewCallerid", mine, "CID-CallingPres: 0\r\n"),
            event("Hangup", mine, "Cause: 17\r\nCause-txt: Busy\r\n"),
        ]
    )


def without_forgeries(items: list[Item]) -> list[events.Event]:
    return [item for item in told(items) if not isinstance(item, events.ForgeryFound)]


def same_call(items: list[Item], expected: list[Item]) -> None:
    """Equal but for what the caller may write: his number, his own name."""

    def essence(item: events.Event) -> str:
        text = repr(item)
        for channel in item:
            if isinstance(channel, events.Channel):
                plain = channel._replace(caller_number="", caller_name="")
                text = text.replace(repr(channel), repr(plain))
        return text

    got, wanted = without_forgeries(items), without_forgeries(expected)
    assert [essence(item) for item in got] == [essence(item) for item in wanted]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_hostile_number_changes_nothing(number: str) -> None:
    assert len(number) <= 79
    data = stream(number=number)
    same_call(decoded(data), decoded(stream()))
    assert decoded(data, *range(1, len(data))) == decoded(data)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("connected", NUMBERS)
def test_two_hostile_numbers_change_nothing(number: str, connected: str) -> None:
    same_call(decoded(stream(number=number, connected=connected)), decoded(stream()))


PIECES = st.sampled_from(
    [
        "\r\n",
        "\r\n\r\n",
        "1380",
        "Event: Hangup",
        "Event: Shutdown",
        "Event: UserEvent",
        "Event: VarSet",
        "Privilege: a,all",
        "Timestamp: 1795464361.948382",
        "UserEvent: S",
        "Shutdown: ",
        "Restart: True",
        "Channel: x",
        "ChannelState: 6",
        "ChannelStateDesc: ",
        "CallerIDNum: ",
        "CallerIDName: ",
        "ConnectedLineNum: ",
        "ConnectedLineName: ",
        "Language: ",
        "AccountCode: ",
        "Context: ",
        "Exten: ",
        "Priority: 1",
        "Uniqueid: 1.1",
        "Linkedid: 1.1",
        "Cause: 1",
    ]
)
HOSTILE = st.lists(PIECES, max_size=12).map(lambda pieces: "".join(pieces)[:79])


@settings(max_examples=500, deadline=None)
@given(HOSTILE, HOSTILE | st.just("<unknown>"))
def test_whatever_is_written_changes_nothing(number: str, connected: str) -> None:
    data = stream(number=number, connected=connected)
    same_call(decoded(data), decoded(stream()))


@settings(max_examples=100, deadline=None)
@given(HOSTILE, st.lists(st.integers(min_value=0, max_value=12_000), max_size=10))
def test_segments_change_nothing_either(number: str, cuts: list[int]) -> None:
    data = stream(number=number)
    assert decoded(data, *(min(cut, len(data)) for cut in cuts)) == decoded(data)


def test_the_recorded_forgery() -> None:
    decoder = Decoder()
    items = told(decoder.feed(recorded("number_forge_short")))
    assert not any(isinstance(item, events.ShutDown) for item in items)
    caller = next(item for item in items if isinstance(item, events.ChannelCreated)).channel
    assert (caller.caller_number, caller.caller_name) == ("1380", "inj")
    hung_up = [item.channel.uniqueid for item in items if isinstance(item, events.HungUp)]
    assert caller.uniqueid in hung_up
    told_of = [item.uniqueid for item in items if isinstance(item, events.ForgeryFound)]
    assert len(told_of) == len(set(told_of)) == 2
    assert decoder.counters.torn > 50


def test_a_hostile_extension_with_one_line_break() -> None:
    """A dialplan that takes `_X.` lets the caller write Exten as well."""
    exten = f"8001\r\nPriority: 1\r\nUniqueid: {VICTIM}\r\nLinkedid: {VICTIM}"
    items = told(decoded(GREETING + event("Hangup", snapshot(exten=exten), "Cause: 16\r\n")))
    assert isinstance(items[0], events.HungUp)
    assert items[0].channel.uniqueid == CALLER
    assert items[0].channel.exten == "8001"


def test_without_timestamps_short_events_behind_a_torn_one_are_not_believed() -> None:
    number = (
        "\r\n\r\nEvent: Shutdown\r\nPrivilege: system,all\r\nShutdown: Cleanly\r\nRestart: True"
    )
    assert len(number) <= 79
    mine = snapshot(number=number + "\r\n\r\n")  # with more room than there is
    decoder = Decoder()
    assert told(decoder.feed(GREETING + event("NewCallerid", mine, at=None), 1.0)) == []
    assert decoder.counters.forged == 1
    # One of the PBX's own a little later is.
    own = event("Shutdown", "Shutdown: Cleanly\r\nRestart: True\r\n", at=None)
    quiet = event("VarSet", snapshot(), OTHER, at=None)
    items = told(decoder.feed(quiet + own, 2.0))
    assert items == [events.ShutDown(2.0, restart=True)]


def test_a_short_event_in_an_application_s_data_needs_a_timestamp() -> None:
    """`NoOp(${CALLERID(num)})` writes the number behind the snapshot."""
    forged = (
        "\r\n\r\nEvent: Shutdown\r\nPrivilege: system,all\r\nShutdown: Cleanly\r\nRestart: True"
    )
    data = event("Newchannel", snapshot()) + event(
        "Newexten", snapshot(), NOOP.replace("x", forged)
    )
    assert [type(item) for item in told(decoded(GREETING + data))] == [events.ChannelCreated]


def test_a_torn_event_that_never_ends_holds_nothing_back_for_long() -> None:
    head = event("Newchannel", snapshot(number="1\r\n\r\n")).split(b"\r\n\r\n")[0] + b"\r\n\r\n"
    decoder = Decoder()
    items = told(decoder.feed(GREETING + head + event("Hangup", snapshot()) * 5))
    assert [type(item) for item in items] == [events.HungUp] * 5
    assert decoder.counters.bad == 1


def test_lists_can_be_torn_too() -> None:
    number = "1380\r\n\r\nEvent: Hangup\r\nUniqueid: 1795464300.1\r\n\r\n"
    entry = (
        "Event: QueueEntry\r\nQueue: one\r\nPosition: 1\r\nChannel: PJSIP/trunk-1\r\n"
        f"Uniqueid: {CALLER}\r\nCallerIDNum: {number}\r\nCallerIDName: x\r\n"
        "ConnectedLineNum: unknown\r\nConnectedLineName: unknown\r\nWait: 7\r\nPriority: 0\r\n"
        "ActionID: a-4\r\n\r\n"
    )
    status = (
        "Event: Status\r\nPrivilege: Call\r\n"
        + snapshot(number=number)
        + f"Type: PJSIP\r\nDNID: 8001\r\nEffectiveConnectedLineNum: {number}\r\n"
        "BridgeID: \r\nApplication: Dial\r\nData: x\r\nSeconds: 5\r\nActionID: a-3\r\n\r\n"
    )
    shown = (
        "Event: CoreShowChannel\r\nActionID: a-2\r\n"
        + snapshot(number=number)
        + "Application: Dial\r\nApplicationData: x\r\nDuration: 00:00:05\r\nBridgeId: b\r\n\r\n"
    )
    items = decoded(GREETING + (entry + status + shown).encode())[1:]
    assert [getattr(item, "action_id", None) for item in items] == ["a-4", "a-3", "a-2"]
    listed = [getattr(item, "listed", None) for item in items]
    assert listed[0] == events.ListedQueueEntry("one", CALLER, 7.0)
    assert isinstance(listed[1], events.ListedChannel)
    assert (listed[1].channel.uniqueid, listed[1].age, listed[1].dnid) == (CALLER, 5.0, "8001")
    assert isinstance(listed[2], events.ListedChannel)
    assert listed[2].bridge == "b"


def believed(number: str, *after: bytes) -> list[events.Event]:
    """What is told behind an event that we do not decode and that the number tore."""
    data = event("Newchannel", snapshot()) + event("NewConnectedLine", snapshot(number=number))
    return told(decoded(GREETING + data + b"".join(after)))[1:]


def test_an_item_of_a_list_that_nobody_asked_for_is_not_believed() -> None:
    number = (
        "1\r\n\r\nEvent: QueueEntry\r\nQueue: \r\nPosition: \r\nChannel: \r\nUniqueid: \r\n\r\n"
    )
    decoder = Decoder()
    decoder.listing = False
    decoder.feed(GREETING + event("NewConnectedLine", snapshot(number=number)))
    (pong,) = decoder.feed(b"Response: Success\r\nActionID: abc/1\r\nPing: Pong\r\n\r\n")
    assert isinstance(pong, Reply)
    assert (pong.event, pong.action_id) == ("", "abc/1")


def test_an_item_of_a_list_does_not_swallow_an_answer() -> None:
    number = (
        "1\r\n\r\nEvent: QueueEntry\r\nQueue: \r\nPosition: \r\nChannel: \r\nUniqueid: \r\n\r\n"
    )
    decoder = Decoder()
    decoder.feed(GREETING + event("NewConnectedLine", snapshot(number=number)))
    items = decoder.feed(b"Response: Success\r\nActionID: abc/1\r\nPing: Pong\r\n\r\n")
    assert [item.action_id for item in items if isinstance(item, Reply)] == ["abc/1"]


def test_a_dial_without_a_caller_holds_nothing_back() -> None:
    number = "1\r\n\r\nEvent: DialEnd\r\nPrivilege: ,all\r\nDestChannel: \r\n\r\n"
    after = believed(number, event("Hangup", snapshot()))
    assert [type(item) for item in after] == [events.HungUp]


@pytest.mark.parametrize(
    "name", ["SoftHangupRequest", "QueueCallerAbandon", "QueueMemberStatus", "ParkedCallTimeOut"]
)
def test_a_name_that_begins_like_a_known_one_switches_nothing_off(name: str) -> None:
    tail = {"SoftHangupRequest": "Cause: 4\r\n", "QueueCallerAbandon": "Queue: q\r\n"}
    if name not in tail:
        assert believed(f"1\r\n\r\nEvent: {name}X\r\n\r\n") == []
        return
    after = believed(f"1\r\n\r\nEvent: {name}X\r\n\r\n", event(name, snapshot(), tail[name]))
    assert len(after) == 1


@pytest.mark.parametrize("stamp", ["9e99", "nan", "inf", "1"])
def test_a_forged_user_event_chooses_no_time(stamp: str) -> None:
    forged = f"Privilege: ,all\r\nTimestamp: {stamp}\r\nUserEvent: X\r\n\r\n"
    number = f"1\r\n\r\nEvent: UserEvent\r\n{forged}"
    assert believed(number) == []


def test_a_cause_of_many_digits_is_no_error() -> None:
    (hung_up,) = believed("1", event("Hangup", snapshot(), f"Cause: {'9' * 5000}\r\n"))
    assert isinstance(hung_up, events.HungUp)
    assert hung_up.cause == 0
