"""Pages to a broker, for whatever shows them or rings: docs/mqtt.md."""

from ctid.config.channels import MqttChannel
from ctid.outbound.mqtt import topics
from ctid.outbound.mqtt.access import open_access
from ctid.outbound.mqtt.connection import USUAL_PAUSES, Connection, Pauses
from ctid.outbound.mqtt.examination import Echo, Examination, Plan
from ctid.outbound.mqtt.reasons import refused_publish
from ctid.outbound.pages.port import Message
from ctid.outbound.port import Finding


class MqttPages:
    """The channel. It is delivered once the broker has it for at least one subscriber.

    `address` of a message stands in its document.
    """

    def __init__(self, table: MqttChannel, site: str, pauses: Pauses = USUAL_PAUSES) -> None:
        self._table = table
        self._site = site
        self._topic = topics.PAGE.at(site)
        self._connection = Connection(
            lambda: open_access(table, f"ctid-{site}-{table.name}-pages"),
            status=None,
            pauses=pauses,
        )

    async def send(self, message: Message) -> None:
        """Publish its document. Raises DeliveryError."""
        seconds = self._table.timeout_seconds
        client = await self._connection.client(seconds)
        code = await client.publish_surely(self._topic, message.data, seconds)
        error = refused_publish(code, self._topic, f"{self._table.host}:{self._table.port}")
        if error is not None:
            raise error

    async def check(self) -> list[Finding]:
        """By a connection of its own, whose client id ends in `-pages-check`."""
        plan = Plan(
            topic=self._topic,
            probe=topics.PAGE_CHECK.at(self._site),
            echo=Echo(topics.all_states(self._site), topics.STATE_CHECK.at(self._site)),
        )
        client_id = f"ctid-{self._site}-{self._table.name}-pages-check"
        return await Examination(self._table, client_id, plan).findings()

    async def close(self) -> None:
        """Log off: a few seconds at most, whatever the broker does."""
        await self._connection.close()
