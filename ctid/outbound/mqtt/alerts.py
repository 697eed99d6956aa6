"""Lines and alerts at a broker: their state, retained, and commands of those whom it lets.

Who may send a command is the broker's matter: its ACL says who writes the topic.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
import structlog

from ctid.config.channels import MqttChannel
from ctid.outbound.mqtt import topics
from ctid.outbound.mqtt.access import open_access
from ctid.outbound.mqtt.client import Client, Subscription
from ctid.outbound.mqtt.commands import Action, Refused, decoded, order, token_of
from ctid.outbound.mqtt.connection import USUAL_PAUSES, Connection, Pauses
from ctid.outbound.mqtt.reasons import NO_SUBSCRIBERS, refused_publish
from ctid.outbound.mqtt.states import Standing, documents
from ctid.outbound.port import DeliveryError, Reason

log = structlog.get_logger("ctid")

Command = Callable[[Action, Mapping[str, Any], str], Awaitable[str | None]]
"""Does what is asked for: action, the whole body, who says to ask; gives what there is to say.

Raises Refused.
"""

_MOST_WAITING: Final = 100
_AT_ONCE: Final = 20  # as many as brokers let be under way
_AGAIN_SECONDS: Final = 30.0
_REST_SECONDS: Final = 1.0
"""Between two looks at what may have changed: with many calls there is always something."""


class AlertTopics:
    """Runs as a task until it is cancelled; then it logs off.

    `current` gives all that is published; it is asked after each `changed` and with each
    connection. `command` is there only if the table lets commands in.
    """

    def __init__(
        self,
        table: MqttChannel,
        site: str,
        *,
        current: Callable[[], Standing],
        command: Command,
        pauses: Pauses = USUAL_PAUSES,
        again_seconds: float = _AGAIN_SECONDS,
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        self._table = table
        self._site = site
        self._current = current
        self._command = command
        self._again_seconds = again_seconds
        self._rest_seconds = rest_seconds
        self._there: dict[str, bytes | None] = {}
        """What the broker keeps, by topic; None: nobody knows."""
        self._wake = asyncio.Event()
        self._wake.set()
        self._waiting: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue(_MOST_WAITING)
        self._failing: Reason | None = None
        self.refused = 0
        """How many commands were not carried out."""
        commands = (Subscription(topics.COMMAND.at(site)),) if table.commands else ()
        # what ctid publishes itself comes back by it, too: let that cost little
        states = Subscription(topics.all_states(site), qos=0)
        self._connection = Connection(
            lambda: open_access(table, f"ctid-{site}-{table.name}-alerts"),
            status=None,
            subscriptions=(states, *commands),
            on_message=self._hear,
            on_up=self._up,
            pauses=pauses,
        )

    def changed(self) -> None:
        """Something of what `current` gives may be new."""
        self._wake.set()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._publish(), name="mqtt states")
                tasks.create_task(self._obey(), name="mqtt commands")
        finally:
            await self._connection.close()

    # -- states ------------------------------------------------------------------------------------

    async def _publish(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._bring_up_to_date()
            except DeliveryError as error:
                if error.reason is not self._failing:
                    log.warning("mqtt_states_old", channel=self._table.name, why=str(error))
                self._failing = error.reason
                await self._woken(self._again_seconds)
            except Exception:
                # a fault of ours must not stop the recording of calls
                log.exception("mqtt_fault", channel=self._table.name)
                await asyncio.sleep(self._again_seconds)
            else:
                if self._failing is not None:
                    log.info("mqtt_states_new", channel=self._table.name)
                self._failing = None
                await asyncio.sleep(self._rest_seconds)
                await self._wake.wait()

    async def _woken(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _bring_up_to_date(self) -> None:
        """Raises DeliveryError; what was not done is done the next time."""
        client = await self._connection.client(self._table.timeout_seconds)
        wanted = documents(self._site, self._current())
        # an empty payload makes the broker forget
        gone = {topic: b"" for topic in self._there if topic not in wanted}
        changes = [
            (topic, payload)
            for topic, payload in {**wanted, **gone}.items()
            if self._there.get(topic) != payload
        ]
        for first in range(0, len(changes), _AT_ONCE):
            some = changes[first : first + _AT_ONCE]
            failures = await asyncio.gather(*(self._put(client, *change) for change in some))
            for failure in failures:
                if failure is not None:
                    raise failure

    async def _put(self, client: Client, topic: str, payload: bytes) -> DeliveryError | None:
        self._there[topic] = None
        seconds = self._table.timeout_seconds
        try:
            code = await client.publish_surely(topic, payload, seconds, retain=True)
        except DeliveryError as error:
            return error
        refusal = refused_publish(code, topic, f"{self._table.host}:{self._table.port}")
        if refusal is not None and code.value != NO_SUBSCRIBERS:  # then it is kept all the same
            return refusal
        if payload:
            self._there[topic] = payload
        else:
            del self._there[topic]
        return None

    def _up(self) -> None:
        """A broker that was away may have lost what it kept."""
        self._there = dict.fromkeys(self._there)
        self._wake.set()

    # -- what arrives ------------------------------------------------------------------------------

    def _hear(self, topic: str, payload: bytes, kept: bool) -> None:  # noqa: FBT001 - a Hear
        if not payload:
            return  # somebody made the broker forget
        if topic == topics.COMMAND.at(self._site):
            try:
                self._waiting.put_nowait((payload, kept))
            except asyncio.QueueFull:
                self._refuse("more commands came than can be carried out")
        elif kept:
            # from before: of an earlier run perhaps, and not true any more
            self._there.setdefault(topic, None)
            self._wake.set()

    async def _obey(self) -> None:
        while True:
            payload, kept = await self._waiting.get()
            answer = await self._carry_out(payload, kept=kept)
            await self._answer(orjson.dumps(answer))

    async def _carry_out(self, payload: bytes, *, kept: bool) -> dict[str, Any]:
        """What is answered. Whatever is wrong with the command is in it, too."""
        body: dict[str, Any] = {}
        try:
            body = decoded(payload)
            wanted = order(body, kept=kept)
            why = await self._command(wanted.action, wanted.body, wanted.by)
        except Refused as error:
            self._refuse(str(error))
            return {"id": token_of(body), "ok": False, "why": str(error)}
        except Exception:
            # a fault of ours must not stop the recording of calls
            log.exception("mqtt_fault", channel=self._table.name)
            return {"id": token_of(body), "ok": False, "why": "a fault of ctid: see its log"}
        log.info("mqtt_command", action=wanted.action.value, alert=body.get("alert"), by=wanted.by)
        return {"id": token_of(body), "ok": True, "why": why}

    def _refuse(self, why: str) -> None:
        self.refused += 1
        if self.refused & (self.refused - 1) == 0:  # whoever sends them must not fill the log
            log.warning(
                "mqtt_command_refused", channel=self._table.name, why=why, so_far=self.refused
            )

    async def _answer(self, payload: bytes) -> None:
        """As well as it goes: who asked may be gone, and sees the states."""
        seconds = self._table.timeout_seconds
        topic = topics.RESULT.at(self._site)
        try:
            client = await self._connection.client(seconds)
            code = await client.publish_surely(topic, payload, seconds)
        except DeliveryError as error:
            log.warning("mqtt_result_lost", channel=self._table.name, why=str(error))
            return
        failure = refused_publish(code, topic, f"{self._table.host}:{self._table.port}")
        if failure is not None and code.value != NO_SUBSCRIBERS:
            log.warning("mqtt_result_lost", channel=self._table.name, why=str(failure))
