"""A ctid in a process of its own, to be killed: connects to the broker and says when it has."""

import asyncio
import sys

import structlog

from ctid.config.backends import MqttBackend
from ctid.config.secret import Secret
from ctid.outbound.tickets.mqtt import Mqtt


async def main() -> None:
    table = MqttBackend(
        host="127.0.0.1", port=int(sys.argv[1]), username="ctid", acknowledged=True
    ).model_copy(update={"password": Secret(sys.argv[2])})
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    await Mqtt(table, "lab").look_up("ctid:lab:1:network")
    print("connected", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
