"""The examination of a Redmine: everything that create, update and look-up need."""

from typing import Any, Final

from ctid.config.backends import RedmineBackend
from ctid.outbound.findings import of_failure
from ctid.outbound.http import Http
from ctid.outbound.port import DeliveryError, Finding, Reason
from ctid.outbound.tickets import shapes
from ctid.outbound.tickets.redmine_rest import (
    User,
    all_fields,
    current_user,
    find_field,
    find_project,
    find_tracker,
    get,
)

_NO_KEY: Final = "ctid:check"
_NEEDED: Final = {
    "view_issues": "View issues",
    "add_issues": "Add issues",
    "edit_issues": "Edit issues",
    "add_issue_notes": "Add notes",
}


class Examination:
    """Asks once, changes nothing, never raises."""

    def __init__(self, http: Http, table: RedmineBackend) -> None:
        self._http = http
        self._table = table

    async def findings(self) -> list[Finding]:
        """In the order in which things have to be mended; it ends where the rest needs them."""
        try:
            user = await current_user(self._http)
        except DeliveryError as error:
            remedy = None
            if error.reason is Reason.DENIED:
                remedy = (
                    "tick `Enable REST web service` in Redmine's settings, API; and put the key "
                    "from the user's account page into the token file"
                )
            return [of_failure("address and key", error, remedy)]
        findings = [Finding(ok=True, what=f"address and key: user `{user.login}`")]
        for name in dict.fromkeys([self._table.project, *self._table.projects.values()]):
            try:
                findings += await self._project(name, user)
            except DeliveryError as error:
                findings.append(of_failure(f"project `{name}`", error))
        return findings

    async def _project(self, name: str, user: User) -> list[Finding]:
        where = f"project `{name}`"
        project = await find_project(self._http, name)
        if project is None:
            return [
                Finding(
                    ok=False,
                    what=f"{where}: not there, or the key's user may not see it",
                    remedy="correct `project` or `projects` (the identifier, as in the address of "
                    "its pages), or make the user a member",
                )
            ]
        findings = [Finding(ok=True, what=f"{where}: there")]
        modules = {shapes.text(one, "name") for one in shapes.objects(project, "enabled_modules")}
        if "issue_tracking" not in modules:
            findings.append(
                Finding(
                    ok=False,
                    what=f"{where}: it has no issues",
                    remedy="tick the module `Issue tracking` in the project's settings",
                )
            )
        if self._table.tracker:
            findings.append(self._tracker(project, where, self._table.tracker))
        findings += await self._field(project, where, user)
        findings += await self._rights(project, where, user)
        return findings

    def _tracker(self, project: dict[str, Any], where: str, name: str) -> Finding:
        if find_tracker(project, name) is not None:
            return Finding(ok=True, what=f"{where}: tracker `{name}`: there")
        return Finding(
            ok=False,
            what=f"{where}: tracker `{name}`: not there",
            remedy="correct `tracker`, or tick it in the project's settings",
        )

    async def _field(self, project: dict[str, Any], where: str, user: User) -> list[Finding]:
        name = self._table.key_field
        what = f"{where}: custom field `{name}`"
        number = await find_field(self._http, project, name, user)
        if number is None:
            return [
                Finding(
                    ok=False,
                    what=f"{what}: not there, or the key's user may not see it",
                    remedy="make it for issues, format `Text`, and tick the tracker and this "
                    "project (`For all projects` is seen only once there is an issue)",
                )
            ]
        searched = await self._is_filter(project, number, user)
        return [
            Finding(ok=True, what=f"{what}: there"),
            Finding(ok=True, what=f"{what}: used as a filter")
            if searched
            else Finding(
                ok=True,
                what=f"{what}: whether it is used as a filter is seen with the first issue",
            )
            if searched is None
            else Finding(
                ok=False,
                what=f"{what}: it is not used as a filter, so no ticket can be found again",
                remedy="tick `Used as a filter` in the custom field",
            ),
        ]

    async def _is_filter(self, project: dict[str, Any], number: int, user: User) -> bool | None:
        """An administrator reads it. For others: a filter that is unknown leaves all issues in."""
        if user.is_admin:
            listed = await all_fields(self._http)
            return any(one.get("id") == number and one.get("is_filter") is True for one in listed)
        of_project = {"project_id": str(shapes.number(project)), "status_id": "*", "limit": "1"}
        everything = await get(self._http, "/issues.json", "issues", of_project)
        if not shapes.objects(everything, "issues"):
            return None
        of_no_call = {**of_project, f"cf_{number}": f"={_NO_KEY}"}
        nothing = await get(self._http, "/issues.json", "issues", of_no_call)
        return not shapes.objects(nothing, "issues")

    async def _rights(self, project: dict[str, Any], where: str, user: User) -> list[Finding]:
        if user.is_admin:
            return [Finding(ok=True, what=f"{where}: an administrator may do everything")]
        own = await get(
            self._http, "/users/current.json", "the user's roles", {"include": "memberships"}
        )
        permissions: set[str] = set()
        number = shapes.number(project)
        roles = [
            shapes.number(role)
            for membership in shapes.objects(shapes.inner(own, "user"), "memberships")
            if shapes.number(shapes.inner(membership, "project")) == number
            for role in shapes.objects(membership, "roles")
        ]
        if not roles:
            return [
                Finding(
                    ok=False,
                    what=f"{where}: the key's user is no member",
                    remedy="make the user a member, with a role that may "
                    + ", ".join(f"`{title}`" for title in _NEEDED.values()),
                )
            ]
        for role in dict.fromkeys(roles):
            found = shapes.inner(await get(self._http, f"/roles/{role}.json", "a role"), "role")
            permissions.update(shapes.texts(found, "permissions"))
        return [
            Finding(ok=True, what=f"{where}: {title}: allowed")
            if name in permissions
            else Finding(
                ok=False,
                what=f"{where}: {title}: not allowed",
                remedy=f"tick `{title}` in a role of the user",
            )
            for name, title in _NEEDED.items()
        ]
