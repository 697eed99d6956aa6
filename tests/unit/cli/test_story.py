"""Facts in sentences."""

import re
from pathlib import Path

import pytest

from ctid.cli import story
from ctid.domain.records import Fact, RingResult

DOMAIN = Path(__file__).parents[3] / "ctid/domain"


def fact(kind: str, because: str = "", **data: str | float | None) -> Fact:
    return Fact("main", "1.1", 0, 1.0, kind, because, data)


def test_every_kind_that_the_tracker_tells_has_a_sentence() -> None:
    source = "\n".join(path.read_text() for path in DOMAIN.glob("*.py"))
    calls = re.findall(r"\.tell\(\s*call,\s*[^\"]+?,\s*((?:\"\w+\"[^,\"]*)+|\w+),", source)
    told = {word for call in calls for word in re.findall(r'"(\w+)"', call)}
    told |= set(re.findall(r'kind_of_fact = "(\w+)"', source))
    assert len(told) > 18
    assert told <= story.KINDS


@pytest.mark.parametrize("result", RingResult)
def test_every_end_of_a_ring_has_a_sentence(result: RingResult) -> None:
    text = story.sentence(fact("ring_ended", agent="Li Si", result=str(result)))
    assert "Li Si" in text
    assert "{" not in text
    assert text != story.sentence(fact("ring_ended", agent="Li Si", result="new"))


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (fact("ring", agent="张三"), "The phone of 张三 rings."),
        (fact("ring", agent=""), "A phone rings."),
        (fact("ring_ended", agent="", result="rejected"), "Someone declined the call."),
        (fact("attempt_ended", "QUEUESTATUS FULL"), "The queue is full: the caller is not let in."),
        (fact("attempt_ended", "DIALSTATUS NEW"), "The attempt ends."),
        (fact("transferred", "blind transfer", by=None, to="102"), "Someone transfers the caller"),
        (fact("transferred", "redirect transfer", by=None, to="9"), "The PBX moves the caller"),
        (fact("unparked", "UnParkedCall"), "The parked caller is fetched."),
        (fact("of_a_later_ctid"), "of_a_later_ctid."),
    ],
)
def test_sentences(told: Fact, text: str) -> None:
    assert story.sentence(told).startswith(text)
