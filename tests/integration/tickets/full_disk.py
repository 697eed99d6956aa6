"""Fills a disk with drafts: `python -m tests.integration.tickets.full_disk FOLDER`.

FOLDER is an empty, small file system. Prints what the backend said when it was full, what its check
found, and how many whole lines are there: before, and after room was made and the draft given
again.
"""

import asyncio
import json
import sys
from pathlib import Path

from ctid.config.backends import FileBackend
from ctid.outbound.port import DeliveryError
from ctid.outbound.tickets.file import TicketFile
from tests.drafts import document, draft

BALLAST_BYTES = 100_000


def whole(path: Path) -> int:
    data = path.read_bytes()
    assert data.endswith(b"\n")
    return len([json.loads(line) for line in data.splitlines()])


async def main(folder: Path) -> None:
    path = folder / "tickets.jsonl"
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(BALLAST_BYTES))
    backend = TicketFile(FileBackend(path=str(path)))
    number = 0
    while True:
        made = document(draft(key=f"ctid:{number}"), body="x" * 5_000)
        try:
            await backend.create(made)
        except DeliveryError as error:
            print(error.reason, error, sep="\t")
            break
        number += 1
    print(*(f"{finding.ok} {finding.what}" for finding in await backend.check()), sep="\t")
    print(number, whole(path), sep="\t")
    ballast.unlink()
    await backend.create(made)
    print(number + 1, whole(path), sep="\t")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
