"""Pages to PagerDuty, or to what speaks its Events API v2.

https://developer.pagerduty.com/docs/events-api-v2-overview: 202 is accepted, 400 never will be, 429
and 5xx are to be tried again. `address` of a message is the routing key of somebody's own service;
it is a secret, as that of the table is.
"""

from http import HTTPStatus
from typing import Any, Final

from ctid.config.channels import PagerDutyChannel
from ctid.outbound.http import Answer, Http
from ctid.outbound.pages.kinds import Origin
from ctid.outbound.pages.pagerduty_events import Event, events, nothing
from ctid.outbound.pages.port import Message
from ctid.outbound.port import DeliveryError, Finding, Reason

_REFUSING: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
_MOST_ERRORS: Final = 3


class PagerDuty:
    """One integration, by the table's routing key, or by that of a message's address."""

    def __init__(self, table: PagerDutyChannel, origin: Origin) -> None:
        self._origin = origin
        self._key = table.routing_key.reveal() if table.routing_key is not None else None
        self._http = Http.of(table)

    async def send(self, message: Message) -> None:
        """Send its events, one after the other.

        Raises DeliveryError; all of them may be sent again then.
        """
        key = message.address or self._key
        if key is None:
            raise DeliveryError(
                Reason.MISCONFIGURED, f"{self._http.host}: no routing key is configured"
            )
        for event in events(message, self._origin):
            await self._send(event, key)

    async def check(self) -> list[Finding]:
        """Whether the table's routing key is taken, by an event that changes nothing there."""
        host = self._http.host
        if self._key is None:
            return [Finding(ok=True, what="only the keys of the roster are used")]
        try:
            await self._send(nothing(self._origin.site), self._key)
        except DeliveryError as error:
            remedy = "correct `url`, or the routing key: that of an `Events API v2` integration"
            return [Finding(ok=False, what=str(error), remedy=remedy)]
        return [Finding(ok=True, what=f"{host} takes events with this routing key")]

    async def close(self) -> None:
        await self._http.close()

    async def _send(self, event: Event, key: str) -> None:
        failure: DeliveryError
        try:
            answer = await self._http.request("POST", "", json={"routing_key": key, **event})
            self._see(answer)
        except DeliveryError as error:
            failure = DeliveryError(
                error.reason,
                str(error).replace(key, "***"),  # a server may repeat what it was sent
                retry_after_seconds=error.retry_after_seconds,
            )
        else:
            return
        # out here it has no context, which would show the key
        raise failure

    def _see(self, answer: Answer) -> None:
        where = f"{self._http.host} answered {answer.status}"
        if answer.status == HTTPStatus.ACCEPTED and not answer.body.strip():
            return
        if answer.is_success:
            told = answer.json()
            if answer.status == HTTPStatus.ACCEPTED or _is_success(told):
                return
            raise DeliveryError(Reason.BAD_ANSWER, f"{where}: {answer.shown()}")
        if answer.status in _REFUSING:
            raise DeliveryError(Reason.REJECTED, f"{where}: {_why(answer)}")
        raise DeliveryError(Reason.MISCONFIGURED, f"{where}: {answer.shown()}; correct `url`")


def _is_success(told: Any) -> bool:
    return isinstance(told, dict) and told.get("status") == "success"


def _why(answer: Answer) -> str:
    """`message` and `errors` of a refusal, in one line."""
    try:
        told = answer.json()
    except DeliveryError:
        return answer.shown()
    if not isinstance(told, dict) or not isinstance(told.get("message"), str):
        return answer.shown()
    errors = told.get("errors")
    errors = [each for each in errors if isinstance(each, str)] if isinstance(errors, list) else []
    said = "; ".join([told["message"], *errors[:_MOST_ERRORS]])
    return Answer(answer.status, {}, said.encode()).shown()
