"""What people would be told: the pages of the daemon's own alerts, in words."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from ctid.config import Config
from ctid.domain.alerts import Page, PageEvent
from ctid.domain.drafts import LineName
from ctid.outbound.pages.rendering import Pages


class Said(NamedTuple):
    """One page, `at` Unix seconds."""

    at: float
    event: PageEvent
    title: str
    text: str


class Voice:
    """Says pages as the channels do, in the demo's language. Links lead nowhere here: none."""

    def __init__(self, config: Config) -> None:
        self._pages = Pages(
            config.site,
            ZoneInfo(config.timezone),
            {},
            config.alert.language,
            {line.name: LineName(line.name, line.title, line.specialty) for line in config.lines()},
            lambda _page: None,
        )

    def say(self, page: Page) -> Said:
        message = self._pages.render([page], None, page.decided_at)
        return Said(page.decided_at, page.event, message.title, message.text)
