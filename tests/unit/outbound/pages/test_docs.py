"""docs/channels.md says what the code does."""

import re
from pathlib import Path

import pytest

from ctid.config.channels import CHANNELS
from ctid.outbound.pages import dingtalk, feishu, wecom
from ctid.outbound.pages.robots import Refusal

PAGE = (Path(__file__).parents[4] / "docs/channels.md").read_text()


def documented(heading: str) -> dict[int, str]:
    """The word that each code alone counts as."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([-0-9, ]+) \| `(\w+)` \|", section, re.MULTILINE)
    return {int(code): word for codes, word in rows for code in codes.split(",")}


@pytest.mark.parametrize(
    ("heading", "codes", "by_words"),
    [
        ("DingTalk", dingtalk.CODES, {310000: "denied"}),
        ("WeCom", wecom.CODES, {93000: "rejected"}),
        ("Feishu and Lark", feishu.CODES, {19001: "rejected"}),
    ],
)
def test_the_page_has_every_code(
    heading: str, codes: dict[int, Refusal], by_words: dict[int, str]
) -> None:
    known = {code: str(refusal.reason) for code, refusal in codes.items()}
    assert documented(heading) == {**known, **by_words}


def test_the_page_has_every_channel() -> None:
    assert re.findall(r"^\| `\[\[channels\.(\w+)\]\]` \|", PAGE, re.MULTILINE) == list(CHANNELS)
