"""A backup while calls are committed."""

# ruff: noqa: ASYNC240 - nothing else runs in these loops meanwhile

import asyncio
import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ctid.store.address import database_at
from ctid.store.backup import BackupError, backup
from ctid.store.errors import StoreReason, StoreUnavailable
from ctid.store.migrate import upgrade
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests import small_disk
from tests.integration.store import no_links, samples
from tests.waiting import until

ROOT = Path(__file__).parents[3]
CALLS = 6_000


@pytest.fixture
async def path(sqlite_path: Path) -> Path:
    await upgrade(str(sqlite_path))
    async with await Store.open(str(sqlite_path)) as store:
        await store.commit(samples.ended(*range(CALLS)))
    return sqlite_path


async def calls_in(path: Path) -> int:
    async with await Reader.open(str(path)) as reader:
        return len(await reader.records(RecordFilter()))


async def test_it_is_the_state_of_one_moment_and_commits_go_on_meanwhile(
    path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "copy.sqlite3"
    took: list[float] = []
    async with await Store.open(str(path), busy_timeout_seconds=0.5) as store:
        copying = asyncio.ensure_future(  # noqa: TID251 - awaited below
            asyncio.to_thread(backup, database_at(str(path)), target)
        )
        while not copying.done():
            began = time.perf_counter()
            await store.commit(samples.ended(CALLS + len(took)))
            took.append(time.perf_counter() - began)
        await copying
    assert len(took) > 2
    assert max(took) < 0.5
    async with await Reader.open(str(target)) as reader:
        copied = {record.uniqueid for record in await reader.records(RecordFilter())}
    assert CALLS <= len(copied) < CALLS + len(took)
    assert copied == {samples.uniqueid(n) for n in range(len(copied))}
    assert await calls_in(path) == CALLS + len(took)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


async def test_nothing_is_left_beside_it(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    backup(database_at(str(path)), folder / "copy")
    assert [file.name for file in folder.iterdir()] == ["copy"]


class Copying:
    """`ctid backup` as a process, in the middle of its work on a database of 100 MB."""

    def __init__(self, path: Path, folder: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE filler AS SELECT zeroblob(100000000) AS zeros")
        folder.mkdir()
        config = folder.with_suffix(".toml")
        config.write_text(f'[store]\nurl = "{path}"\n')
        self._folder = folder
        self._argv = [sys.executable, "-m", "ctid", "backup", f"{folder}/copy", "-c", f"{config}"]

    async def __aenter__(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen(self._argv, cwd=ROOT)  # noqa: ASYNC220 - waits for nothing
        await until(lambda: any(self._folder.iterdir()))
        self.process.send_signal(signal.SIGSTOP)
        return self.process

    async def __aexit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_a_signal_leaves_nothing(path: Path, tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "backups"
    async with Copying(path, folder) as process:
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        assert process.wait(20) == -number
    assert list(folder.iterdir()) == []


async def test_parts_go_whose_writer_was_killed(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    async with Copying(path, folder):
        (part,) = folder.iterdir()
        (folder / ".other.01234567.part").touch()
        backup(database_at(str(path)), folder / "copy")
        assert part in folder.iterdir()  # its writer lives
    assert part in folder.iterdir()
    backup(database_at(str(path)), folder / "copy", overwrite=True)
    assert {file.name for file in folder.iterdir()} == {"copy", ".other.01234567.part"}


@pytest.mark.skipif(not no_links.IS_POSSIBLE, reason="numbers of system calls not known")
async def test_a_disk_without_links_will_do(path: Path, tmp_path: Path) -> None:
    folder, config = tmp_path / "backups", tmp_path / "ctid.toml"
    folder.mkdir()
    config.write_text(f'[store]\nurl = "{path}"\n')
    argv = [sys.executable, "-m", "tests.integration.store.no_links", "backup"]
    argv += [f"{folder}/copy", "-c", f"{config}"]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    first = run()
    assert (first.returncode, first.stderr) == (0, "")
    assert "is there already" in run().stderr
    assert await calls_in(folder / "copy") == CALLS
    assert stat.S_IMODE((folder / "copy").stat().st_mode) == 0o640


async def test_any_name_will_do(path: Path, tmp_path: Path) -> None:
    for name in ("with blank", "q?mark#1%20", "副本", os.fsdecode(b"\xff")):
        backup(database_at(str(path)), tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1_000_000


async def test_what_is_there_is_kept_unless_it_may_go(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_text("precious")
    with pytest.raises(BackupError, match="is there already; choose another file, or use --force"):
        backup(database_at(str(path)), target)
    assert target.read_text() == "precious"
    backup(database_at(str(path)), target, overwrite=True)
    assert await calls_in(target) == CALLS


async def test_the_database_is_never_overwritten(path: Path, tmp_path: Path) -> None:
    (tmp_path / "soft").symlink_to(path)
    os.link(path, tmp_path / "hard")
    for target in (path, tmp_path / "soft", tmp_path / "hard", Path(f"{path}-wal")):
        with pytest.raises(BackupError, match="is the database itself"):
            backup(database_at(str(path)), target, overwrite=True)
    assert await calls_in(path) == CALLS


async def test_a_place_that_cannot_be_written_is_one_line(path: Path, tmp_path: Path) -> None:
    for target, words in (
        (tmp_path / "nowhere" / "copy", "No such file or directory"),
        (tmp_path, "is a folder"),
        (Path("/dev/full"), "is no ordinary file"),
        (path / "copy", "Not a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(BackupError, match=words) as caught:
            backup(database_at(str(path)), target, overwrite=True)
        assert str(caught.value).startswith(f"{target}: ")
        assert "\n" not in str(caught.value)


async def test_a_full_disk_leaves_nothing_and_is_one_line(path: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    config = tmp_path / "ctid.toml"
    config.write_text(f'[store]\nurl = "{path}"\n')
    command = (
        f"{sys.executable} -m ctid backup {disk}/copy --config {config}; "
        f"code=$?; ls -A {disk}; exit $code"
    )
    done = small_disk.run(disk, 2500, command)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ctid: {disk}/copy: cannot be written: ")
    assert line.endswith("free space there, or choose another disk")


async def test_what_is_no_database_of_ctid_is_refused(sqlite_path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        backup(database_at(str(sqlite_path)), tmp_path / "copy")
    assert caught.value.reason is StoreReason.MISSING
    with sqlite3.connect(sqlite_path) as other:
        other.execute("CREATE TABLE cats (name TEXT)")
    other.close()
    with pytest.raises(BackupError, match="holds no tables of ctid"):
        backup(database_at(str(sqlite_path)), tmp_path / "copy")
    sqlite_path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreUnavailable) as caught:
        backup(database_at(str(sqlite_path)), tmp_path / "copy")
    assert caught.value.reason is StoreReason.CORRUPT
    assert [file.name for file in tmp_path.iterdir()] == [sqlite_path.name]


async def test_a_damaged_database_gives_no_backup(path: Path, tmp_path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(bytes(64 * 4096))
    with pytest.raises((BackupError, StoreUnavailable)) as caught:
        backup(database_at(str(path)), tmp_path / "copy")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "copy").exists()


def test_postgresql_has_its_own_tool(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="pg_dump") as caught:
        backup(database_at("postgresql://ctid:secret@127.0.0.1/ctid"), tmp_path / "copy")
    assert "secret" not in str(caught.value)
