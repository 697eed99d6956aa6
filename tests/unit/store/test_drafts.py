import json
from dataclasses import asdict

import pytest

from ctid.domain.drafts import VERSION, Caller
from ctid.store.drafts import draft_from_json, draft_to_json
from tests.drafts import draft


def test_a_draft_comes_back_as_it_was() -> None:
    assert draft_from_json(draft_to_json(draft())) == draft()


def test_the_text_is_one_line_of_plain_json() -> None:
    text = draft_to_json(draft())
    assert "\n" not in text
    assert json.loads(text) == json.loads(json.dumps(asdict(draft())))


def test_what_a_caller_sends_is_kept_as_text() -> None:
    name = 'a"b\\c\r\n<b>{{ 7 * 7 }}\0\u202e🙂' + "x" * 2000
    made = draft(caller=Caller("1", None, name, None))
    assert draft_from_json(draft_to_json(made)) == made


def test_what_is_no_text_is_replaced() -> None:
    text = draft_to_json(draft(caller=Caller("1", None, "a\udc80b", None)))
    assert text == draft_to_json(draft(caller=Caller("1", None, "a?b", None)))


def test_fields_of_a_newer_ctid_are_left_out() -> None:
    found = json.loads(draft_to_json(draft()))
    found["weather"] = "fine"
    found["visits"][0]["mood"] = 5
    assert draft_from_json(json.dumps(found)) == draft()


def test_a_document_of_a_newer_version_is_refused() -> None:
    found = json.loads(draft_to_json(draft())) | {"version": VERSION + 1}
    with pytest.raises(ValueError, match=r"of version 2; this ctid reads up to 1: install"):
        draft_from_json(json.dumps(found))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no ticket draft: the document: Invalid JSON"),
        ("[]", "no ticket draft: the document: Input should be"),
        (draft_to_json(draft()).replace('"ended"', '"asleep"'), "no ticket draft: stage: Input"),
        (draft_to_json(draft()).replace(":180.0", ':"long"'), "visits.0.talk_seconds: Input"),
    ],
)
def test_what_is_none_is_told_in_one_line_without_the_data(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="no ticket draft") as caught:
        draft_from_json(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "013800138000" not in str(caught.value)
