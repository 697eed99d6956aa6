import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctid.ami.decode import Decoder, Greeting
from ctid.ami.replies import Reply
from ctid.domain import events
from tests.unit.ami.streams import (
    AGENT,
    CALLER,
    CAPTURES,
    GREETING,
    decoded,
    event,
    recorded,
    snapshot,
    told,
)

SHORT = ("after_hours", "name_chinese", "number_forge_short", "direct_unregistered")
NAMES = sorted(path.name.removesuffix(".ami") for path in CAPTURES.glob("*.ami"))


def only(data: bytes, now: float | None = None) -> events.Event:
    items = told(Decoder().feed(GREETING + data, now))
    assert len(items) == 1
    return items[0]


def test_a_channel_is_read_from_its_snapshot() -> None:
    channel = events.Channel(
        "PJSIP/trunk-00000012",
        4,
        "13800000001",
        'Zhang "San"',
        "from-trunk",
        "8001",
        CALLER,
        CALLER,
    )
    data = event("Newchannel", snapshot(name=r"Zhang \"San\""))
    assert only(data) == events.ChannelCreated(1795464361.948382, channel)


@pytest.mark.parametrize("stamp", ["0.000000", "-1e12", "nan", "inf", "1e300", "99999999999.0"])
def test_a_clock_that_was_never_set_is_not_believed(stamp: str) -> None:
    """Else no calendar has the time, and what counts days would count them from 1970 on."""
    (item,) = told(Decoder().feed(GREETING + event("Newchannel", snapshot(), at=stamp), 1.8e9))
    assert isinstance(item, events.ChannelCreated)
    assert item.at == 1.8e9


@pytest.mark.parametrize("name", SHORT)
def test_byte_by_byte_is_the_same(name: str) -> None:
    data = recorded(name)
    assert decoded(data, *range(1, len(data))) == decoded(data)


def test_one_cut_anywhere_is_the_same() -> None:
    data = GREETING + event("Newchannel", snapshot(name="张三")) + event("Hangup", snapshot())
    expected = decoded(data)
    for cut in range(len(data)):
        assert decoded(data, cut) == expected


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_cuts_anywhere_are_the_same(data: st.DataObject) -> None:
    stream = recorded(data.draw(st.sampled_from(NAMES)))
    cuts = data.draw(st.lists(st.integers(min_value=0, max_value=len(stream)), max_size=20))
    assert decoded(stream, *cuts) == decoded(stream)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bytes_raise(data: st.DataObject) -> None:
    stream = bytearray(recorded("number_forge_short")[:6000])
    for _ in range(data.draw(st.integers(min_value=1, max_value=6))):
        at = data.draw(st.integers(min_value=0, max_value=len(stream)))
        stream[at : at + data.draw(st.integers(min_value=0, max_value=40))] = data.draw(
            st.binary(max_size=20) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"Event: Hangup"])
        )
    assert isinstance(decoded(bytes(stream)), list)


def test_a_torn_event_without_a_uniqueid_is_mended_all_the_same() -> None:
    stream = bytearray(recorded("number_forge_short")[:6000])
    del stream[2936 : 2936 + 13]
    assert b"Uniqueid: \r\n" in stream
    assert isinstance(decoded(bytes(stream)), list)


@pytest.mark.parametrize("name", NAMES)
def test_recorded_streams_hold_nothing_odd(name: str) -> None:
    decoder = Decoder()
    decoder.feed(recorded(name))
    counters = decoder.counters
    assert (counters.odd, counters.oversized) == (0, 0)
    if not name.startswith("number_forge"):
        assert (counters.bad, counters.forged, counters.torn) == (0, 0, 0)


def test_a_chinese_name() -> None:
    items = decoded(recorded("name_chinese"))
    created = next(item for item in items if isinstance(item, events.ChannelCreated))
    assert created.channel.caller_name == "张三"


def test_a_gbk_name() -> None:
    data = event("Newchannel", snapshot(name="张三")).replace("张三".encode(), "张三".encode("gbk"))
    created = only(data)
    assert isinstance(created, events.ChannelCreated)
    assert created.channel.caller_name == "张三"


@pytest.mark.parametrize("name", ["Event: Hangup", "Application: Dial", "Variable: DIALSTATUS"])
def test_a_name_like_a_header_is_a_name(name: str) -> None:
    noop = "Extension: 8001\r\nApplication: NoOp\r\nAppData: x\r\n"
    other = "Variable: X\r\nValue: y\r\n"
    data = (
        event("Newchannel", snapshot(name=name))
        + event("Newexten", snapshot(name=name), noop)
        + event("VarSet", snapshot(name=name), other)
    )
    created = only(data)
    assert isinstance(created, events.ChannelCreated)
    assert created.channel.caller_name == name


def test_variables_and_applications_that_matter() -> None:
    queue = "Extension: 8001\r\nApplication: Queue\r\nAppData: hotline,,,,30\r\n"
    status = "Variable: DIALSTATUS\r\nValue: CHANUNAVAIL\r\n"
    data = event("Newexten", snapshot(), queue) + event("VarSet", snapshot(), status)
    started, value = told(decoded(GREETING + data))
    assert isinstance(started, events.AppStarted)
    assert (started.app, started.data) == ("Queue", "hotline,,,,30")
    assert isinstance(value, events.VariableSet)
    assert (value.name, value.value) == ("DIALSTATUS", "CHANUNAVAIL")


def test_a_dial_without_a_caller() -> None:
    data = event("DialEnd", snapshot("Dest", uniqueid=AGENT), "DialStatus: ANSWER\r\n")
    ended = only(data)
    assert isinstance(ended, events.DialEnded)
    assert (ended.channel, ended.dest.uniqueid, ended.status) == (None, AGENT, "ANSWER")


def test_own_headers_follow_the_snapshots() -> None:
    data = event(
        "DialEnd",
        snapshot(number="1380\r\nDialStatus: BUSY"),
        snapshot("Dest", uniqueid=AGENT),
        "Forward: 102\r\nDialStatus: CANCEL\r\n",
    )
    ended = only(data)
    assert isinstance(ended, events.DialEnded)
    assert (ended.status, ended.forward) == ("CANCEL", "102")


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        ("blind_refer_answered", events.BlindTransferred),
        ("atxfer_ami_rtp", events.AttendedTransferred),
        ("park_timeout", events.Unparked),
        ("pickup", events.PickedUp),
        ("queue_survey", events.UserEvent),
        ("direct_hold", events.Held),
        ("restart_now", events.ShutdownHangup),
    ],
)
def test_rare_kinds_are_recorded(capture: str, expected: type) -> None:
    assert any(isinstance(item, expected) for item in decoded(recorded(capture)))


def test_a_transfer_names_all_its_channels() -> None:
    items = decoded(recorded("atxfer_ami_rtp"))
    transfer = next(item for item in items if isinstance(item, events.AttendedTransferred))
    assert transfer.orig.name == transfer.second.name == "PJSIP/a101-00000022"
    assert transfer.transferee is not None
    assert transfer.transferee.name == "PJSIP/trunk-00000021"
    assert transfer.target is not None
    assert transfer.target.name.startswith("Local/102@internal")
    assert transfer.dest_bridge


def test_a_failed_transfer_is_none() -> None:
    data = event("BlindTransfer", "Result: Fail\r\n", snapshot("Transferer"), "Extension: 102\r\n")
    assert told(decoded(GREETING + data)) == []


def test_a_user_event_has_its_own_headers() -> None:
    own = "UserEvent: Survey\r\nScore:5\r\nTopic : a: b\r\nUniqueid: x\r\n"
    seen = only(event("UserEvent", snapshot(), own))
    assert isinstance(seen, events.UserEvent)
    assert seen.name == "Survey"
    assert seen.fields == {"Score": "5", "Topic": "a: b", "Uniqueid": "x"}
    assert seen.channel is not None
    assert seen.channel.uniqueid == CALLER


def test_a_user_event_without_a_channel() -> None:
    seen = only(event("UserEvent", "UserEvent: Night\r\nOn: yes\r\n"))
    assert seen == events.UserEvent(1795464361.948382, None, "Night", {"On": "yes"})


def test_members() -> None:
    member = "Queue: hotline\r\nMemberName: Li Si\r\nInterface: Local/102@internal\r\n"
    member += "StateInterface: PJSIP/a102\r\n"
    data = (
        event("QueueMemberAdded", member)
        + event("QueueMemberStatus", member, "Status: 1\r\nPaused: 0\r\n")
        + event("QueueMemberStatus", member, "Status: 2\r\nPaused: 0\r\n")
        + event("QueueMemberRemoved", member)
    )
    seen = told(decoded(GREETING + data))
    assert [e.member for e in seen if isinstance(e, events.QueueMemberSeen)] == [True, True, False]
    assert seen[0] == events.QueueMemberSeen(
        1795464361.948382, "hotline", "PJSIP/a102", "Li Si", member=True
    )


def test_a_system_name_makes_ids_that_are_no_numbers() -> None:
    data = event("Newchannel", "SystemName: pbx1\r\n", snapshot(uniqueid="pbx1-1795464361.35"))
    created = only(data)
    assert isinstance(created, events.ChannelCreated)
    assert created.channel.uniqueid == "pbx1-1795464361.35"


def test_without_timestamps_the_arrival_counts() -> None:
    assert only(event("Newchannel", snapshot(), at=None), now=12.5).at == 12.5


def test_in_a_replay_the_last_timestamp_counts() -> None:
    data = event("Newchannel", snapshot()) + event("Hangup", snapshot(), at=None)
    assert [e.at for e in told(decoded(GREETING + data))] == [1795464361.948382] * 2


def test_channel_variables_and_tenants_may_follow_a_snapshot() -> None:
    more = "Tenantid: t\r\nChanVariable: X=y\r\n"
    data = event(
        "DialBegin", snapshot(), more, snapshot("Dest", uniqueid=AGENT), "DialString: a101\r\n"
    )
    began = only(data)
    assert isinstance(began, events.DialBegan)
    assert (began.dest.uniqueid, began.dial_string) == (AGENT, "a101")


def test_a_header_unknown_to_us_does_no_harm() -> None:
    decoder = Decoder()
    data = event("Newchannel", snapshot().replace("Context:", "Colour: red\r\nContext:"))
    created = told(decoder.feed(GREETING + data))
    assert isinstance(created[0], events.ChannelCreated)
    assert created[0].channel.uniqueid == CALLER
    assert decoder.counters.odd == 1


def test_variables_of_the_whole_pbx_are_nothing() -> None:
    own = "Channel: none\r\nUniqueid: none\r\nVariable: DIALSTATUS\r\nValue: x\r\n"
    decoder = Decoder()
    assert told(decoder.feed(GREETING + event("VarSet", own))) == []
    assert decoder.counters.forged == 0


def test_an_oversized_block_is_left_out() -> None:
    decoder = Decoder(max_block=2000)
    data = event("Newchannel", snapshot(), own=f"X: {'y' * 2000}\r\n") + event("Hangup", snapshot())
    assert [type(e) for e in told(decoder.feed(GREETING + data))] == [events.HungUp]
    assert decoder.counters.oversized == 1


def test_greeting_and_replies() -> None:
    data = b"Response: Success\r\nActionID: a\r\nVariable: CDR(answer,u)\r\nValue: 1.5\r\n\r\n"
    greeting, reply = decoded(GREETING + data)
    assert greeting == Greeting("11.0.0")
    assert isinstance(reply, Reply)
    assert (reply.action_id, reply.event, reply.fields["Value"]) == ("a", "", "1.5")


def test_a_shutdown() -> None:
    own = "Shutdown: Cleanly\r\nRestart: True\r\n"
    assert only(event("Shutdown", own)) == events.ShutDown(1795464361.948382, restart=True)


def test_counts() -> None:
    decoder = Decoder()
    items = decoder.feed(recorded("queue_answered"))
    assert decoder.counters.items == len(items)
    blocks = recorded("queue_answered").count(b"\r\n\r\n")
    assert decoder.counters.items + decoder.counters.skipped == blocks + 1  # the greeting
