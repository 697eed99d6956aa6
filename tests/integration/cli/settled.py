"""Pages that were settled, and what a command has printed about them."""

from typing import Any, Final

from ctid.store import pages
from ctid.store.pages import PageState, Settlement, Tried
from tests import alerts as made

LEFT: Final = Tried("robot", made.LIMIT + 1.0, "rejected", "errcode 310000 for 13900000002")


def settlement(claim: pages.Claim, state: PageState, **values: Any) -> Settlement:
    whole = Settlement(
        alert=claim.alert,
        seq=claim.seq,
        lease_until=claim.lease_until,
        state=state,
        route=claim.route,
        channel=claim.channel,
        address=claim.address,
        next_at=claim.due_at,
        attempts=1,
        began_at=claim.began_at,
        route_at=claim.route_at,
        tried=(),
        reason=None,
        detail=None,
        settled_at=made.LIMIT + 2.0,
        message_key=None,
    )
    return whole._replace(**values)


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]
