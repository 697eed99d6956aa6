"""How a number leaves a missed call to return, a ticket draft, an alert and a page. Pure.

What only names a call (`key`, `uniqueid`, `pbx` ...) stays: it says nothing about the caller.
"""

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Final, Protocol, TypeVar

from ctid.domain.alerts import Alert, Page, Route
from ctid.domain.alerts import Caller as Waiting
from ctid.domain.drafts import Caller, Contact, Draft, ReturnPart, VisitPart
from ctid.domain.returns import ReturnState, ToReturn

FORGOTTEN: Final = "forgotten"
"""Why nobody has to call back any more."""

_NOBODY: Final = Caller(None, None, None, None)

# of an alert: what says where it is about, and is no text of others
_PLACES: Final = frozenset(
    {"line", "lines", "pbx", "about", "calendar", "destination", "period", "role"}
)

_Text = TypeVar("_Text", str, str | None)


class Number(Protocol):
    """A number in every spelling."""

    def are_in(self, text: str | None) -> bool: ...

    def hide(self, text: str) -> str: ...


def entry_without(entry: ToReturn, number: Number, at: float) -> ToReturn:
    """Give an entry without the number; if it was the caller's, nobody has to call any more.

    `at`: when that was asked (Unix seconds). The same entry comes back if it has no such number.
    """
    is_theirs = number.are_in(entry.number) or number.are_in(entry.shown)
    left = entry._replace(
        name=None if is_theirs else _hidden(entry.name, number),
        settled_by=_hidden(entry.settled_by, number),
        why=_hidden(entry.why, number, entry.name if is_theirs else None),
    )
    if is_theirs:
        left = left._replace(number=None, shown=None)
        if entry.is_open:
            left = left._replace(state=ReturnState.CLOSED, settled_at=at, why=FORGOTTEN)
    return entry if left == entry else left


def draft_without(draft: Draft, number: Number) -> Draft:
    """Give a draft without the number; if it was the caller's, all that is known of them goes.

    The same draft comes back if it has no such number.
    """
    left = replace(
        draft,
        did=None if number.are_in(draft.did) else draft.did,
        caller=_NOBODY if _is_callers(draft, number) else _caller(draft.caller, number),
        agent=_hidden(draft.agent, number),
        visits=tuple(_visit(visit, number) for visit in draft.visits),
        transfers=tuple(
            replace(step, by=_hidden(step.by, number), to=_hidden(step.to, number))
            for step in draft.transfers
        ),
        call_back=draft.call_back and _call_back(draft.call_back, hiding(draft, number), number),
        recording=_hidden(draft.recording, number),
    )
    return draft if left == draft else left


def hiding(draft: Draft, number: Number) -> Callable[[str | None], str | None]:
    """What takes the number out of a text about a draft, and the name of the caller if theirs."""
    name = draft.caller.name if _is_callers(draft, number) else None
    return lambda text: _hidden(text, number, name)


def alert_without(alert: Alert, number: Number) -> Alert:
    """Give an alert without the number, whoever has it: a caller, an agent, somebody paged.

    The same alert comes back if it has no such number.
    """
    left: Alert = _without(alert, number)
    return alert if left == alert else left


def page_without(page: Page, number: Number) -> Page:
    """Give a page without the number; the same one if it has no such number."""
    left: Page = _without(page, number)
    return page if left == page else left


def _without(value: Any, number: Number) -> Any:
    if isinstance(value, Waiting):
        return replace(value, number=None) if number.are_in(value.number) else value
    if isinstance(value, Route):
        # the channel's only place is what is left
        return value._replace(address=None) if number.are_in(value.address) else value
    if isinstance(value, str):
        return value if isinstance(value, Enum) else number.hide(value)
    if isinstance(value, tuple):
        left = [_without(item, number) for item in value]
        return type(value)(*left) if hasattr(value, "_fields") else tuple(left)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.name not in _PLACES]
        return replace(value, **{name: _without(getattr(value, name), number) for name in names})
    return value


def _is_callers(draft: Draft, number: Number) -> bool:
    return number.are_in(draft.caller.number) or number.are_in(draft.caller.e164)


def _hidden(text: _Text, number: Number, name: str | None = None) -> _Text:
    if text is None:
        return None
    text = number.hide(text)
    return _word(name).sub(f"({FORGOTTEN})", text) if name else text


def _word(name: str) -> re.Pattern[str]:
    """A name where it stands by itself; Chinese is written without blanks."""
    found = re.escape(name)
    return re.compile(rf"(?<![^\W_]){found}(?![^\W_])" if name.isascii() else found)


def _caller(caller: Caller, number: Number) -> Caller:
    known = caller.contact
    if known is not None:
        customer, site = _hidden(known.customer, number), _hidden(known.site, number)
        known = Contact(customer, site, known.vip, known.line)
    return replace(caller, name=_hidden(caller.name, number), contact=known)


def _visit(visit: VisitPart, number: Number) -> VisitPart:
    return replace(
        visit,
        agent=_hidden(visit.agent, number),
        final_agent=_hidden(visit.final_agent, number),
        agents_rung=tuple(_hidden(agent, number) for agent in visit.agents_rung),
    )


def _call_back(
    part: ReturnPart, hide: Callable[[str | None], str | None], number: Number
) -> ReturnPart:
    return replace(part, settled_by=_hidden(part.settled_by, number), why=hide(part.why))
