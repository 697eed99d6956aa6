"""The migrations make the schema, on both databases, and refuse one they do not know."""

# ruff: noqa: ASYNC221, ASYNC240 - nothing else runs in these loops meanwhile

import asyncio
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from ctid.store import db, migrate, schema
from ctid.store.address import database_at
from ctid.store.errors import SchemaTooNew, StoreReason, StoreUnavailable
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.integration.store import samples


async def test_the_migrated_schema_is_the_one_in_the_code(url: str) -> None:
    def difference(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, schema.metadata))

    engine = db.reader_engine(database_at(url), 5)
    async with engine.connect() as connection:
        assert await connection.run_sync(difference) == []
    await engine.dispose()


def test_the_revisions_in_the_code_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", "ctid.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [migrate.head()]
    newest_first = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(newest_first)) == schema.REVISIONS


def test_alembic_is_not_in_memory_without_need(tmp_path: Path) -> None:
    start = (
        "import asyncio, sys; from ctid.store import migrate;"
        f"asyncio.run(migrate.upgrade({str(tmp_path / 'a.sqlite3')!r}));"
        "print('alembic' in sys.modules)"
    )
    said = [
        subprocess.run([sys.executable, "-c", start], check=True, capture_output=True, text=True)
        for _ in range(2)
    ]
    assert [done.stdout for done in said] == ["True\n", "False\n"]


async def test_upgrading_again_changes_nothing(url: str) -> None:
    async with await Store.open(url) as store:
        await store.commit(samples.ended(1))
    await migrate.upgrade(url)
    async with await Reader.open(url) as reader:
        assert await reader.seen("main") is not None


async def test_two_that_start_at_once_do_not_collide(empty_url: str) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(migrate.upgrade(empty_url))
    async with await Store.open(empty_url) as store:
        await store.commit(samples.ended(1))


async def set_revision(url: str, revision: str) -> None:
    engine = db.writer_engine(database_at(url), 5)
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE alembic_version SET version_num = :r"), {"r": revision}
        )
    await engine.dispose()


async def test_a_newer_schema_is_refused_in_one_line(url: str) -> None:
    await set_revision(url, "9999")
    for attempt in (migrate.upgrade, Store.open, Reader.open):
        with pytest.raises(SchemaTooNew) as caught:
            await attempt(url)
        message = str(caught.value)
        assert str(database_at(url)) in message
        assert "9999" in message
        assert migrate.head() in message
        assert "install the newer ctid" in message
        assert "\n" not in message


async def test_a_newer_schema_is_noticed_by_a_running_store(url: str) -> None:
    async with await Store.open(url) as store:
        await set_revision(url, "9999")
        await store._disconnect()
        with pytest.raises(SchemaTooNew):
            await store.commit(samples.ended(1))


async def test_a_database_without_tables_is_not_opened(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        db.create_file(database_at(empty_url))
    with pytest.raises(StoreUnavailable, match="restart ctid, which creates them") as caught:
        await Store.open(empty_url)
    assert caught.value.reason is StoreReason.NOT_MIGRATED


async def test_migrations_are_in_the_wheel(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    program = (
        "import asyncio, ctid.store.migrate as m; "
        f"assert m.__file__.startswith({str(site)!r}), m.__file__; "
        f"asyncio.run(m.upgrade({str(tmp_path / 'new.sqlite3')!r}))"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
        check=True,
        timeout=60,
    )
    with sqlite3.connect(tmp_path / "new.sqlite3") as made:
        names = {name for (name,) in made.execute("SELECT name FROM sqlite_master")}
    made.close()
    assert names >= set(schema.metadata.tables)
