"""Which ticket drafts follow from which calls."""

from dataclasses import replace
from typing import Any

import pytest

from ctid.domain.drafts import Contact, Draft, LineName, Priority, Stage
from ctid.domain.numbers import Numbering, normalizer
from ctid.domain.policy import NOTHING, Decided, LineRules, Policy, Rules
from ctid.domain.records import Direction, Outcome, Reason, Record
from ctid.domain.returns import Returns, ReturnState
from ctid.store.spellings import Spellings
from tests.unit.domain.missed_calls import CALLER, HOUR, answered, outbound, record

ALL = frozenset({"answered", "missed", "after_hours", "lost"})
NETWORK = LineRules(LineName("network", "网络专业热线", "network"), ALL)
SERVER = LineRules(LineName("server", "Server", "server"), ALL)
RULES = Rules(
    site="desk",
    destinations={"rt": frozenset()},
    lines={"network": NETWORK, "server": SERVER},
    fold_seconds=2 * HOUR,
    link="https://desk.example.org/{pbx}/{uniqueid}",
)
NORMALIZE = normalizer(Numbering("CN", outside_prefixes=("9",)))
NOW = 1e9


def policy(rules: Rules = RULES) -> Policy:
    return Policy(rules, Returns(NORMALIZE, lambda _, at: at + HOUR), NORMALIZE)


def drafts(decided: Decided) -> list[Draft]:
    return [wanted.draft for wanted in decided.wanted]


def receive(here: Policy, *records: Record) -> list[Draft]:
    return drafts(here.receive(records, NOW))


def one(found: list[Draft]) -> Draft:
    (draft,) = found
    return draft


def talking(at: float) -> Record:
    return answered(at, outcome=Outcome.ANSWERED, ended_at=None, open=True, talk_seconds=1.0)


def test_a_ringing_call_has_no_ticket() -> None:
    ringing = record(0.0, outcome=None, reason=None, ended_at=None, open=True)
    assert receive(policy(), ringing) == []


def test_the_agent_has_it_while_talking_and_it_is_completed_at_the_end() -> None:
    here = policy()
    draft = one(receive(here, talking(100.0)))
    assert (draft.stage, draft.agent, draft.answered_at) == (Stage.TALKING, "Li", 105.0)
    assert draft.key == "ctid:desk:main:100.0"
    assert draft.caller.e164 == "+8613800138000"
    assert draft.link == "https://desk.example.org/main/100.0"
    assert draft.visits[0].talk_seconds is None
    assert receive(here, talking(100.0)) == []
    done = one(receive(here, answered(100.0, talk_seconds=55.0)))
    assert (done.key, done.stage) == (draft.key, Stage.ENDED)
    assert done.visits[0].talk_seconds == 55.0


def test_an_answer_whose_time_nobody_saw_has_a_ticket_too() -> None:
    found = answered(100.0, answered_at=None, offered_at=None)
    assert one(receive(policy(), found)).outcome is Outcome.ANSWERED


def test_what_turns_out_to_count_nowhere_is_completed_if_it_has_a_ticket() -> None:
    here = policy()
    own = answered(100.0, outcome=Outcome.EXCLUDED, reason=Reason.OWN_AGENT)
    assert receive(here, own) == []
    receive(here, talking(100.0))
    done = one(receive(here, own))
    assert (done.stage, done.outcome) == (Stage.ENDED, Outcome.EXCLUDED)


def test_a_further_line_that_answers_updates_it() -> None:
    here = policy()
    receive(here, talking(100.0))
    second = talking(100.0)._replace(ordinal=1, line="server", answered_at=150.0, transferred=True)
    draft = one(receive(here, talking(100.0), second))
    assert [visit.line for visit in draft.visits] == ["network", "server"]
    assert draft.line.name == "network"


def test_the_same_after_a_restart_is_the_same_draft() -> None:
    assert receive(policy(), talking(100.0)) == receive(policy(), talking(100.0))


def test_at_the_end_alone_where_that_is_chosen() -> None:
    here = policy(replace(RULES, at_answer=False))
    assert receive(here, talking(100.0)) == []
    assert one(receive(here, answered(100.0))).stage is Stage.ENDED


def test_a_missed_call_is_a_task_with_a_due_time() -> None:
    draft = one(receive(policy(), record(100.0)))
    assert (draft.stage, draft.due_at) == (Stage.TO_RETURN, 100.0 + HOUR)
    assert draft.call_back is not None
    assert draft.call_back.state is ReturnState.OPEN
    assert draft.priority is Priority.IMPORTANT
    assert draft.outcome is Outcome.MISSED


def test_misses_of_one_number_fold_into_one_ticket() -> None:
    here = policy()
    first = one(receive(here, record(100.0)))
    second = one(receive(here, record(200.0, caller_number=f"+86{CALLER}")))
    third = one(receive(here, record(300.0)))
    assert first.key == second.key == third.key
    assert [attempt.uniqueid for attempt in third.attempts] == ["100.0", "200.0", "300.0"]
    assert third.uniqueid == "300.0"
    assert third.due_at == first.due_at
    assert third.priority is Priority.URGENT


def test_what_comes_later_than_the_time_of_folding_is_another_ticket() -> None:
    here = policy()
    first = one(receive(here, record(100.0)))
    second = one(receive(here, record(101.0 + 2 * HOUR)))
    assert first.key != second.key
    assert [attempt.uniqueid for attempt in second.attempts] == [f"{101.0 + 2 * HOUR}"]


def test_an_older_call_that_comes_again_changes_nothing() -> None:
    here = policy()
    receive(here, record(100.0))
    receive(here, record(200.0))
    assert receive(here, record(100.0)) == []


def test_reached_updates_every_ticket_of_the_caller_once() -> None:
    here = policy()
    keys = {one(receive(here, record(at))).key for at in (100.0, 101.0 + 2 * HOUR)}
    reached = receive(here, outbound(4 * HOUR, 60.0))
    assert {draft.key for draft in reached} == keys
    assert {draft.stage for draft in reached} == {Stage.RETURNED}
    assert {draft.call_back and draft.call_back.state for draft in reached} == {ReturnState.REACHED}
    assert receive(here, outbound(5 * HOUR, 60.0)) == []


def test_a_caller_who_calls_again_and_is_answered_has_a_ticket_for_that_call_too() -> None:
    here = policy()
    missed = one(receive(here, record(100.0)))
    again = receive(here, answered(500.0))
    assert {draft.key: draft.stage for draft in again} == {
        "ctid:desk:main:500.0": Stage.ENDED,
        missed.key: Stage.RETURNED,
    }


def test_closing_tells_the_ticket() -> None:
    here = policy()
    (entry,) = here.receive([record(100.0)], NOW).returns
    closed = here.close(entry, [], 900.0, "li", "wrong number")
    assert closed.returns[0].state is ReturnState.CLOSED
    call_back = one(drafts(closed)).call_back
    assert call_back is not None
    assert (call_back.settled_by, call_back.why) == ("li", "wrong number")


def test_the_ticket_of_an_anonymous_caller_can_be_closed_by_what_is_on_disk() -> None:
    here = policy()
    decided = here.receive([record(100.0, caller_number="anonymous")], NOW)
    (entry,) = decided.returns
    assert entry.number is None
    closed = here.close(entry, drafts(decided), 900.0, "li", "a test")
    assert one(drafts(closed)).stage is Stage.RETURNED


def test_restored_entries_and_drafts_go_on() -> None:
    before = policy()
    decided = before.receive([record(100.0)], NOW)
    here = policy()
    here.restore(decided.returns, drafts(decided))
    assert one(receive(here, outbound(900.0, 60.0))).stage is Stage.RETURNED


def test_only_drafts_that_may_yet_change_are_taken_up() -> None:
    before = policy()
    early = before.receive([record(100.0)], NOW)
    later = before.receive([record(200.0), record(101.0 + 2 * HOUR)], NOW)
    nobody = before.receive([record(300.0, caller_number=None)], NOW)
    keys = policy().keys_to_return([*later.returns, *nobody.returns])
    assert keys == [drafts(early)[0].key, drafts(later)[-1].key]


def test_drafts_about_anonymous_callers_are_not_held_for_ever() -> None:
    before = policy()
    decided = before.receive([record(100.0, caller_number="anonymous")], NOW)
    here = policy()
    here.restore(decided.returns, drafts(decided))
    (entry,) = decided.returns
    assert drafts(here.close(entry, [], 900.0, "li", "test")) == []


def test_a_forgotten_caller_is_closed_and_the_ticket_says_so_without_them() -> None:
    here = policy()
    key = one(receive(here, record(100.0, caller_name="Zhang San"))).key
    forgotten = here.forget(Spellings("+86 138 0013 8000"), 900.0)
    (entry,) = forgotten.returns
    assert (entry.state, entry.why) == (ReturnState.CLOSED, "forgotten")
    draft = one(drafts(forgotten))
    assert (draft.key, draft.stage) == (key, Stage.RETURNED)
    assert CALLER not in repr(forgotten)
    assert "Zhang San" not in repr(forgotten)
    assert here.receive([outbound(1000.0, 60.0)], NOW) == NOTHING


def test_a_number_is_forgotten_in_what_is_open_of_others() -> None:
    mobile = "13900139000"
    here = policy()
    receive(here, record(100.0, agents_rung=(mobile, "Li")))
    assert here.forget(Spellings(mobile), 900.0) == NOTHING
    reached = one(receive(here, outbound(1000.0, 60.0)))
    assert reached.visits[0].agents_rung == ("(forgotten)", "Li")
    assert reached.caller.number == CALLER


def test_who_is_forgotten_may_be_missed_again() -> None:
    here = policy()
    receive(here, record(100.0))
    here.forget(Spellings(CALLER), 900.0)
    again = one(receive(here, record(1000.0)))
    assert (again.key, len(again.attempts)) == ("ctid:desk:main:1000.0", 1)


def test_what_is_too_old_to_be_kept_is_told_of_no_more() -> None:
    here = policy()
    old = one(receive(here, record(100.0))).key
    young = one(receive(here, record(101.0 + 2 * HOUR))).key
    assert old != young
    here.drop(2 * HOUR)
    assert one(receive(here, outbound(4 * HOUR, 60.0))).key == young
    receive(here, record(5 * HOUR))
    here.drop(6 * HOUR)
    assert here.receive([outbound(7 * HOUR, 60.0)], NOW) == NOTHING


def test_closing_a_dropped_entry_leaves_the_newer_one_open() -> None:
    here = policy()
    (old,) = here.receive([record(100.0)], NOW).returns
    here.drop(200.0)
    receive(here, record(300.0))
    here.close(old, [], 900.0, "li", "too old")
    assert one(receive(here, outbound(1000.0, 60.0))).stage is Stage.RETURNED


def test_another_configuration_keeps_what_is_open() -> None:
    here = policy()
    receive(here, record(100.0))
    here.use(RULES, Returns(NORMALIZE, lambda _, at: at + HOUR), NORMALIZE)
    assert one(receive(here, outbound(900.0, 60.0))).stage is Stage.RETURNED


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("missed", {}),
        ("after_hours", {"outcome": Outcome.NOT_OFFERED, "reason": Reason.AFTER_HOURS}),
        ("lost", {"outcome": Outcome.LOST, "reason": None}),
    ],
)
def test_each_line_chooses_which_calls_make_tickets(kind: str, given: dict[str, object]) -> None:
    call = record(100.0, **given)
    assert len(receive(policy(), call)) == 1
    without = LineRules(NETWORK.name, ALL - {kind})
    assert receive(policy(replace(RULES, lines={"network": without})), call) == []


@pytest.mark.parametrize(
    "given",
    [
        {"outcome": Outcome.EXCLUDED, "reason": Reason.TEST},
        {"outcome": Outcome.NOT_OFFERED, "reason": Reason.IVR_HANGUP},
        {"line": None, "outcome": None, "reason": None},
        {"line": "unknown"},
    ],
)
def test_what_makes_no_ticket(given: dict[str, object]) -> None:
    assert receive(policy(), record(100.0, **given)) == []


def test_who_counts_nowhere_has_no_ticket_while_talking_either() -> None:
    here = policy(replace(RULES, excluded=lambda number: number == CALLER))
    assert receive(here, talking(100.0)) == []
    ended = answered(100.0, outcome=Outcome.EXCLUDED, reason=Reason.TEST)
    assert receive(here, ended) == []


def test_an_extension_that_calls_a_line_has_one_at_the_end() -> None:
    """It may be the line's own agent, which is not known before."""
    here = policy()
    inside: dict[str, Any] = {"direction": Direction.INTERNAL, "caller_number": "105"}
    assert receive(here, talking(100.0)._replace(**inside)) == []
    assert one(receive(here, answered(100.0, **inside))).stage is Stage.ENDED
    own = answered(200.0, outcome=Outcome.EXCLUDED, reason=Reason.OWN_AGENT, **inside)
    assert receive(here, own) == []
    missed = one(receive(here, record(300.0, **inside)))
    assert (missed.stage, missed.caller.e164) == (Stage.TO_RETURN, "105")
    back = outbound(400.0, 60.0, to="105")._replace(direction=Direction.INTERNAL)
    assert one(receive(here, back)).stage is Stage.RETURNED


def test_an_anonymous_caller_has_a_ticket_each_time() -> None:
    here = policy()
    keys = [one(receive(here, record(at, caller_number="anonymous"))).key for at in (1.0, 2.0)]
    assert len(set(keys)) == 2


def test_a_known_contact_stands_in_the_ticket_and_a_vip_is_urgent() -> None:
    known = Contact("Hospital", "Site 2", vip=True, line="server")
    here = policy(replace(RULES, contact={"+8613800138000": known}.get))
    missed = one(receive(here, record(100.0)))
    assert missed.caller.contact == known
    assert missed.priority is Priority.URGENT
    other = policy(replace(RULES, contact={"+8613800138000": known}.get))
    assert one(receive(other, talking(300.0))).priority is Priority.IMPORTANT


def test_a_destination_takes_the_lines_it_is_for() -> None:
    both = replace(RULES, destinations={"rt": frozenset(), "hook": frozenset({"server"})})
    here = policy(both)
    assert [w.destination for w in here.receive([record(1.0)], NOW).wanted] == ["rt"]
    server = here.receive([record(2.0, line="server")], NOW).wanted
    assert [w.destination for w in server] == ["rt", "hook"]


def test_without_a_destination_only_the_returns_are_kept() -> None:
    here = policy(replace(RULES, destinations={}))
    decided = here.receive([record(100.0)], NOW)
    assert (len(decided.returns), decided.wanted) == (1, ())


def test_the_ticket_says_that_the_caller_was_reached_while_the_agent_still_talks() -> None:
    here = policy()
    missed = one(receive(here, record(100.0)))
    calls = outbound(300.0, 0.0)._replace(open=True, ended_at=None)
    assert receive(here, calls) == []
    assert here.next_timer("main") == 320.0
    assert here.handle_timer("main", 319.0, NOW) is NOTHING
    decided = here.handle_timer("main", 320.0, NOW)
    draft = one(drafts(decided))
    assert (draft.key, draft.stage) == (missed.key, Stage.RETURNED)
    assert draft.call_back is not None
    assert (draft.call_back.state, draft.call_back.settled_by) == (ReturnState.REACHED, "Li")
    assert [entry.state for entry in decided.returns] == [ReturnState.REACHED]
    assert receive(here, outbound(300.0, 400.0)) == []


def test_a_call_back_goes_on_over_another_configuration() -> None:
    here = policy()
    receive(here, record(100.0))
    receive(here, outbound(300.0, 0.0)._replace(open=True, ended_at=None))
    here.use(RULES, Returns(NORMALIZE, lambda _, at: at + HOUR), NORMALIZE)
    assert one(drafts(here.handle_timer("main", 320.0, NOW))).stage is Stage.RETURNED
