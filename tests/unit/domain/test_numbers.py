"""One number, however the networks and phones write it."""

import pytest

from ctid.domain.numbers import Numbering, normalizer

NUMBERING = Numbering("CN", "021", ("9", "01"))


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "013800138000",
        "+8613800138000",
        "008613800138000",
        "8613800138000",
        "9013800138000",
        "913800138000",
        "+86 138-0013-8000",
        "(0086) 138 0013 8000",
    ],
)
def test_forms_of_a_mobile_are_one_number(written: str) -> None:
    assert normalizer(NUMBERING)(written) == "+8613800138000"


@pytest.mark.parametrize("written", ["02112345678", "+862112345678", "12345678", "912345678"])
def test_forms_of_a_landline_are_one_number(written: str) -> None:
    assert normalizer(Numbering("CN", "021", ("9",)))(written) == "+862112345678"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("101", "101"),
        ("8001", "8001"),
        ("10086", "10086"),
        ("+1 (212) 555-0100", "+12125550100"),
        ("0012125550100", "+12125550100"),
        ("+85212345678", "+85212345678"),  # no such number, but one that can be told apart
        ("anonymous", None),
        ("", None),
        ("+", None),
        ("13800138000;rm", None),
        ("１３８", None),
    ],
)
def test_what_is_no_number_of_the_public_network(written: str, found: str | None) -> None:
    assert normalizer(Numbering("CN"))(written) == found
