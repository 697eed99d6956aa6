"""What the ticket system answers: which ticket a draft has become.

Whoever may write these topics is not trusted with more than that: what is no answer is left out,
counted, and logged each time their number has doubled, so that nobody fills the log.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import orjson
import structlog

from ctid.outbound.mqtt.topics import encoded
from ctid.outbound.port import Remote

log = structlog.get_logger("ctid")

LONGEST: Final = 8192  # bytes
MOST: Final = 10_000  # about a month of a busy desk
_LONGEST_ID: Final = 255
_LONGEST_URL: Final = 2000
_LONGEST_SHOWN: Final = 200


class Acks:
    """The newest `most` answers by key, and who waits for one. `ignored` counts what was none."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, Remote] = OrderedDict()
        self._awaited: dict[str, asyncio.Future[Remote]] = {}
        self.ignored = 0

    def receive(self, key: str, payload: bytes) -> None:
        """An answer arrived. Raises nothing, whatever it is."""
        try:
            remote = _parse(payload)
        except ValueError as error:
            self.ignored += 1
            if self.ignored & (self.ignored - 1) == 0:
                topic = encoded(key)[:_LONGEST_SHOWN]
                log.warning("ticket_ack_ignored", key=topic, why=str(error), so_far=self.ignored)
            return
        self._known[key] = remote
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        answer = self._awaited.get(key)
        if answer is not None and not answer.done():
            answer.set_result(remote)

    def known(self, key: str) -> Remote | None:
        """The answer for the key if it has come."""
        return self._known.get(key)

    @contextmanager
    def awaited(self, key: str) -> Iterator[asyncio.Future[Remote]]:
        """Within this the next answer for the key is the future's result."""
        answer = asyncio.get_running_loop().create_future()
        self._awaited[key] = answer
        try:
            yield answer
        finally:
            if self._awaited.get(key) is answer:
                del self._awaited[key]


def _parse(payload: bytes) -> Remote:
    if len(payload) > LONGEST:
        raise ValueError(f"{len(payload)} bytes are more than {LONGEST}")
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise ValueError("no JSON") from None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - one kind of error for what others send
    ticket_id, url = found.get("ticket_id"), found.get("url")
    if not isinstance(ticket_id, str) or not _is_line(ticket_id, _LONGEST_ID):
        raise ValueError(f"`ticket_id` is no text of 1 to {_LONGEST_ID} printable characters")
    if url is not None and not (isinstance(url, str) and _is_address(url)):
        raise ValueError("`url` is no web address")
    return Remote(ticket_id, url)


def _is_line(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable()


def _is_address(text: str) -> bool:
    return _is_line(text, _LONGEST_URL) and text.startswith(("http://", "https://"))
