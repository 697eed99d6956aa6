"""Text of strangers in Markdown."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ctid.outbound.pages.dingtalk import harmless

MARKUP = st.text(st.sampled_from("\\`*_~[]()<>|#!&;@-=+ \t\n0123.:/ahtpsw中x\"'"), max_size=60)


@pytest.mark.parametrize(
    "text",
    [
        "[click](https://evil.example)",
        "![](https://evil.example/x.png)",
        "# heading",
        "a\n---",
        "a\n===",
        "- - -",
        "    code",
        "`code`",
        "**bold** __bold__ ~~gone~~",
        "> quoted",
        "1. one",
        "- one\n+ two\n* three",
        "<font color=red>x</font>",
        "&#91;x&#93;&#40;y&#41;",
        "<https://evil.example>",
        "a | b\n--|--\n1 | 2",
        "```\nx\n```",
        "[x]: https://evil.example\n[x]",
    ],
)
def test_nothing_becomes_markup(text: str) -> None:
    plain_only(text)


@given(MARKUP)
@example("0.")
@example("-\n-")
def test_whatever_is_written(text: str) -> None:
    plain_only(text)


def plain_only(text: str) -> None:
    shown = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(harmless(text))
    assert set(re.findall(r"</?([^>]*?)/?>", shown)) <= {"p", "br "}


@pytest.mark.parametrize("text", ["https://evil.example", "HTTP://x", "www.evil.example", "@138"])
def test_no_client_makes_a_link_or_a_mention_of_it(text: str) -> None:
    shown = harmless(text)
    assert "://" not in shown
    assert "www." not in shown
    assert "@" not in shown


def test_common_text_stays() -> None:
    text = "网络专业热线 hotline-1, 10:15 (3 min): Zhang San, 50%"
    assert harmless(text) == text.replace("(", "（").replace(")", "）")
