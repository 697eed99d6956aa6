"""What Redmine gets to read; that it shows the text itself is tried on a real one."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.outbound.tickets.redmine_text import as_text

JOINER = "\u2060"


@pytest.mark.parametrize(
    "line",
    [
        "Caller: +86 138 0013 8000, Zhang San (Example Ltd)",
        "Line: 网络专业热线",
        "2026-11-27 09:00:00, 0.75 of PJSIP/101; it's 12:30",
    ],
)
def test_an_ordinary_line_stays_as_it_is(line: str) -> None:
    assert as_text(line) == line


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a *b* c", "a &#42;b&#42; c"),
        ("<b>", "&#60;b&#62;"),
        ("&lt;", "&#38;lt;"),
        ("[[x]]", f"{JOINER}&#91;{JOINER}&#91;x&#93;&#93;"),
        ("see #12", f"see {JOINER}&#35;12"),
        ("r12", f"{JOINER}r12"),
        ("user:x", f"user{JOINER}&#58;x"),
        ("1. one", "1&#46; one"),
        ("- one", "&#45; one"),
        ("    x", "\u00a0\u00a0\u00a0\u00a0x"),
        ("a\nb\n\nc\n", "a  \nb\n\nc\n"),
    ],
)
def test_a_sign_that_may_begin_something_is_a_reference(written: str, read: str) -> None:
    assert as_text(written) == read


def test_only_the_link_itself_stays_a_link() -> None:
    link = "https://desk.example.org/calls/1.7"
    assert as_text(f"Call: {link}\n", link) == f"Call: {link}\n"
    for disguised in (f"x{link}", f"{link}/../evil", f'"x":{link}', "https://evil.example"):
        assert "://" not in as_text(disguised, link)


@given(st.text())
def test_nothing_gets_lost(text: str) -> None:
    text = text.replace(JOINER, "")
    shown = html.unescape(as_text(text)).replace(JOINER, "")
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", html.unescape(html.escape(text)))
