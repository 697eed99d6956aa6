"""What can be asked over the control socket: a function and a line in `routes` each."""

import pwd
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ctid.by_hand import ByHand
from ctid.housekeeping import Housekeeping
from ctid.overview import Overview
from ctid.refusal import RefusedError
from ctid.store.errors import StoreUnavailable
from ctid.web.control import Asker, ControlError, Route

_ALL = ("dead", "waiting")


def routes(
    overview: Overview,
    reload: Callable[[], Awaitable[list[str]]],
    housekeeping: Housekeeping,
) -> list[Route]:
    """`reload` gives the mistakes of the new configuration; none: it is in force."""

    async def status(_body: Any, _asker: Asker) -> Any:
        return overview.status()

    async def do_reload(_body: Any, _asker: Asker) -> Any:
        if mistakes := await reload():
            raise ControlError("\n".join(mistakes))
        return {}

    async def backup_done(_body: Any, _asker: Asker) -> Any:
        try:
            overview.backup_at = await housekeeping.backed_up()
        except StoreUnavailable as error:
            raise ControlError(str(error)) from None
        return {}

    async def rebuild_summary(_body: Any, _asker: Asker) -> Any:
        try:
            await housekeeping.rebuild()
        except StoreUnavailable as error:
            raise ControlError(str(error)) from None
        return {}

    return [
        Route("GET", "/v1/status", status),
        Route("POST", "/v1/reload", do_reload),
        Route("POST", "/v1/backup-done", backup_done),
        Route("POST", "/v1/rebuild-summary", rebuild_summary),
    ]


def by_hand_routes(by_hand: ByHand) -> list[Route]:
    """What people change about call-backs, tickets and callers."""

    async def close_missed(body: Any, asker: Asker) -> Any:
        pbx, uniqueid, why = _optional(body, "pbx"), _text(body, "call"), _text(body, "why")
        with _refusals():
            await by_hand.close_return(pbx, uniqueid, _name(asker), why)
        return {}

    async def retry(body: Any, _asker: Asker) -> Any:
        backend, keys, which = _optional(body, "backend"), _keys(body), _optional(body, "all")
        if bool(keys) == (which in _ALL):
            raise ControlError('the body must name "keys", or "all": "dead" or "waiting"', 400)
        with _refusals():
            if keys:
                return {"drafts": await by_hand.retry(backend, keys)}
            waiting = which == "waiting"
            return {"drafts": await by_hand.retry_all(backend, waiting=waiting)}

    async def drop(body: Any, asker: Asker) -> Any:
        keys, why = _keys(body), _text(body, "why")
        if not keys:
            raise ControlError('the body must name "keys"', 400)
        with _refusals():
            backend = _optional(body, "backend")
            return {"drafts": await by_hand.drop(backend, keys, _name(asker), why)}

    async def forget(body: Any, _asker: Asker) -> Any:
        number = _text(body, "number")
        with _refusals():
            forgotten = await by_hand.forget(number)
        tickets = [
            {"backend": ticket.destination, "ticket": ticket.remote_id}
            for ticket in forgotten.tickets
        ]
        return {"calls": forgotten.calls, "tickets": tickets}

    return [
        Route("POST", "/v1/missed/close", close_missed),
        Route("POST", "/v1/outbox/retry", retry),
        Route("POST", "/v1/outbox/drop", drop),
        Route("POST", "/v1/forget", forget),
    ]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (RefusedError, StoreUnavailable) as error:
        raise ControlError(str(error)) from None


def _text(body: Any, key: str) -> str:
    value = body.get(key) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise ControlError(f'the body must be an object with a text "{key}"', 400)
    return value.strip()


def _optional(body: Any, key: str) -> str | None:
    return _text(body, key) if isinstance(body, dict) and body.get(key) is not None else None


def _keys(body: Any) -> list[str]:
    keys = body.get("keys", []) if isinstance(body, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ControlError('"keys" must be a list of texts', 400)
    return keys


def _name(asker: Asker) -> str:
    """Who asks, as the system calls that user."""
    try:
        return pwd.getpwuid(asker.uid).pw_name
    except KeyError:
        return f"uid {asker.uid}"
