"""docs/alerts.md shows messages as they are sent."""

import re
from pathlib import Path

from tests.unit.outbound.pages.samples import SAMPLES, shown

PAGE = (Path(__file__).parents[4] / "docs/alerts.md").read_text(encoding="utf-8")


def test_the_examples_are_messages() -> None:
    examples = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) >= 6
    sent = {shown(name, language) for name in SAMPLES for language in ("en", "zh")}
    assert set(examples) <= sent
