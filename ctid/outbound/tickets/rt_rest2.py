"""What both the backend and its examination ask Request Tracker, and how its refusals count."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson

from ctid.outbound.http import Answer, Http
from ctid.outbound.port import DeliveryError, Reason
from ctid.outbound.tickets import shapes

ROOT: Final = "/REST/2.0"


def lacks(what: str, right: str) -> str:
    """What a 403 means, of which RT itself says no more than `Forbidden`."""
    return f"the token's user may not {what}: grant {right}"


def refusal(
    answer: Answer, what: str, *, about_ticket: bool = False, forbidden: str = ""
) -> DeliveryError:
    """Whether what was answered instead of success can mend itself.

    Http has raised for 3xx, 401, 403, 429 and 5xx. `about_ticket`: it is there by what is known.
    `forbidden`: as for `Http.request`.
    """
    why = f"RT answered {answer.status} for {what}: {answer.shown()}"
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return DeliveryError(Reason.BAD_ANSWER, why)
    if answer.status == HTTPStatus.NOT_FOUND:
        return DeliveryError(Reason.GONE if about_ticket else Reason.MISCONFIGURED, why)
    if answer.status == HTTPStatus.BAD_REQUEST and about_ticket:
        # RT's answer where a right is lacking
        return DeliveryError(Reason.DENIED, f"{why}: {forbidden}" if forbidden else why)
    return DeliveryError(Reason.REJECTED, why)


async def get(
    http: Http,
    path: str,
    what: str,
    params: Mapping[str, str] | None = None,
    *,
    about_ticket: bool = False,
    forbidden: str | None = None,
) -> dict[str, Any]:
    """The object that it answers; the rest is as for `refusal`."""
    answer = await http.request("GET", ROOT + path, params=params, forbidden=forbidden)
    if answer.status != HTTPStatus.OK:
        raise refusal(answer, what, about_ticket=about_ticket)
    return shapes.members(answer)


async def find_tickets(http: Http, query: str, **params: str) -> list[dict[str, Any]]:
    """What a search finds by TicketSQL."""
    found = await get(http, "/tickets", "a search", {"query": query, **params})
    return shapes.objects(found, "items")


def quoted(text: str) -> str:
    """As a text in TicketSQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


async def find_queue(http: Http, name: str) -> dict[str, Any] | None:
    """The queue; None: it is not there, or may not be seen, which RT does not tell apart."""
    wanted = [{"field": "Name", "value": name}]
    params = {"query": orjson.dumps(wanted).decode(), "fields": "Name"}
    found = shapes.objects(await get(http, "/queues", "its queues", params), "items")
    ids = [shapes.number(one) for one in found if one.get("Name") == name]
    if not ids:
        return None
    where = f"queue `{name}`"
    return await get(http, f"/queue/{ids[0]}", where, forbidden=lacks(f"see {where}", "SeeQueue"))


def has_field(queue: dict[str, Any], name: str) -> bool:
    """Whether tickets in the queue have the custom field, and it may be seen."""
    return any(one.get("name") == name for one in shapes.objects(queue, "TicketCustomFields"))
