"""The connection is cut after each byte that goes to the broker, and each that comes from it.

Whatever was said by then, a delivery succeeds or says why it did not, nothing hangs, and nothing
is left behind.
"""

from collections import Counter

import orjson
import pytest

from ctid.outbound.port import DeliveryError, Reason
from tests.integration.mqtt.backend import document, opened, table
from tests.integration.mqtt.broker import Broker
from tests.integration.mqtt.relay import relay

DRAFT = "ctid/lab/ticket/draft"
KEY = "ctid:lab:1.1:network"
EXPECTED = {Reason.UNREACHABLE, Reason.CUT_OFF}


async def outcome(broker: Broker, **cut: int) -> Reason | None:
    """None: it was delivered."""
    async with (
        relay(broker.plain, "127.0.0.1", **cut) as port,
        opened(table(broker, host="127.0.0.1", port=port, tls=False)) as backend,
    ):
        try:
            await backend.create(document(KEY))
        except DeliveryError as error:
            return error.reason
    return None


@pytest.mark.parametrize("direction", ["sent", "answered"])
async def test_cut_anywhere(broker: Broker, direction: str) -> None:
    counts: Counter[Reason | None] = Counter()
    async with broker.client() as client:
        await client.subscribe(DRAFT, qos=1)
        for cut in range(1, 400):
            reason = await outcome(broker, **{direction: cut})
            assert reason in {*EXPECTED, None}
            counts[reason] += 1
            if reason is None:
                break
        await client.subscribe("mark", qos=1)
        messages = client.messages
        arrived = [(await anext(messages)).payload for _ in range(len(messages))]
    assert counts[None] == 1
    assert counts[Reason.CUT_OFF] > 0
    assert counts[Reason.UNREACHABLE] > 0
    # what did not count as delivered may have arrived, but never what was not sent
    assert 1 <= len(arrived) <= counts[Reason.CUT_OFF] + 1
    expected = {"revision": 1, "draft": {"key": KEY}}
    for payload in arrived:
        assert isinstance(payload, bytes)
        assert orjson.loads(payload) == expected
