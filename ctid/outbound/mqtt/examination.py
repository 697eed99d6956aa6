"""A check at a broker: what it publishes goes to topics that nobody has to read."""

import asyncio
import secrets
from typing import NamedTuple

from ctid.config.broker import Broker
from ctid.outbound.mqtt.access import open_access
from ctid.outbound.mqtt.client import Client
from ctid.outbound.mqtt.reasons import NO_SUBSCRIBERS, refused_publish
from ctid.outbound.port import DeliveryError, Finding, Reason


class Echo(NamedTuple):
    """What is published on `topic` comes back by the subscription of `topics`."""

    topics: str
    topic: str


class Plan(NamedTuple):
    """`probe` lies below `topic`, which ctid has to write; `echo` proves what it has to read."""

    topic: str
    probe: str
    echo: Echo | None = None


class Examination:
    """What a check does, step by step, by a connection of its own; it leaves nothing behind.

    It is made and used in a running loop, once.
    """

    def __init__(self, table: Broker, client_id: str, plan: Plan) -> None:
        self._table = table
        self._client_id = client_id
        self._plan = plan
        self._heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._token = secrets.token_hex(16).encode()

    async def findings(self) -> list[Finding]:
        """What was found, in order; it ends where it cannot go on."""
        where = f"{self._table.host}:{self._table.port}"
        client: Client | None = None
        try:
            client = Client(open_access(self._table, self._client_id), on_message=self._hear)
            await client.enter()
            found = [*self._entered(where), await self._may_publish(client)]
            if self._plan.echo is not None:
                found.append(await self._may_read(client, self._plan.echo))
        except DeliveryError as error:
            return [Finding(ok=False, what=str(error), remedy=remedy(error.reason))]
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
        topic, probe = self._plan.topic, self._plan.probe
        code = await client.publish_surely(probe, self._token, self._table.timeout_seconds)
        error = refused_publish(code, probe, self._table.host)
        if error is None or code.value == NO_SUBSCRIBERS:
            return Finding(ok=True, what=f"ctid may publish below {topic}")
        return Finding(
            ok=False,
            what=str(error),
            remedy=f"in the ACL: `topic write {topic}/#`",
        )

    async def _may_read(self, client: Client, echo: Echo) -> Finding:
        """Brokers grant a subscription and then hand nothing over: only an echo proves it."""
        await client.subscribe_surely(echo.topics)
        code = await client.publish_surely(echo.topic, self._token, self._table.timeout_seconds)
        if refused_publish(code, echo.topic, self._table.host) is None:
            await asyncio.wait((self._heard,), timeout=self._table.timeout_seconds)
        if self._heard.done():
            return Finding(ok=True, what=f"ctid may read {echo.topics}")
        return Finding(
            ok=False,
            what=f"what was published on {echo.topic} did not come back, so what else comes there "
            "may not either",
            remedy=f"in the ACL: `topic read {echo.topics}` and `topic write {echo.topic}`",
        )

    def _hear(self, _topic: str, payload: bytes, _kept: bool) -> None:  # noqa: FBT001 - a Hear
        if payload == self._token and not self._heard.done():
            self._heard.set_result(None)


def remedy(reason: Reason) -> str:
    """What to do where a broker does not take something for this reason."""
    match reason:
        case Reason.DENIED:
            return "look at what the broker logs, then correct the name, the password or its ACL"
        case Reason.BUSY:
            return "wait, or lower `per_minute` and `concurrency`"
        case Reason.REJECTED:
            return "let the broker take larger messages: its limit of packets"
        case Reason.SERVER_ERROR:
            return "look at what the broker logs"
        case _:
            return "correct `host`, `port`, `tls` or the certificates, or start the broker"
