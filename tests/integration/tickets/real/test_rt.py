"""The backend for Request Tracker against a real one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import structlog.testing

from ctid.domain.drafts import Stage
from ctid.outbound.http import Http
from ctid.outbound.port import DeliveryError, Reason, Remote
from ctid.outbound.tickets import notes, open_backend
from ctid.outbound.tickets.rt import RequestTracker
from tests.integration.tickets.real.calls import of_new_call, revised, wrong
from tests.integration.tickets.real.hostile import HOSTILE
from tests.integration.tickets.real.killed import made_in_spite_of_it
from tests.integration.tickets.real.page import shown
from tests.integration.tickets.real.program import get
from tests.integration.tickets.real.rt import Rt
from tests.refusals import failing

DUE = 1_795_748_400.0  # 2026-11-27 03:00 in UTC


@pytest.fixture
async def backend(rt: Rt) -> AsyncIterator[RequestTracker]:
    async with opened(rt) as found:
        yield found


@asynccontextmanager
async def opened(rt: Rt, token: str | None = None, **keys: Any) -> AsyncIterator[RequestTracker]:
    backend = open_backend(rt.table(token, **keys), "desk", "Asia/Shanghai")
    assert isinstance(backend, RequestTracker)
    try:
        yield backend
    finally:
        await backend.close()


@asynccontextmanager
async def person(rt: Rt, user: str = "zhang") -> AsyncIterator[Http]:
    """Somebody who works in RT, and may do everything there."""
    http = Http(
        f"{rt.program.url}/REST/2.0",
        {"Authorization": f"token {rt.token(user)}"},
        timeout_seconds=60,
    )
    try:
        yield http
    finally:
        await http.close()


async def ticket(rt: Rt, remote: Remote) -> dict[str, Any]:
    async with person(rt) as http:
        found = (await http.request("GET", f"/ticket/{remote.id}")).json()
    assert isinstance(found, dict)
    return found


async def contents(rt: Rt, remote: Remote) -> list[str]:
    """What was written into the ticket, oldest first."""
    async with person(rt) as http:
        answer = await http.request(
            "GET",
            f"/ticket/{remote.id}/attachments",
            params={"fields": "Content", "per_page": "100", "orderby": "id"},
        )
    return [item["Content"] for item in answer.json()["items"]]


async def changes_of(rt: Rt, remote: Remote, field: str) -> int:
    async with person(rt) as http:
        params = {"fields": "Type,Field", "per_page": "100"}
        answer = await http.request("GET", f"/ticket/{remote.id}/history", params=params)
    return [one["Field"] for one in answer.json()["items"] if one["Type"] == "Set"].count(field)


async def count(rt: Rt, key: str) -> int:
    async with person(rt) as http:
        query = {"query": f"'CF.{{CallKey}}' = '{key}'"}
        answer = await http.request("GET", "/tickets", params=query)
    total = answer.json()["total"]
    assert isinstance(total, int)
    return total


# -- a ticket's life ------------------------------------------------------------------------------


async def test_a_ticket_is_made_with_all_that_is_known(rt: Rt, backend: RequestTracker) -> None:
    call = of_new_call(due_at=DUE, subject="[network] 王小明 ☎", body="Zeile 1\n第二行 ☎\n")
    remote = await backend.create(call)
    made = await ticket(rt, remote)
    assert made["Subject"] == "[network] 王小明 ☎"
    assert made["Due"] == "2026-11-27T03:00:00Z"
    assert made["CustomFields"][0]["values"] == [call.key]
    assert (await contents(rt, remote)) == ["Zeile 1\n第二行 ☎\n"]
    assert remote.url == f"{rt.program.url}/Ticket/Display.html?id={remote.id}"
    assert remote.url is not None
    page = await get(remote.url, {"Authorization": f"token {rt.token()}"})
    assert "王小明 ☎" in page


async def test_it_goes_into_the_queue_of_its_line(rt: Rt) -> None:
    async with opened(rt, queue="Plain", queues={"network": "O'Brien / 网络"}) as backend:
        remote = await backend.create(of_new_call())
        async with person(rt) as http:
            queue = (await ticket(rt, remote))["Queue"]["id"]
            assert (await http.request("GET", f"/queue/{queue}")).json()["Name"] == "O'Brien / 网络"


async def test_a_revision_becomes_one_comment(rt: Rt, backend: RequestTracker) -> None:
    call = of_new_call()
    remote = await backend.create(call)
    ended = revised(call, 2, subject="[network] Ended", body="It ended.\n", due_at=DUE)
    await backend.update(remote, ended, unsure=False)
    assert (await contents(rt, remote))[1:] == [f"It ended.\n\n{call.key} / 2"]
    found = await ticket(rt, remote)
    assert (found["Subject"], found["Due"]) == ("[network] Ended", "2026-11-27T03:00:00Z")


async def test_an_unsure_revision_does_not_stand_there_twice(
    rt: Rt, backend: RequestTracker
) -> None:
    call = of_new_call()
    remote = await backend.create(call)
    for revision in (2, 3):
        for _ in range(2):
            await backend.update(remote, revised(call, revision), unsure=True)
    marks = [text.splitlines()[-1] for text in (await contents(rt, remote))[1:]]
    assert marks == [f"{call.key} / 2", f"{call.key} / 3"]


async def test_who_quotes_a_note_does_not_hide_that_it_is_missing(
    rt: Rt, backend: RequestTracker
) -> None:
    call = of_new_call()
    remote = await backend.create(call)
    second = revised(call, 2)
    async with person(rt) as http:
        text = {"Content": notes.note(second), "ContentType": "text/plain"}
        await http.request("POST", f"/ticket/{remote.id}/comment", json=text)
    await backend.update(remote, second, unsure=True)
    assert len(await contents(rt, remote)) == 3


async def test_what_people_set_stays(rt: Rt, backend: RequestTracker) -> None:
    call = of_new_call(due_at=DUE)
    remote = await backend.create(call)
    async with person(rt) as http:
        theirs = {"Subject": "Printer, again", "Due": "2030-01-01 00:00:00"}
        await http.request("PUT", f"/ticket/{remote.id}", json=theirs)
    ended = revised(call, 2, subject="[network] Ended", due_at=DUE + 60)
    await backend.update(remote, ended, unsure=False)
    found = await ticket(rt, remote)
    assert (found["Subject"], found["Due"]) == ("Printer, again", "2030-01-01T00:00:00Z")


async def test_a_settled_ticket_is_not_due_any_more(rt: Rt, backend: RequestTracker) -> None:
    call = of_new_call(due_at=DUE, stage=Stage.TO_RETURN)
    remote = await backend.create(call)
    settled = revised(call, 2, due_at=DUE, stage=Stage.RETURNED)
    await backend.update(remote, settled, unsure=False)
    none = await backend.create(of_new_call(due_at=DUE, stage=Stage.RETURNED))
    assert (await ticket(rt, remote))["Due"] == (await ticket(rt, none))["Due"]
    page = await get(remote.url or "", {"Authorization": f"token {rt.token()}"})
    assert "overdue" not in page
    assert await changes_of(rt, remote, "Due") == 1
    await backend.update(remote, revised(settled, 3, stage=Stage.RETURNED), unsure=False)
    assert await changes_of(rt, remote, "Due") == 1
    again = revised(call, 4, due_at=DUE, stage=Stage.TO_RETURN)
    await backend.update(remote, again, unsure=False)
    assert (await ticket(rt, remote))["Due"] == "2026-11-27T03:00:00Z"


async def test_a_due_time_of_somebody_else_stays_when_it_is_settled(
    rt: Rt, backend: RequestTracker
) -> None:
    call = of_new_call(due_at=DUE, stage=Stage.TO_RETURN)
    remote = await backend.create(call)
    async with person(rt) as http:
        await http.request("PUT", f"/ticket/{remote.id}", json={"Due": "2030-01-01 00:00:00"})
    await backend.update(remote, revised(call, 2, stage=Stage.RETURNED), unsure=False)
    assert (await ticket(rt, remote))["Due"] == "2030-01-01T00:00:00Z"


async def test_a_key_is_found_and_no_other(rt: Rt, backend: RequestTracker) -> None:
    nasty = of_new_call(key=f'it\'s "a" \\ {{key}} % {uuid4()}')
    remote = await backend.create(nasty)
    assert await backend.look_up(nasty.key) == remote
    assert await backend.look_up(nasty.key.upper()) is None
    assert await backend.look_up("' OR id > 0 OR Subject = '") is None


async def test_the_first_of_two_tickets_of_one_key_counts(rt: Rt, backend: RequestTracker) -> None:
    call = of_new_call()
    first = await backend.create(call)
    await backend.create(call)
    assert await backend.look_up(call.key) == first


async def test_a_deleted_ticket_is_gone(rt: Rt, backend: RequestTracker) -> None:
    call = of_new_call()
    remote = await backend.create(call)
    async with person(rt) as http:
        await http.request("PUT", f"/ticket/{remote.id}", json={"Status": "deleted"})
    for gone in (remote, Remote("999999")):
        with failing(Reason.GONE):
            await backend.update(gone, revised(call, 2), unsure=False)


# -- what may be wrong there ----------------------------------------------------------------------


async def test_a_wrong_token_is_denied(rt: Rt) -> None:
    token = "1-14-" + "0123456789abcdef" * 2
    async with opened(rt, token) as backend:
        with failing(Reason.DENIED) as caught:
            await backend.create(of_new_call())
        assert token not in str(caught.value)
        (finding,) = await backend.check()
        assert not finding.ok
        assert "401" in finding.what
        assert token not in finding.what
        assert "token" in (finding.remedy or "")


@pytest.mark.parametrize("queue", ["Nowhere", "Hidden"])
async def test_a_missing_queue_is_named(rt: Rt, queue: str) -> None:
    async with opened(rt, queue=queue) as backend:
        with failing(Reason.MISCONFIGURED, f"`{queue}`"):
            await backend.create(of_new_call())
        (complaint,) = wrong(await backend.check())
        assert f"`{queue}`" in complaint


@pytest.mark.parametrize(("queue", "field"), [("Plain", "CallKey"), ("Telephony", "Nothing")])
async def test_no_ticket_is_made_without_its_key(rt: Rt, queue: str, field: str) -> None:
    async with opened(rt, queue=queue, key_field=field) as backend:
        call = of_new_call(subject=f"[network] {uuid4()}")
        with failing(Reason.MISCONFIGURED, f"`{field}`"):
            await backend.create(call)
        async with person(rt) as http:
            query = {"query": f"Subject = '{call.subject}'"}
            assert (await http.request("GET", "/tickets", params=query)).json()["total"] == 0
        assert any(f"`{field}`" in complaint for complaint in wrong(await backend.check()))


async def test_a_ticket_that_did_not_take_its_key_stops_the_rest_until_it_is_mended(
    rt: Rt,
) -> None:
    async with opened(rt, queue="Locked") as backend:
        first = of_new_call()
        assert any("not known yet" in one.what for one in await backend.check())
        remote = await backend.create(first)
        assert (await ticket(rt, remote))["CustomFields"][0]["values"] == []
        (complaint,) = wrong(await backend.check())
        assert f"{remote.id}, has no key" in complaint
        for _ in range(2):
            with failing(Reason.MISCONFIGURED, f"ticket {remote.id} "):
                await backend.create(of_new_call())
        rt.insert("@ACL = ({ Right => 'ModifyCustomField', UserId => 'ctid', Queue => 'Locked' });")
        second = of_new_call()
        made = await backend.create(second)
        assert await backend.look_up(first.key) == remote
        assert await backend.look_up(second.key) == made


def only(rt: Rt, queue: str, *rights: str) -> dict[str, str]:
    """The keys for a new queue in which the user `nobody-yet` has these rights and no more."""
    rt.insert(
        f"@Queues = ({{ Name => '{queue}' }});"
        f"@CustomFields = ({{ Name => '{queue}Key', Type => 'FreeformSingle',"
        f" ApplyTo => '{queue}', LookupType => 'RT::Queue-RT::Ticket' }});"
    )
    grant(rt, queue, *rights)
    return {"queue": queue, "key_field": f"{queue}Key"}


def grant(rt: Rt, queue: str, *rights: str) -> None:
    rt.insert(
        f"@ACL = map {{ {{ Right => $_, UserId => 'nobody-yet', Queue => '{queue}' }} }}"
        f" qw({' '.join(rights)});"
    )


def revoke(rt: Rt, queue: str, right: str) -> None:
    rt.insert(
        "@Final = (sub { my $user = RT::User->new(RT->SystemUser); $user->Load('nobody-yet');"
        f" my $queue = RT::Queue->new(RT->SystemUser); $queue->Load('{queue}');"
        " my ($ok, $why) = $user->PrincipalObj->RevokeRight("
        f"Right => '{right}', Object => $queue); die $why unless $ok; }});"
    )


async def tickets_in(rt: Rt, queue: str) -> list[int]:
    async with person(rt) as http:
        query = {"query": f"Queue = '{queue}'", "orderby": "id", "per_page": "100"}
        answer = await http.request("GET", "/tickets", params=query)
    return [int(item["id"]) for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("queue", "others"),
    [("Blind", []), ("Half", ["ModifyCustomField", "ModifyTicket", "CommentOnTicket"])],
)
async def test_a_ticket_that_may_not_be_seen_stops_the_rest_until_it_is_mended(
    rt: Rt, queue: str, others: list[str]
) -> None:
    keys = only(rt, queue, "SeeQueue", "CreateTicket", "SeeCustomField", *others)
    async with opened(rt, rt.token("nobody-yet"), **keys) as backend:
        unknown = [one.what for one in await backend.check() if "not known yet" in one.what]
        assert "ModifyCustomField" in unknown[0]
        assert "ShowTicket" in unknown[1]
        first = of_new_call()
        remote = await backend.create(first)
        for _ in range(3):
            with failing(
                Reason.DENIED,
                f"cannot prove that ticket {remote.id} took its key",
                "grant ShowTicket",
            ):
                await backend.create(of_new_call())
        assert await tickets_in(rt, queue) == [int(remote.id)]
        grant(rt, queue, "ShowTicket", *(() if others else ("ModifyCustomField",)))
        second = of_new_call()
        made = await backend.create(second)
        assert await backend.look_up(first.key) == remote
        assert await backend.look_up(second.key) == made


async def test_a_search_that_may_not_see_tickets_does_not_say_that_there_is_none(rt: Rt) -> None:
    rights = ("SeeQueue", "CreateTicket", "SeeCustomField", "ModifyCustomField", "ShowTicket")
    keys = only(rt, "Blinded", *rights)
    async with opened(rt, rt.token("nobody-yet"), **keys) as backend:
        first = await backend.create(of_new_call())
        lost = of_new_call()
        await backend.create(lost)
        assert await backend.look_up("ctid:other") is None
        revoke(rt, "Blinded", "ShowTicket")
        with failing(Reason.DENIED, f"may not see ticket {first.id}: grant ShowTicket"):
            await backend.look_up(lost.key)


async def test_a_ticket_that_was_moved_out_of_sight_does_not_stop_a_search(rt: Rt) -> None:
    rights = ("SeeQueue", "CreateTicket", "SeeCustomField", "ModifyCustomField", "ShowTicket")
    keys = only(rt, "Moving", *rights)
    async with opened(rt, rt.token("nobody-yet"), **keys) as backend:
        first, _ = [await backend.create(of_new_call()) for _ in range(2)]
        async with person(rt) as http:
            await http.request("PUT", f"/ticket/{first.id}", json={"Queue": "Hidden"})
        assert await backend.look_up("ctid:other") is None


async def test_rights_that_lack_are_named(rt: Rt) -> None:
    rt.insert(
        "@Queues = ({ Name => 'Poor' });"
        "@CustomFields = ({ Name => 'PoorKey', Type => 'FreeformSingle', ApplyTo => 'Poor',"
        " LookupType => 'RT::Queue-RT::Ticket' });"
        "@ACL = map { { Right => $_, UserId => 'nobody-yet', Queue => 'Poor' } }"
        " qw(SeeQueue ShowTicket SeeCustomField);"
    )
    async with person(rt) as http:
        new = {"Queue": "Poor", "Subject": "There is one"}
        poor = (await http.request("POST", "/ticket", json=new)).json()
    keys = {"queue": "Poor", "key_field": "PoorKey"}
    async with opened(rt, rt.token("nobody-yet"), **keys) as backend:
        findings = await backend.check()
        assert [finding.remedy for finding in findings if not finding.ok] == [
            "grant CreateTicket to the user",
            "grant CommentOnTicket to the user",
            "grant ModifyTicket to the user",
        ]
        with failing(Reason.DENIED, "may not make tickets in queue `Poor`: grant CreateTicket"):
            await backend.create(of_new_call())
        with failing(Reason.DENIED, f"comment on ticket {poor['id']}: grant CommentOnTicket"):
            await backend.update(Remote(poor["id"]), of_new_call(2), unsure=False)
        async with person(rt) as http:
            hidden = (await http.request("POST", "/ticket", json=new | {"Queue": "Hidden"})).json()
        with failing(Reason.DENIED, f"may not see ticket {hidden['id']}: grant ShowTicket"):
            await backend.update(Remote(hidden["id"]), of_new_call(2), unsure=False)


async def test_a_subject_that_may_not_be_changed_does_not_stop_the_note(rt: Rt) -> None:
    rights = ("SeeQueue", "CreateTicket", "ShowTicket", "SeeCustomField", "ModifyCustomField")
    keys = only(rt, "Fixed", *rights, "CommentOnTicket", "ShowTicketComments")
    async with opened(rt, rt.token("nobody-yet"), **keys) as backend:
        call = of_new_call()
        remote = await backend.create(call)
        with structlog.testing.capture_logs() as logs:
            for revision in (2, 3):
                changed = revised(call, revision, subject=f"[network] {revision}")
                await backend.update(remote, changed, unsure=False)
        (entry,) = [one for one in logs if one["event"] == "ticket_not_changed"]
        assert entry["ticket"] == int(remote.id)
        assert "grant ModifyTicket" in entry["why"]
        assert len(await contents(rt, remote)) == 3
        grant(rt, "Fixed", "ModifyTicket")
        await backend.update(remote, revised(call, 4, subject="[network] 4"), unsure=False)
        assert (await ticket(rt, remote))["Subject"] == "[network] 4"


async def test_comments_that_cannot_be_seen_are_not_written_twice(rt: Rt) -> None:
    rt.insert(
        "@ACL = map { { Right => $_, UserId => 'nobody-yet', Queue => 'Telephony' } }"
        " qw(SeeQueue ShowTicket CreateTicket ModifyTicket CommentOnTicket SeeCustomField"
        " ModifyCustomField);"
    )
    async with opened(rt, rt.token("nobody-yet")) as backend:
        call = of_new_call()
        remote = await backend.create(call)
        await backend.update(remote, revised(call, 2), unsure=False)
        with failing(Reason.DENIED):
            await backend.update(remote, revised(call, 2), unsure=True)
    assert len(await contents(rt, remote)) == 2


async def test_all_is_well(rt: Rt, backend: RequestTracker) -> None:
    remote = await backend.create(of_new_call())
    findings = await backend.check()
    assert wrong(findings) == []
    assert [finding.what.rpartition("Telephony`: ")[2] for finding in findings[1:]] == [
        "there",
        "create tickets: allowed",
        "custom field `CallKey`: there",
        f"keep the key: ticket {remote.id} has one",
        "see tickets: allowed",
        "comment on tickets: allowed",
        "change tickets: allowed",
    ]


async def test_checking_changes_nothing(rt: Rt, backend: RequestTracker) -> None:
    remote = await backend.create(of_new_call())
    async with person(rt) as http:
        before = (await http.request("GET", f"/ticket/{remote.id}/history")).json()
        await backend.check()
        assert (await http.request("GET", f"/ticket/{remote.id}/history")).json() == before


async def test_what_is_not_rt_is_noticed(rt: Rt) -> None:
    async with opened(rt, url=f"{rt.program.url}/NoAuth") as backend:
        with pytest.raises(DeliveryError):
            await backend.create(of_new_call())
        (finding,) = await backend.check()
        assert not finding.ok


# -- hostile content ------------------------------------------------------------------------------


async def test_hostile_content_arrives_as_text(rt: Rt, backend: RequestTracker) -> None:
    for name in HOSTILE:
        line = " ".join(name.split())
        call = of_new_call(subject=f"[network] {line}", body=f"Caller: {name}\n<b>bold</b>\n")
        remote = await backend.create(call)
        made = await ticket(rt, remote)
        assert made["Subject"] == call.subject[:200]
        assert made["Requestor"] == made["Cc"] == made["AdminCc"] == []
        assert (await contents(rt, remote)) == [call.body.replace("\r\n", "\n")]
        url = f"{rt.program.url}/Ticket/History.html?id={remote.id}"
        page = await get(url, {"Authorization": f"token {rt.token()}"})
        (body,) = shown(page, "messagebody")
        # in every text RT folds lines that begin with >, and makes addresses of the web clickable
        assert body.elements <= {"br", "span", "div", "a"}
        assert all(target in (text, "#") for target, text in body.links)
        text = body.text.replace("Show quoted text", "")
        assert "".join(text.split()) == "".join(call.body.split())


# -- a server that dies ---------------------------------------------------------------------------


async def test_killed_in_mid_request_and_then_it_is_there_once(rt: Rt) -> None:
    async with opened(rt) as backend:
        call = await made_in_spite_of_it(rt.program, backend)
        assert await count(rt, call.key) == 1
