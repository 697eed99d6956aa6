"""What SQLite has to give: durability, file modes, and a clear line for every failure."""

# ruff: noqa: ASYNC220, ASYNC221, ASYNC240 - nothing else runs in these loops meanwhile

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from ctid.store.errors import StoreReason, StoreUnavailable
from ctid.store.migrate import upgrade
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests import small_disk
from tests.integration.store import samples

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def path(sqlite_path: Path) -> Path:
    await upgrade(str(sqlite_path))
    return sqlite_path


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with await Store.open(str(path), busy_timeout_seconds=0.05) as opened:
        yield opened


async def committed(path: Path) -> int:
    async with await Reader.open(str(path)) as reader:
        return len(await reader.records(RecordFilter()))


async def refused(store: Store, reason: StoreReason, path: Path) -> str:
    """The one line with which a commit is refused."""
    with pytest.raises(StoreUnavailable) as caught:
        await store.commit(samples.ended(*range(100, 150)))
    line = str(caught.value)
    assert caught.value.reason is reason, line
    assert str(path) in line
    assert "\n" not in line
    return line


async def test_commits_are_on_disk(store: Store) -> None:
    assert store._connection is not None
    for pragma, value in [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("busy_timeout", 50),
    ]:
        result = await store._connection.exec_driver_sql(f"PRAGMA {pragma}")
        assert result.scalar_one() == value, pragma
    await store._connection.rollback()


async def test_another_program_that_comes_and_goes_takes_nothing_with_it(
    store: Store, path: Path
) -> None:
    """An open file that is closed drops every lock of its process, and with it SQLite's own.

    Then a program that closes the database believes it is the last one, and removes the log
    that this process goes on writing to.
    """
    await store.commit(samples.ended(1))
    assert await committed(path) == 1
    look = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM record').close()"
    )
    subprocess.run([sys.executable, "-c", look, str(path)], check=True, timeout=60)
    await store.commit(samples.ended(2))
    assert sorted(
        row[0] for row in sqlite3.connect(path).execute("SELECT count(*) FROM record")
    ) == [2]


async def test_a_log_that_was_removed_is_noticed_and_nothing_is_lost(
    store: Store, path: Path
) -> None:
    await store.commit(samples.ended(1))
    path.with_name(f"{path.name}-wal").unlink()
    assert "-wal" in await refused(store, StoreReason.GONE, path)
    await store.commit(samples.ended(*range(100, 150)))
    assert await committed(path) == 51


async def test_a_transaction_takes_the_lock_at_once(store: Store, path: Path) -> None:
    assert store._connection is not None
    async with store._connection.begin():
        other = sqlite3.connect(path, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


async def test_the_files_are_for_owner_and_group(sqlite_path: Path) -> None:
    for mask in (0o000, 0o077):
        before = os.umask(mask)
        try:
            await upgrade(str(sqlite_path))
            async with await Store.open(str(sqlite_path)) as store:
                await store.commit(samples.ended(1))
                files = list(sqlite_path.parent.glob("ctid.sqlite3*"))
                assert len(files) == 3
                assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o640}
        finally:
            os.umask(before)
        sqlite_path.unlink()


async def test_a_file_that_exists_keeps_its_mode(path: Path) -> None:
    path.chmod(0o600)
    await upgrade(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("acknowledged", [0, 1, 7, 23, 40])
async def test_kill_9_leaves_whole_batches_and_loses_none(path: Path, acknowledged: int) -> None:
    size = 60
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.store.writer", str(path), str(size)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        for n in range(acknowledged + 1):
            assert writer.stdout.readline() == f"{n}\n"
        writer.send_signal(signal.SIGKILL)
        # It may have got further while the signal was on its way.
        last = acknowledged + len(writer.stdout.read().splitlines())
        assert writer.wait() == -signal.SIGKILL
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        count = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("record", "ring", "history")
        }
    database.close()
    batches, rest = divmod(count["record"], size)
    assert rest == 0
    assert batches in (last + 1, last + 2)  # the one after may be in before it was acknowledged
    assert count["ring"] == 2 * count["record"]
    assert count["history"] == count["record"]
    async with await Store.open(str(path)) as store:
        await store.commit(samples.ended(10_000_000))


async def test_a_full_disk_is_one_line_and_nothing_is_lost(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    command = f"exec {sys.executable} -m tests.integration.store.full_disk {disk}"
    done = small_disk.run(disk, 2500, command)
    assert done.returncode == 0, done.stderr
    failure, while_full, after = (line.split("\t") for line in done.stdout.splitlines())
    assert failure[0] == "full"
    assert str(disk) in failure[1]
    assert "free space" in failure[1]
    assert while_full[0] == while_full[1]
    assert int(while_full[0]) > 0
    assert after[0] == after[1]


async def test_a_full_database_recovers_by_itself(store: Store, path: Path) -> None:
    def limit(connection: object, _entry: object) -> None:
        connection.execute("PRAGMA max_page_count=30")  # type: ignore[attr-defined]

    await store.commit(samples.ended(1))
    event.listen(store._engine.sync_engine, "connect", limit)
    await store._disconnect()
    for _ in range(2):
        assert "free space" in await refused(store, StoreReason.FULL, path)
    assert await committed(path) == 1
    event.remove(store._engine.sync_engine, "connect", limit)
    await store.commit(samples.ended(*range(100, 150)))
    assert await committed(path) == 51


async def test_locked_by_another_process(store: Store, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "end that program's transaction" in await refused(store, StoreReason.LOCKED, path)
    other.execute("ROLLBACK")
    other.close()
    await store.commit(samples.ended(1))
    assert await committed(path) == 1


async def test_the_file_is_deleted_under_a_running_store(store: Store, path: Path) -> None:
    await store.commit(samples.ended(1))
    aside = path.with_name("aside")
    path.rename(aside)
    assert "put it back" in await refused(store, StoreReason.GONE, path)
    assert "create it" in await refused(store, StoreReason.MISSING, path)
    assert not path.exists()
    aside.rename(path)
    await store.commit(samples.ended(2))
    assert await committed(path) >= 2


async def test_the_folder_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "ctid.sqlite3"
    for attempt in (upgrade, Store.open, Reader.open):
        with pytest.raises(StoreUnavailable) as caught:
            await attempt(str(path))
        assert caught.value.reason is StoreReason.MISSING
        assert str(path) in str(caught.value)
        assert "create its folder (or put it back), or correct [store] url" in str(caught.value)


@pytest.mark.parametrize("content", [b"not a database " * 100, b"SQLite format 3\0" + b"?" * 4000])
async def test_the_file_is_no_database(sqlite_path: Path, content: bytes) -> None:
    sqlite_path.write_bytes(content)
    with pytest.raises(StoreUnavailable) as caught:
        await upgrade(str(sqlite_path))
    assert caught.value.reason is StoreReason.CORRUPT
    assert str(sqlite_path) in str(caught.value)


@pytest.fixture
def ordinary_user(tmp_path: Path) -> Iterator[None]:
    """Root may write whatever the modes say, so it steps back to `nobody` for a while."""
    if os.geteuid() != 0:
        yield
        return
    nobody = 65534
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    os.chown(tmp_path, nobody, nobody)
    os.seteuid(nobody)
    yield
    os.seteuid(0)


async def test_the_file_is_read_only(ordinary_user: None, sqlite_path: Path) -> None:
    await upgrade(str(sqlite_path))
    sqlite_path.chmod(0o440)
    with pytest.raises(StoreUnavailable) as caught:
        await Store.open(str(sqlite_path))
    assert caught.value.reason is StoreReason.READ_ONLY, caught.value
    assert "make the file, its -wal and -shm, their folder and file system writable" in str(
        caught.value
    )
    for file in sqlite_path.parent.glob("ctid.sqlite3*"):
        file.chmod(0o640)
    async with await Store.open(str(sqlite_path)) as store:
        await store.commit(samples.ended(1))


async def test_the_folder_is_read_only(ordinary_user: None, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o555)
    path = folder / "ctid.sqlite3"
    with pytest.raises(StoreUnavailable) as caught:
        await upgrade(str(path))
    assert caught.value.reason is StoreReason.DENIED
    assert "give ctid's user the right" in str(caught.value)
    folder.chmod(0o755)
    await upgrade(str(path))


async def test_the_figures_of_a_line_come_from_the_index_alone(path: Path) -> None:
    database = sqlite3.connect(path)
    plan = database.execute(
        "EXPLAIN QUERY PLAN SELECT outcome, reason, count(*), sum(wait_seconds), "
        "sum(talk_seconds + hold_seconds), count(DISTINCT uniqueid) FROM record "
        "WHERE line = 'network' AND offered_at >= 1.0 AND offered_at < 2.0 GROUP BY 1, 2"
    ).fetchall()
    database.close()
    assert "USING COVERING INDEX ix_record_figures" in plan[0][3]
