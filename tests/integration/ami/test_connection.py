import asyncio
import logging

import pytest
from structlog.testing import capture_logs

from ctid.ami.client import End
from ctid.ami.connection import Connection, Pace, State
from ctid.domain import events as ev
from ctid.domain.records import GapCause
from tests.integration.ami.fake_server import GREETING, SECRET, FakeAmi, Session, Watch
from tests.integration.ami.watched import pbx, watched
from tests.unit.ami.streams import AGENT, CALLER, event, snapshot

ASKED = ["Challenge", "Login", "CoreStatus"]
ASKED += ["CoreShowChannels", "Status", "QueueStatus", "BridgeList"]


def shown(uniqueid: str, application: str, bridge: str = "b1") -> bytes:
    return (
        "Event: CoreShowChannel\r\n@ID@\r\n"
        + snapshot(uniqueid=uniqueid, state=6).replace("trunk-00000012", f"x-{uniqueid}")
        + f"Application: {application}\r\nApplicationData: x\r\nDuration: 00:00:05\r\n"
        + f"BridgeId: {bridge}\r\n\r\n"
    ).encode()


def fail(seen: object) -> GapCause:
    assert isinstance(seen, ev.Detached)
    return GapCause(seen.cause)


async def test_attached_then_the_snapshot_then_the_events() -> None:
    async with FakeAmi() as server:
        server.lists["CoreShowChannels"] = shown(CALLER, "Dial") + shown(AGENT, "AppDial")
        server.lists["BridgeList"] = (
            b"Event: BridgeListItem\r\n@ID@\r\nBridgeUniqueid: b1\r\nBridgeType: basic\r\n"
            b"BridgeTechnology: simple_bridge\r\n\r\n"
        )
        server.variables = {
            (f"PJSIP/x-{AGENT}", "CDR(answer,u)"): "1795464362.5",
            (f"PJSIP/x-{CALLER}", "CDR(start,u)"): "1795464361.25",
        }
        server.before = lambda session, action: (
            session.send(event("Newchannel", snapshot(uniqueid="9.9")))
            if action["Action"] == "QueueStatus"
            else None
        )
        async with watched(pbx(server)) as seen:
            await seen.until(ev.ChannelCreated)
            (await server.session(0)).send(event("Hangup", snapshot(uniqueid="9.9")))
            await seen.until(ev.HungUp)
            assert seen.connection.state is State.ATTACHED
    assert seen.kinds() == ["Attached", "Snapshot", "ChannelCreated", "HungUp"]
    assert len(seen.batches) == 2
    taken = seen.events[1]
    assert isinstance(taken, ev.Snapshot)
    assert {row.channel.uniqueid for row in taken.channels} == {CALLER, AGENT}
    assert taken.bridges == {"b1": "simple_bridge"}
    assert taken.answered_at == {AGENT: 1795464362.5}
    assert taken.started_at == {CALLER: 1795464361.25}
    assert seen.started == ["2026-11-24 21:10:02"]
    assert server.sessions[0].names == [*ASKED, "Getvar", "Getvar", "Logoff"]
    assert "Secret" not in server.sessions[0].actions[1]


async def test_a_greeting_in_pieces() -> None:
    async with FakeAmi() as server:
        server.greeting = GREETING[:7]
        async with watched(pbx(server)) as seen:
            session = await server.session(0)
            for byte in GREETING[7:]:
                session.send(bytes([byte]))
                await asyncio.sleep(0)
            await seen.until(ev.Attached)
            assert seen.connection.version == "11.0.0"


async def test_a_peer_that_does_not_greet_gets_no_login() -> None:
    async with FakeAmi() as server:
        server.greeting = b""
        async with watched(pbx(server, connect_timeout_seconds=0.05)) as seen:
            await seen.until(ev.Detached)
            failure = seen.connection.failure
    assert failure is not None
    assert failure.end is End.NO_GREETING
    assert fail(seen.events[0]) is GapCause.UNREACHABLE
    assert server.sessions[0].actions == []


async def test_a_login_without_an_answer() -> None:
    async with FakeAmi() as server:
        server.answers["Login"] = None
        async with watched(pbx(server, connect_timeout_seconds=0.05)) as seen:
            await seen.until(ev.Detached)
            assert End.LOGIN_TIMEOUT in seen.connection.counts.ends


@pytest.mark.parametrize("plain", [False, True])
async def test_a_wrong_secret_is_told_once_and_not_tried_again_soon(
    plain: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "not-the-secret"
    async with FakeAmi() as server:
        with capture_logs() as lines:
            async with watched(pbx(server, secret=wrong, plain_login=plain)) as seen:
                await seen.until(ev.Detached)
                connection = seen.connection
                assert connection.state is State.WAITING
                assert connection.failure is not None
                told = f"{connection!r} {connection.failure} {connection.counts}"
    assert len(server.sessions) == 1
    assert fail(seen.events[0]) is GapCause.LOGIN_REFUSED
    assert [line["reason"] for line in lines] == [End.LOGIN_REFUSED]
    everything = told + repr(lines) + caplog.text
    assert wrong not in everything
    assert "check the secret" in everything


async def test_refused_logins_are_counted_but_logged_once() -> None:
    async with FakeAmi() as server:
        pace = Pace(refused=0.001, refused_max=0.001)
        with capture_logs() as lines:
            async with watched(pbx(server, secret="wrong"), pace=pace) as seen:
                await server.session(3)
    assert len(lines) == 1
    assert seen.kinds() == ["Detached"]


async def test_plain_login_only_where_configured() -> None:
    async with FakeAmi() as server, watched(pbx(server, plain_login=True)) as seen:
        await seen.until(ev.Attached)
    assert server.sessions[0].actions[0]["Secret"] == SECRET


async def test_no_challenge_is_no_plain_login() -> None:
    async with FakeAmi() as server:
        server.answers["Challenge"] = b"Error\r\n@ID@\r\nMessage: no\r\n"
        async with watched(pbx(server)) as seen:
            await seen.until(ev.Detached)
    assert server.sessions[0].names == ["Challenge"]


async def test_a_peer_that_stops_answering_is_left() -> None:
    async with FakeAmi() as server:
        config = pbx(server, ping_interval_seconds=0.02, ping_timeout_seconds=0.2)
        async with watched(config) as seen:
            await seen.until(ev.Attached)
            session = await server.session(0)
            await server.got(session, "Ping", times=3)
            assert seen.kinds() == ["Attached", "Snapshot"]
            session.silent = True
            await seen.until(ev.Detached)
            assert fail(seen.events[2]) is GapCause.PING_TIMEOUT
            await server.watch.until(lambda: session.ended)
            await seen.until(ev.Attached, times=2)
            assert seen.connection.counts.ends == {End.PING_TIMEOUT: 1}


async def test_a_connection_that_breaks_in_the_middle_of_a_list() -> None:
    async with FakeAmi() as server:
        server.lists["CoreShowChannels"] = shown(CALLER, "Dial")

        def break_once(_session: Session, action: dict[str, str]) -> None:
            if action["Action"] == "Status" and len(server.sessions) == 1:
                server.sessions[0].end()

        server.before = break_once
        async with watched(pbx(server)) as seen:
            await seen.until(ev.Attached)
    assert seen.kinds() == ["Detached", "Attached", "Snapshot"]
    assert server.sessions[1].names[:7] == ASKED


async def test_lists_that_never_end() -> None:
    async with FakeAmi() as server:
        server.answers["BridgeList"] = b"Success\r\n@ID@\r\nEventList: start\r\n"
        async with watched(pbx(server, connect_timeout_seconds=0.1)) as seen:
            await seen.until(ev.Detached)
            assert End.NO_ANSWER in seen.connection.counts.ends


async def test_without_the_times_of_the_channels_the_lists_have_to_do() -> None:
    async with FakeAmi() as server:
        server.lists["CoreShowChannels"] = shown(CALLER, "Dial")
        server.answers["Getvar"] = None
        async with watched(pbx(server, connect_timeout_seconds=0.2)) as seen:
            await seen.until(ev.Attached)
    taken = seen.events[1]
    assert isinstance(taken, ev.Snapshot)
    assert (len(taken.channels), taken.started_at) == (1, {})


async def test_a_shutdown_is_a_restart() -> None:
    async with FakeAmi() as server, watched(pbx(server)) as seen:
        await seen.until(ev.Attached)
        session = await server.session(0)
        session.send(event("Shutdown", "Shutdown: Cleanly\r\nRestart: True\r\n"))
        server.started = "2026-11-24\r\nCoreStartupTime: 21:59:59"
        session.end()
        await seen.until(ev.Attached, times=2)
    assert seen.kinds()[2:5] == ["ShutDown", "Detached", "Attached"]
    assert fail(seen.events[3]) is GapCause.PBX_RESTARTED
    first, second = (seen.events[0], seen.events[4])
    assert isinstance(first, ev.Attached)
    assert isinstance(second, ev.Attached)
    assert (first.restarted, second.restarted) == (False, True)
    assert seen.started == ["2026-11-24 21:10:02", "2026-11-24 21:59:59"]


@pytest.mark.parametrize(
    ("known", "restarted"),
    [(None, False), ("2026-11-24 21:10:02", False), ("2026-11-23 07:00:00", True)],
)
async def test_the_process_is_known_again_by_its_start(known: str | None, restarted: bool) -> None:
    async with FakeAmi() as server, watched(pbx(server), started=known) as seen:
        await seen.until(ev.Attached)
    assert seen.events[0] == ev.Attached(1000.0, restarted)


async def test_a_pbx_that_may_not_be_asked_is_followed_all_the_same() -> None:
    async with FakeAmi() as server:
        for action in ("CoreStatus", "CoreShowChannels", "Status"):
            server.answers[action] = b"Error\r\n@ID@\r\nMessage: Permission denied\r\n"
        async with watched(pbx(server)) as seen:
            await seen.until(ev.Attached)
            (await server.session(0)).send(event("Newchannel", snapshot()))
            await seen.until(ev.ChannelCreated)
    assert seen.kinds() == ["Attached", "ChannelCreated"]


async def test_nothing_is_sent_again_after_a_reconnect() -> None:
    async with FakeAmi() as server:
        config = pbx(server, ping_interval_seconds=0.02, ping_timeout_seconds=5.0)
        server.answers["Ping"] = None
        async with watched(config) as seen:
            await seen.until(ev.Attached)
            session = await server.session(0)
            await server.got(session, "Ping")
            session.abort()
            await seen.until(ev.Attached, times=2)
            again = await server.session(1)
            await server.got(again, "Ping")
    assert again.names[:8] == [*ASKED, "Ping"]
    used = {action["ActionID"] for action in session.actions}
    assert used.isdisjoint(action["ActionID"] for action in again.actions)


@pytest.mark.parametrize("catching_up", [True, False])
async def test_more_events_than_can_be_held_end_the_connection(catching_up: bool) -> None:
    flood = event("Newstate", snapshot()) * 300
    async with FakeAmi() as server:

        def flood_first(session: Session, action: dict[str, str]) -> None:
            first = len(server.sessions) == 1
            server.answers = {"BridgeList": None} if first else {}
            if first and action["Action"] == "CoreStatus":
                session.send(flood)

        if catching_up:
            server.before = flood_first
        async with watched(pbx(server), max_queued=50) as seen:
            if not catching_up:
                await seen.until(ev.Attached)
                (await server.session(0)).send(flood)
            await seen.until(ev.Detached)
            await seen.until(ev.Attached, times=1 if catching_up else 2)
    gone = next(item for item in seen.events if isinstance(item, ev.Detached))
    assert fail(gone) is GapCause.OVERRUN
    assert not any(isinstance(item, ev.ChannelStateChanged) for item in seen.events)


async def test_two_pbxs_at_once() -> None:
    async with (
        FakeAmi() as one,
        FakeAmi() as two,
        watched(pbx(one)) as first,
        watched(pbx(two, name="other")) as second,
    ):
        await first.until(ev.Attached)
        await second.until(ev.Attached)
        one.sessions[0].abort()
        await first.until(ev.Attached, times=2)
        two.sessions[0].send(event("Newchannel", snapshot()))
        await second.until(ev.ChannelCreated)
    assert second.kinds() == ["Attached", "Snapshot", "ChannelCreated"]
    assert not any(isinstance(item, ev.ChannelCreated) for item in first.events)


async def test_an_unreachable_pbx_is_tried_again_and_again() -> None:
    asked = 0
    enough = Watch()

    def fraction() -> float:
        nonlocal asked
        asked += 1
        enough.changed()
        return 0.0

    async with FakeAmi() as server:
        config = pbx(server)
    # Nothing listens there any more.
    async with watched(config, fraction=fraction) as seen:
        await enough.until(lambda: asked >= 5)
        assert seen.connection.failure is not None
        assert seen.connection.failure.end is End.UNREACHABLE
    assert fail(seen.events[0]) is GapCause.UNREACHABLE
    assert seen.kinds() == ["Detached"]


def test_waits_double_up_to_the_longest_and_are_a_random_part_of_it() -> None:
    pace = Pace()
    lost = [pace.seconds(End.CONNECTION_LOST, n, longest=30.0, fraction=0.5) for n in range(7)]
    assert lost == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    refused = [pace.seconds(End.LOGIN_REFUSED, n, longest=30.0, fraction=0.5) for n in range(6)]
    assert refused == [60.0, 120.0, 240.0, 480.0, 600.0, 600.0]


async def test_what_deliver_raises_ends_the_run() -> None:
    def deliver(_events: list[ev.Event]) -> None:
        raise RuntimeError("broken")

    async with FakeAmi() as server:
        connection = Connection(pbx(server), deliver)
        with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="broken")):
            await connection.run()
        assert connection.state is State.CLOSED


async def test_closing_ends_an_attempt_as_well() -> None:
    async with FakeAmi() as server:
        server.greeting = b""
        async with watched(pbx(server)) as seen:
            await server.session(0)
    assert seen.events == []
    assert seen.connection.state is State.CLOSED
