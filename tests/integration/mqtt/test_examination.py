import asyncio

from ctid.config.backends import MqttBackend
from ctid.outbound.port import Finding
from tests.integration.mqtt.backend import next_from, opened, table
from tests.integration.mqtt.broker import Broker


async def found(settings: MqttBackend) -> list[Finding]:
    async with opened(settings) as backend:
        return await backend.check()


async def test_all_is_well(broker: Broker) -> None:
    findings = await found(table(broker, acknowledged=True))
    assert [finding.what for finding in findings] == [
        f"localhost:{broker.port} answers, with TLS, its certificate is trusted",
        "it lets `ctid` in",
        "ctid may publish below ctid/lab/ticket/draft",
        "ctid may read ctid/lab/ticket/ack/+",
    ]
    assert all(finding.ok and finding.remedy is None for finding in findings)


async def test_it_leaves_nothing_behind(own_broker: Broker) -> None:
    """What it publishes is not retained: who comes later sees nothing of it, nor a status."""
    await found(table(own_broker, acknowledged=True))
    async with own_broker.client("ctid") as later:
        await later.subscribe("ctid/#", qos=1)
        await later.publish("ctid/mark", qos=1)
        assert (await next_from(later)).topic.value == "ctid/mark"


async def test_who_reads_drafts_does_not_see_it(own_broker: Broker) -> None:
    async with own_broker.client() as client:
        await client.subscribe("ctid/lab/ticket/draft", qos=1)
        await found(table(own_broker, acknowledged=True))
        await asyncio.to_thread(own_broker.publish, "ctid/lab/ticket/draft", b"mark", "ctid")
        assert (await next_from(client)).payload == b"mark"


async def test_a_wrong_password(broker: Broker) -> None:
    wrong = table(broker).model_copy(update={"password": table(broker, "wall").password})
    (finding,) = await found(wrong)
    assert not finding.ok
    assert "does not let ctid in" in finding.what
    assert finding.remedy is not None
    assert "w4ll" not in str(finding)


async def test_no_broker(broker: Broker) -> None:
    (finding,) = await found(table(broker, host="broker.invalid"))
    assert finding == Finding(
        ok=False,
        what=f"broker.invalid:{broker.port}: the name is not known",
        remedy="correct `host`, `port`, `tls` or the certificates, or start the broker",
    )


async def test_no_right_to_publish(broker: Broker) -> None:
    *_, last = await found(table(broker, "wall"))
    assert not last.ok
    assert last.remedy == "in the ACL: `topic write ctid/lab/ticket/draft/#`"


async def test_a_subscription_that_is_granted_and_brings_nothing(broker: Broker) -> None:
    """Mosquitto with an ACL file grants all subscriptions and keeps the messages back."""
    *_, publish, read = await found(table(broker, "sender", acknowledged=True, timeout_seconds=0.3))
    assert publish.ok
    assert not read.ok
    assert read.remedy is not None
    assert "`topic read ctid/lab/ticket/ack/+`" in read.remedy


async def test_a_password_without_a_name(broker: Broker) -> None:
    certificate = {
        "client_cert": broker.certificates.path("client.crt"),
        "client_key": broker.certificates.path("client.key"),
    }
    settings = table(broker, port=broker.certified, username=None, **certificate)
    findings = await found(settings)
    assert [finding.remedy for finding in findings if not finding.ok] == ["set `username`"]
