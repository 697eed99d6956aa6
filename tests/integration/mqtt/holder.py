"""A ctid in a process of its own, to be killed: says at the broker that it is there."""

import asyncio
import sys

import structlog

from ctid.config.broker import Broker
from ctid.config.secret import Secret
from ctid.outbound.mqtt.status import Status


async def main() -> None:
    table = Broker(host="127.0.0.1", port=int(sys.argv[1]), username="ctid")
    with_password = table.model_copy(update={"password": Secret(sys.argv[2])})
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    await Status(with_password, "lab").run()


asyncio.run(main())
