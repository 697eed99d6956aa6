"""The database as commands read it: read-only, one short transaction a question."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from sqlalchemy import select

from ctid.cli.common import fail, fail_no_text
from ctid.config import Config
from ctid.domain.records import Record
from ctid.domain.tally import Scope
from ctid.store import offers
from ctid.store.address import database_at
from ctid.store.errors import StoreReason, StoreUnavailable
from ctid.store.queries import Reader, RecordFilter
from ctid.store.schema import summary

_T = TypeVar("_T")

PAGE = 500  # records a transaction


class Asking:
    """A `Reader`, for code that does not wait."""

    def __init__(self, reader: Reader, runner: asyncio.Runner) -> None:
        self.reader = reader
        self._runner = runner

    def get(self, answer: Coroutine[Any, Any, _T]) -> _T:
        """Wait for what a method of `reader` gives."""
        return self._runner.run(answer)

    def newest(self, wanted: RecordFilter, limit: int | None) -> Iterator[Record]:
        """Give records newest first, page by page; `limit` None: all."""
        last: Record | None = None
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = self.get(self.reader.newest(wanted, size, after=last))
            yield from page
            if len(page) < size:
                return
            last = page[-1]
            left = None if left is None else left - size


@contextmanager
def asking(config: Config) -> Iterator[Asking]:
    """Open the database; what is wrong with it, then or later, ends the command with its line."""
    try:
        with asyncio.Runner() as runner:
            reader = runner.run(Reader.open(config.store.url))
            try:
                yield Asking(reader, runner)
            finally:
                runner.run(reader.close())
    except StoreUnavailable as error:
        fail_without_database(config, error)
    except UnicodeEncodeError:
        fail_no_text()


async def lines_of(reader: Reader, config: Config) -> set[str]:
    """The lines that are configured, or that records or figures have. Raises StoreUnavailable."""
    of_figures = select(summary.c.name).where(summary.c.scope == Scope.LINE.value).distinct()
    async with reader.transaction() as connection:
        recorded = await offers.lines(connection)
        summarised = (await connection.execute(of_figures)).scalars().all()
    return {*(line.name for line in config.line), *recorded, *summarised}


def see_lines(wanted: Iterable[str], known: Collection[str]) -> None:
    """End the command where a line is wanted that does not exist."""
    for line in wanted:
        if line not in known:
            names = ", ".join(sorted(known)) or "none"
            fail(f"--line {line}: no such line; there are: {names}", 2)


def fail_without_database(config: Config, error: StoreUnavailable) -> NoReturn:
    """Say why the database cannot be read; before the first `ctid run` there is none."""
    path = database_at(config.store.url).path
    if path is not None and error.reason is StoreReason.MISSING and path.parent.is_dir():
        fail(f"database {path}: there is none yet; `ctid run` makes it: start that first")
    fail(str(error))
