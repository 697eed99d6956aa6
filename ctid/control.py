"""What can be asked over the control socket: a function and a line in `routes` each."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ctid.by_hand import ByHand
from ctid.housekeeping import Housekeeping
from ctid.overview import Overview
from ctid.refusal import RefusedError
from ctid.store.errors import StoreUnavailable
from ctid.web.answers import ControlError
from ctid.web.bodies import optional, text, texts
from ctid.web.control import Asker, Route

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
        pbx, uniqueid, why = optional(body, "pbx"), text(body, "call"), text(body, "why")
        with _refusals():
            await by_hand.close_return(pbx, uniqueid, asker.name(), why)
        return {}

    async def retry(body: Any, _asker: Asker) -> Any:
        backend, keys, which = optional(body, "backend"), texts(body, "keys"), optional(body, "all")
        if bool(keys) == (which in _ALL):
            raise ControlError('the body must name "keys", or "all": "dead" or "waiting"', 400)
        with _refusals():
            if keys:
                return {"drafts": await by_hand.retry(backend, keys)}
            waiting = which == "waiting"
            return {"drafts": await by_hand.retry_all(backend, waiting=waiting)}

    async def drop(body: Any, asker: Asker) -> Any:
        keys, why = texts(body, "keys"), text(body, "why")
        if not keys:
            raise ControlError('the body must name "keys"', 400)
        with _refusals():
            backend = optional(body, "backend")
            return {"drafts": await by_hand.drop(backend, keys, asker.name(), why)}

    async def forget(body: Any, _asker: Asker) -> Any:
        number = text(body, "number")
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
