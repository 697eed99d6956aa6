"""docs/ticket-draft.schema.json is what the model says, and what documents are."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ctid.domain.drafts import AttemptPart, Caller, Draft, ReturnPart, Stage
from ctid.domain.records import Outcome, Reason
from ctid.domain.returns import ReturnState
from ctid.outbound.draft_schema import FIELDS, schema
from ctid.store.drafts import draft_to_json
from tests.drafts import BEGAN, draft
from tests.schema import faults

PUBLISHED = (Path(__file__).parents[3] / "docs/ticket-draft.schema.json").read_bytes()
SCHEMA: dict[str, Any] = json.loads(PUBLISHED)
MISSED = draft(
    stage=Stage.TO_RETURN,
    outcome=Outcome.MISSED,
    reason=Reason.NO_ANSWER,
    visits=(),
    transfers=(),
    attempts=(AttemptPart("main", "1.7", BEGAN, Outcome.MISSED, Reason.NO_ANSWER),),
    call_back=ReturnPart(ReturnState.OPEN, BEGAN + 3600, None, None, None, None),
)


def test_the_published_schema_is_made_from_the_model() -> None:
    assert schema() == PUBLISHED


def test_it_names_itself_without_any_host() -> None:
    assert SCHEMA["$id"] == "urn:ctid:ticket-draft:1"
    assert SCHEMA["title"]


@pytest.mark.parametrize("made", [draft(), MISSED, draft(caller=Caller(None, None, None, None))])
def test_documents_are_as_it_says(made: Draft) -> None:
    assert faults(json.loads(draft_to_json(made)), SCHEMA) == []


def test_it_tells_what_is_none() -> None:
    good = json.loads(draft_to_json(draft()))
    assert faults(good | {"stage": "asleep"}, SCHEMA) != []
    assert faults(good | {"version": 2}, SCHEMA) != []
    assert faults(good | {"due_at": "soon"}, SCHEMA) == [".due_at: none of these"]
    good["caller"]["contact"].pop("vip")
    assert faults(good, SCHEMA) == [".caller.contact: none of these"]


@pytest.mark.parametrize("part", FIELDS, ids=lambda part: part.__name__)
def test_every_field_is_explained_and_always_there(part: type) -> None:
    assert dataclasses.is_dataclass(part)
    names = [field.name for field in dataclasses.fields(part)]
    assert list(FIELDS[part]) == names
    rules = SCHEMA if part is Draft else SCHEMA["$defs"][part.__name__]
    assert rules["required"] == names
    assert {name: rules["properties"][name]["description"] for name in names} == FIELDS[part]
