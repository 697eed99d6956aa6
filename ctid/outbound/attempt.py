"""One attempt to bring a ticket to its newest revision, and what follows from how it ended."""

from dataclasses import dataclass

from ctid.outbound.pacing import LONGEST_PATIENCE_SECONDS, Pace
from ctid.outbound.port import FINAL, UNCLEAR, Backend, DeliveryError, Document, Remote
from ctid.store.outbox import Claim, OutboxState, Settlement


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended; `error` None: as it was meant to. `decided_at` of what was claimed."""

    settlement: Settlement
    decided_at: float
    error: DeliveryError | None


async def carry_out(backend: Backend, claim: Claim, document: Document) -> tuple[Remote, int]:
    """Do what has to be done next; give the ticket and the revision that is there now.

    Revision 0: looked up, and not there. Raises DeliveryError.
    """
    if claim.remote_id is not None:
        remote = Remote(claim.remote_id, claim.url)
        if claim.sent_revision == claim.revision:
            return remote, claim.revision  # it arrived just when somebody dropped it
        await backend.update(remote, document, unsure=claim.unsure == claim.revision)
        return remote, claim.revision
    if claim.unsure is None:
        return await backend.create(document), claim.revision
    found = await backend.look_up(claim.key)
    return (found, claim.unsure) if found else (Remote(""), 0)


def succeeded(
    claim: Claim, lease_until: float, remote: Remote, revision: int, now: float
) -> Settlement:
    """Settle a claim that was carried out. What was looked up is due again at once."""
    done = revision == claim.revision
    return Settlement(
        key=claim.key,
        lease_until=lease_until,
        state=OutboxState.DELIVERED if done else OutboxState.PENDING,
        next_at=now,
        attempts=0 if done else claim.attempts,
        sent_revision=revision,
        unsure=None,
        remote_id=remote.id or None,
        url=remote.url,
        reason=None,
        detail=None,
        settled_at=now if done else None,
    )


def failed(
    claim: Claim, lease_until: float, error: DeliveryError, pace: Pace, now: float
) -> Settlement:
    """Settle a claim that failed: again later, or never."""
    attempts = claim.attempts + 1
    looking = claim.remote_id is None and claim.unsure is not None
    unsure = claim.unsure
    if not looking and (error.reason in UNCLEAR or claim.remote_id is not None):
        # an update may need several requests, and the first of them may have been carried out
        unsure = claim.revision
    pause = pace.pause_seconds(attempts)
    if error.reason in UNCLEAR:
        pause = max(pause, pace.look_up_seconds)
    if error.retry_after_seconds is not None:
        pause = max(pause, min(error.retry_after_seconds, LONGEST_PATIENCE_SECONDS))
    dead = error.reason in FINAL
    return Settlement(
        key=claim.key,
        lease_until=lease_until,
        state=OutboxState.DEAD if dead else OutboxState.PENDING,
        next_at=now + pause,
        attempts=attempts,
        sent_revision=claim.sent_revision,
        unsure=unsure,
        remote_id=claim.remote_id,
        url=claim.url,
        reason=error.reason.value,
        detail=str(error),
        settled_at=now if dead else None,
    )
