"""What can be found out about a PBX by asking it, and by listening for a few seconds."""

import asyncio
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from ctid.ami import actions, presence
from ctid.ami.attach import Attachment, attach
from ctid.ami.client import Client, ConnectionEndedError, End
from ctid.ami.decode import Decoder
from ctid.ami.kinds import KINDS
from ctid.ami.session import Failure, answered, connect, ended, log_in
from ctid.config import Pbx, Secret
from ctid.domain.presence import PhoneState

_MAX_QUEUED = 50_000
_MOST_HELD = 1 << 20
_BOOTED = "FullyBooted"
_EVENT = re.compile(rb"Event: (\w+)\r\nPrivilege: ([a-z]+),all(\r\nTimestamp: )?")
_QUEUE = re.compile(rb"Event: QueueParams\r\nQueue: ([^\r]*)")
# Actions that change calls or the PBX: ctid never asks for them.
_POWERS = (
    "Atxfer",
    "BlindTransfer",
    "Command",
    "DBPut",
    "Hangup",
    "ModuleLoad",
    "Originate",
    "Redirect",
    "Reload",
    "Setvar",
    "UpdateConfig",
)


@dataclass(slots=True)
class Heard:
    """What events came: how often each kind, of which classes, and whether with a Timestamp."""

    kinds: dict[str, int] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)
    stamped: int = 0
    unstamped: int = 0
    queues: set[str] = field(default_factory=set)
    _held: bytes = b""

    def feed(self, data: bytes) -> None:
        *blocks, self._held = (self._held + data).split(b"\r\n\r\n")
        self._held = self._held[-_MOST_HELD:]
        for block in blocks:
            if queue := _QUEUE.match(block):
                self.queues.add(queue[1].decode(errors="replace"))
            elif event := _EVENT.match(block):
                name = event[1].decode()
                self.kinds[name] = self.kinds.get(name, 0) + 1
                self.classes.add(event[2].decode())
                # FullyBooted never has one
                self.stamped += event[3] is not None
                self.unstamped += event[3] is None and name != _BOOTED

    @property
    def booted(self) -> bool:
        """Whether what comes after every login came: of class system, and through the filter."""
        return _BOOTED in self.kinds

    @property
    def needless(self) -> int:
        """How many events came that ctid does not look at."""
        return sum(count for kind, count in self.kinds.items() if kind not in KINDS)


@dataclass(slots=True)
class Examination:
    """What was found. `failure`: it did not even come to an attachment.

    `version` is Asterisk's; `clock_ahead` how many seconds the PBX's clock is ahead of ours;
    `refused` the questions that it would not answer; `powers` actions that the login may use though
    ctid does not need them, None where it does not say; `phones` the states of those that were
    asked for and exist there, None where it refuses to tell.
    """

    failure: Failure | None = None
    version: str = ""
    clock_ahead: float | None = None
    refused: tuple[str, ...] = ()
    powers: tuple[str, ...] | None = None
    channels: int | None = None
    phones: Mapping[str, PhoneState] | None = field(default_factory=dict)
    heard: Heard = field(default_factory=Heard)


async def examine(
    pbx: Pbx,
    secret: Secret,
    seconds: float,
    clock: Callable[[], float] = time.time,
    phones: Collection[str] = (),
) -> Examination:
    """Attach as the daemon does, ask, listen for so many seconds, and log off.

    `phones` are interfaces whose states are asked for, as before a page.
    """
    found = Examination()
    client = Client(Decoder(), clock, _MAX_QUEUED, found.heard.feed)
    try:
        found.failure = await connect(client, pbx) or await log_in(client, pbx, secret)
        if found.failure is None:
            attachment = await attach(client, pbx.connect_timeout_seconds)
            if attachment is not None:
                await _ask(client, pbx, attachment, found, clock)
                async with asyncio.timeout(pbx.connect_timeout_seconds):
                    found.phones = await _states(client, phones)
                await _listen(client, seconds)
                await answered(client, actions.LOGOFF, 1.0)
            else:
                client.abort(End.NO_ANSWER)
                found.failure = ended(client)
    except TimeoutError:
        client.abort(End.NO_ANSWER)
        found.failure = ended(client)
    except ConnectionEndedError:
        found.failure = ended(client)
    finally:
        client.abort(End.CONNECTION_LOST)
    return found


async def _ask(
    client: Client,
    pbx: Pbx,
    attachment: Attachment,
    found: Examination,
    clock: Callable[[], float],
) -> None:
    found.refused = attachment.refused
    found.channels = attachment.channel_count
    async with asyncio.timeout(pbx.connect_timeout_seconds):
        found.version = (await client.request(actions.CORE_SETTINGS)).asterisk_version
        sent = clock()
        pbx_time = (await client.request(actions.PING)).pbx_time
        if pbx_time is not None:
            found.clock_ahead = pbx_time - (sent + clock()) / 2
        listed = await client.request(actions.LIST_COMMANDS)
        if listed.success:
            found.powers = tuple(name for name in _POWERS if name in listed.commands)
            if actions.USER_EVENT["Action"] in listed.commands:
                await client.request(actions.USER_EVENT)


async def _states(client: Client, phones: Collection[str]) -> Mapping[str, PhoneState] | None:
    asked = {
        phone: client.request(actions.device_state(phone)) for phone in presence.askable(phones)
    }
    answers = {phone: await answer for phone, answer in asked.items()}
    if any(not answer.success for answer in answers.values()):
        return None
    return {phone: a.phone for phone, a in answers.items() if a.phone is not None}


async def _listen(client: Client, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while client.ended is None:
                client.take()
                client.listed.clear()
                await client.wake.wait()
                client.wake.clear()
    except TimeoutError:
        return
    raise ConnectionEndedError
