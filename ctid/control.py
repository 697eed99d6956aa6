"""What can be asked over the control socket: a function and a line in `routes` each."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from ctid.overview import Overview
from ctid.web.control import Asker, ControlError, Route


def routes(overview: Overview, reload: Callable[[], Awaitable[list[str]]]) -> list[Route]:
    """`reload` gives the mistakes of the new configuration; none: it is in force."""

    async def status(_body: Any, _asker: Asker) -> Any:
        return overview.status()

    async def do_reload(_body: Any, _asker: Asker) -> Any:
        if mistakes := await reload():
            raise ControlError("\n".join(mistakes))
        return {}

    async def backup_done(_body: Any, _asker: Asker) -> Any:
        # kept in memory: after a restart the time is not known until the next backup
        overview.backup_at = time.time()
        return {}

    return [
        Route("GET", "/v1/status", status),
        Route("POST", "/v1/reload", do_reload),
        Route("POST", "/v1/backup-done", backup_done),
    ]
