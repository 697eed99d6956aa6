"""Mail, SMS gateways, Telegram and a hundred others, by the library Apprise.

It is imported with the first channel of this type: that takes a third of a second and 20 MB. It
works in threads, and its own log goes nowhere: it may show addresses with passwords in them.
"""

import asyncio
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from ctid.config.channels import AppriseChannel, own_channel
from ctid.outbound import findings
from ctid.outbound.pages import robots
from ctid.outbound.pages.port import Message
from ctid.outbound.plain import cut, plain
from ctid.outbound.port import DeliveryError, Finding, Reason

LONGEST: Final = 30_000
"""Bytes of text; services cut what is too long for them."""
_SHOWN: Final = 200
_SHORTEST_SECRET: Final = 4
_GRACE_SECONDS: Final = 2.0
_LOGGERS: Final = ("apprise", "urllib3")
_MAIL: Final = re.compile(r"[^\s@,;:<>()]+@[^\s@,;:<>()]+")
_PARTS: Final = re.compile(r"[/?&=:@,;#+]")


class Apprise:
    """Sends to the URL that the roster says, else to the table's."""

    def __init__(self, table: AppriseChannel) -> None:
        self._table = table
        self._threads = ThreadPoolExecutor(table.concurrency, thread_name_prefix="apprise")

    async def send(self, message: Message) -> None:
        url = _target(message.address, self._table)
        seconds = self._table.timeout_seconds
        text = robots.cut_bytes(message.text, LONGEST) + robots.link_lines(message.links)
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(self._threads, _send, url, message.title, text, seconds)
        try:
            async with asyncio.timeout(seconds + _GRACE_SECONDS):
                await sending
        except TimeoutError:
            raise _took_too_long(url, seconds) from None
        except DeliveryError as error:
            if error.reason is Reason.MISCONFIGURED and message.address is not None:
                raise DeliveryError(Reason.REJECTED, str(error)) from None  # of one person alone
            raise

    async def check(self) -> list[Finding]:
        if self._table.url is None:
            return [
                Finding(ok=True, what="URLs are in the roster alone: ctid roster lint sees them")
            ]
        try:
            service = await asyncio.to_thread(_service, self._table.url.reveal())
        except DeliveryError as error:
            return [Finding(ok=False, what=str(error), remedy="correct what `url_file` names")]
        return [
            Finding(
                ok=True,
                what=f"the URL is one of {plain(str(service.service_name))}; whether it takes "
                "messages, only one shows",
                remedy=findings.by_message(self._table.name),
            )
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _target(address: str | None, table: AppriseChannel) -> str:
    """The URL to send to. A mail address goes by the table's server. Raises DeliveryError."""
    own = "" if table.url is None else table.url.reveal()
    if address is None:
        if own:
            return own
        raise DeliveryError(
            Reason.MISCONFIGURED,
            f"{table.name}: no URL to send to: give one in the roster, or add `url_file`",
        )
    if "://" in address:
        return address
    if own.lower().startswith(("mailto://", "mailtos://")) and _MAIL.fullmatch(address):
        return f"{own}{'&' if '?' in own else '?'}to={quote(address, safe='')}"
    raise DeliveryError(
        Reason.REJECTED,
        f"{table.name}: the address in the roster is no Apprise URL; a mail address alone needs a "
        "mailtos:// URL in `url_file`",
    )


def _library() -> ModuleType:
    import apprise  # noqa: PLC0415 - only who needs it pays for it

    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:  # without any, lines would go to standard error
            logger.addHandler(logging.NullHandler())
    return apprise


def _service(url: str) -> Any:
    """What Apprise makes of the URL. Raises DeliveryError MISCONFIGURED."""
    if (own := own_channel(url)) is not None:
        raise DeliveryError(
            Reason.MISCONFIGURED,
            f"Apprise cannot tell whether {own} has taken a message: use [[channels.{own}]]",
        )
    service = _library().Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        scheme = url.partition(":")[0]
        known = f"{scheme}://..." if scheme.isalnum() and scheme != url else "it"
        raise DeliveryError(
            Reason.MISCONFIGURED,
            f"Apprise makes nothing of the URL ({known}): its wiki says what one has to hold",
        )
    return service


def _send(url: str, title: str, text: str, seconds: float) -> None:
    """Deliver, in a thread. Raises DeliveryError."""
    began = time.monotonic()
    service = _service(url)
    library = _library()
    left = max(0.1, seconds - (time.monotonic() - began))
    result = _notifier(library, service).notify(
        body=text, title=title, body_format="text", interpret_escapes=False, timeout=left
    )
    if result.status == library.AppriseResultStatus.SUCCESS:
        return
    if result.status == library.AppriseResultStatus.TIMEOUT:
        raise _took_too_long(url, seconds)
    said = [entry.message for entry in result.logs()]
    why = masked(said[0] if said else "it does not say why", url)
    raise DeliveryError(
        Reason.REJECTED, f"{plain(str(service.service_name))} was not delivered: {why}"
    )


def _notifier(library: ModuleType, service: Any) -> Any:
    notifier = library.Apprise()
    notifier.add(service)
    return notifier


def _took_too_long(url: str, seconds: float) -> DeliveryError:
    scheme = url.partition(":")[0]
    return DeliveryError(
        Reason.TIMEOUT, f"{plain(scheme)}: no answer within {seconds:g} s; it may have been sent"
    )


def masked(text: str, url: str) -> str:
    """One line of what Apprise says, without any part of the URL but scheme and host."""
    shown = {url.partition(":")[0].lower()}
    hidden = {*_PARTS.split(url), *_PARTS.split(unquote(url))}
    try:
        parts = urlsplit(url)
    except ValueError:
        pass  # no URL has a host then
    else:
        shown.add(parts.hostname or "")
        hidden |= {unquote(parts.username or ""), unquote(parts.password or "")}
    for part in sorted(hidden, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET and part.lower() not in shown:
            text = text.replace(part, "***")
    return cut(plain(" ".join(text.split())), _SHOWN)
