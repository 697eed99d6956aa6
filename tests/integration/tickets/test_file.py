"""Drafts as lines of a file: each revision once, whatever happened to the file meanwhile."""

import asyncio
import json
import os
import stat
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ctid.config.backends import FileBackend
from ctid.outbound.port import DeliveryError, Document, Finding, Reason, Remote
from ctid.outbound.tickets import open_backend
from ctid.outbound.tickets.file import TicketFile
from tests import small_disk
from tests.drafts import document, draft

KEY = document().key
OTHER = "ctid:desk:main:1.1:network"
NASTY = 'a "b" {{c}}\n\u2028\u4e00 \U0001f600'


def opened(path: Path) -> TicketFile:
    backend = open_backend(FileBackend(path=str(path)), "desk", "Asia/Shanghai")
    assert isinstance(backend, TicketFile)
    return backend


def lines(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def of(key: str, revision: int = 1) -> Document:
    return document(draft(key=key), revision)


async def test_a_line_for_each_revision(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    backend = opened(path)
    assert await backend.look_up(KEY) is None
    first = document(subject="one", body=NASTY)
    remote = await backend.create(first)
    assert remote == Remote(KEY)
    await backend.update(remote, document(revision=2), unsure=False)
    await backend.close()
    one, two = lines(path)
    assert list(one) == ["revision", "subject", "body", "draft"]
    assert (one["revision"], one["subject"], one["body"]) == (1, "one", NASTY)
    assert one["draft"] == json.loads(first.data)
    assert two["revision"] == 2
    assert await backend.look_up(KEY) == remote
    assert await backend.look_up(OTHER) is None


async def test_a_draft_that_is_laid_out_over_lines_is_one_line(tmp_path: Path) -> None:
    made = document()
    spread = Document(1, made.draft, "s", "b", json.dumps(json.loads(made.data), indent=2).encode())
    await opened(tmp_path / "f").create(spread)
    (line,) = lines(tmp_path / "f")
    assert line["draft"] == json.loads(made.data)


async def test_only_ctid_and_its_group_may_read_it(tmp_path: Path) -> None:
    await opened(tmp_path / "f").create(document())
    mode = stat.S_IMODE((tmp_path / "f").stat().st_mode)
    assert mode & ~0o640 == 0
    assert mode & 0o600 == 0o600


async def test_an_unsure_update_does_not_stand_there_twice(tmp_path: Path) -> None:
    backend = opened(tmp_path / "f")
    remote = await backend.create(document())
    for _ in range(2):
        await backend.update(remote, document(revision=2), unsure=True)
    await backend.update(remote, document(revision=12), unsure=True)
    await backend.update(Remote(OTHER), of(OTHER, 2), unsure=True)
    told = [(line["draft"]["key"], line["revision"]) for line in lines(tmp_path / "f")]
    assert told == [(KEY, 1), (KEY, 2), (KEY, 12), (OTHER, 2)]


async def test_a_key_that_only_stands_in_a_text_is_not_there(tmp_path: Path) -> None:
    backend = opened(tmp_path / "f")
    await backend.create(document(draft(key=OTHER, recording=KEY), body=f'"{KEY}"'))
    assert await backend.look_up(KEY) is None


@pytest.mark.parametrize("torn", [b'{"revision":1,"dra', b"{", b"\x00\x00", b'{"revision"}\n[]\n3'])
async def test_a_line_that_a_kill_cut_is_closed_and_left(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(torn)
    backend = opened(path)
    assert await backend.look_up(KEY) is None
    await backend.create(document())
    assert path.read_bytes().startswith(torn + b"\n{")
    assert path.read_bytes().count(b"\n") == torn.count(b"\n") + 2
    assert await backend.look_up(KEY) == Remote(KEY)


async def test_a_line_that_lacks_only_its_end_is_there(tmp_path: Path) -> None:
    """Else the same revision would be appended, and stand there twice."""
    path = tmp_path / "f"
    backend = opened(path)
    await backend.create(document())
    path.write_bytes(path.read_bytes()[:-1])
    assert await backend.look_up(KEY) == Remote(KEY)
    await backend.update(Remote(KEY), document(), unsure=True)
    assert path.read_bytes().count(b'"revision":1') == 1
    await backend.update(Remote(KEY), document(revision=2), unsure=False)
    assert [line["revision"] for line in lines(path)] == [1, 2]


@pytest.mark.parametrize("length", [65_000, 65_535, 65_536, 65_537, 200_000])
async def test_lines_longer_than_a_block(tmp_path: Path, length: int) -> None:
    backend = opened(tmp_path / "f")
    for key in (KEY, OTHER, "ctid:third"):
        await backend.create(document(draft(key=key), body="x" * length))
    for key in (KEY, OTHER, "ctid:third"):
        assert await backend.look_up(key) == Remote(key)
    assert await backend.look_up("ctid:none") is None


async def test_looking_through_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "f"
    backend = opened(path)
    await backend.create(document())
    with path.open("ab") as file:
        file.truncate(64_000_000)  # a line of nothing, longer than any of ours
        file.seek(0, os.SEEK_END)
        file.write(b"\n")
        for number in range(2_000):
            file.write(b'{"revision":1,"draft":{"key":"%d"},"body":"%s"}\n' % (number, b"x" * 5000))
    tracemalloc.start()
    try:
        assert await backend.look_up(KEY) == Remote(KEY)
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


async def test_many_at_once_do_not_mix(tmp_path: Path) -> None:
    backend, again = opened(tmp_path / "f"), opened(tmp_path / "f")
    async with asyncio.TaskGroup() as tasks:
        for number in range(40):
            writer = (backend, again)[number % 2]
            tasks.create_task(
                writer.create(document(draft(key=f"ctid:{number}"), body="x" * 20_000))
            )
    assert {line["draft"]["key"] for line in lines(tmp_path / "f")} == {
        f"ctid:{number}" for number in range(40)
    }


async def test_a_file_that_was_moved_away_is_made_again(tmp_path: Path) -> None:
    backend = opened(tmp_path / "f")
    await backend.create(document())
    (tmp_path / "f").rename(tmp_path / "f.1")
    await backend.create(of(OTHER))
    assert [line["draft"]["key"] for line in lines(tmp_path / "f")] == [OTHER]


# what an operator has to mend


async def refused(path: Path) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await opened(path).create(document())
    assert "\n" not in str(caught.value)
    return caught.value


async def findings(path: Path) -> list[Finding]:
    found = await opened(path).check()
    assert all(finding.ok or finding.remedy for finding in found)
    return found


async def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "none/f"
    error = await refused(path)
    assert error.reason is Reason.MISCONFIGURED
    assert str(error) == f"cannot write {path}: no such file or directory"
    with pytest.raises(DeliveryError, match="cannot read"):
        await opened(path).look_up(KEY)
    (finding,) = await findings(path)
    assert (finding.ok, finding.what) == (False, f"there is no folder {path.parent}")
    assert not path.parent.exists()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
async def test_a_path_that_is_no_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "f"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert (await refused(path)).reason is Reason.MISCONFIGURED
    with pytest.raises(DeliveryError):
        await opened(path).look_up(KEY)
    (finding,) = await findings(path)
    assert (finding.ok, finding.what) == (False, f"{path} is no regular file")


NOBODY = 65534


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder into which we may not write; root is nobody meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "there").touch(0o400)
        (folder / "hidden").mkdir(0o000)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield folder
        finally:
            if root:
                os.setresuid(0, 0, 0)
            folder.chmod(0o700)
            (folder / "hidden").chmod(0o700)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("new", "no file may be made in {folder}"),
        ("there", "{folder}/there may not be read and written"),
        ("hidden/f", "{folder}/hidden/f cannot be looked at: Permission denied"),
    ],
)
async def test_no_right(closed_folder: Path, name: str, told: str) -> None:
    error = await refused(closed_folder / name)
    assert error.reason is Reason.MISCONFIGURED
    assert str(error) == f"cannot write {closed_folder / name}: permission denied"
    (finding,) = await findings(closed_folder / name)
    assert (finding.ok, finding.what) == (False, told.format(folder=closed_folder))


def test_a_full_disk_leaves_whole_lines_and_is_recovered_from(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    command = f"exec {sys.executable} -m tests.integration.tickets.full_disk {disk}"
    done = small_disk.run(disk, 500, command)
    assert done.returncode == 0, done.stderr
    failure, found, full, after = (line.split("\t") for line in done.stdout.splitlines())
    path = disk / "tickets.jsonl"
    assert failure == ["unreachable", f"cannot write {path}: no space left on device"]
    assert found == [
        f"True {path} can be written",
        f"False the disk of {disk} has less than 1 MB left",
    ]
    assert full[0] == full[1] != "0"
    assert after[0] == after[1]


async def test_it_says_that_it_is_well_and_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f"
    assert await findings(path) == [Finding(True, f"{path} will be made with the first draft")]
    assert not path.exists()
    await opened(path).create(document())
    before = path.read_bytes()
    assert await findings(path) == [Finding(True, f"{path} can be written")]
    assert path.read_bytes() == before
