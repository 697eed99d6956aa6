"""How deliveries to one destination went, as plain counters."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from ctid.outbound.port import Reason
from ctid.outbound.tally import Histogram

LATENCY_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
DELIVERED: Final = "delivered"
LOOKED_UP: Final = "looked_up"
RESULTS: Final = (DELIVERED, LOOKED_UP, *(reason.value for reason in Reason))
"""How an attempt may end; the values of a metric's label."""


@dataclass(slots=True)
class Deliveries:
    """Of one destination, numbers that only grow; `failing` is why it fails now, None: it does not.

    `attempts` counts by result: `delivered`, `looked_up`, or the reason of a failure. `latency` is
    the time from the decision to the delivery, in seconds.
    """

    attempts: Counter[str] = field(default_factory=Counter)
    delivered: int = 0
    dead: int = 0
    latency: Histogram = field(default_factory=lambda: Histogram(LATENCY_SECONDS))
    failing: Reason | None = None

    def copy(self) -> "Deliveries":
        """The numbers of this moment."""
        return deepcopy(self)
