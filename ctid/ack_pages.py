"""The page that a link in a page leads to: what is wrong, and one button to take care of it.

Looking at it changes nothing: mail scanners and chat programs fetch every link they see.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from zoneinfo import ZoneInfo

import structlog

from ctid.alert_desk import AlertDesk
from ctid.config import Config
from ctid.domain.alerts import (
    BY_LINK,
    Acknowledged,
    Alert,
    Firing,
    Page,
    PageEvent,
    Resolved,
)
from ctid.domain.masking import masked
from ctid.outbound.pages.titles import title
from ctid.outbound.pages.tongue import Tongue, name, whole, words
from ctid.outbound.wording import Language
from ctid.refusal import RefusedError
from ctid.store import alert_queries
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader
from ctid.web.api import Html, PageRoute
from ctid.web.link_page import Shown, html
from ctid.web.links import Link, until, verify

log = structlog.get_logger("ctid")


class AckPages:
    """Answers the links that were signed with `secret`; `clock` is Unix seconds."""

    def __init__(
        self,
        desk: AlertDesk,
        reader: Callable[[], Reader],
        secret: bytes,
        config: Callable[[], Config],
        clock: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._reader = reader
        self._secret = secret
        self._config = config
        self._clock = clock

    def routes(self) -> list[PageRoute]:
        """For the API's server."""
        return [
            PageRoute("GET", "/a/{token}", self._look),
            PageRoute("POST", "/a/{token}", self._take),
        ]

    async def _look(self, path: Mapping[str, str]) -> Html:
        found = await self._found(path["token"])
        return found if isinstance(found, Html) else self._standing(*found)

    async def _take(self, path: Mapping[str, str]) -> Html:
        found = await self._found(path["token"])
        if isinstance(found, Html):
            return found
        page, alert = found
        if not isinstance(alert.state, Firing):
            return self._standing(page, alert)
        try:
            await self._desk.acknowledge(alert.number, page.recipient.name, BY_LINK)
        except RefusedError:
            pass  # over in this very moment: the page says so
        except StoreUnavailable as error:
            # it holds all the same, and is written as soon as that is possible
            log.warning("link_not_written", alert=alert.number, why=str(error))
        # a page of its own, so that loading it again asks for nothing; relative, for a proxy's path
        return Html(HTTPStatus.SEE_OTHER, location=path["token"])

    async def _found(self, token: str) -> Html | tuple[Page, Alert]:
        """The page with that link and its alert now, or what there is to say instead."""
        link = verify(self._secret, token)
        if link is None:
            return _nothing()
        try:
            page, alert = await self._stored(link)
        except StoreUnavailable as error:
            log.warning("link_not_looked_up", alert=link.alert, why=str(error))
            return html(HTTPStatus.SERVICE_UNAVAILABLE, self._failing(link.alert))
        if page is None or alert is None or until(page) != link.until:
            return _nothing()
        if self._clock() >= link.until:
            tongue = self._tongue(page)
            return html(HTTPStatus.GONE, _expired(tongue, alert.number))
        return page, alert

    async def _stored(self, link: Link) -> tuple[Page | None, Alert | None]:
        async with self._reader() as reader:
            page = await alert_queries.find_page(reader, link.alert, link.seq)
            for one in self._desk.open_alerts():
                if one.alert.number == link.alert:
                    return page, one.alert
            return page, await alert_queries.find_alert(reader, link.alert)

    def _standing(self, page: Page, alert: Alert) -> Html:
        tongue = self._tongue(page)
        # as it was told, and never as a repeat
        heading = masked(title(tongue, replace(page, event=PageEvent.FIRING), self._title(alert)))
        me = page.recipient.name
        told = tongue.pick(f"Alert {alert.number}", f"告警 {alert.number}")
        known = Shown(tongue.language, heading, (told, self._fired(tongue, page)))
        match alert.state:
            case Acknowledged() as taken:
                return html(HTTPStatus.OK, replace(known, state=_taken(tongue, taken, me)))
            case Resolved(at=at, by=by):
                return html(HTTPStatus.OK, replace(known, state=_over(tongue, at, by)))
            case _:
                button = tongue.pick("I take care", "我来处理")
                as_whom = tongue.pick(f"as {name(me)}", f"以 {name(me)} 的名义")
                return html(HTTPStatus.OK, replace(known, button=button, beside=as_whom))

    def _fired(self, tongue: Tongue, page: Page) -> str:
        at = tongue.clock(page.due_at)
        return tongue.pick(f"Paged at {at}", f"通知时间：{at}")

    def _title(self, alert: Alert) -> str:
        config = self._config()
        titles = {line.name: line.title for line in config.lines()}
        return name(titles.get(alert.line or "", alert.line or whole(config.site)))

    def _tongue(self, page: Page) -> Tongue:
        config = self._config()
        zone = config.zones().get(page.alert.line or "", config.timezone)
        wanted = page.recipient.language or config.alert.language
        language: Language = "en" if wanted == "en" else "zh"
        return Tongue(language, ZoneInfo(zone), self._clock())

    def _failing(self, number: int) -> Shown:
        """Nothing is known of who asks: in the language of the configuration."""
        tongue = Tongue(self._config().alert.language, ZoneInfo("UTC"), 0.0)
        how = f"ctid alerts ack {number}"
        return Shown(
            tongue.language,
            tongue.pick("Not possible now", "暂时无法处理"),
            (tongue.pick(f"Try again, or: {how}", f"请稍后重试，或执行：{how}"),),
        )


def _nothing() -> Html:
    return html(HTTPStatus.NOT_FOUND, Shown("en", "Not found", ("无此页面",)))


def _expired(tongue: Tongue, number: int) -> Shown:
    how = f"ctid alerts ack {number}"
    return Shown(
        tongue.language,
        tongue.pick("This link is too old", "链接已过期"),
        (
            tongue.pick(
                f"Take the one in a newer page, or: {how}", f"请使用最新通知中的链接，或执行：{how}"
            ),
        ),
    )


def _taken(tongue: Tongue, taken: Acknowledged, me: str) -> str:
    when, why = tongue.clock(taken.at), masked(words(taken.why or ""))
    if not why or taken.why == BY_LINK:
        english = chinese = ""
    else:
        english, chinese = f" (reason: {why})", f"（备注：{why}）"
    if taken.by == me:
        return tongue.pick(
            f"You take care of it, since {when}{english}.", f"您已于 {when} 接手{chinese}。"
        )
    return tongue.pick(
        f"{name(taken.by)} takes care of it, since {when}{english}.",
        f"{tongue.spaced(name(taken.by))}已于 {when} 接手{chinese}。",
    )


def _over(tongue: Tongue, at: float, by: str | None) -> str:
    when, who = tongue.clock(at), name(by or "")
    return tongue.pick(
        f"It is over since {when}" + (f" ({who})." if who else "."),
        f"已于 {when} 解除" + (f"（{who}）。" if who else "。"),
    )
