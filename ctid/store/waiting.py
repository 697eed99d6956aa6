"""What waits to be delivered."""

from typing import NamedTuple


class Waiting(NamedTuple):
    """So many, the oldest of them since `oldest_at` (Unix seconds); None: nothing waits."""

    number: int
    oldest_at: float | None
