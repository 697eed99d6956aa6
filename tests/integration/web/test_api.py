"""The API with tokens, over TCP, in front of a real desk."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from ctid.alert_routes import api_routes
from ctid.domain.alerts import Caller, Kind, Unanswered
from ctid.domain.watch import Observed
from ctid.web.api import CHANGES_PER_MINUTE, FAILURES_PER_MINUTE, LONGEST_BODY
from tests.desk import BEGIN, NUMBER, READ, WRITE, Desk, opened

DOCS = (Path(__file__).parents[3] / "docs/api.md").read_text()


@pytest.fixture
async def ctid(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with opened(tmp_path_factory.mktemp("d")) as desk:
        yield desk


def at(seconds: float) -> str:
    return datetime.fromtimestamp(BEGIN + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def unanswered(ctid: Desk) -> None:
    """An alert that names callers; what the watch finds itself is the affair of its own tests."""
    missed = Unanswered(BEGIN - 900.0, 900.0, missed=(Caller(NUMBER, BEGIN - 900.0),))
    ctid.watching.observed(Kind.ANSWER_RATE, [Observed("network", None, BEGIN - 900.0, missed)])


async def test_what_is_open_without_numbers_and_addresses(ctid: Desk) -> None:
    unanswered(ctid)
    status, answer = await ctid.ask("GET", "/api/v1/alerts", token=READ)
    assert status == 200
    (alert,) = answer["alerts"]
    assert (alert["number"], alert["line"], alert["state"]) == (1, "network", "firing")
    assert (alert["since"], alert["fired_at"]) == (at(-900.0), at(0.0))
    assert alert["subject"]["missed"] == [{"number": "138******01", "since": at(-900.0)}]
    assert alert["paged"] == [
        {"name": "李四", "role": "first_line"},
        {"name": "Wang Wu", "role": "first_line"},
    ]
    assert answer["silences"] == []
    for secret in (NUMBER, "13900000002"):
        assert secret not in str(answer)


async def test_the_log_names_who_took_it_and_not_who_came_later(ctid: Desk) -> None:
    await ctid.desk.incident("network", "core switch", "root")
    with capture_logs() as logs:
        await ctid.desk.acknowledge(1, "Li")
        await ctid.desk.acknowledge(1, "Wang")
    taken = [entry["by"] for entry in logs if entry["event"] == "alert_acknowledged"]
    assert taken == ["Li"]


async def test_who_acknowledges_is_the_token_and_whom_it_names(ctid: Desk) -> None:
    await ctid.desk.incident("network", "core switch", "root")
    await ctid.desk.incident(None, "site", "root")
    ctid.clock.now += 60.0
    status, answer = await ctid.ask("POST", "/api/v1/alerts/1/ack", json={"why": "on my way"})
    assert (status, answer["state"], answer["acknowledged_by"]) == (200, "acknowledged", "tickets")
    assert (answer["why"], answer["acknowledged_at"]) == ("on my way", at(60.0))
    assert answer["already_acknowledged"] is False
    # a second time, by somebody else or not: it stays with the first, and with their reason
    for body in ({"by": "Wang Wu", "why": "mine"}, {"why": "again"}):
        status, answer = await ctid.ask("POST", "/api/v1/alerts/1/ack", json=body)
        assert (status, answer["already_acknowledged"]) == (200, True)
        assert (answer["acknowledged_by"], answer["why"]) == ("tickets", "on my way")
        assert answer["acknowledged_at"] == at(60.0)
    _, answer = await ctid.ask("POST", "/api/v1/alerts/2/ack", json={"by": "Wang Wu"})
    assert answer["acknowledged_by"] == "Wang Wu via tickets"
    # without a body
    assert (await ctid.ask("POST", "/api/v1/alerts/2/ack"))[0] == 200
    # on disk when it was answered
    status, answer = await ctid.ask("GET", "/api/v1/alerts/2", token=READ)
    assert (status, answer["acknowledged_by"]) == (200, "Wang Wu via tickets")
    assert [(p["event"], p["recipient"], p["state"]) for p in answer["pages"]] == [
        ("firing", "李四", "pending"),
        ("firing", "Wang Wu", "pending"),
        ("acknowledged", "李四", "pending"),
        ("acknowledged", "Wang Wu", "pending"),
    ]


async def test_resolving_needs_a_reason_and_is_remembered(ctid: Desk) -> None:
    await ctid.desk.incident("network", "core switch", "root")
    path = "/api/v1/alerts/1/resolve"
    assert await ctid.ask("POST", path, json={}) == (
        400,
        {"error": 'the body must be an object with a text "why"'},
    )
    status, answer = await ctid.ask("POST", path, json={"why": "replaced"})
    assert (status, answer["state"], answer["ending"]) == (200, "resolved", "by_person")
    assert await ctid.ask("POST", path, json={"why": "x"}) == (409, {"error": "alert 1 is over"})
    assert (await ctid.ask("GET", "/api/v1/alerts"))[1]["alerts"] == []
    for path in ("/api/v1/alerts?all", "/api/v1/alerts?all=1&limit=1"):
        (listed,) = (await ctid.ask("GET", path))[1]["alerts"]
        assert (listed["resolved_by"], listed["why"]) == ("tickets", "replaced")
        assert listed["title"] == "core switch"
    status, shown = await ctid.ask("GET", "/api/v1/alerts/1", token=READ)
    assert (status, shown["ending"], shown["subject"]["title"]) == (200, "by_person", "core switch")


async def test_who_took_it_stays_known_when_it_is_resolved(ctid: Desk) -> None:
    await ctid.desk.incident("network", "core switch", "root")
    await ctid.desk.acknowledge(1, "Li Si", "on my way")
    ctid.clock.now += 60.0
    _, answer = await ctid.ask("POST", "/api/v1/alerts/1/resolve", json={"why": "replaced"})
    assert (answer["acknowledged_by"], answer["acknowledged_at"]) == ("Li Si", at(0.0))
    assert (answer["resolved_by"], answer["why"]) == ("tickets", "replaced")
    _, shown = await ctid.ask("GET", "/api/v1/alerts/1")
    assert {key: shown[key] for key in answer} == answer


async def test_a_limit_counts_for_open_alerts_too(ctid: Desk) -> None:
    for title in ("a", "b", "c"):
        await ctid.desk.incident("network", title, "root")
    for query, numbers in (("", [1, 2, 3]), ("?limit=2", [2, 3]), ("?all&limit=2", [3, 2])):
        found = (await ctid.ask("GET", f"/api/v1/alerts{query}"))[1]["alerts"]
        assert [one["number"] for one in found] == numbers


async def test_a_silence_from_its_begin_to_its_end(ctid: Desk) -> None:
    given = {"lines": ["network"], "kinds": ["incident"], "minutes": 90, "why": "the PBX is moved"}
    status, made = await ctid.ask("POST", "/api/v1/silences", json=given)
    assert (status, made) == (
        200,
        {
            "number": 1,
            "lines": ["network"],
            "kinds": ["incident"],
            "begins_at": at(0.0),
            "ends_at": at(5400.0),
            "owner": "tickets",
            "why": "the PBX is moved",
        },
    )
    status, alert = await ctid.ask(
        "POST", "/api/v1/incidents", json={"line": "network", "title": "dark"}
    )
    assert (status, alert["silenced"], alert["paged"]) == (200, True, [])
    _, listed = await ctid.ask("GET", "/api/v1/alerts")
    assert [one["silenced"] for one in listed["alerts"]] == [True]
    assert listed["silences"] == [made]
    status, ended = await ctid.ask("DELETE", "/api/v1/silences/1")
    assert (status, ended["ends_at"]) == (200, at(0.0))
    assert (await ctid.ask("DELETE", "/api/v1/silences/1"))[0] == 404
    planned = {"from": at(3600.0), "until": "2026-11-27T12:00:00+08:00", "why": "update"}
    _, made = await ctid.ask("POST", "/api/v1/silences", json=planned)
    assert (made["lines"], made["begins_at"], made["ends_at"]) == ([], at(3600.0), at(10800.0))


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"{", 400, "the body is not JSON"),
        (b"[]", 400, "the body must be an object"),
        (b'{"lines": "network"}', 400, '"lines" must be a list of texts'),
        (b'{"why": "x"}', 400, 'the body must say "until" or "minutes"'),
        (
            b'{"why": "x", "minutes": 1, "until": 2e9}',
            400,
            'the body says "until" and "minutes": leave',
        ),
        (b'{"why": "x", "minutes": -1}', 400, '"minutes" must be a number above 0'),
        (b'{"why": "x", "until": "22:00"}', 400, '"until" must be a time with its offset'),
        (b'{"why": "x", "until": "2026-11-27T22:00:00"}', 400, '"until" must be a time'),
        (b'{"why": "x", "minutes": 3e9}', 400, "a silence has to end before the year"),
        (b'{"why": "x", "until": 1}', 400, "a silence has to end after it begins, and after now"),
        (b'{"why": "x", "minutes": 1, "kinds": ["x"]}', 400, "x: no such kind; there are: unansw"),
        (b'{"why": "x", "minutes": 1, "lines": ["x"]}', 400, "x: no such line; there are: networ"),
        (b'{"why": "%s", "minutes": 1}' % (b"x" * 501), 400, '"why" is too long: 500 char'),
        (b'{"why": "x", "minutes": 1, "line": "network"}', 400, '"line" is unknown here; the body'),
        (b'{"why": "x", "minutes": 1, "by": "a\\nb"}', 400, '"by" must be a name of at most 80'),
        (b" " * (LONGEST_BODY + 1), 413, "what was asked is too long: 16384 bytes at most"),
    ],
)
async def test_what_cannot_be_done_is_one_line(
    ctid: Desk, body: bytes, status: int, why: str
) -> None:
    found, answer = await ctid.ask("POST", "/api/v1/silences", data=body)
    assert (found, list(answer)) == (status, ["error"])
    assert answer["error"].startswith(why)
    assert "\n" not in answer["error"]
    assert ctid.desk.silences() == []


@pytest.mark.parametrize(
    ("method", "path", "status", "why"),
    [
        ("GET", "/api/v1/alerts/7", 404, "there is no alert 7"),
        ("GET", "/api/v1/alerts/99999999999999999999", 404, "99999999999999999999: is no number"),
        ("GET", "/api/v1/alerts/x", 404, "x: is no number"),
        ("POST", "/api/v1/alerts/7/ack", 404, "there is no alert 7"),
        ("GET", "/api/v1/alerts?all&limit=0", 400, "limit must be a number from 1 to 1000"),
        ("GET", "/api/v1/alerts?limit=x", 400, "limit must be a number from 1 to 1000"),
        ("GET", "/api/v1/nothing", 404, "there is nothing at /api/v1/nothing"),
        ("PUT", "/api/v1/alerts", 405, "/api/v1/alerts takes GET, not PUT"),
        ("HEAD", "/api/v1/alerts", 405, None),
    ],
)
async def test_addresses_that_lead_nowhere(
    ctid: Desk, method: str, path: str, status: int, why: str | None
) -> None:
    if why is not None:
        assert await ctid.ask(method, path) == (status, {"error": why})
    async with aiohttp.ClientSession() as session:
        # also who has no token
        seen = await session.request(method, ctid.url + path)
        if status == 405:
            assert seen.headers["Allow"] == "GET"
            assert seen.content_type == "application/json"


async def test_nobody_without_a_token_and_nothing_without_the_right(ctid: Desk) -> None:
    await ctid.desk.incident("network", "core switch", "root")
    for token in (None, "", "x", WRITE[:-1], WRITE + "x", "é" * 16):
        for method, path in (("GET", "/api/v1/alerts"), ("POST", "/api/v1/alerts/1/ack")):
            ctid.clock.now += 60.0
            status, answer = await ctid.ask(method, path, token=token)
            assert (status, answer) == (
                401,
                {
                    "error": "this bearer token is not known: it is that of no [[api_token]]"
                    if token
                    else "no bearer token was given: send the header `Authorization: Bearer TOKEN`"
                },
            )
    status, answer = await ctid.ask("POST", "/api/v1/alerts/1/ack", token=READ)
    why = 'token wallboard has no right to this: add "write" to its rights'
    assert (status, answer) == (403, {"error": why})
    assert [one.alert.state.__class__.__name__ for one in ctid.desk.open_alerts()] == ["Firing"]


async def test_guessing_is_slow_and_keeps_nobody_out(ctid: Desk) -> None:
    seen = [(await ctid.ask("GET", "/api/v1/alerts", token="x"))[0] for _ in range(35)]
    assert seen == [401] * FAILURES_PER_MINUTE + [429] * (35 - FAILURES_PER_MINUTE)
    assert (await ctid.ask("GET", "/api/v1/alerts", token=READ))[0] == 200
    ctid.clock.now += 60.0
    assert (await ctid.ask("GET", "/api/v1/alerts", token="x"))[0] == 401


async def test_a_mad_program_is_slowed_down(ctid: Desk) -> None:
    report = {"title": "again"}
    seen = []
    for _ in range(CHANGES_PER_MINUTE + 2):
        ctid.clock.now += 0.001
        seen.append((await ctid.ask("POST", "/api/v1/incidents", json=report))[0])
    assert seen == [200] * CHANGES_PER_MINUTE + [429] * 2
    assert len(ctid.desk.open_alerts()) == CHANGES_PER_MINUTE
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {WRITE}"}) as session,
        session.post(f"{ctid.url}/api/v1/incidents", json=report) as response,
    ):
        assert response.headers["Retry-After"] == "1"
    assert (await ctid.ask("GET", "/api/v1/alerts"))[0] == 200


async def test_what_the_store_cannot_say_is_503(ctid: Desk) -> None:
    await ctid.desk.incident("network", "core switch", "root")
    database = ctid.folder / "ctid.sqlite3"
    database.rename(ctid.folder / "elsewhere")
    status, answer = await ctid.ask("GET", "/api/v1/alerts/1", token=READ)
    assert (status, str(database) in answer["error"]) == (503, True)
    # what is open is in memory
    assert len((await ctid.ask("GET", "/api/v1/alerts"))[1]["alerts"]) == 1
    (ctid.folder / "elsewhere").rename(database)


def test_the_page_names_all_routes_and_no_others() -> None:
    routes: Any = api_routes(None, None, None)  # type: ignore[arg-type]
    real = {(route.method, route.path, str(route.right)) for route in routes}
    told = set(re.findall(r"^\| `(\w+) (/api/v1\S*)` \| `(\w+)` \|", DOCS, re.MULTILINE))
    assert told == real
