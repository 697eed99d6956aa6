"""How pages went out by one channel, as plain counters."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from ctid.outbound.deliveries import DELIVERED, LATENCY_SECONDS
from ctid.outbound.port import Reason
from ctid.outbound.tally import Histogram

LATENESS_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
RESULTS: Final = (DELIVERED, *(reason.value for reason in Reason))
"""How an attempt may end; the values of a metric's label."""


@dataclass(slots=True)
class PageDeliveries:
    """Of one channel, numbers that only grow; `failing` is why it fails now, None: it does not.

    `attempts` counts messages by result; all others count pages: `folded` are those that arrived
    in a digest, `moved` went on to the recipient's next channel, `failed` reached nobody, `dropped`
    held no more before they were sent. `latency` is from the decision to the delivery, `lateness`
    from when it was due to when it was first sent, both in seconds.
    """

    attempts: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    folded: int = 0
    moved: int = 0
    failed: int = 0
    dropped: int = 0
    latency: Histogram = field(default_factory=lambda: Histogram(LATENCY_SECONDS))
    lateness: Histogram = field(default_factory=lambda: Histogram(LATENESS_SECONDS))
    failing: Reason | None = None

    def copy(self) -> "PageDeliveries":
        """The numbers of this moment."""
        return deepcopy(self)
