"""`ctid doctor` as it is typed, against a PBX that is not quite well."""

import json
from pathlib import Path

from ctid.domain.batch import Batch
from ctid.store.migrate import upgrade
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.integration.ami.fake_server import SECRET, FakeAmi
from tests.integration.cli.processes import ran
from tests.integration.store import samples

CONFIG = """
[store]
url = "ctid.sqlite3"
[[pbx]]
port = {port}
secret_file = "secret"
trunks = ["PJSIP/trunk"]
[[line]]
name = "network"
queues = ["hotline"]
"""


async def doctor(folder: Path, port: int, *arguments: str) -> tuple[int, str, str]:
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    (folder / "ctid.toml").write_text(CONFIG.format(port=port))
    return await ran(folder / "ctid.toml", "doctor", "--seconds", "0.1", *arguments)


async def test_a_queue_that_is_missing_fails_and_says_how_to_mend_it(tmp_path: Path) -> None:
    await upgrade(str(tmp_path / "ctid.sqlite3"))
    async with FakeAmi() as server:
        code, out, err = await doctor(tmp_path, server.port)
        assert server.sessions[0].names[-1] == "Logoff"
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0].split()[:3] == ["OK", "pbx", "connection"]
    at = next(n for n, line in enumerate(lines) if line.startswith("FAIL"))
    assert "no PBX has queue hotline (of line network)" in lines[at]
    assert lines[at + 1].strip().startswith("-> correct the names in the configuration")
    assert any("matched a line, or there was none" in line for line in lines)


async def test_well_is_0_and_json_tells_all(tmp_path: Path) -> None:
    server = FakeAmi()
    server.lists["QueueStatus"] = b"Event: QueueParams\r\nQueue: hotline\r\n@ID@\r\n\r\n"
    async with server:
        code, out, err = await doctor(tmp_path, server.port, "--format", "json")
    assert (code, err) == (0, "")
    findings = json.loads(out)
    assert all(list(row) == ["mark", "pbx", "check", "found", "mend"] for row in findings)
    assert {row["mark"] for row in findings} <= {"OK", "WARN", "SKIP"}
    (records,) = [row for row in findings if row["check"] == "records"]
    assert "not looked at: database" in records["found"]


async def test_a_pbx_that_is_not_there_fails_in_one_line(tmp_path: Path) -> None:
    await upgrade(str(tmp_path / "ctid.sqlite3"))
    code, out, err = await doctor(tmp_path, 1)
    assert (code, err) == (1, "")
    assert out.splitlines()[0] == (
        "FAIL  pbx  connection  127.0.0.1:1: nobody listens there; see enabled, port and bindaddr"
        " in manager.conf"
    )


async def test_what_the_records_tell(tmp_path: Path) -> None:
    url = str(tmp_path / "ctid.sqlite3")
    await upgrade(url)
    stray = [samples.answered(n)._replace(line=None, did="8009") for n in range(3)]
    ring = samples.answered(9).rings[1]._replace(channel="PJSIP/trunk-00000001", agent="mobile")
    outside = samples.answered(9)._replace(rings=(ring,))
    async with await Store.open(url) as store, await Reader.open(url) as reader:
        await store.commit(Batch(records=(*stray, outside, samples.answered(10))))
        since = samples.BEGAN
        assert await reader.of_no_line("main", since, 9) == [("8009", 3)]
        assert await reader.of_no_line("main", since + 99, 9) == []
        assert await reader.answered_outside("main", ["PJSIP/trunk"], since) == [("mobile", 1)]
        assert await reader.answered_outside("main", [], since) == []
        assert await reader.answered_outside("main", ["PJSIP/tr_nk"], since) == []
