"""Where an open call stands now, in one word: what wallboards and metrics count."""

from enum import StrEnum

from ctid.domain.calls import Call


class Stage(StrEnum):
    """Where a caller stands.

    `waiting`: offered, and nobody's phone rings; `ringing`: offered, and one does; `talking`:
    connected with a human, also on hold; `other`: everything else, menus, parking, transfers.
    """

    WAITING = "waiting"
    RINGING = "ringing"
    TALKING = "talking"
    OTHER = "other"


def stage(call: Call) -> Stage | None:
    """None: the caller is gone, and only the ends of other channels are waited for."""
    if call.hung_up_at is not None or call.settled:
        return None
    if call.conversation.since is not None:
        return Stage.TALKING
    visit = call.visit
    if not visit.offered or visit.answered or visit.outcome is not None:
        return Stage.OTHER
    rings = any(ring.rang_at is not None and ring.ended_at is None for ring in visit.rings)
    return Stage.RINGING if rings else Stage.WAITING
