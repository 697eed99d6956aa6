"""The definitions, one by one, where no recorded stream shows them."""

import pytest

from ctid.domain import events as ev
from ctid.domain.records import EndedBy, Outcome, Reason, RingResult
from tests.unit.domain.pbx import Pbx


@pytest.fixture
def pbx() -> Pbx:
    return Pbx()


@pytest.mark.parametrize(
    ("number", "reason"),
    [("13800001234", Reason.TEST), ("666", Reason.BLOCKED), ("777", Reason.FAX)],
)
def test_configured_numbers_are_excluded(pbx: Pbx, number: str, reason: Reason) -> None:
    call = pbx.call(number)
    pbx.dial(call)
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    record = pbx.record(call)
    assert (record.outcome, record.reason) == (Outcome.EXCLUDED, reason)


def test_a_lines_own_agent_is_excluded_and_a_strange_extension_is_not(pbx: Pbx) -> None:
    for extension, outcome in (("101", Outcome.EXCLUDED), ("109", Outcome.ANSWERED)):
        call = pbx.call(extension, "8001", context="internal", endpoint=f"PJSIP/{extension}")
        pbx.dial(call)
        pbx.bridge(pbx.rings(call, "102"), call)
        pbx.asks_to_hang_up(call)
        pbx.hang_up(call)
        pbx.advance(2.0)
        assert pbx.record(call).outcome is outcome


@pytest.mark.parametrize(
    "interface",
    ["PJSIP/109", "hint:109@ext-local", "Local/109@from-queue/n", "Local/109@from-queue"],
)
def test_a_queues_member_is_known_however_the_queue_names_the_phone(
    pbx: Pbx, interface: str
) -> None:
    pbx.give(ev.QueueMemberSeen(pbx.now, "qa", interface, "109", member=True))
    for extension, outcome in (("109", Outcome.EXCLUDED), ("108", Outcome.ANSWERED)):
        call = pbx.call(extension, "8001", context="internal", endpoint=f"PJSIP/{extension}")
        pbx.queue(call, "qa")
        pbx.bridge(pbx.rings(call, "102"), call)
        pbx.asks_to_hang_up(call)
        pbx.hang_up(call)
        pbx.advance(2.0)
        assert pbx.record(call).outcome is outcome


def test_not_offered_says_why(pbx: Pbx) -> None:
    menu = pbx.call()
    pbx.asks_to_hang_up(menu)
    pbx.hang_up(menu)
    turned = pbx.call()
    pbx.hang_up(turned)
    closed = pbx.call()
    pbx.at(closed, context="closed")
    pbx.asks_to_hang_up(closed)
    pbx.hang_up(closed)
    off_duty = pbx.call(to="8003")
    pbx.asks_to_hang_up(off_duty)
    pbx.hang_up(off_duty)
    records = [pbx.record(call) for call in (menu, turned, closed, off_duty)]
    assert {record.outcome for record in records} == {Outcome.NOT_OFFERED}
    assert [record.reason for record in records] == [
        Reason.IVR_HANGUP,
        Reason.TURNED_AWAY,
        Reason.AFTER_HOURS,
        Reason.AFTER_HOURS,
    ]
    assert all(record.wait_seconds is None for record in records)


def test_a_bridge_after_the_callers_own_hang_up_is_no_answer(pbx: Pbx) -> None:
    call = pbx.call()
    pbx.dial(call)
    leg = pbx.rings(call, "102")
    pbx.asks_to_hang_up(call)
    pbx.bridge(leg, call)
    pbx.hang_up(call)
    pbx.hang_up(leg)
    record = pbx.record(call)
    assert (record.outcome, record.reason) == (Outcome.MISSED, Reason.CALLER_HANGUP)
    assert record.rings[0].result is RingResult.CANCELLED


def test_no_human_no_answer(pbx: Pbx) -> None:
    """Parking, another customer, and a phone that is picked up but not bridged."""
    call, other = pbx.call(), pbx.call()
    pbx.dial(call)
    leg = pbx.rings(call, "102")
    pbx.give(ev.ChannelStateChanged(pbx.now, pbx.at(leg, state=6)))
    pbx.bridge(call, other)
    pbx.leave(call)
    pbx.bridge(call, leg, name="lot", technology="holding_bridge")
    pbx.leg_ends(leg, "CONTINUE", 16)
    pbx.dial_ends(call, "NOANSWER")
    pbx.hang_up(call)
    record = pbx.record(call)
    assert (record.outcome, record.reason) == (Outcome.MISSED, Reason.NO_ANSWER)


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        ([("BUSY", 17), ("NOANSWER", 0)], Reason.NO_ANSWER),
        ([("BUSY", 17), ("NOANSWER", 21)], Reason.REJECTED),
        ([("CONGESTION", 34), ("BUSY", 17)], Reason.BUSY),
        ([("CONGESTION", 34), ("CHANUNAVAIL", 3)], Reason.UNAVAILABLE),
    ],
)
def test_mixed_legs(pbx: Pbx, legs: list[tuple[str, int]], reason: Reason) -> None:
    call = pbx.call()
    pbx.dial(call)
    for number, (status, cause) in enumerate(legs):
        pbx.leg_ends(pbx.rings(call, f"10{number}"), status, cause)
    pbx.dial_ends(call, "NOANSWER")
    pbx.advance(3.0)
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    record = pbx.record(call)
    assert record.reason is reason
    assert record.wait_seconds == 0.0, "the announcement after the last attempt is no waiting"


def test_overflow_and_back_is_the_same_offer(pbx: Pbx) -> None:
    call = pbx.call()
    pbx.queue(call, "qa")
    pbx.advance(10.0)
    pbx.queue_ends(call, "qa", "TIMEOUT")
    pbx.queue(call, "qb")
    pbx.advance(10.0)
    pbx.queue_ends(call, "qb", "TIMEOUT")
    assert pbx.record(call, 0).outcome is Outcome.OVERFLOWED
    pbx.queue(call, "qa")
    pbx.bridge(pbx.rings(call, "101"), call)
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    pbx.advance(2.0)
    alpha, beta = pbx.record(call, 0), pbx.record(call, 1)
    assert (alpha.line, alpha.outcome, alpha.reason) == ("alpha", Outcome.ANSWERED, None)
    assert (beta.line, beta.outcome, beta.reason) == (
        "beta",
        Outcome.OVERFLOWED,
        Reason.QUEUE_TIMEOUT,
    )
    assert alpha.wait_seconds == 20.0
    assert beta.wait_seconds == 10.0


def test_a_dial_behind_the_queue_continues_the_offer(pbx: Pbx) -> None:
    call = pbx.call(to="8002")
    pbx.queue(call, "qa")
    pbx.queue_ends(call, "qa", "TIMEOUT")
    pbx.dial(call)
    pbx.bridge(pbx.rings(call, "109"), call)
    pbx.hang_up(call)
    pbx.advance(2.0)
    assert [r.line for r in pbx.records.values()] == ["alpha"]
    assert pbx.record(call).outcome is Outcome.ANSWERED


def test_after_an_answer_another_lines_number_is_a_transferred_offer(pbx: Pbx) -> None:
    call, leg = pbx.answered_call()
    pbx.advance(30.0)
    transfer = ev.BlindTransferred(pbx.now, pbx.at(leg), pbx.at(call), "internal", "8002")
    pbx.give(transfer)
    pbx.leave(call)
    pbx.hang_up(leg)
    pbx.at(call, exten="8002")
    pbx.dial(call)
    pbx.rings(call, "109")
    pbx.advance(7.0)
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    pbx.advance(2.0)
    alpha, beta = pbx.record(call, 0), pbx.record(call, 1)
    assert (alpha.outcome, alpha.transferred, alpha.talk_seconds) == (Outcome.ANSWERED, False, 30.0)
    assert (beta.outcome, beta.reason, beta.transferred) == (
        Outcome.MISSED,
        Reason.CALLER_HANGUP,
        True,
    )
    assert [(t.kind, t.by, t.to) for t in alpha.transfers] == [("blind", "102", "8002")]


def test_hold_and_consultation_are_hold(pbx: Pbx) -> None:
    call, leg = pbx.answered_call()
    pbx.advance(10.0)
    pbx.give(ev.Held(pbx.now, pbx.at(leg)))
    pbx.advance(3.0)
    pbx.leave(leg)
    pbx.bridge(leg, name="consultation")
    pbx.advance(20.0)
    pbx.leave(leg, "consultation")
    pbx.bridge(leg)
    pbx.advance(5.0)
    pbx.asks_to_hang_up(leg)
    pbx.leave(leg)
    pbx.hang_up(leg)
    pbx.hang_up(call)
    record = pbx.record(call)
    assert (record.talk_seconds, record.hold_seconds) == (15.0, 23.0)
    assert record.ended_by is EndedBy.AGENT


def test_voicemail_wins_over_the_callers_hang_up(pbx: Pbx) -> None:
    call = pbx.call()
    pbx.dial(call)
    pbx.leg_ends(pbx.rings(call, "101"), "NOANSWER")
    pbx.dial_ends(call, "NOANSWER")
    pbx.give(ev.AppStarted(pbx.now, pbx.at(call), "VoiceMail", "101@default"))
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    assert pbx.record(call).reason is Reason.VOICEMAIL


def test_a_ghost_of_the_last_application_is_no_attempt(pbx: Pbx) -> None:
    call, leg = pbx.answered_call()
    pbx.give(ev.AppStarted(pbx.now, pbx.at(call, exten="102"), "Dial", "PJSIP/101,20"))
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    pbx.hang_up(leg)
    assert len(pbx.records) == 1


def test_an_unanswered_call_is_settled_although_a_leg_stays(pbx: Pbx) -> None:
    call = pbx.call()
    pbx.dial(call)
    pbx.rings(call, "101")
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    assert pbx.tracker.next_timer() is not None
    assert pbx.record(call).outcome is None
    pbx.advance(1.5)
    assert pbx.record(call).outcome is Outcome.MISSED
    assert pbx.tracker.next_timer() is None


def test_a_lost_hang_up_is_found_by_the_next_snapshot(pbx: Pbx) -> None:
    answered, _ = pbx.answered_call()
    waiting = pbx.call()
    pbx.queue(waiting, "qa")
    snapshot(pbx)
    first, second = pbx.record(answered), pbx.record(waiting)
    assert (first.outcome, first.ended_at, first.talk_seconds, first.ended_by) == (
        Outcome.ANSWERED,
        None,
        None,
        None,
    )
    assert (second.outcome, second.reason, second.wait_seconds) == (Outcome.LOST, None, None)
    assert pbx.tracker.open_calls == ()


def snapshot(pbx: Pbx, *rows: ev.ListedChannel, **known: object) -> None:
    pbx.give(ev.Detached(pbx.now, "connection_lost"))
    pbx.advance(60.0)
    pbx.give(ev.Attached(pbx.now, restarted=False))
    empty = ev.Snapshot(pbx.now, rows, {}, (), (), {}, {})
    pbx.give(empty._replace(**known))  # type: ignore[arg-type]


def test_calls_that_were_up_before_we_attached(pbx: Pbx) -> None:
    caller = ev.Channel("PJSIP/trunk-00000001", 6, "139", "", "from-trunk", "8001", "u.1", "u.1")
    phone = ev.Channel("PJSIP/102-00000002", 6, "102", "", "internal", "", "u.2", "u.1")
    waiting = ev.Channel("PJSIP/trunk-00000003", 6, "137", "", "ivr", "1", "u.3", "u.3")
    snapshot(
        pbx,
        ev.ListedChannel(caller, "b", "Dial", "PJSIP/102", 30.0, "8001"),
        ev.ListedChannel(phone, "b", "AppDial", "(Outgoing Line)", 30.0, ""),
        ev.ListedChannel(waiting, "", "Queue", "qb", 12.0, "8002"),
        bridges={"b": "simple_bridge"},
        queue_entries=(ev.ListedQueueEntry("qb", "u.3", 10.0),),
        answered_at={"u.2": pbx.now + 45.0},
    )
    talking, queued = pbx.record("u.1"), pbx.record("u.3")
    assert (talking.line, talking.agent, talking.offered_at) == ("alpha", "102", None)
    assert talking.answered_at == pbx.now - 15.0
    assert queued.line == "beta"
    assert queued.offered_at == pbx.now - 10.5
    for channel in (caller, phone, waiting):
        pbx.give(ev.HungUp(pbx.now, channel, 16))
    assert pbx.record("u.1").outcome is Outcome.ANSWERED
    assert pbx.record("u.1").talk_seconds is None


def test_what_may_have_been_answered_in_a_gap_is_never_called_missed(pbx: Pbx) -> None:
    """It rang, we did not look, it rang elsewhere: blind transferred, or never answered."""
    call = pbx.call()
    pbx.dial(call)
    pbx.rings(call, "101")
    moved = ev.ListedChannel(pbx.at(call, state=6, exten="102"), "", "Dial", "PJSIP/102", 30.0, "")
    snapshot(pbx, moved)
    pbx.advance(5.0)
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    pbx.advance(2.0)
    record = pbx.record(call)
    assert (record.outcome, record.reason, record.agents_rung) == (Outcome.LOST, None, ("101",))


def test_a_menu_that_was_left_in_a_gap_is_not_called_not_offered(pbx: Pbx) -> None:
    call = pbx.call()
    moved = pbx.at(call, state=6, exten="s", context="voicemail")
    snapshot(pbx, ev.ListedChannel(moved, "", "VoiceMail", "101", 30.0, "8001"))
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    assert pbx.record(call).outcome is Outcome.LOST


@pytest.mark.parametrize(
    ("known", "application", "outcome"),
    [
        (False, "VoiceMail", Outcome.LOST),
        (False, "Playback", Outcome.LOST),
        (True, "VoiceMail", Outcome.LOST),
        (False, "WaitExten", Outcome.NOT_OFFERED),
        (True, "BackGround", Outcome.NOT_OFFERED),
    ],
)
def test_what_may_have_been_tried_unseen_is_not_called_not_offered(
    pbx: Pbx, known: bool, application: str, outcome: Outcome
) -> None:
    call = pbx.call() if known else pbx.unseen_call()
    snapshot(pbx, ev.ListedChannel(pbx.at(call, state=6), "", application, "", 12.0, "8001"))
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    assert pbx.record(call).outcome is outcome


def test_the_second_agent_is_not_taken_for_the_first(pbx: Pbx) -> None:
    call = pbx.call()
    pbx.dial(call)
    pbx.rings(call, "101")
    phone = ev.Channel("PJSIP/102-00000009", 6, "102", "", "internal", "", "u.9", call)
    snapshot(
        pbx,
        ev.ListedChannel(pbx.at(call, state=6, exten="102"), "b", "Dial", "PJSIP/102", 30.0, ""),
        ev.ListedChannel(phone, "b", "AppDial", "(Outgoing Line)", 3.0, ""),
        bridges={"b": "simple_bridge"},
    )
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    pbx.advance(2.0)
    record = pbx.record(call)
    assert (record.outcome, record.agent, record.final_agent) == (Outcome.ANSWERED, None, "102")
    assert (record.answered_at, record.wait_seconds, record.agents_rung) == (None, None, ("101",))


def test_a_caller_who_still_waits_in_the_same_queue_is_no_doubt(pbx: Pbx) -> None:
    call = pbx.call()
    pbx.queue(call, "qa")
    waiting = ev.ListedChannel(pbx.at(call, state=6), "", "Queue", "qa,,,,30", 60.0, "8001")
    snapshot(pbx, waiting, queue_entries=(ev.ListedQueueEntry("qa", call, 60.0),))
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    record = pbx.record(call)
    assert (record.outcome, record.reason) == (Outcome.MISSED, Reason.CALLER_HANGUP)
    assert record.wait_seconds == 60.0


def test_an_internal_call_has_no_outcome_even_if_it_ends_in_a_gap(pbx: Pbx) -> None:
    call = pbx.call("101", "102", context="internal", endpoint="PJSIP/101")
    pbx.dial(call)
    pbx.bridge(pbx.rings(call, "102"), call)
    snapshot(pbx)
    record = pbx.record(call)
    assert (record.line, record.outcome, record.ended_at) == (None, None, None)


def test_the_pbx_dies(pbx: Pbx) -> None:
    answered, _ = pbx.answered_call()
    waiting = pbx.call()
    pbx.queue(waiting, "qa")
    pbx.give(ev.Detached(pbx.now, "connection_lost"))
    pbx.advance(10.0)
    pbx.give(ev.Attached(pbx.now, restarted=True))
    first, second = pbx.record(answered), pbx.record(waiting)
    assert (first.outcome, first.ended_by, first.talk_seconds) == (
        Outcome.ANSWERED,
        EndedBy.RESTART,
        None,
    )
    assert (second.outcome, second.ended_by) == (Outcome.LOST, None)
    assert pbx.tracker.open_calls == ()


def test_line_by_context(pbx: Pbx) -> None:
    call = pbx.call(to="s", context="from-trunk")
    pbx.at(call, context="hotline-gamma")
    pbx.dial(call)
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    assert pbx.record(call).line == "gamma"


def test_a_finished_call_leaves_memory_and_the_store(pbx: Pbx) -> None:
    call, leg = pbx.answered_call()
    for channel in (call, leg):
        pbx.leave(channel)
        pbx.hang_up(channel)
    assert pbx.tracker.open_calls == ()
    # a late event of a dead channel brings nothing back
    pbx.give(ev.ChannelStateChanged(pbx.now, pbx.at(call)))
    pbx.bridge(call, leg)
    assert pbx.tracker.open_calls == ()


def test_a_callee_who_is_handed_on_to_a_line_is_a_caller_like_any_other(pbx: Pbx) -> None:
    """An agent calls a customer back and transfers him into a hotline's queue."""
    call = pbx.call("101", "913911110000", context="internal", endpoint="PJSIP/101")
    pbx.dial(call)
    leg = pbx.dials_out(call, "13911110000")
    pbx.bridge(leg, call)
    pbx.advance(10.0)
    pbx.leave(leg)
    pbx.hang_up(call)
    pbx.queue(leg, "qb")
    pbx.advance(20.0)
    pbx.asks_to_hang_up(leg)
    pbx.hang_up(leg)
    pbx.advance(2.0)
    outbound, offer = pbx.record(call), pbx.record(leg)
    assert (outbound.line, outbound.direction, outbound.talk_seconds) == (None, "outbound", 10.0)
    assert (offer.line, offer.caller_number, offer.direction) == ("beta", "13911110000", "inbound")
    assert (offer.outcome, offer.reason, offer.wait_seconds) == (
        Outcome.MISSED,
        Reason.CALLER_HANGUP,
        20.0,
    )
    assert pbx.tracker.open_calls == ()


def test_a_shutdown_alone_ends_no_call(pbx: Pbx) -> None:
    call, leg = pbx.answered_call()
    pbx.give(ev.ShutDown(pbx.now, restart=True))
    pbx.advance(5.0)
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    pbx.hang_up(leg)
    record = pbx.record(call)
    assert (record.ended_by, record.talk_seconds) == (EndedBy.CALLER, 5.0)


def test_a_shutdown_with_the_end_of_the_connection_ends_all(pbx: Pbx) -> None:
    call, _ = pbx.answered_call()
    pbx.give(ev.ShutDown(pbx.now, restart=True))
    pbx.give(ev.Detached(pbx.now, "pbx_restarted"))
    assert pbx.record(call).ended_by is EndedBy.RESTART
    assert pbx.tracker.open_calls == ()


def test_an_agents_leg_that_outlives_a_lost_call_keeps_nothing_in_memory(pbx: Pbx) -> None:
    _, leg = pbx.answered_call()
    phone = ev.ListedChannel(pbx.at(leg), "b1", "AppDial", "", 20.0, "")
    snapshot(pbx, phone, bridges={"b1": "simple_bridge"})
    pbx.hang_up(leg)
    assert pbx.tracker.open_calls == ()


def test_the_agent_ended_the_conversation_and_the_call_went_on_to_another_line(pbx: Pbx) -> None:
    call, leg = pbx.answered_call()
    pbx.advance(5.0)
    pbx.asks_to_hang_up(leg)
    pbx.leave(leg)
    pbx.leave(call)
    pbx.hang_up(leg)
    pbx.queue(call, "qb")
    pbx.advance(5.0)
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    alpha, beta = pbx.record(call, 0), pbx.record(call, 1)
    assert (alpha.ended_by, beta.ended_by) == (EndedBy.AGENT, EndedBy.CALLER)
    assert alpha.transfers == ()


def test_a_known_agent_who_calls_in_from_outside_is_a_human(pbx: Pbx) -> None:
    call = pbx.call()
    pbx.queue(call, "qa")
    mobile = pbx.call("13911112222", "700")
    pbx.bridge(call, mobile)
    pbx.asks_to_hang_up(call)
    pbx.hang_up(call)
    record = pbx.record(call)
    assert (record.outcome, record.agent) == (Outcome.ANSWERED, "Li Si (mobile)")


def test_a_queue_that_is_tried_again_and_again_is_tried_each_time(pbx: Pbx) -> None:
    """The dialplan loops: Queue(qa), an announcement, the same Queue(qa) again."""
    call = pbx.call()
    for _ in range(3):
        pbx.give(ev.AppStarted(pbx.now, pbx.at(call), "Queue", "qa,,,,10"))
        pbx.give(ev.VariableSet(pbx.now, pbx.at(call), "QUEUESTATUS", "JOINEMPTY"))
        pbx.advance(10.0)
    pbx.hang_up(call)
    record = pbx.record(call)
    assert (record.reason, record.wait_seconds) == (Reason.NO_AGENTS, 20.0)
