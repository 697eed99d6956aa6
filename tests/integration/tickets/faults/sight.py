"""Which calls ctid cannot have overlooked: those that began in sight, before one that it has."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

_ATTACHED_SECONDS: Final = 0.2


def overlooked(
    begun: Sequence[tuple[float, float]],
    recorded: Iterable[str],
    log: Path,
    kills: Iterable[float],
) -> Iterator[int]:
    """Give the numbers of calls that have no record, though they began in sight.

    `begun` has between which times each call began, `kills` when ctid was killed (Unix seconds);
    `recorded` are the ids of recorded calls, in which the simulated PBX writes their numbers.
    What came last before a kill may not have been read yet, by a busy machine; but whoever has
    the record of a later call has read all that came before it.
    """
    has = {int(uniqueid.partition(".")[2]) // 1000 for uniqueid in recorded}
    for since, until in _sights(log, sorted(kills)):
        inside = [
            number
            for number, (earliest, latest) in enumerate(begun)
            if earliest > since + _ATTACHED_SECONDS and latest < until
        ]
        ended_well = until == math.inf
        last = max(inside if ended_well else has.intersection(inside), default=-1)
        yield from (number for number in inside if number <= last and number not in has)


def _sights(log: Path, kills: list[float]) -> Iterator[tuple[float, float]]:
    for line in log.read_text().splitlines():
        if '"event":"pbx_attached"' not in line:
            continue
        since = datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
        yield since, min((kill for kill in kills if kill > since), default=math.inf)
