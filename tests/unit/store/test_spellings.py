"""One number, however it is written."""

import pytest

from ctid.store.spellings import Spellings

MOBILE = ["13800000001", "+8613800000001", "008613800000001", "138 0000-0001", "+86 (138) 00000001"]


@pytest.mark.parametrize("given", MOBILE)
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("13800000001", "(forgotten)"),
        ("+8613800000001", "(forgotten)"),
        ("008613800000001", "(forgotten)"),
        ("913800000001", "(forgotten)"),
        ("900008613800000001", "(forgotten)"),
        ("Tel13800000001", "Tel(forgotten)"),
        ("came up at internal,913800000001", "came up at internal,(forgotten)"),
        ("Local/13800000001@out-00000001;1", "Local/(forgotten)@out-00000001;1"),
        (
            "in-8001-13800000001-20260511-101500-1778466900.12.wav",
            "in-8001-(forgotten)-20260511-101500-1778466900.12.wav",
        ),
    ],
)
def test_every_spelling_goes(given: str, text: str, left: str) -> None:
    spellings = Spellings(given)
    assert spellings.are_in(text)
    assert spellings.hide(text) == left


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("13800000001", "138000000012"),
        ("13800000001", "3800000001"),
        ("13800000001", "9" * 12 + "13800000001"),
        ("0000012", "PJSIP/trunk-10000012"),
        ("0112000", "1760112000.138"),
        ("60112000", "pbx-1760112000.138"),
        ("101", "PJSIP/a101-000000c0"),
        ("101", "8101"),
        ("101", "1795463917.101"),
        ("101", "10.0.0.101"),
        ("101", "101.5"),
        ("anonymous", "anonymously"),
        ("", "anybody"),
        (" ", "any body"),
    ],
)
def test_what_is_another_number_stays(given: str, text: str) -> None:
    spellings = Spellings(given)
    assert not spellings.are_in(text)
    assert spellings.hide(text) == text


@pytest.mark.parametrize(
    ("given", "text", "left"),
    [
        ("101", "101", "(forgotten)"),
        ("101", "PJSIP/101-000000c0", "PJSIP/(forgotten)-000000c0"),
        ("101", "from 101 to 102", "from (forgotten) to 102"),
        ("0311 8765432", "+863118765432", "(forgotten)"),
        ("+290 12345", "9029012345", "(forgotten)"),
        ("anonymous", "by anonymous.", "by (forgotten)."),
        ("王小明", "王小明", "(forgotten)"),
    ],
)
def test_short_ones_and_words(given: str, text: str, left: str) -> None:
    assert Spellings(given).hide(text) == left


def test_only_strings_of_json_are_touched() -> None:
    text = '[{"seq":13800000001,"to":"913800000001","n":[1.5,null]}]'
    hidden = '[{"seq":13800000001,"to":"(forgotten)","n":[1.5,null]}]'
    assert Spellings("13800000001").hide_in_json(text) == hidden
    assert Spellings("13800000002").hide_in_json(text) is text
