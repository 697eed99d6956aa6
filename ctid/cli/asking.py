"""The database as commands read it: read-only, one short transaction a question."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ctid.cli.common import fail
from ctid.config import Config
from ctid.domain.records import Record
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader, RecordFilter

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
        fail(str(error))
    except UnicodeEncodeError:
        # what the shell gave is kept as lone surrogates, which no database takes
        fail("what was asked for is not UTF-8 text; is the terminal's character set UTF-8?", 2)
