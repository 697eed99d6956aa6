"""Who was missed and has to be called back: open, attempted, reached, closed."""

import pytest

from ctid.domain.numbers import Numbering, normalizer
from ctid.domain.records import Direction, Outcome, Reason, Record
from ctid.domain.returns import Returns, ReturnState, ToReturn
from tests.unit.domain.missed_calls import CALLER, HOUR, answered, outbound, record


@pytest.fixture
def returns() -> Returns:
    return Returns(normalizer(Numbering("CN", outside_prefixes=("9",))), lambda _, at: at + HOUR)


def calling(at: float, **given: object) -> Record:
    """An agent's call to CALLER that goes on, answered after ten seconds."""
    return outbound(at, 0.0)._replace(open=True, ended_at=None)._replace(**given)  # type: ignore[arg-type]


def one(entries: list[ToReturn]) -> ToReturn:
    (entry,) = entries
    return entry


def test_a_miss_is_open_and_has_a_due_time(returns: Returns) -> None:
    entry = one(returns.receive([record(100.0)]))
    assert (entry.state, entry.number, entry.shown) == (ReturnState.OPEN, "+8613800138000", CALLER)
    assert (entry.due_at, len(entry.misses), entry.is_open) == (100.0 + HOUR, 1, True)


def test_misses_of_one_number_on_one_line_are_one_entry(returns: Returns) -> None:
    returns.receive([record(100.0)])
    entry = one(returns.receive([record(500.0, caller_number="+8613800138000")]))
    assert [miss.at for miss in entry.misses] == [100.0, 500.0]
    assert (entry.uniqueid, entry.due_at) == ("100.0", 100.0 + HOUR)
    assert one(returns.receive([record(600.0, line="server")])).uniqueid == "600.0"


def test_the_same_call_again_changes_nothing(returns: Returns) -> None:
    returns.receive([record(100.0)])
    assert returns.receive([record(100.0)]) == []


@pytest.mark.parametrize(
    ("outcome", "reason", "listed"),
    [
        (Outcome.MISSED, Reason.BUSY, True),
        (Outcome.OVERFLOWED, Reason.QUEUE_TIMEOUT, True),
        (Outcome.NOT_OFFERED, Reason.AFTER_HOURS, True),
        (Outcome.NOT_OFFERED, Reason.IVR_HANGUP, False),
        (Outcome.EXCLUDED, Reason.TEST, False),
        (Outcome.LOST, None, False),
    ],
)
def test_who_is_missed(returns: Returns, outcome: Outcome, reason: Reason, listed: bool) -> None:
    assert bool(returns.receive([record(100.0, outcome=outcome, reason=reason)])) is listed


def test_an_overflow_that_was_answered_elsewhere_is_no_miss(returns: Returns) -> None:
    gone = record(100.0, outcome=Outcome.OVERFLOWED, reason=Reason.QUEUE_TIMEOUT)
    assert returns.receive([gone, answered(130.0, uniqueid="100.0", ordinal=1)]) == []


def test_an_overflow_that_was_missed_is_one_of_the_last_line(returns: Returns) -> None:
    gone = record(100.0, outcome=Outcome.OVERFLOWED, reason=Reason.QUEUE_TIMEOUT)
    missed = record(130.0, uniqueid="100.0", ordinal=1, line="server")
    assert one(returns.receive([gone, missed])).line == "server"


def test_who_calls_again_and_is_answered_on_any_line_is_reached(returns: Returns) -> None:
    returns.receive([record(100.0), record(200.0, line="server")])
    reached = returns.receive([answered(900.0, caller_number="008613800138000")])
    assert {(e.line, e.state, e.settled_at, e.settled_by) for e in reached} == {
        ("network", ReturnState.REACHED, 905.0, "Li"),
        ("server", ReturnState.REACHED, 905.0, "Li"),
    }
    assert one(returns.receive([record(1000.0)])).misses[0].at == 1000.0


def test_an_answer_before_the_miss_reaches_nobody(returns: Returns) -> None:
    returns.receive([record(1000.0)])
    assert returns.receive([answered(900.0)]) == []


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(10.0, ReturnState.REACHED), (9.9, ReturnState.ATTEMPTED), (None, ReturnState.ATTEMPTED)],
)
@pytest.mark.parametrize("to", [CALLER, "913800138000", "+8613800138000"])
def test_a_call_back_reaches_if_it_stays_connected(
    returns: Returns, seconds: float | None, state: ReturnState, to: str
) -> None:
    returns.receive([record(100.0)])
    assert one(returns.receive([outbound(300.0, seconds, to)])).state is state


def test_a_call_back_that_goes_on_reaches_once_it_was_connected_for_long_enough(
    returns: Returns,
) -> None:
    returns.receive([record(100.0), record(200.0, line="server")])
    assert returns.receive([calling(300.0)]) == []
    assert (returns.next_timer("main"), returns.next_timer("other")) == (320.0, None)
    assert returns.handle_timer("main", 319.9) == []
    assert returns.handle_timer("other", 320.0) == []
    reached = returns.handle_timer("main", 320.0)
    assert {(e.line, e.state, e.settled_at, e.settled_by, e.why) for e in reached} == {
        ("network", ReturnState.REACHED, 310.0, "Li", "called back"),
        ("server", ReturnState.REACHED, 310.0, "Li", "called back"),
    }
    assert returns.next_timer("main") is None
    assert returns.receive([outbound(300.0, 60.0)]) == []


def test_a_call_back_that_ends_before_is_an_attempt_and_leaves_no_timer(returns: Returns) -> None:
    returns.receive([record(100.0)])
    returns.receive([calling(300.0)])
    assert one(returns.receive([outbound(300.0, 9.9)])).state is ReturnState.ATTEMPTED
    assert (returns.next_timer("main"), returns.handle_timer("main", 400.0)) == (None, [])


def test_a_call_that_reaches_nobody_needs_no_timer(returns: Returns) -> None:
    returns.receive([record(100.0)])
    returns.receive([calling(300.0, answered_at=None)])
    returns.receive([calling(310.0, did="13900139000")])
    assert returns.next_timer("main") is None
    returns.receive([calling(50.0)])
    assert returns.handle_timer("main", 400.0) == []


def test_who_calls_again_is_reached_when_they_are_answered(returns: Returns) -> None:
    returns.receive([record(100.0)])
    talks = answered(900.0, outcome=None, ended_at=None, open=True)
    assert one(returns.receive([talks])).settled_at == 905.0
    assert returns.receive([answered(900.0)]) == []


def test_an_extension_that_is_answered_may_yet_turn_out_to_be_an_agent_of_the_line(
    returns: Returns,
) -> None:
    returns.receive([record(100.0, caller_number="102")])
    talks = answered(900.0, caller_number="102", direction=Direction.INTERNAL)
    talks = talks._replace(outcome=None, ended_at=None, open=True)
    assert returns.receive([talks]) == []
    assert returns.receive([talks._replace(outcome=Outcome.EXCLUDED, open=False)]) == []


def test_who_was_tried_and_calls_again_in_vain_is_open_again(returns: Returns) -> None:
    returns.receive([record(100.0)])
    returns.receive([outbound(300.0, None)])
    entry = one(returns.receive([record(900.0)]))
    assert (entry.state, entry.attempted_at) == (ReturnState.OPEN, 300.0)


def test_calls_that_are_under_way_and_other_numbers_change_nothing(returns: Returns) -> None:
    returns.receive([record(100.0)])
    assert returns.receive([calling(300.0)]) == []
    assert returns.receive([outbound(300.0, 60.0, "13900139000")]) == []
    assert returns.receive([outbound(50.0, 60.0)]) == []


def test_the_anonymous_are_listed_each_and_never_reached(returns: Returns) -> None:
    for number in (None, "anonymous"):
        assert one(returns.receive([record(100.0, caller_number=number)])).number is None
    assert returns.receive([answered(900.0, caller_number=None)]) == []


def test_a_person_closes_an_entry_with_a_reason(returns: Returns) -> None:
    entry = one(returns.receive([record(100.0)]))
    closed = returns.close(entry, 500.0, "zhang", "wrote a mail")
    assert (closed.state, closed.settled_by, closed.why) == (
        ReturnState.CLOSED,
        "zhang",
        "wrote a mail",
    )
    assert returns.receive([answered(900.0)]) == []


def test_what_is_open_is_taken_up_after_a_restart(returns: Returns) -> None:
    before = one(returns.receive([record(100.0)]))
    later = Returns(normalizer(Numbering("CN")), lambda _, at: at + HOUR)
    later.restore([before], [])
    assert one(later.receive([record(500.0)])).misses == (
        *before.misses,
        before.misses[0]._replace(uniqueid="500.0", at=500.0),
    )
    assert one(later.receive([answered(900.0)])).state is ReturnState.REACHED


def test_a_call_back_that_goes_on_is_taken_up_after_a_restart(returns: Returns) -> None:
    before = one(returns.receive([record(100.0)]))
    returns.receive([calling(300.0)])
    assert returns.calls_under_way() == [calling(300.0)]
    later = Returns(normalizer(Numbering("CN")), lambda _, at: at + HOUR)
    later.restore([before], returns.calls_under_way())
    assert one(later.handle_timer("main", 320.0)).state is ReturnState.REACHED


def test_a_machine_that_calls_for_ever_does_not_fill_the_memory(returns: Returns) -> None:
    entry = one(returns.receive([record(0.0)]))
    for at in range(1, 3000):
        entry = one(returns.receive([record(float(at))]))
        assert len(entry.misses) <= 1000
    assert (entry.uniqueid, entry.misses[-1].uniqueid) == ("0.0", "2999.0")
    assert len(entry.misses) >= 500


def test_an_old_view_of_an_entry_is_closed_as_it_is_now(returns: Returns) -> None:
    seen = one(returns.receive([record(100.0)]))
    now = one(returns.receive([record(200.0)]))
    assert returns.close(seen, 500.0, "zhang", "wrote a mail").misses == now.misses


def test_closing_what_was_reached_meanwhile_leaves_a_later_miss_open(returns: Returns) -> None:
    seen = one(returns.receive([record(100.0)]))
    returns.receive([answered(200.0)])
    later = one(returns.receive([record(300.0)]))
    returns.close(seen, 500.0, "zhang", "wrote a mail")
    assert returns.open_entries() == [later]


def test_a_later_answer_of_a_call_reaches_who_was_missed_meanwhile(returns: Returns) -> None:
    """Answered, missed on another phone's call, then transferred to a line that answers."""
    first = answered(100.0)
    returns.receive([first])
    returns.receive([record(200.0, line="server")])
    again = answered(300.0, uniqueid="100.0", ordinal=1, line="printer", transferred=True)
    entry = one(returns.receive([first, again]))
    assert (entry.state, entry.why) == (
        ReturnState.REACHED,
        "called again, answered on line printer",
    )
