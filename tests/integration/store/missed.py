"""Missed calls with their entries and drafts, as the daemon would decide them."""

from collections.abc import Sequence
from typing import Any

from ctid.domain.batch import Batch
from ctid.domain.drafts import Contact, LineName
from ctid.domain.numbers import Numbering, normalizer
from ctid.domain.policy import LineRules, Policy, Rules
from ctid.domain.records import Outcome, Reason, Record
from ctid.domain.returns import Returns
from tests.integration.store import samples

HOUR = 3600.0
NUMBER = "13800000001"
NAME = "Zhang San"
CUSTOMER = "Example Ltd."
NUMBERING = normalizer(Numbering("CN", outside_prefixes=("9",)))
NETWORK = LineRules(
    LineName("network", "Network", "network"), frozenset({"answered", "missed", "after_hours"})
)
RULES = Rules(
    destinations={"rt": frozenset(), "hook": frozenset()},
    lines={"network": NETWORK},
    contact={f"+86{NUMBER}": Contact(CUSTOMER, "Shanghai")}.get,
)


def policy() -> Policy:
    returns = Returns(NUMBERING, lambda _, at: at + HOUR)
    return Policy(RULES, returns, NUMBERING)


def missed(n: int, at: float, number: str | None = NUMBER, **changes: Any) -> Record:
    """Call number n, that nobody answered."""
    call = samples.missed(n)._replace(
        line="network",
        caller_number=number,
        caller_name=NAME if number == NUMBER else "Li",
        started_at=at,
        offered_at=at,
        ended_at=at + 30.0,
        outcome=Outcome.MISSED,
        reason=Reason.NO_ANSWER,
    )
    return call._replace(**changes)


def batch(here: Policy, records: Sequence[Record], now: float) -> Batch:
    """These records and what follows from them."""
    decided = here.receive(records, now)
    return Batch(records=tuple(records), returns=decided.returns, wanted=decided.wanted)
