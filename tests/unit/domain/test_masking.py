"""What people who need not call back see of a number."""

import pytest

from ctid.domain.masking import masked, masked_number


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("13812345678", "138******78"),
        ("+8613812345678", "+861********78"),
        ("81234567", "812***67"),
        ("12345", "1***5"),
        ("8001", "8001"),
        ("1795886576.42084 of 13812345678 at 1795886576.123456", None),
        ("anonymous", "anonymous"),
    ],
)
def test_the_middle_of_a_number_is_hidden_and_ids_stay(text: str, shown: str | None) -> None:
    assert masked(text) == (shown or text.replace("13812345678", "138******78"))


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812345678", "138******78"),
        ("138 1234 5678", "138******78"),
        ("+86 (138) 1234-5678", "+861********78"),
        ("1795886576.42084", "179**********84"),
        ("8001", "8001"),
        ("anonymous", "anonymous"),
    ],
)
def test_one_number_is_hidden_however_it_is_written(number: str, shown: str) -> None:
    assert masked_number(number) == shown
