"""The backend for Redmine against a real one."""

from collections.abc import AsyncIterator
from datetime import timedelta, timezone
from typing import Any, Final
from uuid import uuid4

import pytest

from ctid.domain.drafts import Stage
from ctid.outbound.port import DeliveryError, Reason, Remote
from ctid.outbound.tickets import redmine as backends
from tests.integration.tickets.real.calls import of_new_call, revised, wrong
from tests.integration.tickets.real.killed import made_in_spite_of_it
from tests.integration.tickets.real.redmine import Redmine
from tests.integration.tickets.real.redmine_seen import (
    change,
    issue,
    opened,
    person,
    plain,
    texts,
)
from tests.refusals import failing

DUE: Final = 1_795_741_200.0 + 3600  # 2026-11-27 02:00 in UTC
LINK: Final = "https://desk.example.org/calls/main/1795741200.7"


@pytest.fixture
async def backend(redmine: Redmine) -> AsyncIterator[backends.Redmine]:
    async with opened(redmine) as found:
        yield found


def key_of(found: dict[str, Any]) -> str:
    (value,) = [one["value"] for one in found["custom_fields"] if one["name"] == "CallKey"]
    assert isinstance(value, str)
    return value


# -- an issue's life ------------------------------------------------------------------------------


async def test_an_issue_is_made_with_all_that_is_known(
    redmine: Redmine, backend: backends.Redmine
) -> None:
    call = of_new_call(subject="[network] 王小明 ☎", body=f"第二行 ☎\nCall: {LINK}\n", link=LINK)
    remote = await backend.create(call)
    made = await issue(redmine, remote)
    assert made["subject"] == "[network] 王小明 ☎"
    assert made["project"]["name"] == "Telephony"
    assert key_of(made) == call.key
    assert remote.url == f"{redmine.program.url}/issues/{remote.id}"
    description, *_ = await texts(redmine, remote)
    assert plain(description.text) == f"第二行☎Call:{LINK}"
    assert description.links == [(LINK, LINK)]


async def test_it_goes_into_the_project_of_its_line_and_the_tracker(redmine: Redmine) -> None:
    projects = {"network": "network"}
    async with opened(redmine, project="plain", projects=projects, tracker="Support") as backend:
        made = await issue(redmine, await backend.create(of_new_call()))
        assert (made["project"]["name"], made["tracker"]["name"]) == ("Network", "Support")


@pytest.mark.parametrize(("hours", "day"), [(8, "2026-11-27"), (-8, "2026-11-26")])
async def test_the_due_date_is_that_of_the_place(redmine: Redmine, hours: int, day: str) -> None:
    backend = backends.Redmine(redmine.table(), timezone(timedelta(hours=hours)))
    call = of_new_call(due_at=DUE)
    try:
        remote = await backend.create(call)
        made = await issue(redmine, remote)
        assert (made["start_date"], made["due_date"]) == (day, day)
        await backend.update(remote, revised(call, 2, due_at=DUE + 86_400), unsure=False)
        later = day[:-2] + str(int(day[-2:]) + 1)
        assert (await issue(redmine, remote))["due_date"] == later
    finally:
        await backend.close()


async def test_a_due_date_that_may_not_be_does_not_stop_the_note(
    redmine: Redmine, backend: backends.Redmine
) -> None:
    call = of_new_call()
    remote = await backend.create(call)
    await change(redmine, remote, start_date="2030-01-01")
    await backend.update(remote, revised(call, 2, subject="Ended", due_at=DUE), unsure=False)
    found = await issue(redmine, remote)
    assert (found["subject"], found["due_date"]) == ("Ended", None)
    assert len(notes(found)) == 1


def notes(found: dict[str, Any]) -> list[str]:
    return [journal["notes"] for journal in found["journals"] if journal["notes"]]


async def test_a_revision_becomes_one_note(redmine: Redmine, backend: backends.Redmine) -> None:
    call = of_new_call()
    remote = await backend.create(call)
    ended = revised(call, 2, subject="[network] Ended", body="It ended.\n")
    await backend.update(remote, ended, unsure=False)
    assert (await issue(redmine, remote))["subject"] == "[network] Ended"
    _, note = await texts(redmine, remote)
    assert plain(note.text) == plain(f"It ended. {call.key} / 2")


async def test_an_unsure_revision_does_not_stand_there_twice(
    redmine: Redmine, backend: backends.Redmine
) -> None:
    call = of_new_call()
    remote = await backend.create(call)
    for revision in (2, 3):
        for _ in range(2):
            await backend.update(remote, revised(call, revision), unsure=True)
    _, *found = await texts(redmine, remote)
    assert [plain(note.text)[-2:] for note in found] == ["/2", "/3"]


async def test_who_quotes_a_note_does_not_hide_that_it_is_missing(
    redmine: Redmine, backend: backends.Redmine
) -> None:
    call = of_new_call()
    remote = await backend.create(call)
    await backend.update(remote, revised(call, 2), unsure=False)
    (text,) = notes(await issue(redmine, remote))
    other = await backend.create(revised(call, 1))
    await change(redmine, other, notes=text)
    await backend.update(other, revised(call, 2), unsure=True)
    assert len(notes(await issue(redmine, other))) == 2


async def test_what_people_set_stays(redmine: Redmine, backend: backends.Redmine) -> None:
    call = of_new_call(due_at=DUE)
    remote = await backend.create(call)
    await change(redmine, remote, subject="Printer, again", due_date="2030-01-01", notes="Mine")
    description = (await issue(redmine, remote))["description"]
    ended = revised(call, 2, subject="[network] Ended", due_at=DUE + 86_400)
    await backend.update(remote, ended, unsure=False)
    found = await issue(redmine, remote)
    assert (found["subject"], found["due_date"]) == ("Printer, again", "2030-01-01")
    assert found["description"] == description
    assert notes(found)[0] == "Mine"


async def test_a_settled_issue_is_not_due_any_more(
    redmine: Redmine, backend: backends.Redmine
) -> None:
    call = of_new_call(due_at=DUE, stage=Stage.TO_RETURN)
    remote = await backend.create(call)
    assert (await issue(redmine, remote))["due_date"] is not None
    settled = revised(call, 2, due_at=DUE, stage=Stage.RETURNED)
    await backend.update(remote, settled, unsure=False)
    assert (await issue(redmine, remote)).get("due_date") is None
    await backend.update(remote, revised(call, 3, due_at=DUE, stage=Stage.TO_RETURN), unsure=False)
    assert (await issue(redmine, remote))["due_date"] is not None
    await change(redmine, remote, due_date="2030-01-01")
    await backend.update(remote, revised(call, 4, stage=Stage.RETURNED), unsure=False)
    assert (await issue(redmine, remote))["due_date"] == "2030-01-01"


async def test_a_key_is_found_and_no_other(redmine: Redmine, backend: backends.Redmine) -> None:
    nasty = of_new_call(key=f'!~it\'s "a" \\ {{key}} % & = {uuid4()}')
    remote = await backend.create(nasty)
    await change(redmine, remote, status_id=5)  # closed
    assert await backend.look_up(nasty.key) == remote
    assert await backend.look_up(nasty.key.upper()) is None
    assert await backend.look_up("*") is None


async def test_the_first_of_two_issues_of_one_key_counts(
    redmine: Redmine, backend: backends.Redmine
) -> None:
    call = of_new_call()
    first = await backend.create(call)
    await backend.create(call)
    assert await backend.look_up(call.key) == first


async def test_a_deleted_issue_is_gone(redmine: Redmine, backend: backends.Redmine) -> None:
    call = of_new_call()
    remote = await backend.create(call)
    async with person(redmine) as http:
        await http.request("DELETE", f"/issues/{remote.id}.json")
    with failing(Reason.GONE):
        await backend.update(remote, revised(call, 2), unsure=False)
    assert await backend.look_up(call.key) is None


async def test_what_redmine_does_not_take_is_rejected(
    redmine: Redmine, backend: backends.Redmine
) -> None:
    with failing(Reason.REJECTED, "Subject"):
        await backend.create(of_new_call(subject=""))


# -- what may be wrong there ----------------------------------------------------------------------


async def test_a_wrong_key_is_denied(redmine: Redmine) -> None:
    key = "0123456789abcdef" * 2 + "01234567"
    async with opened(redmine, key) as backend:
        for attempt in (backend.create(of_new_call()), backend.look_up("x")):
            with failing(Reason.DENIED) as caught:
                await attempt
            assert key not in str(caught.value)
        (finding,) = await backend.check()
        assert not finding.ok
        assert "401" in finding.what
        assert "key" in (finding.remedy or "")


async def test_a_switched_off_interface_is_told(redmine: Redmine) -> None:
    redmine.set("rest_api_enabled", "0")
    try:
        async with opened(redmine) as backend:
            (finding,) = await backend.check()
        assert not finding.ok
        assert "REST web service" in (finding.remedy or "")
    finally:
        redmine.set("rest_api_enabled", "1")


@pytest.mark.parametrize("project", ["nowhere", "hidden", "../users/current", "a b"])
async def test_a_missing_project_is_named(redmine: Redmine, project: str) -> None:
    async with opened(redmine, project=project) as backend:
        with failing(Reason.MISCONFIGURED, f"`{project}`"):
            await backend.create(of_new_call())
        (complaint,) = wrong(await backend.check())
        assert f"`{project}`" in complaint


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"project": "plain"}, "`CallKey`"),
        ({"key_field": "Nothing"}, "`Nothing`"),
        ({"tracker": "Nothing"}, "`Nothing`"),
    ],
)
async def test_no_issue_is_made_where_something_lacks(
    redmine: Redmine, keys: dict[str, str], named: str
) -> None:
    async with opened(redmine, **keys) as backend:
        call = of_new_call(subject=f"[network] {uuid4()}")
        with failing(Reason.MISCONFIGURED, named):
            await backend.create(call)
        (complaint,) = wrong(await backend.check())
        assert named in complaint
    async with person(redmine) as http:
        params = {"subject": call.subject, "status_id": "*"}
        assert (await http.request("GET", "/issues.json", params=params)).json()["issues"] == []


async def test_who_removes_the_issue_without_a_key_does_not_stop_the_rest(
    redmine: Redmine,
) -> None:
    async with opened(redmine, project="locked", key_field="BugKey") as backend:
        remote = await backend.create(of_new_call())
        async with person(redmine) as http:
            await http.request("DELETE", f"/issues/{remote.id}.json")
        made = await backend.create(of_new_call(subject="[network] The next"))
    assert (await issue(redmine, made))["subject"] == "[network] The next"


async def test_an_issue_that_did_not_take_its_key_stops_the_rest_until_it_is_mended(
    redmine: Redmine,
) -> None:
    async with opened(redmine, project="locked", key_field="BugKey") as backend:
        first = of_new_call()
        remote = await backend.create(first)
        for _ in range(2):
            with failing(Reason.MISCONFIGURED, f"issue {remote.id} "):
                await backend.create(of_new_call())
        redmine.execute(
            "INSERT INTO custom_fields_trackers SELECT custom_fields.id, trackers.id "
            "FROM custom_fields, trackers WHERE custom_fields.name = 'BugKey' "
            "AND trackers.position = 1"
        )
        second = of_new_call()
        made = await backend.create(second)
        assert await backend.look_up(first.key) == remote
        assert await backend.look_up(second.key) == made


async def test_a_field_that_is_no_filter_finds_nothing_and_is_told(redmine: Redmine) -> None:
    async with opened(redmine, project="unfiltered", key_field="Unfiltered") as backend:
        assert wrong(await backend.check()) == []  # without an issue nobody can tell
        await backend.create(of_new_call())
        with failing(Reason.MISCONFIGURED):
            await backend.look_up("ctid:other")
        (complaint,) = wrong(await backend.check())
        assert "filter" in complaint
    async with opened(
        redmine, redmine.key("zhang"), project="unfiltered", key_field="Unfiltered"
    ) as administrators:
        (complaint,) = wrong(await administrators.check())
        assert "filter" in complaint


async def test_rights_that_lack_are_named(redmine: Redmine, backend: backends.Redmine) -> None:
    remote = await backend.create(of_new_call())
    async with opened(redmine, redmine.key("weak")) as weak:
        findings = await weak.check()
        assert [finding.remedy for finding in findings if not finding.ok] == [
            "tick `Add issues` in a role of the user",
            "tick `Add notes` in a role of the user",
        ]
        with failing(Reason.DENIED, "may not make issues in the project: tick `Add issues`"):
            await weak.create(of_new_call())
        for unsure in (False, True):
            with failing(Reason.DENIED):
                await weak.update(remote, of_new_call(2), unsure=unsure)
    async with opened(redmine, redmine.key("stranger")) as stranger:
        async with person(redmine) as http:
            new = {"issue": {"project_id": "hidden", "subject": "Hidden"}}
            made = (await http.request("POST", "/issues.json", json=new)).json()
        hidden = Remote(str(made["issue"]["id"]))
        with failing(Reason.DENIED, f"may not see issue {hidden.id}: tick `View issues`"):
            await stranger.update(hidden, of_new_call(2), unsure=False)
        (complaint,) = wrong(await stranger.check())
        assert "no member" in complaint


async def test_all_is_well(redmine: Redmine, backend: backends.Redmine) -> None:
    await backend.create(of_new_call())
    findings = await backend.check()
    assert wrong(findings) == []
    assert [finding.what.rpartition("telephony`: ")[2] for finding in findings[1:]] == [
        "there",
        "custom field `CallKey`: there",
        "custom field `CallKey`: used as a filter",
        "View issues: allowed",
        "Add issues: allowed",
        "Edit issues: allowed",
        "Add notes: allowed",
    ]


async def test_checking_changes_nothing(redmine: Redmine, backend: backends.Redmine) -> None:
    remote = await backend.create(of_new_call())
    before = await issue(redmine, remote)
    await backend.check()
    assert await issue(redmine, remote) == before


async def test_what_is_not_redmine_is_noticed(redmine: Redmine) -> None:
    async with opened(redmine, url=f"{redmine.program.url}/help") as backend:
        with pytest.raises(DeliveryError):
            await backend.create(of_new_call())
        (finding,) = await backend.check()
        assert not finding.ok


# -- a server that dies ---------------------------------------------------------------------------


async def test_killed_in_mid_request_and_then_it_is_there_once(redmine: Redmine) -> None:
    async with opened(redmine) as backend:
        call = await made_in_spite_of_it(redmine.program, backend)
        async with person(redmine) as http:
            newest = {"status_id": "*", "limit": "3", "sort": "id:desc"}
            listed = (await http.request("GET", "/issues.json", params=newest)).json()["issues"]
        keys = [one["value"] for found in listed for one in found["custom_fields"]]
        assert keys.count(call.key) == 1
