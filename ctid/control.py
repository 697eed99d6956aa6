"""What can be asked over the control socket: a function and a line in `routes` each."""

from collections.abc import Awaitable, Callable
from typing import Any

from ctid.housekeeping import Housekeeping
from ctid.overview import Overview
from ctid.store.errors import StoreUnavailable
from ctid.web.control import Asker, ControlError, Route


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

    async def forget(body: Any, _asker: Asker) -> Any:
        number = body.get("number") if isinstance(body, dict) else None
        if not isinstance(number, str) or not number:
            raise ControlError('the body must be {"number": "..."}', 400)
        try:
            return {"calls": await housekeeping.forget(number)}
        except StoreUnavailable as error:
            raise ControlError(str(error)) from None

    return [
        Route("GET", "/v1/status", status),
        Route("POST", "/v1/reload", do_reload),
        Route("POST", "/v1/backup-done", backup_done),
        Route("POST", "/v1/rebuild-summary", rebuild_summary),
        Route("POST", "/v1/forget", forget),
    ]
