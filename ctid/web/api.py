"""The API over TCP: JSON for programs that show a token, and the pages that links lead to."""

import hashlib
import math
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import structlog
from aiohttp import web

from ctid.config.serving import ApiToken, Right
from ctid.web import answers
from ctid.web.answers import ControlError
from ctid.web.bearer import refused, same, shown
from ctid.web.connections import IDLE_SECONDS, Connections
from ctid.web.listener import Listener
from ctid.web.runner import answering, failures, in_words, runner
from ctid.web.throttle import Throttle

log = structlog.get_logger("ctid")

LONGEST_BODY: Final = 16 * 1024
CHANGES_PER_MINUTE: Final = 60
"""By each token: a program that has gone mad shall not open an incident a millisecond."""
FAILURES_PER_MINUTE: Final = 30
"""From each address. Who has the right token or link is served all the same: many may come from the
address of one reverse proxy."""
_MINUTE: Final = 60.0
_OF_PROGRAMS: Final = "/api/"
_TO_PEOPLE: Final = {
    404: "There is nothing at this address. 无此页面。\n",
    405: "This address is no form: follow the link as it came. 请直接打开链接。\n",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose token is good: `by` is its name, `path` what stands in the address."""

    by: str
    body: Any
    path: Mapping[str, str]
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """One thing that programs can ask; the handler gives JSON, and raises ControlError."""

    method: str
    path: str
    right: Right
    handler: Callable[[Asked], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Html:
    """A whole page. `style` is the only style in it that counts. `location`: look there instead."""

    status: int
    text: str = ""
    style: str = ""
    location: str | None = None


@dataclass(frozen=True, slots=True)
class PageRoute:
    """A page for people, who need no token: what stands in the address is their right."""

    method: str
    path: str
    handler: Callable[[Mapping[str, str]], Awaitable[Html]]


class ApiServer:
    """Listens while it is open. `tokens` are those in force; `clock` is monotonic seconds."""

    def __init__(
        self,
        listener: Listener,
        tokens: Callable[[], Sequence[ApiToken]],
        routes: Iterable[ApiRoute],
        pages: Iterable[PageRoute] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._listener = listener
        self._tokens = tokens
        self._failures = Throttle(FAILURES_PER_MINUTE, _MINUTE, clock)
        self._changes = Throttle(CHANGES_PER_MINUTE, _MINUTE, clock)
        application = web.Application(middlewares=[_errors, failures], client_max_size=LONGEST_BODY)
        for route in routes:
            application.router.add_route(route.method, route.path, self._answering(route))
        for page in pages:
            application.router.add_route(page.method, page.path, self._showing(page))
        self._connections = Connections(
            runner(application), tls=listener.tls, idle_seconds=idle_seconds
        )

    async def __aenter__(self) -> Self:
        """Take connections."""
        host, port = self._listener.socket.getsockname()[:2]
        await self._connections.open(self._listener.socket)
        log.info("api_listening", host=host, port=port, tls=self._listener.tls is not None)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Listen no more; who is being answered has a second."""
        await self._connections.close()

    # -- programs ---------------------------------------------------------------------------------

    def _answering(self, route: ApiRoute) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            token = self._known(request)
            if token is None:
                return self._unknown(request)
            if route.right not in token.rights:
                why = f'token {token.name} has no right to this: add "{route.right}" to its rights'
                return answers.json({"error": why}, 403)
            if route.right is Right.WRITE and (seconds := self._changes.wait(token.name)):
                why = f"token {token.name} changes too much: {CHANGES_PER_MINUTE} in a minute"
                return _later({"error": why}, seconds)
            try:
                body = await answers.body(request, LONGEST_BODY)
                if route.right is Right.WRITE:
                    self._changes.count(token.name)
                    log.info("api", request=request.path, token=token.name)
                with self._connections.working(request):
                    asked = Asked(token.name, body, request.match_info, request.query)
                    result = await route.handler(asked)
            except ControlError as error:
                return answers.json({"error": str(error)}, error.status)
            return answers.json(result)

        return answer

    def _known(self, request: web.Request) -> ApiToken | None:
        given = shown(request)
        found = None
        for token in self._tokens():  # all of them: the time tells nothing of the place
            if token.token is not None and same(given, token.token.reveal().encode()):
                found = token
        return found

    def _unknown(self, request: web.Request) -> web.Response:
        if seconds := self._failures.wait(request.remote):
            return _closing(_later({"error": "too many requests without a token"}, seconds))
        self._failures.count(request.remote)
        refusal = answers.json({"error": refused(request, "that of no [[api_token]]")}, 401)
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return _closing(refusal)

    # -- people -----------------------------------------------------------------------------------

    def _showing(self, page: PageRoute) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            with self._connections.working(request):
                found = await page.handler(request.match_info)
            if found.status == web.HTTPNotFound.status_code:
                if seconds := self._failures.wait(request.remote):
                    words = "Too many wrong addresses: try again later. 请稍后重试。\n"
                    return _closing(_after(web.Response(status=429, text=words), seconds))
                self._failures.count(request.remote)
            return _shown(found)

        return answer


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What came to nothing is JSON for programs, and a line for people."""
    if request.path.startswith(_OF_PROGRAMS):
        return await answers.errors(request, handler)
    try:
        return await handler(request)
    except web.HTTPException as error:
        words = _TO_PEOPLE.get(error.status) or f"{in_words(request, error)}\n"
        return answering(error, web.Response(status=error.status, text=words))


def _later(error: dict[str, str], seconds: float) -> web.Response:
    return _after(answers.json(error, 429), seconds)


def _after(answer: web.Response, seconds: float) -> web.Response:
    answer.headers["Retry-After"] = str(math.ceil(seconds))
    return answer


def _closing(answer: web.Response) -> web.Response:
    answer.force_close()
    return answer


def _shown(page: Html) -> web.Response:
    digest = hashlib.sha256(page.style.encode()).digest()
    style = f"'sha256-{b64encode(digest).decode()}'" if page.style else "'none'"
    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {style}; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        # the address is the right: no other site is to see it
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }
    if page.location is not None:
        headers["Location"] = page.location
    return web.Response(
        status=page.status,
        text=page.text,
        content_type="text/html",
        charset="utf-8",
        headers=headers,
    )
