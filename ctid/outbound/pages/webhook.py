"""Any system that takes a signed POST of a page; docs/channels.md is the contract."""

import time
from collections.abc import Callable
from http import HTTPStatus

from ctid.config.channels import WebhookChannel
from ctid.outbound import findings, signing
from ctid.outbound.http import Http
from ctid.outbound.pages.port import Message
from ctid.outbound.port import Finding


class Webhook:
    """Posts pages to one address. `clock` tells Unix seconds: a signature holds the time."""

    def __init__(self, table: WebhookChannel, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock
        self._http = Http.of(
            table,
            signing.bearing(table.token),
            secrets=() if table.secret is None else (table.secret.reveal(),),
        )

    async def send(self, message: Message) -> None:
        answer = await self._http.request(
            "POST",
            "",
            body=message.data,
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": message.key,
                **signing.signed(message.data, self._table.secret, self._clock()),
            },
        )
        if answer.is_success:
            signing.media_type(answer)
        elif answer.status != HTTPStatus.CONFLICT:  # which says that it has this page already
            raise signing.refusal(self._http.host, answer)

    async def check(self) -> list[Finding]:
        return [
            findings.of_way(self._table.url),
            await signing.address(self._http, "pages"),
            signing.signature(self._table.secret, "pages"),
        ]

    async def close(self) -> None:
        await self._http.close()
