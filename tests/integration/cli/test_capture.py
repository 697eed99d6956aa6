"""`ctid capture` of a PBX that plays a recorded stream."""

import asyncio
import gzip
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ctid.config import load
from ctid.domain.records import Record
from ctid.replay import replay
from tests.integration.ami.fake_server import CHALLENGE, SECRET, FakeAmi
from tests.truth import CAPTURES

STREAM = (CAPTURES / "overflow_answered.ami").read_bytes()
EVENTS = STREAM.partition(b"\r\n")[2]
CONFIG = (CAPTURES / "lab.toml").read_text()


def configured(folder: Path, server: FakeAmi, secret: str = SECRET) -> Path:
    (folder / "secret").write_text(secret)
    (folder / "secret").chmod(0o600)
    config = folder / "ctid.toml"
    mine = f'port = {server.port}\nsecret_file = "secret"'
    config.write_text(CONFIG.replace('secret_credential = "ami"', mine))
    return config


@asynccontextmanager
async def capturing(config: Path, *arguments: str | Path) -> AsyncIterator[Process]:
    command = ["-m", "ctid", "capture", "--config", config, *arguments]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *map(str, command), stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process) -> tuple[int, str, list[str]]:
    """Exit status, standard output, and standard error behind its first line."""
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode is not None
    lines = err.decode().splitlines()
    assert lines.pop(0).startswith("ctid: capturing lab into ")
    return process.returncode, out.decode(), lines


def records(*files: Path) -> list[Record]:
    config = load(CAPTURES / "lab.toml", read_secrets=False)
    return list(replay(files, "lab", config.directory("lab")))


async def play(server: FakeAmi, *, end: bool) -> None:
    session = await server.session(0)
    await server.got(session, "BridgeList")
    session.send(EVENTS)
    if end:
        session.end()


async def test_until_the_connection_ends_and_it_replays(tmp_path: Path) -> None:
    file = tmp_path / "bug.ami"
    async with FakeAmi() as server, capturing(configured(tmp_path, server), file) as process:
        await play(server, end=True)
        code, out, (line,) = await said(process)
    assert (code, out) == (1, "")
    assert line.startswith(f"ctid: {file}: ")
    assert line.endswith("then the connection ended: the PBX closed the connection")
    kept = file.read_bytes()
    assert kept.startswith(b"Asterisk Call Manager/11.0.0\r\nResponse: ")
    assert kept.endswith(EVENTS)
    for secret in (SECRET, CHALLENGE, "Challenge", "Authentication", "Key:"):
        assert secret.encode() not in kept.removesuffix(EVENTS)
    assert records(file) == records(CAPTURES / "overflow_answered.ami")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


async def test_ctrl_c_ends_it_and_each_piece_has_its_time(tmp_path: Path) -> None:
    file = tmp_path / "bug.ami.gz"
    async with FakeAmi() as server, capturing(configured(tmp_path, server), file) as process:
        await play(server, end=False)
        session = await server.session(0)
        times = tmp_path / "bug.ami.gz.times"
        process.send_signal(signal.SIGINT)
        await server.got(session, "Logoff")
        code, out, rest = await said(process)
    assert (code, rest) == (0, [])
    assert out.startswith(f"{file}: ")
    kept = gzip.decompress(file.read_bytes())
    pieces = [line.split() for line in times.read_text().splitlines()]
    offsets = [int(offset) for offset, _ in pieces]
    assert offsets == sorted(offsets)
    assert offsets[0] == 0
    assert offsets[-1] < len(kept)
    assert all(float(at) > 1_700_000_000 for _, at in pieces)


async def test_after_the_seconds_given_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "bug.ami"
    async with (
        FakeAmi() as server,
        capturing(configured(tmp_path, server), file, "--seconds", "0.3") as process,
    ):
        code, _, rest = await said(process)
    assert (code, rest) == (0, [])


async def test_masked_numbers_replay_to_the_same_outcomes(tmp_path: Path) -> None:
    file = tmp_path / "bug.ami"
    async with (
        FakeAmi() as server,
        capturing(configured(tmp_path, server), file, "--mask") as process,
    ):
        await play(server, end=True)
        await said(process)
    assert b"13800000001" not in file.read_bytes()
    plain = records(CAPTURES / "overflow_answered.ami")
    (number,) = {record.caller_number for record in records(file)}
    assert number is not None
    assert (len(number), number[:3], number[-2:]) == (11, "138", "01")
    assert records(file) == [record._replace(caller_number=number) for record in plain]


async def test_a_refused_login_leaves_no_file(tmp_path: Path) -> None:
    file = tmp_path / "bug.ami"
    async with (
        FakeAmi() as server,
        capturing(configured(tmp_path, server, "wrong"), file) as process,
    ):
        _, err = await asyncio.wait_for(process.communicate(), 20)
    (line,) = err.decode().splitlines()
    assert process.returncode == 1
    assert line.startswith("ctid: lab: the PBX refused the login of ctid")
    assert not file.exists()
    assert not (tmp_path / "bug.ami.times").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("there", "is there already; choose another file, or use --force"),
        ("nowhere/bug.ami", "No such file or directory"),
        ("there/bug.ami", "Not a directory"),
    ],
)
async def test_a_file_that_cannot_be_made_is_one_line(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "there").write_text("precious")
    async with (
        FakeAmi() as server,
        capturing(configured(tmp_path, server), tmp_path / name) as process,
    ):
        _, err = await process.communicate()
        assert server.sessions == []
    (line,) = err.decode().splitlines()
    assert line.startswith(f"ctid: {tmp_path / name}: ")
    assert words in line
    assert process.returncode == 1
    assert (tmp_path / "there").read_text() == "precious"


async def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    # its times go to an ordinary disk
    (tmp_path / "full").symlink_to("/dev/full")
    async with (
        FakeAmi() as server,
        capturing(configured(tmp_path, server), tmp_path / "full", "--force") as process,
    ):
        await play(server, end=True)
        code, _, (line,) = await said(process)
    assert code == 1
    assert line.startswith(f"ctid: {tmp_path / 'full'}: cannot be written: No space left on device")


async def test_an_unknown_pbx_is_wrong_use(tmp_path: Path) -> None:
    async with FakeAmi() as server:
        config = configured(tmp_path, server)
        async with capturing(config, tmp_path / "x", "--pbx", "paris") as process:
            _, err = await process.communicate()
    assert process.returncode == 2
    assert err.decode() == (f"ctid: --pbx paris: no such [[pbx]] in {config}; there are: lab\n")
