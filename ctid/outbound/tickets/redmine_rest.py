"""What both the backend and its examination ask Redmine, and how its refusals count."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from ctid.outbound.http import Answer, Http
from ctid.outbound.port import DeliveryError, Reason
from ctid.outbound.tickets import shapes

_INCLUDED: Final = "trackers,issue_custom_fields,enabled_modules"


@dataclass(frozen=True, slots=True)
class User:
    """Whose key it is."""

    id: int
    login: str
    is_admin: bool


def lacks(what: str, permission: str) -> str:
    """What a 403 means, of which Redmine itself says nothing."""
    return f"the key's user may not {what}: tick {permission} in a role of the user"


def refusal(answer: Answer, what: str, *, about_ticket: bool = False) -> DeliveryError:
    """Whether what was answered instead of success can mend itself.

    Http has raised for 3xx, 401, 403, 429 and 5xx. `about_ticket`: it is there by what is known.
    """
    why = f"Redmine answered {answer.status} for {what}: {answer.shown()}"
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return DeliveryError(Reason.BAD_ANSWER, why)
    if answer.status == HTTPStatus.NOT_FOUND:
        return DeliveryError(Reason.GONE if about_ticket else Reason.MISCONFIGURED, why)
    return DeliveryError(Reason.REJECTED, why)


async def get(
    http: Http,
    path: str,
    what: str,
    params: Mapping[str, str] | None = None,
    *,
    about_ticket: bool = False,
) -> dict[str, Any]:
    """The object that it answers. Raises DeliveryError."""
    forbidden = lacks(f"see {what}", "`View issues`") if about_ticket else None
    answer = await http.request("GET", path, params=params, forbidden=forbidden)
    if answer.status != HTTPStatus.OK:
        raise refusal(answer, what, about_ticket=about_ticket)
    return shapes.members(answer)


async def current_user(http: Http) -> User:
    """Who the key makes one.

    Only here a wrong key is sure to be refused: elsewhere whoever brings one counts as anonymous,
    and may see what is public.
    """
    user = shapes.inner(await get(http, "/users/current.json", "the key's user"), "user")
    return User(shapes.number(user), shapes.text(user, "login"), user.get("admin") is True)


async def find_project(http: Http, identifier: str) -> dict[str, Any] | None:
    """The project with its trackers, fields and modules; None: not there, or not to be seen.

    To be asked after `current_user`, which tells a wrong key.
    """
    path = f"/projects/{quote(identifier, safe='')}.json"
    try:
        found = await get(http, path, f"project `{identifier}`", {"include": _INCLUDED})
    except DeliveryError as error:
        if error.reason in (Reason.DENIED, Reason.MISCONFIGURED):
            return None
        raise
    return shapes.inner(found, "project")


def find_tracker(project: dict[str, Any], name: str) -> int | None:
    """The id of the project's tracker of that name."""
    for one in shapes.objects(project, "trackers"):
        if one.get("name") == name:
            return shapes.number(one)
    return None


async def find_field(http: Http, project: dict[str, Any], name: str, user: User) -> int | None:
    """The id of the issue field of that name; None: it is not there, or not to be seen.

    A project lists only the fields that were chosen for it, not those `for all projects`. Those
    are seen in an issue, or in the list that only an administrator gets.
    """
    holders = shapes.objects(project, "issue_custom_fields")
    found = _named(holders, name)
    if found is None:
        where = {"project_id": str(shapes.number(project)), "status_id": "*", "limit": "1"}
        for issue in shapes.objects(await get(http, "/issues.json", "issues", where), "issues"):
            found = _named(shapes.objects(issue, "custom_fields"), name)
    if found is None and user.is_admin:
        found = _named(await all_fields(http), name)
    return found


async def all_fields(http: Http) -> list[dict[str, Any]]:
    """The custom fields of issues, with their settings. Only an administrator gets them."""
    listed = shapes.objects(
        await get(http, "/custom_fields.json", "custom fields"), "custom_fields"
    )
    return [one for one in listed if one.get("customized_type") == "issue"]


def _named(fields: list[dict[str, Any]], name: str) -> int | None:
    for one in fields:
        if one.get("name") == name:
            return shapes.number(one)
    return None
