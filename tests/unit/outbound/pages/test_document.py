"""docs/page.schema.json is what the model says, and what documents are."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ctid.domain.alerts import Kind
from ctid.outbound.pages.document import Document
from ctid.outbound.pages.page_schema import FIELDS, schema
from tests.schema import faults
from tests.unit.outbound.pages.samples import ADDRESS, FIRED, SAMPLES, pages

PUBLISHED = (Path(__file__).parents[4] / "docs/page.schema.json").read_bytes()
SCHEMA: dict[str, Any] = json.loads(PUBLISHED)


def document(*names: str) -> Any:
    return json.loads(pages().render([SAMPLES[name] for name in names], ADDRESS, FIRED).data)


def test_the_published_schema_is_made_from_the_model() -> None:
    assert schema() == PUBLISHED


def test_it_names_itself_without_any_host() -> None:
    assert SCHEMA["$id"] == "urn:ctid:page:1"


@pytest.mark.parametrize("name", SAMPLES)
def test_documents_are_as_it_says(name: str) -> None:
    assert faults(document(name), SCHEMA) == []


def test_there_is_one_of_every_kind() -> None:
    assert {page.alert.kind for page in SAMPLES.values()} == set(Kind)


def test_it_tells_what_is_none() -> None:
    good = document("firing", "blind")
    assert faults(good, SCHEMA) == []
    assert faults(good | {"version": 2}, SCHEMA) != []
    good["pages"][0]["subject"].pop("since")
    assert faults(good, SCHEMA) != []


@pytest.mark.parametrize("part", FIELDS, ids=lambda part: part.__name__)
def test_every_field_is_explained_and_always_there(part: type) -> None:
    assert dataclasses.is_dataclass(part)
    names = [field.name for field in dataclasses.fields(part)]
    assert list(FIELDS[part]) == names
    rules = SCHEMA if part is Document else SCHEMA["$defs"][part.__name__]
    assert rules["required"] == names
    assert {name: rules["properties"][name]["description"] for name in names} == FIELDS[part]


def test_a_document() -> None:
    found = document("acknowledged")
    (page,) = found.pop("pages")
    assert (found["version"], found["key"], found["language"]) == (
        1,
        "ctid:ctid:17-0-1795573020",
        "en",
    )
    assert found["title"] == "TAKEN by 李四: Network hotline, unanswered"
    assert page["line"] == {
        "name": "network",
        "title": "Network hotline",
        "specialty": "infrastructure",
    }
    assert page["state"] == {
        "name": "acknowledged",
        "at": 1795573020.0,
        "fired_at": 1795572900.0,
        "ending": None,
        "by": "李四",
        "why": "on my way",
    }
    assert page["subject"]["missed"][0] == {"number": "139******02", "since": 1795572120.0}
    assert (page["recipient"], page["role"]) == ("王五", "first_line")
