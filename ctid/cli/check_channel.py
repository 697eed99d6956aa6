"""`ctid check-channel`: whether a channel can be reached, and whether a message arrives."""

import asyncio
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ctid import logs
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, load_config
from ctid.cli.examined import Form, FormOption, named, tell
from ctid.config import Config
from ctid.config.channels import Channel as Table
from ctid.config.channels import MqttChannel
from ctid.outbound.findings import by_message, of_failure
from ctid.outbound.mqtt.examination import remedy
from ctid.outbound.pages.channels import open_channel, origin_of
from ctid.outbound.pages.port import Channel, Message
from ctid.outbound.pages.trial import trial
from ctid.outbound.port import DeliveryError, Finding, Reason

_SAYS_HOW = frozenset({Reason.DENIED, Reason.MISCONFIGURED, Reason.REJECTED, Reason.GONE})
"""The words of these say how to mend it."""


def check_channel(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its `name` in the configuration.")],
    *,
    send: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Send this as well, marked as a test: people read it."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Whom the message shall reach, as the roster says it."
        ),
    ] = None,
    form: FormOption = Form.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say whether a channel for pages works."""
    loaded = load_config(Path(config), read_secrets=True)
    table = named(loaded.channels.all(), name, config, "channel", "[[channels.dingtalk]]")
    message = None
    if send is not None:
        key = f"check-{secrets.token_hex(8)}"
        message = trial(
            key,
            send,
            site=loaded.site,
            language=loaded.alert.language,
            at=time.time(),
            address=to,
        )
    with logs.silent():
        found = asyncio.run(_findings(table, loaded, message))
    tell(found, form)


async def _findings(table: Table, config: Config, message: Message | None) -> list[Finding]:
    channel = open_channel(table, origin_of(config))
    try:
        found = await channel.check()
        if message is None:
            return found
        hint = by_message(table.name)
        found = [replace(one, remedy=None) if one.remedy == hint else one for one in found]
        return [*found, await _sent(table, channel, message)]
    finally:
        await channel.close()


async def _sent(table: Table, channel: Channel, message: Message) -> Finding:
    try:
        await channel.send(message)
    except DeliveryError as error:
        if error.reason in _SAYS_HOW:
            return Finding(ok=False, what=f"the message: {error}")
        # a broker has no `url`
        known = remedy(error.reason) if isinstance(table, MqttChannel) else None
        return of_failure("the message", error, known)
    return Finding(ok=True, what=f"the message was taken: `{message.title}`")
