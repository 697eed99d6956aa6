"""Zammad, as its documentation describes it; never tried on the real product."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from ctid.config.backends import ZammadBackend
from ctid.config.secret import Secret
from ctid.domain.drafts import LineName
from ctid.outbound.port import DeliveryError, Document, Finding, Reason, Remote
from ctid.outbound.tickets import open_backend
from ctid.outbound.tickets.zammad import Zammad
from tests.drafts import document, draft
from tests.integration.tickets.raw_server import RawServer, answer, saying
from tests.integration.tickets.zammad_server import ATTRIBUTE, LOGIN, TOKEN
from tests.integration.tickets.zammad_server import Zammad as Server
from tests.refusals import failing

KEY = document().key


@asynccontextmanager
async def zammad(url: str, token: str = TOKEN, **keys: Any) -> AsyncIterator[Zammad]:
    table = ZammadBackend(url=url, **{"group": "Users", **keys})
    backend = open_backend(
        table.model_copy(update={"token": Secret(token)}), "desk", "Asia/Shanghai"
    )
    assert isinstance(backend, Zammad)
    try:
        yield backend
    finally:
        await backend.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    async with found.server:
        yield found


def of(key: str) -> Document:
    return document(draft(key=key))


async def test_a_ticket_is_made_found_and_completed(server: Server) -> None:
    hostile = '<b>"x"</b> {{y}} \u4e00 \U0001f600'
    async with zammad(server.url()) as backend:
        remote = await backend.create(document(subject="one", body=f"{hostile}\nb\n"))
        assert remote == Remote("1", f"{server.url()}/#ticket/zoom/1")
        assert await backend.look_up(KEY) == remote
        await backend.update(remote, document(revision=2, subject="two"), unsure=False)
    assert server.tickets[1]["title"] == "one"
    assert server.tickets[1][ATTRIBUTE] == KEY
    first, note = server.articles[1]
    assert first == {
        "subject": "one",
        "body": f'{hostile}\nb\n\n[ctid_key:"{KEY}" revision 1]\n',
        "content_type": "text/plain",
        "type": "phone",
        "internal": False,
    }
    assert (note["subject"], note["type"], note["internal"]) == ("two", "note", True)
    assert note["body"].endswith(f'\n\n[ctid_key:"{KEY}" revision 2]\n')


async def test_an_unsure_update_does_not_stand_there_twice(server: Server) -> None:
    async with zammad(server.url()) as backend:
        remote = await backend.create(document())
        for _ in range(2):
            await backend.update(remote, document(revision=12), unsure=True)
        # 1 is there with the ticket, 2 is not, although 12 is
        await backend.update(remote, document(), unsure=True)
        await backend.update(remote, document(revision=2), unsure=True)
    marks = [article["body"].rstrip().rpartition(" ")[2] for article in server.articles[1]]
    assert marks == ["1]", "12]", "2]"]


async def test_what_people_changed_stays(server: Server) -> None:
    async with zammad(server.url()) as backend:
        remote = await backend.create(document(subject="one"))
        server.tickets[1].update(title="mine", group_id=9)
        await backend.update(remote, document(revision=2, subject="two"), unsure=False)
    assert (server.tickets[1]["title"], server.tickets[1]["group_id"]) == ("mine", 9)


async def test_the_index_lags(server: Server) -> None:
    server.index_lags = True
    async with zammad(server.url()) as backend:
        remote = await backend.create(document())
        assert await backend.look_up(KEY) is None
        server.catch_up()
        assert await backend.look_up(KEY) == remote


async def test_an_installation_without_an_index_finds_it_at_once(server: Server) -> None:
    server.elasticsearch = False
    async with zammad(server.url()) as backend:
        await backend.create(of("ctid:other"))
        remote = await backend.create(document())
        await backend.update(remote, document(revision=2), unsure=False)
        assert await backend.look_up(KEY) == remote
        assert await backend.look_up("ctid:none") is None


async def test_only_the_very_key_counts(server: Server) -> None:
    """The index compares words: those of `a-b` are in `a-b-c`, too."""
    async with zammad(server.url()) as backend:
        longer = await backend.create(of(f"{KEY}-2"))
        assert await backend.look_up(KEY) is None
        first = await backend.create(document())
        await backend.create(document())
        assert await backend.look_up(KEY) == first
        assert await backend.look_up(f"{KEY}-2") == longer


async def test_a_key_with_quotes(server: Server) -> None:
    async with zammad(server.url()) as backend:
        for key in ('ctid:a"b', "ctid:a\\b"):
            assert await backend.create(of(key)) == await backend.look_up(key)


async def test_group_and_customer(server: Server) -> None:
    network = draft(line=replace(draft().line, name="network"))
    other = draft(line=LineName("server", "S", "server"))
    async with zammad(server.url(), groups={"network": "None"}, customer="7") as backend:
        with pytest.raises(DeliveryError, match="'group': 'None'"):
            await backend.create(document(network))
        await backend.create(document(other))
    assert len(server.tickets) == 1


async def test_a_long_subject_is_cut(server: Server) -> None:
    async with zammad(server.url()) as backend:
        await backend.create(document(subject="x" * 300))
    assert server.tickets[1]["title"] == "x" * 199 + "\u2026"


# what an operator has to mend


async def refused(server: Server, **keys: Any) -> DeliveryError:
    async with zammad(server.url(), **keys) as backend:
        with pytest.raises(DeliveryError) as caught:
            await backend.create(document())
    assert "\n" not in str(caught.value)
    assert keys.get("token", TOKEN) not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("keys", "reason", "told"),
    [
        ({"token": "wr0ng-token"}, Reason.DENIED, "Authentication required"),
        ({"group": "None"}, Reason.MISCONFIGURED, "'group': 'None'"),
        ({"customer": "8"}, Reason.MISCONFIGURED, "'customer_id': 8"),
        ({"customer": "guess:nobody"}, Reason.MISCONFIGURED, "'customer_id'"),
    ],
)
async def test_a_table_that_does_not_fit(
    server: Server, keys: dict[str, Any], reason: Reason, told: str
) -> None:
    error = await refused(server, **keys)
    assert error.reason is reason
    assert told in str(error)
    assert server.tickets == {}


async def test_no_right_to_create(server: Server) -> None:
    server.groups["Users"] = ["read"]
    assert (await refused(server)).reason is Reason.DENIED
    server.permissions.clear()
    assert (await refused(server)).reason is Reason.DENIED


async def test_an_attribute_that_is_missing_costs_one_ticket_without_a_key_at_most(
    server: Server,
) -> None:
    server.attributes.clear()
    async with zammad(server.url()) as backend:
        await backend.create(document())  # there was no ticket to see it on
        for _ in range(2):
            with pytest.raises(DeliveryError, match="no attribute `ctid_key`") as caught:
                await backend.create(of("ctid:other"))
            assert caught.value.reason is Reason.MISCONFIGURED
        assert len(server.tickets) == 1
        server.attributes.add(ATTRIBUTE)
        server.tickets[1][ATTRIBUTE] = None  # a new column is there for old tickets, too
        await backend.create(of("ctid:other"))
        await backend.create(of("ctid:third"))
    assert len(server.tickets) == 3
    assert server.requests.count("GET /api/v1/tickets") == 4  # not asked again once it was seen


async def test_a_ticket_that_is_gone(server: Server) -> None:
    async with zammad(server.url()) as backend:
        for unsure in (False, True):
            with failing(Reason.GONE):
                await backend.update(Remote("99"), document(revision=2), unsure=unsure)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (answer("404 Not Found", b"<p>"), Reason.MISCONFIGURED),
        (answer("200 OK", b"<p>"), Reason.BAD_ANSWER),
        (answer("200 OK", b"{}"), Reason.BAD_ANSWER),
        (answer("200 OK", b"[1]"), Reason.BAD_ANSWER),
        (answer("200 OK"), Reason.BAD_ANSWER),
        (answer("413 Too Large"), Reason.REJECTED),
        (answer("400 Bad Request"), Reason.REJECTED),
        (answer("302 Found", b"", "Location: /login"), Reason.MISCONFIGURED),
    ],
)
async def test_a_place_that_is_no_zammad(said: bytes, reason: Reason) -> None:
    async with RawServer(saying(said)) as other, zammad(other.url) as backend:
        with pytest.raises(DeliveryError) as caught:
            await backend.create(document())
        with pytest.raises(DeliveryError) as looked:
            await backend.look_up(KEY)
    assert caught.value.reason is looked.value.reason is reason


async def test_a_ticket_without_a_number_is_not_taken_for_none() -> None:
    said = answer("200 OK", f'[{{"ctid_key":"{KEY}"}}]'.encode())
    async with RawServer(saying(said)) as other, zammad(other.url) as backend:
        with failing(Reason.BAD_ANSWER):
            await backend.look_up(KEY)


async def test_a_ticket_with_a_long_conversation_is_still_read(server: Server) -> None:
    async with zammad(server.url()) as backend:
        remote = await backend.create(document())
        pasted = {"body": "x" * 5_000_000}
        server.articles[1].append(pasted)
        await backend.update(remote, document(revision=2), unsure=True)
        await backend.update(remote, document(revision=2), unsure=True)
    assert len(server.articles[1]) == 3


# check


async def findings(server: Server, **keys: Any) -> dict[str, Finding]:
    async with zammad(server.url(), **keys) as backend:
        found = await backend.check()
    assert all(request.startswith("GET ") for request in server.requests)
    assert all(finding.ok or finding.remedy for finding in found)
    return {finding.what: finding for finding in found}


async def test_all_is_well(server: Server) -> None:
    found = await findings(server, groups={"network": "Network"}, customer="7")
    assert all(finding.ok for finding in found.values())
    assert list(found)[1:] == [
        f"the token is one of {LOGIN}",
        "tickets may be made in group Network",
        "tickets may be made in group Users",
        "whether tickets have the attribute `ctid_key` shows with the first one",
        "the customer 7 is there",
        "searching for a key is answered",
    ]


async def test_a_wrong_token_is_the_only_thing_to_say(server: Server) -> None:
    found = list((await findings(server, token="wr0ng-token")).values())
    assert [finding.ok for finding in found] == [True, False]
    assert found[1].what.startswith("the token: ")
    assert "wr0ng" not in found[1].what


async def test_a_group_that_is_not_there(server: Server) -> None:
    assert not (await findings(server, group="None"))["there is no group None"].ok


async def test_rights_that_are_too_few(server: Server) -> None:
    server.groups["Users"] = ["read", "overview"]
    told = "the token's user may only read, overview in group Users"
    assert not (await findings(server))[told].ok


@pytest.mark.parametrize("shown", [True, False])
async def test_rights_that_come_by_a_role_cannot_be_seen(server: Server, shown: bool) -> None:
    server.shows_groups_to_agents = shown
    server.groups["Users"] = None
    told = "the token's user has no rights of its own in group Users, maybe some by a role"
    finding = (await findings(server))[told]
    assert finding.ok
    assert finding.remedy


async def test_the_attribute(server: Server) -> None:
    server.permissions.add("admin.object")
    there, missing = ("tickets have the attribute", "tickets have no attribute")
    assert (await findings(server))[f"{there} `ctid_key`"].ok
    assert not (await findings(server, key_field="call"))[f"{missing} `call`"].ok
    async with zammad(server.url()) as backend:
        await backend.create(document())
    server.requests.clear()
    server.permissions.remove("admin.object")
    assert (await findings(server))[f"{there} `ctid_key`"].ok
    assert not (await findings(server, key_field="call"))[f"{missing} `call`"].ok


async def test_a_customer_that_is_not_there(server: Server) -> None:
    found = await findings(server, customer="8")
    (finding,) = [finding for what, finding in found.items() if what.startswith("the customer 8:")]
    assert not finding.ok


async def test_a_token_that_may_not_work_on_tickets(server: Server) -> None:
    server.permissions.clear()
    found = await findings(server)
    wrong = [what.partition(":")[0] for what, finding in found.items() if not finding.ok]
    assert wrong == ["listing tickets", "searching"]
