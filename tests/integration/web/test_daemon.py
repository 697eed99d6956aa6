"""The real daemon: what Prometheus, health checks, systemd and `ctid status` get from it."""

import asyncio
import json
import os
import pty
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.integration.ami.fake_server import FakeAmi
from tests.integration.web.daemon import LINES, Daemon, call, command, daemon, text

PROMTOOL = shutil.which("promtool")
PROMETHEUS = shutil.which("prometheus")
OPERATING = (Path(__file__).parents[3] / "docs/operating.md").read_text()
WELL = 'ctid_config_last_reload_successful{{file="{}"}}'
READ_AT = 'ctid_config_last_reload_success_timestamp_seconds{{file="{}"}}'
MEND = "apt-get install --no-install-recommends prometheus"


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path: that of a socket may have 107 bytes."""
    return tmp_path_factory.mktemp("d")


def sample(page: str, name: str) -> float:
    """The value of one series, written as in the page."""
    (line,) = [line for line in page.splitlines() if line.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])


def records(folder: Path) -> list[tuple[str, str | None, int]]:
    with sqlite3.connect(folder / "ctid.sqlite3") as database:
        rows = database.execute(
            "SELECT pbx, outcome, open FROM record ORDER BY uniqueid"
        ).fetchall()
    database.close()
    return rows


async def test_a_call_is_in_the_metrics_once_it_is_committed(folder: Path) -> None:
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        session = pbx.sessions[0]
        assert await ctid.get("/healthz") == (200, "ok\n")
        assert await ctid.get("/readyz") == (200, "ok\n")
        _, before = await ctid.get("/metrics")
        assert sample(before, 'ctid_calls_total{line="8020",outcome="answered",reason=""}') == 0
        for block in call("queue_answered"):
            session.send(block)
        await ctid.until("call")
        _, page = await ctid.get("/metrics")
        assert sample(page, 'ctid_calls_total{line="8020",outcome="answered",reason=""}') == 1
        assert sample(page, 'ctid_call_wait_seconds_count{line="8020",outcome="answered"}') == 1
        assert sample(
            page, 'ctid_call_wait_seconds_bucket{le="5.0",line="8020",outcome="answered"}'
        )
        assert sample(page, 'ctid_rings_total{agent="other",result="answered"}') == 1
        assert sample(page, 'ctid_pbx_attached{pbx="lab"}') == 1
        assert sample(page, 'ctid_pbx_state{pbx="lab",state="attached"}') == 1
        assert sample(page, "ctid_store_failing") == 0
        assert sample(page, "ctid_commits_total") >= 1
        assert sample(page, "ctid_disk_free_bytes") > 0
        assert 'caller="' not in page
        assert await ctid.stop() == 0


async def test_who_is_there_now_is_in_metrics_and_status(folder: Path) -> None:
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        blocks = call("queue_answered")
        answered = next(n for n, block in enumerate(blocks) if b"Event: BridgeEnter" in block)
        for block in blocks[:answered]:
            pbx.sessions[0].send(block)
        page = await showing(ctid, 'ctid_open_calls{line="8020",stage="ringing"}')
        assert sample(page, 'ctid_open_calls{line="8020",stage="talking"}') == 0
        status, answer = await ctid.ask("GET", "/v1/status")
        assert status == 200
        for name in _names(answer):
            assert f"`{name}`" in OPERATING, name
        (shown,) = answer["calls"]
        assert (shown["line"], shown["stage"], shown["pbx"]) == ("8020", "ringing", "lab")
        (line,) = [line for line in answer["lines"] if line["name"] == "8020"]
        assert (line["waiting"], line["ringing"], line["talking"]) == (0, 1, 0)
        code, out, err = await command("status", "--config", str(ctid.config))
        assert (code, err) == (0, "")
        assert "attached" in out
        assert shown["uniqueid"] in out
        code, out, _ = await command("status", "--config", str(ctid.config), "--format", "json")
        assert [call["uniqueid"] for call in json.loads(out)["calls"]] == [shown["uniqueid"]]
        for block in blocks[answered:]:
            pbx.sessions[0].send(block)
        await ctid.until("call")


async def test_others_are_told_that_ctid_lives(folder: Path) -> None:
    beats: list[str] = []

    async def beat(request: web.Request) -> web.Response:
        beats.append(request.path)
        return web.Response()

    application = web.Application()
    application.router.add_get("/{any:.*}", beat)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    more = f'[heartbeat]\nurl = "http://127.0.0.1:{port}/alive"\ninterval_seconds = 1\n'
    try:
        async with FakeAmi() as pbx, daemon(folder, text(pbx, more=more)) as ctid:
            await ctid.until("pbx_attached")
            async with asyncio.timeout(20):
                while len(beats) < 2:
                    await ctid.get("/healthz")
            _, page = await ctid.get("/metrics")
            assert (sample(page, 'ctid_heartbeats_total{result="sent"}') or 0) >= 1
    finally:
        await runner.cleanup()
    assert set(beats) == {"/alive"}


def _names(value: Any) -> Iterator[str]:
    """All names of an answer, at whatever depth."""
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from _names(inner)


async def showing(ctid: Daemon, series: str) -> str:
    """The metrics, once this series is 1."""
    async with asyncio.timeout(20):
        while True:
            _, page = await ctid.get("/metrics")
            if sample(page, series) == 1:
                return page


async def test_watched_status_ends_cleanly_by_ctrl_c(folder: Path) -> None:
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        screen, terminal = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ctid", "status", "--watch", "--config", str(ctid.config)),
            stdout=terminal,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(terminal)
        try:
            await asyncio.wait_for(asyncio.to_thread(_drawn, screen, 3), 30)
            process.send_signal(signal.SIGINT)
            _, err = await asyncio.wait_for(process.communicate(), 20)
        finally:
            os.close(screen)
        assert (process.returncode, err) == (0, b"")


def _drawn(screen: int, times: int) -> None:
    """Return when the page was drawn so often."""
    shown = b""
    while shown.count(b"records are written") < times:
        shown += os.read(screen, 4096)


async def test_without_a_daemon_status_is_one_line(folder: Path) -> None:
    async with FakeAmi() as pbx:
        (folder / "secret").write_text("x")
        (folder / "ctid.toml").write_text(text(pbx))
    code, out, err = await command("status", "--config", str(folder / "ctid.toml"))
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.endswith("no daemon answers there; is ctid running (systemctl status ctid)?")


async def test_a_taken_port_is_one_line_and_exit_1(folder: Path) -> None:
    async with FakeAmi() as pbx:
        port = pbx.port
        (folder / "secret").write_text("x")
        (folder / "secret").chmod(0o600)
        wrong = text(pbx).replace("127.0.0.1:0", f"127.0.0.1:{port}")
        (folder / "ctid.toml").write_text(wrong)
        code, _, err = await command("run", "--config", str(folder / "ctid.toml"))
    assert code == 1
    assert err == (
        f'ctid: [metrics] listen = "127.0.0.1:{port}": another program listens there: '
        "stop it, or choose another port\n"
    )


# -- systemd --------------------------------------------------------------------------------------


async def test_ready_only_when_attached_and_status_says_so(folder: Path) -> None:
    async with FakeAmi() as pbx:
        pbx.answers["CoreStatus"] = None
        async with daemon(folder, text(pbx), watchdog_seconds=0.3) as ctid:
            session = await pbx.session(0)
            await pbx.got(session, "CoreStatus")
            await ctid.told("WATCHDOG=1", 2)
            assert "READY=1" not in ctid.systemd.states
            assert any(state.startswith("EXTEND_TIMEOUT_USEC=") for state in ctid.systemd.states)
            code, page = await ctid.get("/readyz")
            assert (code, page) == (503, "lab: catching_up\n")
            pbx.answers.clear()
            (asked,) = [a for a in session.actions if a["Action"] == "CoreStatus"]
            session.send(
                b"Response: Success\r\nActionID: "
                + asked["ActionID"].encode()
                + b"\r\nCoreStartupDate: 2026-11-24\r\nCoreStartupTime: 1:1:1\r\n\r\n"
            )
            await ctid.told("READY=1")
            await ctid.told("STATUS=lab attached")
            assert await ctid.stop() == 0
            assert ctid.systemd.states.count("STOPPING=1") == 1


async def test_ready_when_it_retries_honestly(folder: Path) -> None:
    async with FakeAmi() as pbx:
        config = text(pbx)
    async with daemon(folder, config) as ctid:
        await ctid.told("READY=1")
        said = "STATUS=lab not attached (127.0.0.1:"
        await ctid.watch.until(lambda: any(s.startswith(said) for s in ctid.systemd.states))


# -- reload ---------------------------------------------------------------------------------------


async def test_a_reload_in_the_middle_of_a_call_loses_nothing(folder: Path) -> None:
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.told("READY=1")
        session = await pbx.session(0)
        blocks = call("queue_answered")
        half = len(blocks) // 2
        for block in blocks[:half]:
            session.send(block)
        more = LINES + '\n[[line]]\nname = "later"\ndids = ["9999"]\n'
        ctid.config.write_text(text(pbx, lines=more))
        ctid.signal(signal.SIGHUP)
        await ctid.until("reloaded")
        await ctid.told("READY=1", 2)
        assert "RELOADING=1" in ctid.systemd.states
        assert any(state.startswith("MONOTONIC_USEC=") for state in ctid.systemd.states)
        for block in blocks[half:]:
            session.send(block)
        await ctid.until("call")
        assert len(pbx.sessions) == 1
        _, page = await ctid.get("/metrics")
        assert sample(page, 'ctid_calls_total{line="later",outcome="answered",reason=""}') == 0
        assert await ctid.stop() == 0
    assert records(folder) == [("lab", "answered", 0)]


async def test_a_bad_configuration_leaves_the_old_one_in_force(folder: Path) -> None:
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        _, page = await ctid.get("/metrics")
        assert sample(page, WELL.format("config")) == 1
        at = sample(page, READ_AT.format("config"))
        ctid.config.write_text(text(pbx, before="timezone = 1\nlime = 2"))
        ctid.signal(signal.SIGHUP)
        await ctid.until("not_reloaded", 2)
        await ctid.told("READY=1", 2)
        _, page = await ctid.get("/metrics")
        assert sample(page, WELL.format("config")) == 0
        assert sample(page, READ_AT.format("config")) == at
        status, answer = await ctid.ask("POST", "/v1/reload")
        assert status == 409
        assert len(answer["error"].splitlines()) == 2
        assert (await ctid.until("control"))["request"] == "/v1/reload"
        for block in call("queue_answered"):
            pbx.sessions[0].send(block)
        assert (await ctid.until("call"))["line"] == "8020"
        ctid.config.write_text(text(pbx))
        assert await ctid.ask("POST", "/v1/reload") == (200, {})
        _, page = await ctid.get("/metrics")
        assert sample(page, WELL.format("config")) == 1
        assert sample(page, READ_AT.format("config")) > at


async def test_how_reading_roster_and_contacts_went_is_in_the_metrics(folder: Path) -> None:
    files = '[roster]\nfile = "roster.csv"\n[contacts]\nfile = "contacts.csv"\n'
    (folder / "roster.csv").write_text("role,person\nfirst_line,li\nfrist_line,li\n")
    (folder / "contacts.csv").write_text("number,customer\n13800138000,ACME\n")
    async with FakeAmi() as pbx, daemon(folder, text(pbx, more=files)) as ctid:
        await ctid.until("roster_not_read")
        await ctid.until("contacts_read")
        _, page = await ctid.get("/metrics")
        assert sample(page, WELL.format("roster")) == 0
        assert READ_AT.format("roster") not in page
        assert sample(page, WELL.format("contacts")) == 1
        (folder / "roster.csv").write_text("role,person\nfirst_line,li\n")
        ctid.signal(signal.SIGHUP)
        await ctid.until("roster_read")
        _, page = await ctid.get("/metrics")
        assert sample(page, WELL.format("roster")) == 1
        assert sample(page, READ_AT.format("roster")) > 0
        ctid.config.write_text(text(pbx))
        assert await ctid.ask("POST", "/v1/reload") == (200, {})
        _, page = await ctid.get("/metrics")
        assert 'file="roster"' not in page
        assert 'file="contacts"' not in page


async def test_a_configuration_that_is_no_file_is_refused(folder: Path) -> None:
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        ctid.config.unlink()
        os.mkfifo(ctid.config)
        ctid.signal(signal.SIGHUP)
        said = (await ctid.until("not_reloaded"))["why"]
        assert said == f"{ctid.config}: is not a regular file: write the configuration into one"
        assert await ctid.stop() == 0


async def test_a_reload_that_hangs_does_not_hold_up_the_end(folder: Path) -> None:
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        (folder / "secret").unlink()
        os.mkfifo(folder / "secret")
        ctid.signal(signal.SIGHUP)
        # it reads once somebody could write
        writer = await asyncio.to_thread(os.open, folder / "secret", os.O_WRONLY)
        assert await ctid.stop() == 0
        os.close(writer)
        assert ctid.logged("reload_given_up")
        assert ctid.lines[-1]["event"] == "stopped"


async def test_other_connection_settings_attach_anew_and_leave_a_gap(folder: Path) -> None:
    async with FakeAmi() as pbx, FakeAmi() as other, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        ctid.config.write_text(text(other))
        ctid.signal(signal.SIGHUP)
        await ctid.until("gap_closed")
        assert len(other.sessions) == 1
        assert pbx.sessions[0].names[-1] == "Logoff"
        for block in call("queue_answered"):
            other.sessions[0].send(block)
        await ctid.until("call")
        _, page = await ctid.get("/metrics")
        assert sample(page, 'ctid_gaps_total{cause="connection_lost",pbx="lab"}') == 1


async def test_a_pbx_is_added_and_taken_away(folder: Path) -> None:
    async with FakeAmi() as pbx, FakeAmi() as other, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        second = f'[[pbx]]\nname = "two"\nport = {other.port}\nsecret_file = "secret"\n'
        ctid.config.write_text(text(pbx, more=second))
        assert await ctid.ask("POST", "/v1/reload") == (200, {})
        assert (await ctid.until("pbx_attached", 2))["pbx"] == "two"
        ctid.config.write_text(text(pbx))
        assert await ctid.ask("POST", "/v1/reload") == (200, {})
        assert other.sessions[0].names[-1] == "Logoff"
        _, answer = await ctid.ask("GET", "/v1/status")
        assert [one["name"] for one in answer["pbxs"]] == ["lab"]
        assert len(pbx.sessions) == 1
        ctid.config.write_text(text(pbx, more=second))
        assert await ctid.ask("POST", "/v1/reload") == (200, {})
        closed = await ctid.until("gap_closed")
        assert (closed["pbx"], closed["cause"]) == ("two", "daemon_down")


async def test_what_needs_a_restart_is_said(folder: Path) -> None:
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        changed = text(pbx).replace("ctid.sqlite3", "other.sqlite3")
        ctid.config.write_text(f'site = "other"\n{changed}')
        ctid.signal(signal.SIGHUP)
        assert (await ctid.until("restart_needed"))["tables"] == ["site", "store"]
        await ctid.until("reloaded")
    assert not (folder / "other.sqlite3").exists()


async def test_the_last_backup_is_known_after_a_restart(folder: Path) -> None:
    found = []
    async with FakeAmi() as pbx:
        for first in (True, False):
            async with daemon(folder, text(pbx)) as ctid:
                await ctid.until("pbx_attached")
                if first:
                    await ctid.ask("POST", "/v1/backup-done")
                _, status = await ctid.ask("GET", "/v1/status")
                found.append(status["store"]["last_backup"])
    assert found[0] is not None
    assert found[0] == found[1]


# -- Prometheus -----------------------------------------------------------------------------------


@pytest.mark.skipif(PROMTOOL is None, reason=f"no promtool: {MEND}")
async def test_promtool_finds_nothing_wrong(folder: Path) -> None:
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        for block in call("queue_answered"):
            pbx.sessions[0].send(block)
        await ctid.until("call")
        await ctid.ask("POST", "/v1/backup-done")
        _, page = await ctid.get("/metrics")
    assert "ctid_last_backup_timestamp_seconds " in page
    assert PROMTOOL is not None
    process = await asyncio.create_subprocess_exec(
        *(PROMTOOL, "check", "metrics"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate(page.encode())
    assert (process.returncode, out) == (0, b"")


@pytest.mark.skipif(PROMETHEUS is None, reason=f"no prometheus: {MEND}")
async def test_the_real_prometheus_scrapes_it(folder: Path) -> None:
    assert PROMETHEUS is not None
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        target = (await ctid.url()).removeprefix("http://")
        (folder / "prometheus.yml").write_text(
            "scrape_configs:\n- job_name: ctid\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n"
            f'  static_configs: [{{targets: ["{target}"]}}]\n'
        )
        process = await asyncio.create_subprocess_exec(
            PROMETHEUS,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/tsdb",
            "--web.listen-address=127.0.0.1:0",
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stderr is not None
            async with asyncio.timeout(30):
                url = await _address(process.stderr)
                query = 'ctid_pbx_attached{job="ctid"}'
                while await _query(url, query) != ["1"]:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.1)
        finally:
            process.kill()
            await process.communicate()


async def _address(log: asyncio.StreamReader) -> str:
    async for line in log:
        if b"Listening on" in line:
            return "http://" + line.decode().rpartition("address=")[2].strip()
    raise AssertionError("prometheus ended")


async def _query(url: str, query: str) -> list[str]:
    # here: only this test needs a client for another server
    from aiohttp import ClientError, ClientSession  # noqa: PLC0415

    try:
        async with (
            ClientSession() as session,
            session.get(f"{url}/api/v1/query", params={"query": query}) as response,
        ):
            found = (await response.json())["data"]["result"]
    except (ClientError, KeyError):
        return []
    return [row["value"][1] for row in found]
