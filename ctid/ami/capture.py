"""One connection whose bytes are kept: attaches as the daemon does, and goes on until told."""

import asyncio
import time
from collections.abc import Callable

from ctid.ami import actions
from ctid.ami.attach import attach
from ctid.ami.client import Client, ConnectionEndedError, End
from ctid.ami.decode import Decoder
from ctid.ami.recording import Recording
from ctid.ami.session import Failure, answered, connect, ended, log_in
from ctid.config import Pbx, Secret

_MAX_QUEUED = 50_000


async def capture(
    pbx: Pbx,
    secret: Secret,
    recording: Recording,
    write: Callable[[bytes], None],
    stop: asyncio.Event,
) -> Failure | None:
    """Give `write` what may be kept of the stream, until `stop`. None: stopped; else why it ended.

    What `write` raises (OSError) ends the connection, and is raised here.
    """
    errors: list[OSError] = []

    def tap(data: bytes) -> None:
        try:
            write(recording.feed(data))
        except OSError as error:
            errors.append(error)
            client.abort(End.CONNECTION_LOST)

    client = Client(Decoder(), time.time, _MAX_QUEUED, tap)
    try:
        failure = await connect(client, pbx) or await log_in(client, pbx, secret)
        if failure is None:
            recording.logged_in = True
            if await attach(client, pbx.connect_timeout_seconds) is None:
                client.abort(End.NO_ANSWER)
            failure = await _follow(client, pbx, stop)
    except ConnectionEndedError:
        failure = ended(client)
    finally:
        client.abort(End.CONNECTION_LOST)
    if errors:
        raise errors[0]
    write(recording.end())
    return failure


async def _follow(client: Client, pbx: Pbx, stop: asyncio.Event) -> Failure | None:
    async with asyncio.TaskGroup() as tasks:
        stopped = tasks.create_task(stop.wait())
        pings = tasks.create_task(_ping(client, pbx))
        while client.ended is None and not stopped.done():
            woken = tasks.create_task(client.wake.wait())
            await asyncio.wait((woken, stopped), return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()
            client.wake.clear()
            client.take()
            client.listed.clear()
        pings.cancel()
        if client.ended is not None:
            stopped.cancel()
            return ended(client)
    await answered(client, actions.LOGOFF, 1.0)
    return None


async def _ping(client: Client, pbx: Pbx) -> None:
    while client.ended is None:
        await asyncio.sleep(pbx.ping_interval_seconds)
        if not await answered(client, actions.PING, pbx.ping_timeout_seconds):
            client.abort(End.PING_TIMEOUT)
