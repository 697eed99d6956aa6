"""Sentences on a terminal of any width."""

from ctid.cli.wrapping import wrapped


def test_a_text_is_broken_between_words_and_its_head_stands_alone() -> None:
    assert list(wrapped("08:30  ", "The phone of 张三 stops ringing.", 24)) == [
        "08:30  The phone of 张三",
        "       stops ringing.",
    ]


def test_what_fits_and_what_is_for_no_terminal_is_one_row() -> None:
    text = "The phone of 101 rings."
    assert list(wrapped("08:30  ", text, 30)) == [f"08:30  {text}"]
    assert list(wrapped("08:30  ", text, None)) == [f"08:30  {text}"]
