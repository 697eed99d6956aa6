"""How a number leaves a missed call to return, and a ticket draft. Pure.

What only names a call (`key`, `uniqueid`, `pbx` ...) stays: it says nothing about the caller.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from ctid.domain.drafts import Caller, Contact, Draft, ReturnPart, VisitPart
from ctid.domain.returns import ReturnState, ToReturn

FORGOTTEN: Final = "forgotten"
"""Why nobody has to call back any more."""

_NOBODY: Final = Caller(None, None, None, None)

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
