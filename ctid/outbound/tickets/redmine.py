"""Redmine, by its REST interface.

An issue is known by a custom field that holds the key. Redmine leaves out fields, notes and filters
that it does not know, or that the user may not set, without a word: so what matters is looked at.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from http import HTTPStatus
from typing import Any, Final

from ctid.config.backends import RedmineBackend
from ctid.domain.drafts import Stage
from ctid.outbound.http import Http
from ctid.outbound.port import DeliveryError, Document, Finding, Reason, Remote
from ctid.outbound.tickets import notes, shapes
from ctid.outbound.tickets.redmine_check import Examination
from ctid.outbound.tickets.redmine_rest import (
    User,
    current_user,
    find_field,
    find_project,
    find_tracker,
    get,
    lacks,
    refusal,
)
from ctid.outbound.tickets.redmine_text import as_text

_LONGEST_SUBJECT: Final = 255
_PAGE: Final = 100
_PLACE_IS_OTHER: Final = frozenset({Reason.DENIED, Reason.MISCONFIGURED, Reason.REJECTED})


@dataclass(slots=True)
class _Project:
    """A project that was looked at. `keyless`: an issue there that did not take its key."""

    id: int
    key_field: int
    tracker: int | None
    user: User
    proven: bool = False
    keyless: tuple[int, str] | None = None
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


class Redmine:
    """The port `Backend`. It connects when it is first asked.

    `zone` is where a due time has its date, of the lines in `zones` it is theirs; None: the
    machine's own.
    """

    def __init__(
        self,
        table: RedmineBackend,
        zone: tzinfo | None = None,
        zones: Mapping[str, tzinfo] | None = None,
    ) -> None:
        self._table = table
        self._zone = zone
        self._zones = zones or {}
        self._http = Http.of(
            table, {"X-Redmine-API-Key": table.token.reveal() if table.token else ""}
        )
        self._projects: dict[str, _Project] = {}
        self._takes_notes = False

    async def close(self) -> None:
        await self._http.close()

    async def check(self) -> list[Finding]:
        return await Examination(self._http, self._table).findings()

    async def create(self, document: Document) -> Remote:
        name = self._table.projects.get(document.draft.line.name, self._table.project)
        try:
            project = await self._project(name)
            if project.proven:
                return await self._post(project, document)
            async with project.one_at_a_time:
                await self._mend_keyless(project)
                return await self._post(project, document)
        except DeliveryError as error:
            if error.reason in _PLACE_IS_OTHER:
                self._forget(name)
            raise

    async def update(self, remote: Remote, document: Document, *, unsure: bool) -> None:
        issue = await self._issue(remote.id)
        changes = self._changes(issue, document)
        if not (unsure and _has_note(issue, document)):
            changes["notes"] = as_text(notes.note(document), document.draft.link)
        if not changes:
            return
        await self._put(remote.id, changes)
        if "notes" in changes and not self._takes_notes:
            if not _has_note(await self._issue(remote.id), document):
                raise DeliveryError(
                    Reason.DENIED,
                    f"Redmine left out the note for issue {remote.id}: the key's user needs the "
                    "permission `Add notes`",
                )
            self._takes_notes = True

    async def look_up(self, key: str) -> Remote | None:
        ids: list[int] = []
        for number in await self._fields():
            found = await get(
                self._http,
                "/issues.json",
                "a search",
                {f"cf_{number}": f"={key}", "status_id": "*", "sort": "id", "limit": str(_PAGE)},
            )
            issues = shapes.objects(found, "issues")
            if any(_value(issue, number).casefold() != key.casefold() for issue in issues):
                raise DeliveryError(
                    Reason.MISCONFIGURED,
                    "Redmine does not search by the custom field "
                    f"`{self._table.key_field}`: tick `Used as a filter` there",
                )
            ids += [shapes.number(issue) for issue in issues if _value(issue, number) == key]
        return self._remote(min(ids)) if ids else None

    # -- the project, and the key -----------------------------------------------------------------

    async def _project(self, name: str) -> _Project:
        known = self._projects.get(name)
        if known is not None:
            return known
        user = await current_user(self._http)
        found = await find_project(self._http, name)
        if found is None:
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"Redmine has no project `{name}`, or the key's user may not see it",
            )
        tracker = None
        if self._table.tracker:
            tracker = find_tracker(found, self._table.tracker)
            if tracker is None:
                raise DeliveryError(
                    Reason.MISCONFIGURED,
                    f"Redmine's project `{name}` has no tracker `{self._table.tracker}`",
                )
        number = await find_field(self._http, found, self._table.key_field, user)
        if number is None:
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"Redmine's project `{name}` has no custom field `{self._table.key_field}` for "
                "issues, or the key's user may not see it",
            )
        project = _Project(shapes.number(found), number, tracker, user)
        return self._projects.setdefault(name, project)

    async def _fields(self) -> set[int]:
        names = dict.fromkeys([self._table.project, *self._table.projects.values()])
        return {(await self._project(name)).key_field for name in names}

    def _forget(self, name: str) -> None:
        known = self._projects.get(name)
        if known is not None and known.keyless is None:
            del self._projects[name]

    async def _mend_keyless(self, project: _Project) -> None:
        if project.keyless is None:
            return
        number, key = project.keyless
        value = {"id": project.key_field, "value": key}
        try:
            await self._put(str(number), {"custom_fields": [value]})
        except DeliveryError as error:
            if error.reason is not Reason.GONE:
                raise
            project.keyless = None  # somebody has cleaned up; the next one tells
            return
        if _value(await self._issue(str(number)), project.key_field) != key:
            raise DeliveryError(
                Reason.MISCONFIGURED,
                f"Redmine's issue {number} did not take its key, so no more are made in its "
                f"project: enable the custom field `{self._table.key_field}` for the tracker, and "
                "let the role of the key's user see and edit it",
            )
        project.keyless = None

    # -- the issue --------------------------------------------------------------------------------

    async def _post(self, project: _Project, document: Document) -> Remote:
        issue: dict[str, Any] = {
            "subject": document.subject[:_LONGEST_SUBJECT],
            "description": as_text(document.body, document.draft.link),
            "custom_fields": [{"id": project.key_field, "value": document.key}],
        }
        if project.tracker is not None:
            issue["tracker_id"] = project.tracker
        due = self._due(document)
        if due is not None:
            # Redmine's own start is its day of today, which may be later than the due date
            began = document.draft.started_at
            start = due if began is None else min(due, self._date(document, began))
            issue |= {"start_date": start.isoformat(), "due_date": due.isoformat()}
        # below its project: without the right to add issues /issues.json tells of a blank project
        path = f"/projects/{project.id}/issues.json"
        forbidden = lacks("make issues in the project", "`Add issues`")
        answer = await self._http.request("POST", path, json={"issue": issue}, forbidden=forbidden)
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and due is not None:
            # a date that some rule forbids is no reason to be without the ticket
            without = {name: issue[name] for name in issue if not name.endswith("_date")}
            answer = await self._http.request(
                "POST", path, json={"issue": without}, forbidden=forbidden
            )
        if answer.status != HTTPStatus.CREATED:
            raise refusal(answer, "a new issue")
        made = shapes.inner(shapes.members(answer), "issue")
        number = shapes.number(made)
        project.proven = _value(made, project.key_field) == document.key
        if not project.proven:
            project.keyless = (number, document.key)
        elif shapes.inner(made, "author").get("id") != project.user.id:
            self._projects.clear()  # the key has lost its user: the next one finds that out
        return self._remote(number)

    async def _issue(self, number: str) -> dict[str, Any]:
        found = await get(
            self._http,
            f"/issues/{int(number)}.json",
            f"issue {number}",
            {"include": "journals"},
            about_ticket=True,
        )
        return shapes.inner(found, "issue")

    async def _put(self, number: str, changes: dict[str, Any]) -> None:
        path = f"/issues/{int(number)}.json"
        forbidden = lacks(f"change issue {number}", "`Edit issues` and `Add notes`")
        answer = await self._http.request("PUT", path, json={"issue": changes}, forbidden=forbidden)
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and "due_date" in changes:
            # a date that some rule forbids is no reason to be without the note
            without = {name: changes[name] for name in changes if name != "due_date"}
            answer = await self._http.request(
                "PUT", path, json={"issue": without}, forbidden=forbidden
            )
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            raise refusal(answer, f"a change of issue {number}", about_ticket=True)

    def _changes(self, issue: dict[str, Any], document: Document) -> dict[str, Any]:
        """Subject and due date, unless somebody else has set them since."""
        wanted = {"subject": document.subject[:_LONGEST_SUBJECT]}
        due = self._due(document)
        if due is not None:
            wanted["due_date"] = due.isoformat()
        elif document.draft.stage is Stage.RETURNED:
            wanted["due_date"] = ""
        ours = shapes.number(shapes.inner(issue, "author"))
        theirs = {
            shapes.text(detail, "name")
            for journal in shapes.objects(issue, "journals")
            for detail in shapes.objects(journal, "details")
            if _user(journal) != ours
        }
        return {
            name: value
            for name, value in wanted.items()
            if (issue.get(name) or "") != value and name not in theirs
        }

    def _due(self, document: Document) -> date | None:
        due = document.draft.due_at
        if due is None or document.draft.stage is Stage.RETURNED:
            return None  # what is settled would become overdue
        return self._date(document, due)

    def _date(self, document: Document, at: float) -> date:
        zone = self._zones.get(document.draft.line.name, self._zone)
        return datetime.fromtimestamp(at).astimezone(zone).date()

    def _remote(self, number: int) -> Remote:
        return Remote(str(number), f"{self._table.url.rstrip('/')}/issues/{number}")


def _value(issue: dict[str, Any], number: int) -> str:
    """What the custom field holds; empty where the issue has none such."""
    for one in shapes.objects(issue, "custom_fields"):
        if one.get("id") == number:
            return shapes.text(one, "value")
    return ""


def _user(journal: dict[str, Any]) -> int | None:
    found = journal.get("user")  # none where the user was deleted
    return shapes.number(found) if isinstance(found, dict) else None


def _has_note(issue: dict[str, Any], document: Document) -> bool:
    sign = as_text(notes.mark(document))
    ours = shapes.number(shapes.inner(issue, "author"))
    return any(
        notes.bears(shapes.text(journal, "notes"), sign)
        for journal in shapes.objects(issue, "journals")
        if _user(journal) == ours
    )
