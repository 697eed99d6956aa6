"""Demo and benchmarks stand on streams made of copies: each copy must be another call."""

from ctid.ami.decode import Decoder
from ctid.domain import events
from ctid.sim.template import Template
from tests.benchmarks.streams import BEGIN, recorded, stream


def created(data: bytes) -> list[events.ChannelCreated]:
    decoder = Decoder()
    items = decoder.feed(data)
    assert (decoder.counters.bad, decoder.counters.forged) == (0, 0)
    return [item for item in items if isinstance(item, events.ChannelCreated)]


def test_copies_are_other_calls_in_order_of_time() -> None:
    found = created(stream(["queue_answered", "direct_answered"], 20, every=0.5))
    once = created(stream(["queue_answered", "direct_answered"], 2, every=0.5))
    assert len(found) == 10 * len(once)
    assert len({item.channel.uniqueid for item in found}) == len(found)
    assert len({item.channel.name for item in found}) == len(found)
    times = [item.at for item in found]
    assert times == sorted(times)
    # The first recording has a moment of silence before its call.
    assert BEGIN <= times[0] < BEGIN + 1.0
    callers = [item.channel for item in found if item.channel.state == 4]
    assert len({channel.caller_number for channel in callers}) == len(callers) == 20


def test_open_calls_are_not_hung_up() -> None:
    data = stream(["queue_answered"], 3, every=0.1, open_only=True)
    assert data.count(b"Event: BridgeEnter") == 6
    assert b"Event: HangupRequest" not in data
    assert b"Event: BridgeLeave" not in data


def test_a_template_knows_how_long_it_is() -> None:
    assert 1.0 < Template(recorded("queue_answered")).seconds < 120.0
