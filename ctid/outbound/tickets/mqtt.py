"""Drafts to a broker, for whatever takes them there. docs/mqtt.md is the contract with that."""

import asyncio
from typing import Final

import orjson

from ctid.config.backends import MqttBackend
from ctid.outbound.mqtt import topics
from ctid.outbound.mqtt.access import open_access
from ctid.outbound.mqtt.acks import Acks
from ctid.outbound.mqtt.client import Subscription
from ctid.outbound.mqtt.connection import USUAL_PAUSES, Connection, Pauses
from ctid.outbound.mqtt.examination import Echo, Examination, Plan
from ctid.outbound.mqtt.reasons import refused_publish
from ctid.outbound.port import DeliveryError, Document, Finding, Reason, Remote

_SESSION_SECONDS: Final = 24 * 3600
"""For so long the broker keeps answers for a ctid that is away."""


class Mqtt:
    """Publishes each revision; with `acknowledged` the ticket is what somebody answers."""

    def __init__(self, table: MqttBackend, site: str, pauses: Pauses = USUAL_PAUSES) -> None:
        self._table = table
        self._site = site
        self._draft = topics.DRAFT.at(site)
        self._acks = Acks()
        self._connection = Connection(
            lambda: open_access(table, f"ctid-{site}-{table.name}"),
            status=None,
            subscriptions=(Subscription(topics.all_acks(site)),) if table.acknowledged else (),
            on_message=self._receive,
            session_seconds=_SESSION_SECONDS if table.acknowledged else 0,
            pauses=pauses,
        )

    @property
    def ignored_acks(self) -> int:
        """How many answers made no sense."""
        return self._acks.ignored

    async def create(self, document: Document) -> Remote:
        """Publish it; with `acknowledged` wait for the ticket. Raises DeliveryError.

        Without that the ticket's id is the key: nobody told another.
        """
        if not self._table.acknowledged:
            await self._publish(document)
            return Remote(document.key)
        loop = asyncio.get_running_loop()
        end = loop.time() + self._table.timeout_seconds
        with self._acks.awaited(document.key) as answer:
            await self._publish(document)
            await asyncio.wait((answer,), timeout=max(0.0, end - loop.time()))
            if answer.done():
                return answer.result()
        raise DeliveryError(
            Reason.TIMEOUT,
            f"{self._where}: published, but no ticket was told on "
            f"{topics.ACK.at(self._site, document.key)} within {self._table.timeout_seconds:g} s",
        )

    async def update(self, remote: Remote, document: Document, *, unsure: bool) -> None:
        """Publish it: who reads has to know a revision that comes twice. Raises DeliveryError."""
        del remote, unsure  # the key in the document names the ticket, and the revision itself
        await self._publish(document)

    async def look_up(self, key: str) -> Remote | None:
        """The ticket if it was told, perhaps too late for `create`. Raises DeliveryError."""
        known = self._acks.known(key)
        if known is None and self._table.acknowledged:
            # without a connection nothing could have been told
            await self._connection.client(self._table.timeout_seconds)
            known = self._acks.known(key)
        return known

    async def check(self) -> list[Finding]:
        """By a connection of its own, whose client id ends in `-check`."""
        site = self._site
        echo = Echo(topics.all_acks(site), topics.ACK_CHECK.at(site))
        plan = Plan(
            topic=self._draft,
            probe=topics.DRAFT_CHECK.at(site),
            echo=echo if self._table.acknowledged else None,
        )
        client_id = f"ctid-{site}-{self._table.name}-check"
        return await Examination(self._table, client_id, plan).findings()

    async def close(self) -> None:
        """Log off: a few seconds at most, whatever the broker does."""
        await self._connection.close()

    @property
    def _where(self) -> str:
        return f"{self._table.host}:{self._table.port}"

    async def _publish(self, document: Document) -> None:
        client = await self._connection.client(self._table.timeout_seconds)
        payload = _payload(document)
        code = await client.publish_surely(self._draft, payload, self._table.timeout_seconds)
        error = refused_publish(code, self._draft, self._where)
        if error is not None:
            raise error

    def _receive(self, topic: str, payload: bytes, _kept: bool) -> None:  # noqa: FBT001 - a Hear
        if topic != topics.ACK_CHECK.at(self._site):
            self._acks.receive(topics.key_of(topic), payload)


def _payload(document: Document) -> bytes:
    return orjson.dumps({"revision": document.revision, "draft": orjson.Fragment(document.data)})
