"""The story of a disk that is full: `python -m tests.integration.stories.full_disk FOLDER DISK`.

DISK is an empty, small file system for the store alone.
"""

import asyncio
import errno
import sqlite3
import sys
from pathlib import Path

from ctid.store import migrate
from tests.integration.stories.story import Story
from tests.integration.stories.test_beside_calls import tell_of_a_store_that_fails


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 4096, 512):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def main(folder: Path, disk: Path) -> None:
    url = f"sqlite:///{disk / 'ctid.sqlite3'}"
    asyncio.run(migrate.upgrade(url))
    with Story(folder, url) as story:
        story.missed_call("a")
        story.advance("14m")
        story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")
        # whoever closes a database last removes its log, and there is room again
        other = sqlite3.connect(disk / "ctid.sqlite3")
        other.execute("SELECT count(*) FROM record").fetchall()
        fill(disk / "ballast")
        story.advance("30s")
        tell_of_a_store_that_fails(story, "free space")
        story.call("b")
        story.answer("b")
        story.advance("1s")
        story.expect("09:15:01 dingtalk @Li: RESOLVED: Network (calls not saved)")
        (disk / "ballast").unlink()
        other.close()
        story.recover()
        story.expect(
            "09:15:01 dingtalk @Li: RESOLVED: ctid (calls not saved)",
            "09:15:01 dingtalk @Li: UNANSWERED 15 min: Network",
            "09:15:01 dingtalk @Li: ANSWERED by Zhao: Network",
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
