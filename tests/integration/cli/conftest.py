"""A database that holds the calls of recorded streams, and a configuration that names it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ctid.cli import app
from ctid.domain.batch import Batch
from ctid.domain.tracker import Tracker
from ctid.replay import events_of
from ctid.store.migrate import upgrade
from ctid.store.recorder import Store
from tests.lab import PBX, directory
from tests.truth import CAPTURES

Ctid = Callable[..., Result]


async def _fill(url: str) -> None:
    await upgrade(url)
    async with await Store.open(url) as store:
        for stream in sorted(CAPTURES.glob("*.ami")):
            tracker = Tracker(PBX, directory())
            for event in events_of(stream):
                tracker.receive(event)
            tracker.close()
            told = tracker.drain()
            await store.commit(
                Batch(
                    records=(*told.records, *tracker.records_of_open_calls()),
                    facts=tuple(told.facts),
                    open_calls=tuple(told.open_calls),
                )
            )


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration; beside it the database with the calls of all captures."""
    folder = tmp_path_factory.mktemp("recorded")
    asyncio.run(_fill(str(folder / "ctid.sqlite3")))
    config = folder / "ctid.toml"
    head = 'timezone = "Asia/Shanghai"\n[store]\nurl = "ctid.sqlite3"\n'
    config.write_text(head + (CAPTURES / "lab.toml").read_text())
    return config


@pytest.fixture
def ctid() -> Ctid:
    """The command line, as it is typed."""

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, list(map(str, arguments)))

    return run
