"""What of a Zammad can be examined without changing it: token, groups, attribute, customer, search.

Some of it only administrators may ask there; what cannot be known is said to be so.
"""

from typing import Any

from ctid.config.backends import ZammadBackend
from ctid.outbound import findings
from ctid.outbound.http import Http
from ctid.outbound.port import DeliveryError, Finding, Reason

_MAY_CREATE = frozenset({"create", "full"})


async def examine(http: Http, table: ZammadBackend) -> list[Finding]:
    """All findings; only the way and the token where the token is not taken."""
    way = findings.of_way(table.url)
    try:
        me = await _ask(http, "/api/v1/users/me", expand="true")
    except DeliveryError as error:
        return [way, findings.of_failure("the token", error)]
    told = me if isinstance(me, dict) else {}
    return [
        way,
        Finding(ok=True, what=f"the token is one of {told.get('login', 'an unknown user')}"),
        *await _groups(http, table, told),
        await _field(http, table),
        await _customer(http, table),
        await _search(http, table),
    ]


async def _ask(http: Http, path: str, **params: str) -> Any:
    answer = await http.request("GET", path, params=params)
    if not answer.is_success:
        raise DeliveryError(
            Reason.MISCONFIGURED, f"{http.host} answered {answer.status}: {answer.shown()}"
        )
    return answer.json()


async def _groups(http: Http, table: ZammadBackend, me: dict[str, Any]) -> list[Finding]:
    rights = me.get("groups")
    rights = rights if isinstance(rights, dict) else {}
    try:
        listed = await _ask(http, "/api/v1/groups", page="1", per_page="500")
        names = {group["name"] for group in listed if group.get("active", True)}
    except (DeliveryError, TypeError, KeyError, AttributeError):
        names = None  # older versions show them to administrators only
    return [
        _group(name, rights.get(name), is_there=None if names is None else name in names)
        for name in sorted({table.group, *table.groups.values()})
    ]


def _group(name: str, rights: Any, *, is_there: bool | None) -> Finding:
    if is_there is False:
        return Finding(
            ok=False, what=f"there is no group {name}", remedy="correct `group` or `groups`"
        )
    if isinstance(rights, list) and _MAY_CREATE.intersection(rights):
        return Finding(ok=True, what=f"tickets may be made in group {name}")
    if isinstance(rights, list):
        return Finding(
            ok=False,
            what=f"the token's user may only {', '.join(map(str, rights))} in group {name}",
            remedy="give the user the right `create` there, and `change` for updates",
        )
    return Finding(
        ok=True,
        what=f"the token's user has no rights of its own in group {name}, maybe some by a role",
        remedy="if drafts are denied, give the user the rights `read`, `create`, `change` there",
    )


async def _field(http: Http, table: ZammadBackend) -> Finding:
    missing = Finding(
        ok=False,
        what=f"tickets have no attribute `{table.key_field}`",
        remedy="add a text attribute of that name to Ticket in Zammad, or correct `key_field`",
    )
    there = Finding(ok=True, what=f"tickets have the attribute `{table.key_field}`")
    try:
        tickets = await _ask(http, "/api/v1/tickets", page="1", per_page="1")
    except DeliveryError as error:
        return findings.of_failure("listing tickets", error)
    if isinstance(tickets, list) and tickets:
        return there if table.key_field in tickets[0] else missing
    try:
        attributes = await _ask(http, "/api/v1/object_manager_attributes")
        names = {entry["name"] for entry in attributes if entry["object"] == "Ticket"}
    except (DeliveryError, TypeError, KeyError):
        return Finding(
            ok=True,
            what=f"whether tickets have the attribute `{table.key_field}` shows with the first one",
        )
    return there if table.key_field in names else missing


async def _customer(http: Http, table: ZammadBackend) -> Finding:
    if not table.customer.isdecimal():
        return Finding(ok=True, what=f"the customer is {table.customer}, made if need be")
    try:
        await _ask(http, f"/api/v1/users/{table.customer}")
    except DeliveryError as error:
        return findings.of_failure(f"the customer {table.customer}", error)
    return Finding(ok=True, what=f"the customer {table.customer} is there")


async def _search(http: Http, table: ZammadBackend) -> Finding:
    try:
        await _ask(http, "/api/v1/tickets/search", query=f'{table.key_field}:"none"', limit="1")
    except DeliveryError as error:
        return findings.of_failure("searching", error)
    return Finding(ok=True, what="searching for a key is answered")
