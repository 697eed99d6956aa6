"""Pages to the real Mosquitto."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ctid.config.channels import MqttChannel
from ctid.outbound.pages.mqtt import MqttPages
from ctid.outbound.port import DeliveryError, Reason
from tests.integration.cli.checked import checked
from tests.integration.mqtt.alerting import channel_table
from tests.integration.mqtt.backend import QUICK, SITE, next_from
from tests.integration.mqtt.broker import PASSWORDS, Broker
from tests.paged import about, alert

PAGE = "ctid/lab/alert/page"


@asynccontextmanager
async def channel(settings: MqttChannel) -> AsyncIterator[MqttPages]:
    before = asyncio.all_tasks()
    opened = MqttPages(settings, SITE, QUICK)
    try:
        yield opened
    finally:
        await opened.close()
        assert asyncio.all_tasks() <= before


async def test_a_page_is_published_once_somebody_listens(broker: Broker) -> None:
    message = about(alert())
    async with channel(channel_table(broker)) as pages:
        with pytest.raises(DeliveryError, match="nobody is subscribed") as caught:
            await pages.send(message)
        assert caught.value.reason is Reason.MISCONFIGURED
        async with broker.client("wall") as wall:
            await wall.subscribe(PAGE, qos=1)
            await pages.send(message)
            told = await next_from(wall)
    assert (told.payload, told.retain, told.qos) == (message.data, False, 1)


async def test_who_may_not_publish(broker: Broker) -> None:
    async with channel(channel_table(broker, "wall")) as pages:
        with pytest.raises(DeliveryError) as caught:
            await pages.send(about(alert()))
        found = await pages.check()
    assert caught.value.reason is Reason.DENIED
    assert [finding.ok for finding in found] == [True, True, False, False]
    assert found[2].remedy == "in the ACL: `topic write ctid/lab/alert/page/#`"
    assert found[3].remedy is not None
    assert "`topic read ctid/lab/state/#`" in found[3].remedy


async def test_a_check_of_what_is_well(broker: Broker) -> None:
    async with channel(channel_table(broker)) as pages:
        assert [finding.ok for finding in await pages.check()] == [True] * 4


async def test_check_channel_prints_what_it_found_and_no_log(
    broker: Broker, tmp_path: Path
) -> None:
    config = f"""site = "lab"
[[pbx]]
secret_file = "secret"
[[channels.mqtt]]
host = "localhost"
port = {broker.port}
tls = true
ca_file = "{broker.certificates.path("ca.crt")}"
username = "ctid"
password_file = "token"
"""
    arguments = ("check-channel", "mqtt", "--send", "x")
    code, out, err = await checked(tmp_path, config, PASSWORDS["ctid"], *arguments)
    assert (code, err) == (1, "")
    assert "nobody is subscribed to ctid/lab/alert/page" in out
    assert all(line.startswith(("ok ", "not ok", "  ")) for line in out.splitlines())
