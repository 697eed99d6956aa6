"""A number leaves drafts and missed calls, whoever's it is."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ctid.domain.drafts import Caller, Contact, Draft, ReturnPart, Stage
from ctid.domain.forgetting import FORGOTTEN, draft_without, entry_without
from ctid.domain.records import Outcome
from ctid.domain.returns import Miss, ReturnState, ToReturn
from ctid.store.drafts import draft_from_json, draft_to_json
from ctid.store.spellings import Spellings
from tests.drafts import draft

NUMBER = "13800138000"
SPELLINGS = [NUMBER, "+86 138 0013 8000", "0086-13800138000"]
NAMES_A_CALL = {"key", "pbx", "uniqueid", "linkedid", "link", "line", "to_fill"}
WORDS = ("desk", "inbound", "answered", "ended", "normal", "reached", "caller", "attended")
WHY = ReturnPart(ReturnState.REACHED, 9.0, None, 8.0, f"0{NUMBER}", f"called 9{NUMBER}")
ENTRY = ToReturn(
    "main",
    "1795741200.7",
    "network",
    f"+86{NUMBER}",
    f"0{NUMBER}",
    "王小明",
    ReturnState.OPEN,
    (Miss("main", "1795741200.7", 1.0, Outcome.MISSED, None),),
    9.0,
)


def everywhere(value: Any, text: str) -> Any:
    """The same JSON with this text in the place of every name and number."""
    if isinstance(value, dict):
        fixed = NAMES_A_CALL | {key for key in value if value[key] in WORDS}
        return {k: v if k in fixed else everywhere(v, text) for k, v in value.items()}
    if isinstance(value, list):
        return [everywhere(each, text) for each in value]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("given", SPELLINGS)
@pytest.mark.parametrize("is_caller", [True, False])
def test_it_goes_from_every_field_of_a_draft(given: str, *, is_caller: bool) -> None:
    whole = everywhere(json.loads(draft_to_json(draft(call_back=WHY))), f"x {NUMBER}")
    if not is_caller:
        whole["caller"] |= {"number": None, "e164": None}
    full = draft_from_json(json.dumps(whole))
    assert draft_to_json(full).count(NUMBER) == (16 if is_caller else 14)
    left = draft_without(full, Spellings(given))
    assert NUMBER not in draft_to_json(left)
    assert left.key == full.key


@pytest.mark.parametrize("given", SPELLINGS)
def test_of_the_caller_nothing_is_left_but_the_call(given: str) -> None:
    here = draft(call_back=replace(WHY, why="王小明说不用回电"))
    left = draft_without(here, Spellings(given))
    assert left.caller == Caller(None, None, None, None)
    assert left.call_back is not None
    assert left.call_back.why == "(forgotten)说不用回电"
    assert (left.agent, left.visits, left.did) == (here.agent, here.visits, here.did)


def test_another_caller_keeps_name_and_customer() -> None:
    other = Caller("021 6123 4567", "+862161234567", "Li", Contact("Example Ltd."))
    here = draft(caller=other, agent=f"9{NUMBER}", call_back=replace(WHY, why="Li wrote"))
    left = draft_without(here, Spellings(NUMBER))
    assert left.caller == other
    assert left.agent == "(forgotten)"
    assert left.call_back is not None
    assert left.call_back.why == "Li wrote"


def test_a_name_is_hidden_only_as_a_word() -> None:
    here = draft(
        caller=Caller(NUMBER, None, "Al", None), call_back=replace(WHY, why="Al is in Alma")
    )
    left = draft_without(here, Spellings(NUMBER))
    assert left.call_back is not None
    assert left.call_back.why == "(forgotten) is in Alma"


def test_what_has_no_such_number_is_the_same_object() -> None:
    spellings = Spellings("02161234567")
    here: Draft = draft(call_back=WHY, stage=Stage.RETURNED)
    assert draft_without(here, spellings) is here
    assert entry_without(ENTRY, spellings, 5.0) is ENTRY


@pytest.mark.parametrize("given", SPELLINGS)
@pytest.mark.parametrize("shown", [f"0{NUMBER}", None])
def test_nobody_calls_back_who_is_forgotten(given: str, shown: str | None) -> None:
    left = entry_without(ENTRY._replace(shown=shown), Spellings(given), 5.0)
    assert (left.number, left.shown, left.name) == (None, None, None)
    assert (left.state, left.settled_at, left.why) == (ReturnState.CLOSED, 5.0, FORGOTTEN)
    assert left.misses == ENTRY.misses


def test_what_was_settled_stays_settled_as_it_was() -> None:
    reached = ENTRY._replace(
        state=ReturnState.REACHED, settled_at=4.0, settled_by="Li Si", why="王小明 came by"
    )
    left = entry_without(reached, Spellings(NUMBER), 5.0)
    assert (left.state, left.settled_at, left.settled_by) == (ReturnState.REACHED, 4.0, "Li Si")
    assert left.why == "(forgotten) came by"
    assert (left.number, left.shown, left.name) == (None, None, None)


def test_who_called_back_by_that_number_is_hidden_in_the_entry_of_another() -> None:
    other = ENTRY._replace(number="+862161234567", shown="02161234567", settled_by=NUMBER)
    left = entry_without(other, Spellings(NUMBER), 5.0)
    assert left == other._replace(settled_by="(forgotten)")
