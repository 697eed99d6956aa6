"""Asks a PBX, on the connection that follows its events, who could answer at this moment."""

import asyncio
from collections.abc import Collection, Iterable, Iterator

from ctid.ami import actions
from ctid.ami.client import Client
from ctid.ami.replies import Listed, ListedMember, ListedQueue
from ctid.domain.presence import PhoneState
from ctid.domain.seats import Answer, Member

# So many queues are asked for one by one; with more, one answer with all of them is shorter.
_FEW = 5
# Each phone beside the members of queues takes an action of its own.
_MOST_PHONES = 2000
_LOCAL = "Local/"


async def ask(
    client: Client, queues: Collection[str], phones: Collection[str], at: float, seconds: float
) -> Answer | None:
    """Ask; None if the answers did not come in `seconds`. Raises ConnectionEndedError.

    `phones` are interfaces. Beyond the first 2,000, and where a name could not be sent, they are
    unknown.
    """
    sent = askable(phones)
    lists = [
        client.gather(action, actions.QUEUE_STATUS_END) for action in _questions(frozenset(queues))
    ]
    asked = {phone: client.request(actions.device_state(phone)) for phone in sent}
    try:
        async with asyncio.timeout(seconds):
            listed = [item for items in lists for item in await items or ()]
            states = {phone: (await answer).phone for phone, answer in asked.items()}
    except TimeoutError:
        for items in lists:
            items.cancel()
        client.forget(*asked.values())
        return None
    unasked = dict.fromkeys(frozenset(phones).difference(sent), PhoneState.UNKNOWN)
    known = {phone: state for phone, state in states.items() if state is not None}
    return Answer(
        at,
        frozenset(item.queue for item in listed if isinstance(item, ListedQueue)),
        tuple(_members(listed)),
        unasked | known,
    )


def askable(phones: Collection[str]) -> list[str]:
    """Those whose state can be asked for: their names cannot say anything else to the PBX."""
    return [phone for phone in phones if _can_be_asked(phone)][:_MOST_PHONES]


def _questions(queues: frozenset[str]) -> Iterable[actions.Action]:
    named = [queue for queue in sorted(queues) if queue.isprintable()]
    if len(named) > _FEW:
        return (actions.QUEUE_STATUS,)
    return map(actions.queue_status, named)


def _can_be_asked(phone: str) -> bool:
    return phone.isprintable() and not frozenset(phone) & frozenset("(),${}\"'\\")


def _members(listed: Iterable[Listed]) -> Iterator[Member]:
    for item in listed:
        if isinstance(item, ListedMember):
            yield Member(
                item.queue,
                item.interface,
                item.name,
                _phone(item),
                item.paused,
                item.pause_reason or None,
            )


def _phone(item: ListedMember) -> PhoneState:
    if item.in_call and item.phone in (PhoneState.IDLE, PhoneState.UNKNOWN):
        return PhoneState.TALKING
    if item.interface.startswith(_LOCAL) and item.phone is PhoneState.IDLE:
        # Only that such an extension exists; of the phone that it leads to it says nothing.
        return PhoneState.UNKNOWN
    return item.phone
