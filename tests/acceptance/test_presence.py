"""Who could answer, as a real Asterisk says when it is asked, and what to do first by that."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from asterisk.server import CTID_SECRET, Asterisk
from asterisk.sip_phone import Registration
from lab.needs import need
from lab.play import Player, server
from lab.scenarios import TABLE

from ctid.ami.connection import Connection, State
from ctid.config import Pbx, Secret
from ctid.domain import events as ev
from ctid.domain.advice import advise
from ctid.domain.alerts import Advice
from ctid.domain.lines import Line
from ctid.domain.presence import PhoneState, Presence
from ctid.domain.seats import phones_of, presences

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]

DESK = "presence-desk"
PHONE = "PJSIP/a399"  # has no contact until it registers
SCENARIO = next(row for row in TABLE if row.name == "queue_ringall")
NAMES = {PHONE: "Zhang San", "PJSIP/a391": "Li Si"}


@pytest.fixture(scope="module", params=["22", "16"])
def pbx(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asterisk]:
    need(request.param)
    made = server(request.param, tmp_path_factory.mktemp(f"presence{request.param}"))
    with (made.run / "etc" / "queues_scenarios.conf").open("a", encoding="utf-8") as queues:
        queues.write(f"\n[{DESK}]\nstrategy = ringall\n")
    try:
        made.start()
        yield made
    finally:
        made.stop()


@asynccontextmanager
async def attached(pbx: Asterisk) -> AsyncIterator[Connection]:
    """A connection of ctid's own user, as dialplans/manager_ctid.conf has it."""
    table = Pbx.model_validate({"name": "lab", "host": "127.0.0.1", "port": pbx.ports.ami})
    there = asyncio.Event()

    def deliver(events: list[ev.Event]) -> None:
        if any(isinstance(event, ev.Attached) for event in events):
            there.set()

    connection = Connection(table.model_copy(update={"secret": Secret(CTID_SECRET)}), deliver)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(connection.run())
        try:
            async with asyncio.timeout(20.0):
                await there.wait()
            assert connection.state is State.ATTACHED
            yield connection
        finally:
            await connection.close()


def line(*queues: str, agents: tuple[str, ...] = ()) -> Line:
    none: frozenset[str] = frozenset()
    return Line("it", "", "", frozenset(queues), (), none, frozenset(agents), None, "UTC", 0.75)


async def ask(connection: Connection, one: Line) -> Presence | None:
    answer = await connection.ask_presence(one.queues, phones_of([one], NAMES), 5.0)
    assert answer is not None
    return presences([one], NAMES, [answer]).get("it")


async def told(connection: Connection, one: Line) -> tuple[Advice, tuple[str, ...]]:
    """The first advice, and whom it is about."""
    advice, agents = advise(await ask(connection, one), ())
    return advice[0], agents


async def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20.0
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def becomes(
    connection: Connection, desk: Line, advice: tuple[Advice, tuple[str, ...]]
) -> None:
    """The PBX's own knowledge of a phone may lag behind what the phone has just done."""
    end = time.monotonic() + 10.0
    found = await told(connection, desk)
    while found != advice and time.monotonic() < end:
        found = await told(connection, desk)
    assert found == advice


async def test_a_desk_from_nobody_to_a_phone_that_is_unplugged_again(pbx: Asterisk) -> None:
    desk = line(DESK)
    with pbx.ami() as lab:
        async with attached(pbx) as connection:
            await becomes(connection, desk, (Advice.NOBODY_LOGGED_IN, ()))
            lab.action("QueueAdd", Queue=DESK, Interface=PHONE)
            await becomes(connection, desk, (Advice.NO_PHONE_REGISTERED, ("Zhang San",)))
            with Registration("a399", pbx.ports.sip):
                await becomes(connection, desk, (Advice.UNKNOWN, ()))
                lab.action("QueuePause", Queue=DESK, Interface=PHONE, Paused="true", Reason="lunch")
                await becomes(connection, desk, (Advice.ALL_PAUSED, ("Zhang San",)))
                found = await ask(connection, desk)
                assert found is not None
                assert found.seats[0].pause_reason == "lunch"
                # the other agents of the line are known, and not logged in
                more = line(DESK, agents=("Li Si",))
                lab.action("QueueRemove", Queue=DESK, Interface=PHONE)
                await becomes(connection, more, (Advice.NOBODY_LOGGED_IN, ("Li Si",)))
                lab.action("QueueAdd", Queue=DESK, Interface=PHONE)
            await becomes(connection, desk, (Advice.NO_PHONE_REGISTERED, ("Zhang San",)))
            lab.action("QueueRemove", Queue=DESK, Interface=PHONE)


async def test_phones_that_are_dialled_without_a_queue(pbx: Asterisk) -> None:
    async with attached(pbx) as connection:
        direct = line(agents=("Zhang San",))
        assert await told(connection, direct) == (Advice.NO_PHONE_REGISTERED, ("Zhang San",))
        with Registration("a399", pbx.ports.sip):
            await becomes(connection, direct, (Advice.UNKNOWN, ()))
            found = await ask(connection, line(agents=(PHONE, "a391", "13911112222")))
        assert found is not None
        assert {seat.name: seat.phone for seat in found.seats} == {
            "Zhang San": PhoneState.IDLE,
            "Li Si": PhoneState.IDLE,
            "13911112222": PhoneState.UNKNOWN,
        }
        assert await ask(connection, line(agents=("PJSIP/nobody",))) is None
        assert await ask(connection, line("no-such-queue")) is None


async def test_one_talks_while_the_other_is_free(pbx: Asterisk) -> None:
    player = Player(pbx)
    played = player.prepare(SCENARIO)
    agents = [played.places.value(slot) for slot in "ab"]
    desk = line(played.places.value("q"))
    thread = threading.Thread(target=player.perform, args=(played,))
    async with attached(pbx) as connection:
        thread.start()
        try:
            await until(lambda: played.moment("ring:a") is not None)
            ringing = await ask(connection, desk)
            await until(lambda: played.moment("answer:b") is not None)
            await asyncio.sleep(0.5)  # the PBX has the answer as well
            talking = await ask(connection, desk)
            many = await connection.ask_presence({*desk.queues, *"12345"}, (), 5.0)
        finally:
            await asyncio.to_thread(thread.join, 30.0)
        assert ringing is not None
        assert PhoneState.RINGING in {seat.phone for seat in ringing.seats}
        assert talking is not None
        states = {seat.interface: seat.phone for seat in talking.seats}
        assert states == {
            f"PJSIP/a{agents[0]}": PhoneState.IDLE,
            f"PJSIP/a{agents[1]}": PhoneState.TALKING,
        }
        assert many is not None
        assert {DESK, *desk.queues} <= many.queues
        assert {(m.interface, m.phone) for m in many.members if m.queue in desk.queues} == set(
            states.items()
        )
