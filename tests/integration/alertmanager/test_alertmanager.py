"""Alerts at the real Alertmanager: they appear, are kept alive, and resolve."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ctid.config.channels import AlertmanagerChannel
from ctid.config.secret import Secret
from ctid.domain.alerts import Acknowledged, Alert, Ending, Firing, Resolved, Warned
from ctid.outbound.pages.alertmanager import AlertmanagerPages
from ctid.outbound.pages.alertmanager_forms import Words
from ctid.outbound.pages.alertmanager_keeper import AlertmanagerKeeper
from ctid.outbound.pages.kinds import Origin
from ctid.outbound.port import DeliveryError, Reason
from tests.integration.alertmanager.server import alertmanager
from tests.integration.tickets.raw_server import RawServer, Say, answer, nothing, saying
from tests.integration.tickets.real.program import free_port, tell
from tests.paged import about, alert, incident, message, page
from tests.waiting import until

DESK = Origin("desk", {"network": "Networks"}, "https://ctid.example.org/")
LINE = "CtidLineUnanswered"


def now_firing(number: int = 7, **changes: Any) -> Alert:
    """One that has just fired: Alertmanager has a clock of its own."""
    now = time.time()
    return alert(number, Firing(now, 0, now), **changes)


def ended(shown: Alert) -> Alert:
    assert isinstance(shown.state, Firing)
    state = Resolved(shown.state.at, time.time(), Ending.ANSWERED, "Han Meimei")
    return replace(shown, state=state)


def table(url: str, **keys: Any) -> AlertmanagerChannel:
    return AlertmanagerChannel(url=url, **{"resend_seconds": 0.3, **keys})


@asynccontextmanager
async def channel(settings: AlertmanagerChannel) -> AsyncIterator[AlertmanagerPages]:
    opened = AlertmanagerPages(settings, DESK)
    try:
        yield opened
    finally:
        await opened.close()


def keeper(settings: AlertmanagerChannel, current: Iterable[Alert]) -> AlertmanagerKeeper:
    return AlertmanagerKeeper(
        settings,
        DESK,
        current=lambda: current,
        describe=lambda shown: Words(f"alert {shown.number}", "kept"),
    )


@asynccontextmanager
async def kept(settings: AlertmanagerChannel, current: Iterable[Alert]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(keeper(settings, current).run())
        yield
        running.cancel()


def updated(shown: dict[str, Any]) -> float:
    return datetime.fromisoformat(shown["updatedAt"]).timestamp()


async def test_it_appears_is_kept_alive_and_resolves(tmp_path: Path) -> None:
    """Twice its `resolve_timeout` has to pass, by Alertmanager's own clock."""
    fires = now_firing()
    current = [fires]
    async with alertmanager(tmp_path) as server, channel(table(server.url)) as pages:
        await pages.send(about(fires))
        (first,) = await server.alerts()
        assert first["annotations"]["summary"] == "network: nobody answers"
        assert first["generatorURL"] == DESK.public_url
        async with kept(table(server.url), current):
            until_here = updated(first) + 2 * 2.0
            there: set[str] = set()
            async with asyncio.timeout(20):
                while True:
                    alerts = {each["labels"]["alertname"]: each for each in await server.alerts()}
                    assert LINE in alerts, "it was let go"
                    there.add(alerts[LINE]["fingerprint"])
                    if updated(alerts[LINE]) > until_here:
                        break
                    await asyncio.sleep(0.05)
            assert there == {first["fingerprint"]}
            assert not server.hook.of(LINE, "resolved")
            current.clear()
            await pages.send(about(ended(fires)))
            resolved = await server.told(LINE, "resolved")
        fired = server.hook.of(LINE, "firing")[0]
    for key in ("fingerprint", "labels", "startsAt", "groupKey"):
        assert fired[key] == resolved[key]
    assert resolved["annotations"]["resolved"] == "answered"
    assert fired["labels"] == {
        "alertname": LINE,
        "kind": "unanswered",
        "line": "network",
        "severity": "critical",
        "site": "desk",
        "specialty": "Networks",
    }


async def test_without_the_keeper_it_is_let_go(tmp_path: Path) -> None:
    async with alertmanager(tmp_path, resolve_timeout="1s") as server:
        async with channel(table(server.url)) as pages:
            await pages.send(about(now_firing()))
        assert await server.names() == [LINE]
        await server.until(lambda alerts: alerts == [])
        await server.told(LINE, "resolved")


async def test_the_watchdog_fires_while_ctid_lives_and_is_missed_afterwards(
    tmp_path: Path,
) -> None:
    async with alertmanager(tmp_path, resolve_timeout="1s") as server:
        async with kept(table(server.url), []):
            await server.told("CtidWatchdog", "firing")
            assert server.hook.of("CtidWatchdog", "resolved") == []
        await server.told("CtidWatchdog", "resolved")


async def test_the_keeper_alone_is_enough(tmp_path: Path) -> None:
    """The outbox may be stuck: what is open in memory is told, and its end."""
    current = [now_firing()]
    async with (
        alertmanager(tmp_path, resolve_timeout="1h") as server,
        kept(table(server.url), current),
    ):
        fired = await server.told(LINE, "firing")
        assert fired["annotations"]["summary"] == "alert 7"
        current.clear()
        await server.told(LINE, "resolved")


async def test_a_warning_ends_when_the_alert_fires(tmp_path: Path) -> None:
    fires = now_firing()
    current = [replace(fires, state=Warned(time.time() - 300))]
    async with (
        alertmanager(tmp_path, resolve_timeout="1h") as server,
        kept(table(server.url), current),
    ):
        await server.told(LINE, "firing", severity="warning")
        assert not server.hook.of(LINE, "firing", severity="critical")
        current[0] = fires
        await server.told(LINE, "firing", severity="critical")
        await server.told(LINE, "resolved", severity="warning")
        assert not server.hook.of(LINE, "resolved", severity="critical")


async def test_a_page_that_comes_too_late_is_corrected(tmp_path: Path) -> None:
    fires = now_firing()
    current = [fires]
    async with (
        alertmanager(tmp_path, resolve_timeout="1h") as server,
        kept(table(server.url), current),
        channel(table(server.url)) as pages,
    ):
        await server.told(LINE, "firing")
        current[0] = ended(fires)
        await server.told(LINE, "resolved")
        await pages.send(about(fires))
        await server.until(
            lambda alerts: [a["labels"]["alertname"] for a in alerts] == ["CtidWatchdog"]
        )


async def test_one_that_fires_again_is_there_again(tmp_path: Path) -> None:
    first = now_firing(7)
    current = [first]
    async with (
        alertmanager(tmp_path, resolve_timeout="1h") as server,
        kept(table(server.url), current),
    ):
        await server.told(LINE, "firing")
        current[:] = [ended(first)]
        await server.told(LINE, "resolved")
        current[:] = [ended(first), now_firing(8)]
        await server.until(lambda alerts: any(a["annotations"].get("alert") == "8" for a in alerts))
        sent = {a["annotations"].get("alert"): updated(a) for a in await server.alerts()}
        # still there after it was sent some times more
        await server.until(
            lambda alerts: any(
                updated(a) > sent["8"] + 1 for a in alerts if a["annotations"].get("alert") == "8"
            )
        )


async def test_who_takes_care_is_told_and_two_incidents_are_two(tmp_path: Path) -> None:
    now = time.time()
    fires = now_firing()
    cared = replace(fires, state=Acknowledged(now, now, "Li Lei"))
    firing = Firing(now, 0, now)
    async with alertmanager(tmp_path) as server, channel(table(server.url)) as pages:
        await pages.send(
            message(
                page(fires, 0),
                page(cared, 1),
                page(incident(8, firing)),
                page(incident(9, firing)),
            )
        )
        assert await server.names() == ["CtidIncident", "CtidIncident", LINE]
        (line,) = [a for a in await server.alerts() if a["labels"]["alertname"] == LINE]
    assert line["annotations"]["acknowledged_by"] == "Li Lei"


async def test_a_thousand_at_once(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pages = [page(now_firing(n, line=f"line-{n}")) for n in range(1, 1001)]
    async with alertmanager(tmp_path, resolve_timeout="1h") as server:
        async with channel(table(server.url)) as opened:
            began = time.monotonic()
            await opened.send(message(*pages))
            took = time.monotonic() - began
        assert len(await server.names()) == 1000
    tell(request, f"1,000 alerts to Alertmanager in {took:.2f} s")


# where it does not go well


async def failure(url: str, **keys: Any) -> DeliveryError:
    async with channel(table(url, timeout_seconds=0.5, **keys)) as pages:
        with pytest.raises(DeliveryError) as caught:
            await pages.send(about(now_firing()))
    return caught.value


PAGE_FOR_PEOPLE = b"<!doctype html><title>Please log in</title>"


@pytest.mark.parametrize(
    ("say", "reason", "words"),
    [
        (saying(answer("200 OK", PAGE_FOR_PEOPLE)), Reason.BAD_ANSWER, "`Please log in`"),
        (saying(answer("200 OK", b"It works!")), Reason.BAD_ANSWER, "It works!"),
        (
            saying(answer("404 Not Found", PAGE_FOR_PEOPLE)),
            Reason.MISCONFIGURED,
            "log in`; correct `url`",
        ),
        (saying(answer("405 Method Not Allowed")), Reason.MISCONFIGURED, "correct `url`"),
        (saying(answer("400 Bad Request", b'"bad label"')), Reason.REJECTED, "bad label"),
        (saying(answer("401 Unauthorized")), Reason.DENIED, "credentials"),
        (saying(answer("503 Service Unavailable")), Reason.BUSY, "503"),
        (saying(answer("500 Oops", b"no")), Reason.SERVER_ERROR, "500: no"),
        (nothing, Reason.TIMEOUT, "within 0.5 s"),
    ],
)
async def test_what_answers_mean(say: Say, reason: Reason, words: str) -> None:
    async with RawServer(say) as server:
        error = await failure(server.url)
    assert error.reason is reason
    assert words in str(error)


async def test_nobody_there() -> None:
    error = await failure(f"http://127.0.0.1:{free_port()}")
    assert error.reason is Reason.UNREACHABLE


async def test_a_wrong_path_and_the_right_one(tmp_path: Path) -> None:
    async with alertmanager(tmp_path, prefix="/am") as server:
        error = await failure(server.run.url)
        assert error.reason is Reason.MISCONFIGURED
        for url in (server.url, f"{server.url}/", f"{server.url}/api/v2/alerts"):
            async with channel(table(url)) as pages:
                await pages.send(about(now_firing()))
        assert await server.names() == [LINE]


HASH = "$2b$04$iF9m4smnPzqEnQHQpJhyaeMQl2kxuJtJEsN8SsHYdkptZeHAyS6BK"  # bcrypt of s3cret


async def test_with_a_password(tmp_path: Path) -> None:
    secured = tmp_path / "web.yml"
    secured.write_text(f'basic_auth_users:\n  ctid: "{HASH}"\n')
    async with alertmanager(tmp_path, options=[f"--web.config.file={secured}"]) as server:
        error = await failure(server.url)
        assert error.reason is Reason.DENIED
        settings = table(server.url, user="ctid").model_copy(update={"password": Secret("s3cret")})
        async with channel(settings) as pages:
            await pages.send(about(now_firing()))
            assert [finding.ok for finding in await pages.check()] == [True] * 3
        wrong = settings.model_copy(update={"password": Secret("wr0ng-secret")})
        async with channel(wrong) as pages:
            (finding,) = await pages.check()
    assert not finding.ok
    assert "wr0ng" not in finding.what


async def test_a_token_is_sent_and_never_shown() -> None:
    async with RawServer(saying(answer("403 Forbidden", b"who is t0ken-value?"))) as server:
        settings = table(server.url).model_copy(update={"token": Secret("t0ken-value")})
        async with channel(settings) as pages:
            with pytest.raises(DeliveryError) as caught:
                await pages.send(about(now_firing()))
    assert b"Authorization: Bearer t0ken-value" in server.requests[0]
    assert "t0ken" not in str(caught.value)


async def test_a_check(tmp_path: Path) -> None:
    async with alertmanager(tmp_path, resolve_timeout="1m30s") as server:
        async with channel(table(server.url, resend_seconds=60)) as pages:
            version, takes, in_time = await pages.check()
            assert version.what.startswith(f"127.0.0.1:{server.url.rpartition(':')[2]} is an Alert")
            assert all(finding.ok for finding in (version, takes, in_time))
        async with channel(table(server.url, resend_seconds=90)) as pages:
            *_, in_time = await pages.check()
        assert not in_time.ok
        assert in_time.what == "alerts are sent again every 90 s, and end there after 90 s"
        assert await server.names() == []
    async with (
        RawServer(saying(answer("200 OK", b"{}"))) as other,
        channel(table(other.url)) as pages,
    ):
        (finding,) = await pages.check()
    assert not finding.ok
    assert "not as an Alertmanager does" in finding.what


async def test_the_log_says_it_once_when_nobody_is_told_and_once_when_it_is_over(
    tmp_path: Path,
) -> None:
    async with alertmanager(tmp_path, start=False) as server:
        keeps = keeper(table(server.url), [now_firing()])
        with capture_logs() as lines:
            await keeps.tell()
            await keeps.tell()
            await asyncio.to_thread(server.run.start)
            await keeps.tell()
            await keeps.tell()
            await server.told(LINE, "firing")
        await keeps.close()
    assert [line["event"] for line in lines] == ["alertmanager_not_told", "alertmanager_told"]
    assert lines[0]["why"].endswith("connection refused")


async def test_a_fault_in_telling_is_logged_and_tried_again() -> None:
    asked: list[float] = []
    loop = asyncio.get_running_loop()

    def current() -> Iterable[Alert]:
        asked.append(loop.time())
        raise RuntimeError("no such alert")

    faulty = AlertmanagerKeeper(
        table(f"http://127.0.0.1:{free_port()}", resend_seconds=0.01),
        DESK,
        current=current,
        describe=lambda shown: Words(f"alert {shown.number}", "kept"),
    )
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(faulty.run())
            await until(lambda: len(asked) > 1)
            running.cancel()
    assert {entry["event"] for entry in logs} == {"alertmanager_fault"}
