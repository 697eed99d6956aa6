"""`ctid check-backend` at a broker: what it publishes goes to topics that nobody has to read."""

import asyncio
import secrets

from ctid.config.backends import MqttBackend
from ctid.outbound.mqtt import topics
from ctid.outbound.mqtt.access import open_access
from ctid.outbound.mqtt.client import Client
from ctid.outbound.mqtt.reasons import NO_SUBSCRIBERS, refused_publish
from ctid.outbound.port import DeliveryError, Finding, Reason


class Examination:
    """What a check does, step by step, by a connection of its own; it leaves nothing behind.

    It is made and used in a running loop, once.
    """

    def __init__(self, table: MqttBackend, site: str) -> None:
        self._table = table
        self._site = site
        self._client_id = f"ctid-{site}-{table.name}-check"
        self._echo: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._token = secrets.token_hex(16).encode()

    async def findings(self) -> list[Finding]:
        """What was found, in order; it ends where it cannot go on."""
        where = f"{self._table.host}:{self._table.port}"
        client: Client | None = None
        try:
            client = Client(open_access(self._table, self._client_id), on_message=self._hear)
            await client.enter()
            found = [*self._entered(where), await self._may_publish(client)]
            if self._table.acknowledged:
                found.append(await self._may_read(client))
        except DeliveryError as error:
            return [Finding(ok=False, what=str(error), remedy=_remedy(error.reason))]
        finally:
            if client is not None:
                await client.leave()
        return found

    def _entered(self, where: str) -> list[Finding]:
        table = self._table
        tls = "with TLS, its certificate is trusted" if table.tls else "without TLS"
        found = [Finding(ok=True, what=f"{where} answers, {tls}")]
        if table.username is not None:
            found.append(Finding(ok=True, what=f"it lets `{table.username}` in"))
        elif table.password is not None:
            found.append(
                Finding(
                    ok=False,
                    what="the password is not used: nobody is named",
                    remedy="set `username`",
                )
            )
        else:
            found.append(Finding(ok=True, what="it lets ctid in without a name"))
        return found

    async def _may_publish(self, client: Client) -> Finding:
        topic = topics.DRAFT_CHECK.at(self._site)
        code = await client.publish_surely(topic, self._token, self._table.timeout_seconds)
        error = refused_publish(code, topic, self._table.host)
        if error is None or code.value == NO_SUBSCRIBERS:
            return Finding(ok=True, what=f"ctid may publish below {topics.DRAFT.at(self._site)}")
        return Finding(
            ok=False,
            what=str(error),
            remedy=f"in the ACL: `topic write {topics.DRAFT.at(self._site)}/#`",
        )

    async def _may_read(self, client: Client) -> Finding:
        """Brokers grant a subscription and then hand nothing over: only an echo proves it."""
        acks, echo = topics.all_acks(self._site), topics.ACK_CHECK.at(self._site)
        await client.subscribe_surely(acks)
        code = await client.publish_surely(echo, self._token, self._table.timeout_seconds)
        if refused_publish(code, echo, self._table.host) is None:
            await asyncio.wait((self._echo,), timeout=self._table.timeout_seconds)
        if self._echo.done():
            return Finding(ok=True, what=f"ctid may read {acks}")
        return Finding(
            ok=False,
            what=f"what was published on {echo} did not come back, so answers may not either",
            remedy=f"in the ACL: `topic read {acks}` and `topic write {echo}`",
        )

    def _hear(self, _topic: str, payload: bytes) -> None:
        if payload == self._token and not self._echo.done():
            self._echo.set_result(None)


def _remedy(reason: Reason) -> str:
    if reason is Reason.DENIED:
        return "look at what the broker logs, then correct the name, the password or its ACL"
    return "correct `host`, `port`, `tls` or the certificates, or start the broker"
