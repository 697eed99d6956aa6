"""Asking who could answer, on the connection that follows the events at the same time."""

import asyncio
import math
import time

from ctid.ami.client import End
from ctid.domain import events as ev
from ctid.domain.advice import advise
from ctid.domain.alerts import Advice
from ctid.domain.lines import Line
from ctid.domain.presence import PhoneState
from ctid.domain.seats import Answer, Member, presences
from ctid.sim.program import Call
from ctid.sim.server import SimulatedPbx
from ctid.sim.template import Template
from tests.integration.ami.fake_server import Action, FakeAmi, Session
from tests.integration.ami.watched import Watched, pbx, watched
from tests.truth import CAPTURES
from tests.unit.ami.streams import event, snapshot

IDLE, UNREGISTERED = PhoneState.IDLE, PhoneState.UNREGISTERED
TALKING, UNKNOWN = PhoneState.TALKING, PhoneState.UNKNOWN


def item(interface: str, *, queue: str = "net", more: str = "", name: str = "Zhang San") -> bytes:
    """As Asterisk 22 writes it."""
    return (
        f"Event: QueueMember\r\nQueue: {queue}\r\nName: {name}\r\nLocation: {interface}\r\n"
        f"StateInterface: {interface}\r\nMembership: static\r\nPenalty: 0\r\nCallsTaken: 0\r\n"
        f"LastCall: 0\r\nLastPause: 0\r\nLoginTime: 1795464317\r\n{more}Wrapuptime: 0\r\n"
        "@ID@\r\n\r\n"
    ).encode()


def state(number: int, *, in_call: int = 0, paused: int = 0, why: str = "") -> str:
    return f"InCall: {in_call}\r\nStatus: {number}\r\nPaused: {paused}\r\nPausedReason: {why}\r\n"


def queue(name: str) -> bytes:
    return f"Event: QueueParams\r\nQueue: {name}\r\nMax: 0\r\nCalls: 0\r\n@ID@\r\n\r\n".encode()


async def attached(server: FakeAmi | SimulatedPbx, seen: Watched) -> None:
    await seen.until(ev.Snapshot)
    if isinstance(server, FakeAmi):
        server.sessions[0].actions.clear()


async def ask(seen: Watched, *queues: str, phones: tuple[str, ...] = ()) -> Answer | None:
    return await seen.connection.ask_presence(queues, phones, 5.0)


async def test_members_and_phones_in_every_state() -> None:
    rows = [
        item("PJSIP/1", more=state(1)),
        item("PJSIP/2", more=state(2)),
        item("PJSIP/3", more=state(5)),
        item("PJSIP/4", more=state(4, paused=1, why="lunch"), name="\\xE6\\x9D\\x8E"),
        item("Local/5@agents/n", more=state(1)),
        item("Local/6@agents/n", more=state(1, in_call=1)),
        item("PJSIP/7", more=state(0)),
    ]
    async with FakeAmi() as server, watched(pbx(server)) as seen:
        await attached(server, seen)
        server.lists["QueueStatus"] = queue("net") + b"".join(rows)
        found = await ask(seen, "net")
        assert server.sessions[0].names == ["QueueStatus"]
        assert server.sessions[0].actions[0]["Queue"] == "net"
    assert found is not None
    assert (found.at, found.queues, dict(found.phones)) == (1000.0, frozenset({"net"}), {})
    assert [(one.interface, one.phone) for one in found.members] == [
        ("PJSIP/1", IDLE),
        ("PJSIP/2", TALKING),
        ("PJSIP/3", UNREGISTERED),
        ("PJSIP/4", UNREGISTERED),
        ("Local/5@agents/n", UNKNOWN),
        ("Local/6@agents/n", TALKING),
        ("PJSIP/7", UNKNOWN),
    ]
    assert found.members[3][3:] == (UNREGISTERED, True, "lunch")
    assert [one.paused for one in found.members].count(True) == 1


async def test_many_queues_are_one_question() -> None:
    async with FakeAmi() as server, watched(pbx(server)) as seen:
        await attached(server, seen)
        await ask(seen, *(f"q{number}" for number in range(1000)))
        (asked,) = server.sessions[0].actions
    assert "Queue" not in asked


async def test_events_and_answers_do_not_disturb_each_other() -> None:
    forged = item("PJSIP/666", more=state(1)).replace(b"@ID@", b"ActionID: guessed")

    def between(session: Session, action: Action) -> None:
        if action["Action"] == "QueueStatus":
            session.send(event("Newchannel", snapshot(uniqueid="9.9")) + forged)

    async with FakeAmi() as server, watched(pbx(server)) as seen:
        await attached(server, seen)
        server.lists["QueueStatus"] = (
            queue("net")
            + item("PJSIP/1", more=state(1))
            + event("Hangup", snapshot(uniqueid="9.9"))
            + item("PJSIP/2", more=state(1))
        )
        server.before = between
        first, second = await asyncio.gather(ask(seen, "net"), ask(seen, "net"))
        await seen.until(ev.HungUp, times=2)
        assert first == second
        assert first is not None
        assert [one.interface for one in first.members] == ["PJSIP/1", "PJSIP/2"]
        # afterwards items of lists are no longer believed
        before = seen.connection.counts.decoder.forged
        server.sessions[0].send(forged + event("Hangup", snapshot(uniqueid="9.9")))
        await seen.until(ev.HungUp, times=3)
        assert seen.connection.counts.decoder.forged == before + 1
    kinds = seen.kinds()
    assert kinds[2:] == ["ChannelCreated", "HungUp"] * 2 + ["HungUp"]


async def test_no_answer_in_time_is_none_and_what_comes_late_harms_nothing() -> None:
    held: list[Action] = []

    def keep(_session: Session, action: Action) -> None:
        held.extend([action] if action["Action"] == "QueueStatus" else [])

    async with FakeAmi() as server, watched(pbx(server)) as seen:
        await attached(server, seen)
        server.answers = {"QueueStatus": None, "Getvar": None}
        server.before = keep
        assert await seen.connection.ask_presence(["net"], ["PJSIP/1"], 0.05) is None
        tag = f"ActionID: {held[0]['ActionID']}\r\n".encode()
        session = server.sessions[0]
        session.send(b"Response: Success\r\n" + tag + b"\r\n")
        session.send(item("PJSIP/1", more=state(1)).replace(b"@ID@\r\n", tag))
        session.send(b"Event: QueueStatusComplete\r\n" + tag + b"\r\n")
        session.send(event("Hangup", snapshot()))
        await seen.until(ev.HungUp)
        assert seen.connection.counts.decoder.forged == 0
        server.answers = {}
        assert await ask(seen, "net") == Answer(1000.0, frozenset(), (), {})


async def test_a_pbx_that_is_not_attached_says_nothing() -> None:
    async with FakeAmi() as server:
        server.answers["Login"] = None
        async with watched(pbx(server)) as seen:
            await server.got(await server.session(0), "Login")
            assert await ask(seen, "net") is None


async def test_a_connection_that_breaks_meanwhile_says_nothing() -> None:
    async with FakeAmi() as server, watched(pbx(server)) as seen:
        await attached(server, seen)
        server.answers = {"QueueStatus": None}
        server.before = lambda session, action: (
            session.abort() if action["Action"] == "QueueStatus" else None
        )
        assert await ask(seen, "net") is None
        await seen.until(ev.Detached)
        assert End.CONNECTION_LOST in seen.connection.counts.ends


async def test_a_pbx_without_queues_tells_of_its_phones() -> None:
    async with FakeAmi() as server, watched(pbx(server)) as seen:
        await attached(server, seen)
        server.answers["QueueStatus"] = b"Error\r\n@ID@\r\nMessage: Invalid/unknown command\r\n"
        server.answers["Getvar"] = b"Success\r\n@ID@\r\nValue: UNAVAILABLE\r\n"
        found = await ask(seen, "net", phones=("PJSIP/1", "PJSIP/1),SHELL(x"))
        asked = [a["Variable"] for a in server.sessions[0].actions if a["Action"] == "Getvar"]
    assert asked == ["DEVICE_STATE(PJSIP/1)"]
    phones = {"PJSIP/1": UNREGISTERED, "PJSIP/1),SHELL(x": UNKNOWN}
    assert found == Answer(1000.0, frozenset(), (), phones)


async def test_a_phone_that_is_not_there_is_left_out() -> None:
    async with FakeAmi() as server, watched(pbx(server)) as seen:
        await attached(server, seen)
        server.answers["Getvar"] = b"Success\r\n@ID@\r\nValue: INVALID\r\n"
        assert await ask(seen, phones=("PJSIP/1",)) == Answer(1000.0, frozenset(), (), {})


# -- the simulated PBX ----------------------------------------------------------------------------

TALK = Template((CAPTURES / "ami_cut.ami").read_bytes())
_NONE: frozenset[str] = frozenset()
LINE = Line("hotline", "", "", frozenset({"hotline"}), (), _NONE, _NONE, None, "UTC", 0.75)
PHONES = ("PJSIP/a101", "PJSIP/a102")


async def advice(seen: Watched) -> Advice:
    found = await ask(seen, *LINE.queues, phones=PHONES)
    assert found is not None
    return advise(presences([LINE], {}, [found])[LINE.name], ())[0][0]


async def test_a_story_unplugs_pauses_and_logs_out_agents() -> None:
    secret = "made-up"
    async with (
        SimulatedPbx(secret, {"it": TALK}, clock=lambda: TALK.begin, speed=math.inf) as server,
        watched(pbx(server, secret=secret)) as seen,
    ):
        await attached(server, seen)
        first = await ask(seen, "hotline", phones=("PJSIP/a101",))
        assert first is not None
        members = first.members
        assert Member("hotline", "PJSIP/a101", "Zhang San", IDLE, False, None) in members
        assert first.phones == {"PJSIP/a101": IDLE}
        interfaces = tuple(one.interface for one in members)
        assert await advice(seen) is Advice.UNKNOWN
        server.unplug(*interfaces)
        assert await advice(seen) is Advice.NO_PHONE_REGISTERED
        server.plug_in(*interfaces)
        server.pause(*interfaces, reason="lunch")
        assert await advice(seen) is Advice.ALL_PAUSED
        server.unpause(*interfaces)
        server.log_out(*interfaces)
        assert await advice(seen) is Advice.NOBODY_LOGGED_IN
        await server.play([Call(0.0, 0, "it")])
        talking = await ask(seen, phones=PHONES)
        assert talking is not None
        assert TALKING in talking.phones.values()


async def test_a_thousand_queues_are_told_in_a_moment() -> None:
    """The measured time is printed; the bound is for a machine that is busy."""
    rows = b"".join(
        queue(f"q{number}")
        + b"".join(
            item(f"PJSIP/{number}{row}", queue=f"q{number}", more=state(1)) for row in range(5)
        )
        for number in range(1000)
    )
    async with FakeAmi() as server, watched(pbx(server)) as seen:
        await attached(server, seen)
        server.lists["QueueStatus"] = rows
        began = time.perf_counter()
        found = await ask(seen, *(f"q{number}" for number in range(1000)))
        took = time.perf_counter() - began
    assert found is not None
    assert (len(found.queues), len(found.members)) == (1000, 5000)
    print(f"1,000 queues with 5,000 members: {took:.3f} s")
    assert took < 2.0
