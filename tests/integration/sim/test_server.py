"""The simulated PBX, asked by the daemon's own connection, against what a real one answered."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ctid.ami.client import End
from ctid.domain import events as ev
from ctid.domain.events import ListedChannel, Snapshot
from ctid.replay import events_of
from ctid.sim.program import Call
from ctid.sim.server import SimulatedPbx
from ctid.sim.template import GREETING, Template
from tests.integration.ami.watched import pbx, watched
from tests.truth import CAPTURES, load

SECRET = "made-up"
AGENTS = ("101", "102")
ANSWERED = Template((CAPTURES / "queue_answered.ami").read_bytes())
# The stream of a PBX up to a moment with six calls; behind it a client asked for the lists.
CUT = Template((CAPTURES / "ami_cut.ami").read_bytes())


@asynccontextmanager
async def simulated(template: Template) -> AsyncIterator[SimulatedPbx]:
    """As fast as it goes, at the recorded time."""
    async with SimulatedPbx(
        SECRET, {"it": template}, clock=lambda: template.begin, speed=math.inf
    ) as server:
        yield server


async def snapshot_of(server: SimulatedPbx) -> Snapshot:
    async with watched(pbx(server, secret=SECRET)) as seen:
        await seen.until(ev.Snapshot)
    (snapshot,) = (event for event in seen.events if isinstance(event, Snapshot))
    return snapshot


async def talk(server: SimulatedPbx, *actions: str) -> str:
    """What a client gets that sends these, until the PBX hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for action in actions:
        writer.write(action.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    got = await reader.read()
    writer.close()
    assert got.startswith(GREETING)
    return got.removeprefix(GREETING).decode()


def comparable(channel: ListedChannel) -> ListedChannel:
    # the real one was asked three seconds later; a copy has bridges of its own
    return channel._replace(age=None, bridge=channel.bridge[:-6])


async def test_its_lists_are_those_of_a_real_pbx_at_that_moment() -> None:
    (real,) = (
        event for event in events_of(CAPTURES / "ami_cut.after.ami") if isinstance(event, Snapshot)
    )
    async with simulated(CUT) as server:
        await server.play([Call(0.0, 0, "it")])
        found = await snapshot_of(server)
    channels = [{comparable(row) for row in one.channels} for one in (found, real)]
    assert channels[0] == channels[1]
    assert len(channels[0]) == 8
    ages = {row.channel.uniqueid: row.age for row in found.channels}
    for row in real.channels:
        age = ages[row.channel.uniqueid]
        assert age is not None
        assert row.age is not None
        assert 2.0 <= row.age - age <= 4.0
    assert {key[:-6] for key in found.bridges} == {key[:-6] for key in real.bridges}
    assert [row[:2] for row in found.queue_entries] == [row[:2] for row in real.queue_entries]
    queues = {queue for queue, _, _ in found.members}
    assert {"hotline", "one"} <= queues
    assert sorted(found.members) == sorted(row for row in real.members if row[0] in queues)
    # when agents answered: those who talk at that moment, as SIP saw it
    talking = [call["t_answer"] for call in load("ami_cut")["calls"] if call["agent"] in AGENTS]
    assert sorted(found.answered_at.values()) == pytest.approx(sorted(talking), abs=0.1)
    assert len(found.started_at) == 6 - 1


async def test_before_the_first_call_there_is_nobody_and_after_the_last_neither() -> None:
    async with simulated(ANSWERED) as server:
        before = await snapshot_of(server)
        await server.play([Call(0.0, 0, "it")])
        after = await snapshot_of(server)
    for found in (before, after):
        assert (found.channels, found.bridges, found.queue_entries) == ((), {}, ())
        assert ("hotline", "PJSIP/a101", "Zhang San") in found.members


async def test_all_clients_see_the_same_calls() -> None:
    async with (
        simulated(ANSWERED) as server,
        watched(pbx(server, secret=SECRET)) as one,
        watched(pbx(server, secret=SECRET, plain_login=True)) as two,
    ):
        for seen in (one, two):
            await seen.until(ev.Snapshot)
        await server.play([Call(0.0, 0, "it"), Call(1.0, 1, "it")])
        for seen in (one, two):
            await seen.until(ev.HungUp, 6)
            assert seen.connection.counts.decoder.bad == 0
    created = [event for event in one.events if isinstance(event, ev.ChannelCreated)]
    assert len({event.channel.uniqueid for event in created}) == len(created) == 6
    assert [event for event in two.events if isinstance(event, ev.ChannelCreated)] == created


@pytest.mark.parametrize("plain", [False, True])
async def test_a_wrong_secret_is_refused(plain: bool) -> None:
    async with (
        simulated(ANSWERED) as server,
        watched(pbx(server, secret="wrong", plain_login=plain)) as seen,
    ):
        await seen.until(ev.Detached)
        assert End.LOGIN_REFUSED in seen.connection.counts.ends


async def test_without_a_login_it_tells_nothing() -> None:
    async with simulated(CUT) as server:
        await server.play([Call(0.0, 0, "it")])
        got = await talk(
            server, "Action: CoreShowChannels\nActionID: 1", "Action: Logoff\nActionID: 2"
        )
    assert got == (
        "Response: Error\r\nActionID: 1\r\nMessage: Permission denied\r\n\r\n"
        "Response: Goodbye\r\nActionID: 2\r\nMessage: Thanks for all the fish.\r\n\r\n"
    )


async def test_it_answers_as_a_real_one_whatever_is_asked() -> None:
    login = f"Action: login\nUsername: ctid\nSecret: {SECRET}\nEvents: off"
    async with simulated(ANSWERED) as server:
        got = await talk(
            server,
            login,
            "Action: Ping\nActionID: p",
            "Action: Getvar\nChannel: PJSIP/nobody-00000001\nVariable: CDR(start,u)",
            "Action: Originate\nActionID: o",
            "Action: Logoff",
        )
    assert "Response: Success\r\nActionID: p\r\nPing: Pong\r\n" in got
    assert "Response: Error\r\nMessage: No such channel\r\n" in got
    assert "Response: Error\r\nActionID: o\r\nMessage: Invalid/unknown command\r\n" in got
    assert "Event: FullyBooted\r\n" in got


async def test_speed_makes_its_own_time_run_faster() -> None:
    now = 1_800_000_000.0
    server = SimulatedPbx(SECRET, {"it": ANSWERED}, clock=lambda: now, speed=10.0)
    now += 2.0
    assert server.now() == 1_800_000_020.0
