"""What can be asked about alerts, over the control socket and over the API: the same handlers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, NoReturn

from ctid.alert_desk import AlertDesk
from ctid.alert_output import (
    alert_document,
    page_document,
    row_document,
    silence_document,
    told,
)
from ctid.config.serving import Right
from ctid.domain.alerts import Kind
from ctid.domain.days import LATEST
from ctid.refusal import NonsenseError, RefusedError
from ctid.store import alert_queries
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader
from ctid.web.answers import ControlError
from ctid.web.api import ApiRoute, Asked
from ctid.web.bodies import minutes, moment, number, only, optional, text, texts
from ctid.web.control import Asker, Route

_MOST_LISTED: Final = 1000
_LISTED: Final = 100
_LONGEST_NAME: Final = 80
_LONGEST_WORDS: Final = 500


class AlertActions:
    """What people do, from JSON to JSON; `by` is who does it. All raise ControlError."""

    def __init__(self, desk: AlertDesk, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._clock = clock

    async def listed(self, _body: Any, _by: str) -> Any:
        """Open alerts, and silences that hold or will."""
        return {
            "alerts": [
                alert_document(one.alert, silenced=one.silenced) for one in self._desk.open_alerts()
            ],
            "silences": [silence_document(silence) for silence in self._desk.silences()],
        }

    async def acknowledge(self, body: Any, by: str) -> Any:
        with _refusals():
            only(body, "number", "why")
            why = None if optional(body, "why") is None else _words(body, "why")
            alert, already = await self._desk.acknowledge(number(body, "number"), by, why)
        return {**alert_document(alert, silenced=False), "already_acknowledged": already}

    async def resolve(self, body: Any, by: str) -> Any:
        with _refusals():
            only(body, "number", "why")
            wanted, why = number(body, "number"), _words(body, "why")
            states = {one.alert.number: one.alert.state for one in self._desk.open_alerts()}
            alert = await self._desk.resolve(wanted, by, why)
        return alert_document(alert, silenced=False, before=states[wanted])

    async def silence(self, body: Any, by: str) -> Any:
        """`until`, or `minutes` from `from` on, which is now if not said."""
        only(body, "lines", "kinds", "why", "from", "until", "minutes")
        lines, kinds = texts(body, "lines"), [_kind(word) for word in texts(body, "kinds")]
        why = _words(body, "why")
        begins, ends, lasts = moment(body, "from"), moment(body, "until"), minutes(body, "minutes")
        begins = self._clock() if begins is None else begins
        match ends, lasts:
            case None, None:
                _wrong('the body must say "until" or "minutes"')
            case None, float():
                ends = begins + lasts
            case float(), float():
                _wrong('the body says "until" and "minutes": leave one of them out')
        if ends is None or ends >= LATEST:
            _wrong("a silence has to end before the year 2100")
        with _refusals():
            silence = await self._desk.silence(lines, kinds, begins, ends, by, why)
        return silence_document(silence)

    async def unsilence(self, body: Any, by: str) -> Any:
        with _refusals():
            return silence_document(await self._desk.unsilence(number(body, "number"), by))

    async def incident(self, body: Any, by: str) -> Any:
        with _refusals():
            only(body, "line", "title")
            line, title = optional(body, "line"), _words(body, "title")
            alert = await self._desk.incident(line, title, by)
        return alert_document(alert, silenced=self._is_silenced(alert.number))

    async def test(self, body: Any, by: str) -> Any:
        """Besides the alert: by which channels each of the first ones is reached, in order.

        `empty_roles` are those of all steps that nobody has now.
        """
        with _refusals():
            alert, empty = await self._desk.test(text(body, "line"), by)
        document = alert_document(alert, silenced=False)
        document["paged"] = [
            {"name": one.name, "role": one.role, "channels": [way.channel for way in one.routes]}
            for one in alert.paged
        ]
        return {**document, "pages": alert.pages, "empty_roles": empty}

    def _is_silenced(self, wanted: int) -> bool:
        return any(one.silenced for one in self._desk.open_alerts() if one.alert.number == wanted)


def alert_routes(desk: AlertDesk, clock: Callable[[], float]) -> list[Route]:
    """For the control socket; who asks is named by the kernel, and by what they say for whom."""
    actions = AlertActions(desk, clock)

    def by_user(action: Callable[[Any, str], Any]) -> Callable[[Any, Asker], Any]:
        async def handle(body: Any, asker: Asker) -> Any:
            return await action(body, _by(body, asker.name()))

        return handle

    return [
        Route("GET", "/v1/alerts", by_user(actions.listed)),
        Route("POST", "/v1/alerts/ack", by_user(actions.acknowledge)),
        Route("POST", "/v1/alerts/resolve", by_user(actions.resolve)),
        Route("POST", "/v1/alerts/silence", by_user(actions.silence)),
        Route("POST", "/v1/alerts/unsilence", by_user(actions.unsilence)),
        Route("POST", "/v1/alerts/incident", by_user(actions.incident)),
        Route("POST", "/v1/alerts/test", by_user(actions.test)),
    ]


def api_routes(
    desk: AlertDesk, reader: Callable[[], Reader], clock: Callable[[], float]
) -> list[ApiRoute]:
    """For the API; who asks is named by the token, and by what the program says of its user."""
    actions, stored = AlertActions(desk, clock), _Stored(desk, reader)

    async def listed(asked: Asked) -> Any:
        if _switch(asked, "all"):
            return await stored.listed(_limit(asked))
        found = await actions.listed(None, asked.by)
        if "limit" in asked.query:
            found["alerts"] = found["alerts"][-_limit(asked) :]
        return found

    async def shown(asked: Asked) -> Any:
        return await stored.shown(_number(asked))

    def on_alert(action: Callable[[Any, str], Any]) -> Callable[[Asked], Any]:
        async def handle(asked: Asked) -> Any:
            await stored.see_open(_number(asked))
            return await action({**_object(asked), "number": _number(asked)}, _by_token(asked))

        return handle

    async def unsilence(asked: Asked) -> Any:
        wanted = _number(asked)
        if all(silence.number != wanted for silence in desk.silences()):
            raise ControlError(f"no silence {wanted} is in force", HTTPStatus.NOT_FOUND)
        return await actions.unsilence({"number": wanted}, _by_token(asked))

    def by_token(action: Callable[[Any, str], Any]) -> Callable[[Asked], Any]:
        async def handle(asked: Asked) -> Any:
            return await action(asked.body, _by_token(asked))

        return handle

    read, write = Right.READ, Right.WRITE
    return [
        ApiRoute("GET", "/api/v1/alerts", read, listed),
        ApiRoute("GET", "/api/v1/alerts/{number}", read, shown),
        ApiRoute("POST", "/api/v1/alerts/{number}/ack", write, on_alert(actions.acknowledge)),
        ApiRoute("POST", "/api/v1/alerts/{number}/resolve", write, on_alert(actions.resolve)),
        ApiRoute("POST", "/api/v1/silences", write, by_token(actions.silence)),
        ApiRoute("DELETE", "/api/v1/silences/{number}", write, unsilence),
        ApiRoute("POST", "/api/v1/incidents", write, by_token(actions.incident)),
    ]


class _Stored:
    """What the store knows of alerts that are over. All raise ControlError."""

    def __init__(self, desk: AlertDesk, reader: Callable[[], Reader]) -> None:
        self._desk = desk
        self._reader = reader

    async def listed(self, limit: int) -> Any:
        silenced = {one.alert.number for one in self._desk.open_alerts() if one.silenced}
        with _refusals():
            async with self._reader() as reader:
                rows = await alert_queries.alerts(reader, open_only=False, limit=limit)
        return {
            "alerts": [row_document(row, silenced=row.number in silenced) for row in rows],
            "silences": [silence_document(silence) for silence in self._desk.silences()],
        }

    async def shown(self, wanted: int) -> Any:
        """One alert with its pages: as it stands in the daemon if it is open, else in the store."""
        with _refusals():
            async with self._reader() as reader:
                pages = await alert_queries.pages_of(reader, wanted)
                row = await alert_queries.find_row(reader, wanted)
                alert = await alert_queries.find_alert(reader, wanted)
        delivery = {"pages": [page_document(page) for page in pages]}
        for one in self._desk.open_alerts():
            if one.alert.number == wanted:
                return {**alert_document(one.alert, silenced=one.silenced), **delivery}
        if row is None or alert is None:
            _missing(wanted)
        return {**row_document(row, silenced=False), **told(alert), **delivery}

    async def see_open(self, wanted: int) -> None:
        if any(one.alert.number == wanted for one in self._desk.open_alerts()):
            return
        with _refusals():
            async with self._reader() as reader:
                row = await alert_queries.find_row(reader, wanted)
        if row is None:
            _missing(wanted)
        raise ControlError(f"alert {wanted} is over")


def _missing(wanted: int) -> NoReturn:
    raise ControlError(f"there is no alert {wanted}", HTTPStatus.NOT_FOUND)


def _wrong(why: str) -> NoReturn:
    raise ControlError(why, HTTPStatus.BAD_REQUEST)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except NonsenseError as error:
        _wrong(str(error))
    except RefusedError as error:
        raise ControlError(str(error)) from None
    except StoreUnavailable as error:
        raise ControlError(str(error), HTTPStatus.SERVICE_UNAVAILABLE) from None


def _words(body: Any, key: str) -> str:
    """What somebody wrote, for a page to be read on a phone."""
    said = text(body, key)
    if len(said) > _LONGEST_WORDS:
        why = f'"{key}" is too long: {_LONGEST_WORDS} characters at most'
        raise ControlError(why, HTTPStatus.BAD_REQUEST)
    return said


def _kind(word: str) -> Kind:
    if word not in tuple(Kind):
        kinds = ", ".join(Kind)
        raise ControlError(f"{word}: no such kind; there are: {kinds}", HTTPStatus.BAD_REQUEST)
    return Kind(word)


def _number(asked: Asked) -> int:
    """The number in the address; what is none is the number of nothing."""
    given = asked.path["number"]
    if not (given.isascii() and given.isdigit()) or len(given) > 9:  # noqa: PLR2004 - fits the store
        raise ControlError(f"{given[:40]}: is no number", HTTPStatus.NOT_FOUND)
    return int(given)


def _object(asked: Asked) -> dict[str, Any]:
    if asked.body is None:
        return {}
    if not isinstance(asked.body, dict):
        raise ControlError("the body must be an object", HTTPStatus.BAD_REQUEST)
    return asked.body


def _by_token(asked: Asked) -> str:
    return _by(_object(asked), asked.by)


def _by(body: Any, who: str) -> str:
    """`wallboard`, or `Li Si via wallboard`: what is said of somebody else is not proved."""
    said = optional(body, "by")
    if said is None:
        return who
    if len(said) > _LONGEST_NAME or not said.isprintable():
        why = f'"by" must be a name of at most {_LONGEST_NAME} characters'
        raise ControlError(why, HTTPStatus.BAD_REQUEST)
    return f"{said} via {who}"


def _switch(asked: Asked, name: str) -> bool:
    return asked.query.get(name, "0") not in ("0", "false")


def _limit(asked: Asked) -> int:
    given = asked.query.get("limit", str(_LISTED))
    if not (given.isascii() and given.isdigit()) or not 0 < int(given[:9]) <= _MOST_LISTED:
        why = f"limit must be a number from 1 to {_MOST_LISTED}"
        raise ControlError(why, HTTPStatus.BAD_REQUEST)
    return int(given)
