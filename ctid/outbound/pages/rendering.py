"""Pages as messages: title and text for people, the document for machines."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from ctid.domain.alerts import Page, PageEvent, Recipient
from ctid.domain.drafts import LineName
from ctid.outbound.pages.digest import digest_lines, digest_title, newest
from ctid.outbound.pages.document import document
from ctid.outbound.pages.port import Message
from ctid.outbound.pages.sight import late_digest, late_page, late_title
from ctid.outbound.pages.telling import told
from ctid.outbound.pages.titles import title
from ctid.outbound.pages.tongue import Tongue, name, whole
from ctid.outbound.wording import Language

_LATE_SECONDS: Final = 60.0
"""What is sent later than this after it was decided says so."""
_DIGEST_LINKS: Final = 10
"""So many alerts of a digest can be acknowledged by a link in it."""


class Pages:
    """Writes messages. Whatever callers and others chose is made harmless, and numbers masked.

    `zones` are those of lines, `zone` counts where there is no line. `lines` has titles and
    specialties by name. `ack_link` gives the address at which a page's alert is acknowledged, None
    where phones can reach none.
    """

    def __init__(
        self,
        site: str,
        zone: ZoneInfo,
        zones: Mapping[str, ZoneInfo],
        language: Language,
        lines: Mapping[str, LineName],
        ack_link: Callable[[Page], str | None],
    ) -> None:
        self._site = site
        self._zone = zone
        self._zones = zones
        self._language = language
        self._lines = lines
        self._ack_link = ack_link

    def render(self, pages: Sequence[Page], address: str | None, now: float) -> Message:
        """One message of one or more pages to one recipient, which is sent at `now` (Unix seconds).

        The same pages make the same one under the same key; late ones say of when they are.
        """
        told_of = newest(pages)
        first, *others = told_of
        links = {page.key: link for page in pages if (link := self._link(page)) is not None}
        if others:
            last = max(page.decided_at for page in pages)
            tongue = self._tongue(first.recipient, self._zone, last)
            heading = digest_title(tongue, told_of, self._title)
            lines = list(digest_lines(tongue, told_of, self._title, len(pages)))
            oldest = min(page.decided_at for page in told_of)
            if _is_late(oldest, now):
                lines.insert(1, late_digest(tongue, oldest))
        else:
            zone = self._zones.get(first.alert.line or "", self._zone)
            is_late = _is_late(first.decided_at, now)
            tongue = self._tongue(first.recipient, zone, now if is_late else first.decided_at)
            heading = title(tongue, first, self._title(first))
            lines = list(told(tongue, first, self._long_title(tongue, first)))
            if is_late:
                heading = late_title(tongue, first, heading)
                lines.insert(0, late_page(tongue, first))
            if zone.key != self._zone.key:
                lines.append(tongue.pick(f"Times: {zone.key}", f"时区：{zone.key}"))
        if whole(self._site) != self._site:
            lines.append(tongue.pick(f"Site: {self._site}", f"站点：{self._site}"))
        text = "\n".join(lines)
        key = _key(pages, self._site)
        data = document(key, self._site, tongue.language, heading, text, pages, self._lines, links)
        shown = tuple(
            (self._link_words(tongue, page, alone=not others), links[page.key])
            for page in told_of
            if page.key in links
        )
        return Message(key, tuple(pages), heading, text, shown[:_DIGEST_LINKS], data, address)

    def _tongue(self, recipient: Recipient, zone: ZoneInfo, now: float) -> Tongue:
        wanted = recipient.language
        language: Language = "en" if wanted == "en" else "zh" if wanted == "zh" else self._language
        return Tongue(language, zone, now)

    def _title(self, page: Page) -> str:
        line = page.alert.line
        if line is None:
            return whole(self._site)
        known = self._lines.get(line)
        return name(known.title or line) if known is not None else name(line)

    def _long_title(self, tongue: Tongue, page: Page) -> str:
        """With the specialty, where that tells more."""
        short = self._title(page)
        known = self._lines.get(page.alert.line or "")
        specialty = name(known.specialty) if known is not None else ""
        if not specialty or specialty.casefold() in short.casefold():
            return short
        return tongue.pick(f"{short} ({specialty})", f"{short}（{specialty}）")

    def _link(self, page: Page) -> str | None:
        if page.event not in (PageEvent.FIRING, PageEvent.REPEAT) or page.alert.is_over:
            return None
        return self._ack_link(page)

    def _link_words(self, tongue: Tongue, page: Page, *, alone: bool) -> str:
        what = tongue.pick("Acknowledge", "确认接手")
        return what if alone else f"{what} {page.alert.number}: {self._title(page)}"


def _is_late(decided_at: float, now: float) -> bool:
    return now > decided_at + _LATE_SECONDS


def _key(pages: Sequence[Page], site: str) -> str:
    """The same for the same pages, however often they are sent, and for no others of any ctid.

    Numbers of alerts begin anew with a new database; the time at which a page was decided does not.
    """
    keys = sorted(f"{page.key}-{int(page.decided_at)}" for page in pages)
    if len(keys) == 1:
        return f"ctid:{site}:{keys[0]}"
    return f"ctid:{site}:digest-" + sha256(" ".join(keys).encode()).hexdigest()[:32]
