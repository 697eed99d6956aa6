"""Pages to PagerDuty, at a server that keeps to its documentation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from ctid.config.channels import PagerDutyChannel
from ctid.config.secret import Secret
from ctid.domain.alerts import PageEvent
from ctid.outbound.pages.kinds import Origin
from ctid.outbound.pages.pagerduty import PagerDuty
from ctid.outbound.pages.port import Message
from ctid.outbound.port import DeliveryError, Reason
from tests.integration.pages.pagerduty_server import PagerDutyServer
from tests.integration.tickets.raw_server import RawServer, Say, answer, nothing, saying
from tests.paged import about, acknowledged, alert, message, only_warned, page, resolved, warned

KEY, OWN_KEY = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
DESK = Origin("desk", {"network": "Networks"})
ALERT, WARNING = (KEY, "ctid:desk:7"), (KEY, "ctid:desk:7:warning")


@asynccontextmanager
async def channel(url: str, key: str = KEY, **keys: Any) -> AsyncIterator[PagerDuty]:
    table = PagerDutyChannel(url=url, **keys).model_copy(update={"routing_key": Secret(key)})
    opened = PagerDuty(table, DESK)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def pagerduty() -> AsyncIterator[PagerDutyServer]:
    found = PagerDutyServer(frozenset({KEY, OWN_KEY}))
    async with found.server:
        yield found


async def test_from_the_warning_to_the_end() -> None:
    async with pagerduty() as other, channel(other.url) as pages:
        await pages.send(about(alert(state=warned)))
        assert other.one(*WARNING).state == "triggered"
        assert other.one(*WARNING).severity == "warning"
        await pages.send(about(alert()))
        assert other.one(*ALERT).state == "triggered"
        assert other.one(*ALERT).severity == "critical"
        assert other.one(*ALERT).summary == "network: nobody answers"
        assert other.one(*WARNING).state == "resolved"
        await pages.send(message(page(alert(), 2, PageEvent.REPEAT)))
        await pages.send(about(alert(state=acknowledged)))
        assert other.one(*ALERT).state == "acknowledged"
        await pages.send(about(alert(state=resolved)))
        assert other.one(*ALERT).state == "resolved"
        # one ring for the warning, one for the alarm
        assert (other.one(*WARNING).notified, other.one(*ALERT).notified) == (1, 1)


async def test_a_warning_that_comes_to_nothing() -> None:
    async with pagerduty() as other, channel(other.url) as pages:
        await pages.send(about(alert(state=warned)))
        await pages.send(about(alert(state=only_warned)))
        assert other.one(*WARNING).state == "resolved"
        assert other.incidents[ALERT] == []


async def test_the_same_again_opens_nothing_new() -> None:
    async with pagerduty() as other, channel(other.url) as pages:
        for state in (alert(), alert(), alert(state=resolved), alert(state=resolved)):
            await pages.send(about(state))
        assert other.one(*ALERT).triggers == 2


async def test_somebody_with_a_service_of_their_own() -> None:
    async with pagerduty() as other, channel(other.url) as pages:
        await pages.send(about(alert(), address=OWN_KEY))
        await pages.send(about(alert(state=resolved), address=OWN_KEY))
        assert other.one(OWN_KEY, "ctid:desk:7").state == "resolved"
        assert ALERT not in other.incidents


async def test_a_digest_of_many() -> None:
    lines = [alert(number, line=f"line-{number}") for number in range(1, 31)]
    data = orjson.dumps("x" * 400_000)
    told = message(*map(page, lines), title="30 alerts", text="x" * 60_000, data=data)
    async with pagerduty() as other, channel(other.url) as pages:
        await pages.send(told)
        summaries = [other.one(KEY, f"ctid:desk:{n}").summary for n in range(1, 31)]
    assert summaries == [f"line-{number}: nobody answers" for number in range(1, 31)]


async def test_the_longest_title_is_taken() -> None:
    async with pagerduty() as other, channel(other.url) as pages:
        told = about(alert(), title="紧急" * 2000, text="无人接听\n" * 20_000)
        await pages.send(replace(told, data=orjson.dumps("x" * 600_000)))
        assert len(other.one(*ALERT).summary) == 1024


# refusals


async def failure(url: str, told: Message | None = None, **keys: Any) -> DeliveryError:
    async with channel(url, timeout_seconds=0.5, **keys) as pages:
        with pytest.raises(DeliveryError) as caught:
            await pages.send(told or about(alert()))
    error = caught.value
    assert KEY not in repr(error)
    assert error.__context__ is None
    return error


async def test_a_refusal_has_their_words_and_no_key() -> None:
    wrong = "wr0ng-key-of-some-length"
    async with pagerduty() as other:
        error = await failure(other.url, key=wrong)
        assert words_of(error, other) == (
            "HOST answered 400: Event object is invalid; Invalid routing key ***"
        )
        own = await failure(other.url, about(alert(), address=wrong))
    assert (error.reason, own.reason) == (Reason.REJECTED, Reason.REJECTED)
    assert wrong not in str(error) + str(own)


def words_of(error: DeliveryError, other: PagerDutyServer) -> str:
    return str(error).replace(f"{other.server.host}:{other.server.port}", "HOST")


async def test_too_many_wait_for_as_long_as_is_asked() -> None:
    async with pagerduty() as other:
        other.busy = 1
        error = await failure(other.url)
        assert (error.reason, error.retry_after_seconds) == (Reason.BUSY, 30.0)


async def test_a_failure_in_the_middle_is_mended_by_the_same_again() -> None:
    told = message(page(alert(7)), page(alert(8, line="server")))
    async with pagerduty() as other:
        async with channel(other.url) as pages:
            await pages.send(message(page(alert(7))))
            other.busy = 1
            with pytest.raises(DeliveryError):
                await pages.send(told)
            await pages.send(told)
        assert other.one(*ALERT).state == "triggered"
        assert other.one(KEY, "ctid:desk:8").state == "triggered"


PAGE_FOR_PEOPLE = b"<!doctype html><title>Please log in</title>"


@pytest.mark.parametrize(
    ("say", "reason", "words"),
    [
        (saying(answer("202 Accepted", PAGE_FOR_PEOPLE)), Reason.BAD_ANSWER, "Please log in"),
        (saying(answer("200 OK", b'{"status": "queued?"}')), Reason.BAD_ANSWER, "queued?"),
        (saying(answer("200 OK")), Reason.BAD_ANSWER, "(nothing)"),
        (saying(answer("400 Bad Request", b"no")), Reason.REJECTED, "answered 400: no"),
        (saying(answer("413 Too Large", b"big")), Reason.REJECTED, "answered 413: big"),
        (saying(answer("404 Not Found", b"where?")), Reason.MISCONFIGURED, "where?; correct `url`"),
        (saying(answer("302 Found", b"", "Location: /x")), Reason.MISCONFIGURED, "correct `url`"),
        (saying(answer("403 Forbidden", KEY.encode())), Reason.DENIED, "***"),
        (saying(answer("500 Oops", KEY.encode())), Reason.SERVER_ERROR, "answered 500: ***"),
        (nothing, Reason.TIMEOUT, "within 0.5 s"),
    ],
)
async def test_what_answers_mean(say: Say, reason: Reason, words: str) -> None:
    async with RawServer(say) as server:
        error = await failure(server.url)
    assert error.reason is reason
    assert words in str(error)


@pytest.mark.parametrize(
    "said",
    [
        answer("202 Accepted"),
        answer("202 Accepted", b"{}"),
        answer("200 OK", b'{"status": "success"}'),
    ],
)
async def test_what_is_delivered(said: bytes) -> None:
    async with RawServer(saying(said)) as server, channel(server.url) as pages:
        await pages.send(about(alert()))
    assert len(server.requests) == 2


async def test_a_check_disturbs_nobody() -> None:
    async with pagerduty() as other:
        async with channel(other.url) as pages:
            (well,) = await pages.check()
        async with channel(other.url, key="wr0ng-key-of-some-length") as pages:
            (ill,) = await pages.check()
        assert not any(other.incidents.values())
    assert well.ok
    assert not ill.ok
    assert "Invalid routing key ***" in ill.what
