"""A real Asterisk, real SIP calls and `ctid run`: what it recorded against what SIP says."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from asterisk.server import LAB_SECRET, Asterisk
from lab import load
from lab.compare import Row, compare, rows_of
from lab.daemon import Ctid, Proxy
from lab.model import Call, Phone, Scenario
from lab.needs import need
from lab.play import Played, Player, server
from lab.scenarios import NAMES, TABLE
from lab.truth import NoTruthError, expected

VERSIONS = ("22", "16")
AT_ONCE = 16
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


@dataclass
class Lab:
    """One Asterisk version; `wrong` is what the table brought, by scenario."""

    pbx: Asterisk
    player: Player
    folder: Path
    complaints: list[str]
    wrong: dict[str, list[str]]


@pytest.fixture(scope="module")
def summary(request: pytest.FixtureRequest) -> Iterator[dict[str, Lab]]:
    """Collects every version's results and prints the table at the end of the module."""
    labs: dict[str, Lab] = {}
    yield labs
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        print()
        print(f"{'scenario':28}" + "".join(f"{'Asterisk ' + major:>14}" for major in labs))
        for name in NAMES:
            cells = ["ok" if not lab.wrong.get(name) else "WRONG" for lab in labs.values()]
            print(f"{name:28}" + "".join(f"{cell:>14}" for cell in cells))
        for major, lab in labs.items():
            good = sum(not wrong for wrong in lab.wrong.values())
            print(f"Asterisk {major} ({lab.pbx.version}): {good} of {len(lab.wrong)} as SIP says")


@pytest.fixture(scope="module", params=VERSIONS)
def lab(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    summary: dict[str, Lab],
) -> Iterator[Lab]:
    """A running Asterisk on which the whole table was played once, with ctid attached."""
    major: str = request.param
    need(major)
    folder = tmp_path_factory.mktemp(f"asterisk{major}")
    # The second one has a name of its own, which every Uniqueid then begins with.
    pbx = server(major, folder, systemname="pbx1" if major == "16" else None)
    try:
        pbx.start()
        found = Lab(pbx, Player(pbx), folder, pbx.complaints(), {})
        found.wrong = play_table(found)
        summary[major] = found
        yield found
    finally:
        pbx.stop()


def play_table(lab: Lab) -> dict[str, list[str]]:
    """Play everything at once; what is wrong with the records, by scenario."""
    # Those that wait for each other come first.
    order = sorted(TABLE, key=lambda scenario: not scenario.lock)
    port = lab.pbx.ports.ami
    # One behind the event filter of dialplans/, one that is sent everything.
    with (
        Ctid(lab.folder / "filtered", port) as ctid,
        Ctid(lab.folder / "full", port, username="full", secret=LAB_SECRET) as other,
    ):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            played = [again_if_spoilt(lab, one) for one in pool.map(lab.player.play, order)]
        rows = []
        for daemon in (ctid, other):
            until(partial(all_closed, daemon), 10.0)
            rows.append(daemon.records())
            assert daemon.stop() == 0, daemon.log_tail()
    filtered, full = rows
    return {
        one.scenario.name: judge(one, filtered) + [f"full stream: {w}" for w in judge(one, full)]
        for one in played
    }


def again_if_spoilt(lab: Lab, played: Played) -> Played:
    """What did not go as its script says (a stalled machine) proves nothing: once more, alone.

    Only SIP decides this; a scenario of which ctid recorded something else is never repeated.
    """
    try:
        expected(played)
    except NoTruthError as error:
        print(f"played again: {played.scenario.name}: {error}")
        return lab.player.play(played.scenario)
    return played


def judge(played: Played, rows: list[Row]) -> list[str]:
    """What is wrong with the records of one scenario."""
    try:
        wanted = expected(played)
    except NoTruthError as error:
        return [f"the scenario did not go as written: {error}"]
    return compare(wanted, rows_of(wanted, rows))


def all_closed(ctid: Ctid) -> bool:
    return not any(row["open"] for row in ctid.records())


def until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)


@pytest.mark.parametrize("name", NAMES)
def test_scenario_is_recorded_as_sip_says(lab: Lab, name: str) -> None:
    assert lab.wrong[name] == []


def test_configuration_loads_without_complaint(lab: Lab) -> None:
    assert lab.complaints == []


class Running:
    """A scenario of the table with other phones and calls, played in the background."""

    started: ClassVar[list["Running"]] = []

    def __init__(self, lab: Lab, name: str, phone: Phone, call: Call) -> None:
        base = next(scenario for scenario in TABLE if scenario.name == name)
        self._scenario: Scenario = replace(
            base, phones=(("a", phone),), calls=(call,), offers=base.offers[:1]
        )
        self.number = lab.player.places(self._scenario).value("x")
        self.agent = lab.player.places(self._scenario).value("a")
        self.played = lab.player.prepare(self._scenario)
        self._thread = threading.Thread(target=lab.player.perform, args=(self.played,))
        self._thread.start()
        self.started.append(self)

    def reach(self, moment: str) -> None:
        """Wait until a moment has come."""
        until(lambda: self.played.moment(moment) is not None, 20.0)
        assert self.played.moment(moment) is not None, moment

    def at(self, moment: str) -> float:
        found = self.played.moment(moment)
        assert found is not None, moment
        return found

    def join(self) -> None:
        self._thread.join(40.0)
        assert not self._thread.is_alive()

    def abort(self) -> None:
        """End the phones and callers by force, as after the death of the PBX."""
        for process in (*self.played.calls.values(), *self.played.phones.values()):
            process.stop()
        self.join()

    def row(self, rows: list[Row]) -> Row:
        """The one record of this call."""
        mine = [
            row
            for row in rows
            if row["did"] == self.number and abs(row["started_at"] - self.at("start")) < 0.4
        ]
        assert len(mine) == 1, (self.number, mine)
        return mine[0]


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    while Running.started:
        Running.started.pop().abort()


RING_LONG = Phone(ring=3.0)
NEVER = Phone(then="never")


def shows(ctid: Ctid, number: str, column: str) -> bool:
    """Whether an open record of this number is on disk with this column filled."""
    return any(row["did"] == number and row["open"] and row[column] for row in ctid.records())


def play_across_gap(
    lab: Lab, ctid: Ctid, begin: Callable[[], None], end: Callable[[], None]
) -> None:
    """Calls before, across, in and after an interval in which ctid does not see the PBX."""
    stays = Running(lab, "direct_answered", Phone(0.5), Call(todo="wait 9, bye"))
    leaves = Running(lab, "direct_agent_hangs", Phone(0.5), Call(todo="wait 3, bye"))
    answered = Running(lab, "agent_hold", RING_LONG, Call(todo="wait 6, bye"))
    gives_up = Running(lab, "direct_cancel", NEVER, Call(cancel=2.5))
    for call in (stays, leaves):
        call.reach("answer:a")
    for call in (answered, gives_up):
        call.reach("ring:a")
    # An open call is on disk while it still rings.
    until(lambda: shows(ctid, gives_up.number, "offered_at"), 5.0)
    until(lambda: shows(ctid, leaves.number, "answered_at"), 5.0)
    began = time.time()
    begin()
    unseen = Running(lab, "caller_hold", Phone(0.3), Call(todo="wait 0.5, bye"))
    for call in (leaves, gives_up, unseen):
        call.reach("end")
    answered.reach("answer:a")
    end()
    ended = time.time()
    after = Running(lab, "name_utf8", Phone(0.5), Call(todo="wait 1, bye", name="张三"))
    for call in (stays, leaves, answered, gives_up, unseen, after):
        call.join()
    until(partial(all_closed, ctid), 10.0)
    rows = ctid.records()

    assert judge(after.played, rows) == []
    row = stays.row(rows)
    assert (row["outcome"], row["agent"], row["ended_by"]) == ("answered", stays.agent, "caller")
    assert row["talk_seconds"] == pytest.approx(stays.at("end") - stays.at("answer:a"), abs=0.5)
    row = leaves.row(rows)
    assert (row["outcome"], row["agent"]) == ("answered", leaves.agent)
    assert (row["ended_by"], row["ended_at"], row["talk_seconds"]) == (None, None, None)
    row = answered.row(rows)
    assert (row["outcome"], row["agent"], row["ended_by"]) == ("answered", answered.agent, "caller")
    # Only the PBX's own CDR knows; if it could not be asked, the moment is not guessed.
    assert row["answered_at"] is None or row["answered_at"] == pytest.approx(
        answered.at("answer:a"), abs=0.5
    )
    row = gives_up.row(rows)
    assert (row["outcome"], row["ended_by"], row["ended_at"]) == ("lost", None, None)
    assert [row for row in rows if row["did"] == unseen.number] == []
    gaps = [gap for gap in ctid.gaps() if gap["began_at"] >= began - 12.0 and gap["ended_at"]]
    assert len(gaps) == 1, gaps
    assert gaps[0]["ended_at"] == pytest.approx(ended, abs=3.0)


def test_connection_cut_mid_call(lab: Lab, tmp_path: Path) -> None:
    with Proxy(lab.pbx.ports.ami) as proxy, Ctid(tmp_path, proxy.port) as ctid:

        def resume() -> None:
            proxy.resume()
            ctid.wait_attached(2)

        play_across_gap(lab, ctid, proxy.cut, resume)
        assert ctid.gaps()[0]["cause"] == "connection_lost"
        assert ctid.stop() == 0


def test_ctid_killed_mid_call(lab: Lab, tmp_path: Path) -> None:
    with Ctid(tmp_path, lab.pbx.ports.ami) as ctid:
        play_across_gap(lab, ctid, ctid.kill, ctid.start)
        assert ctid.gaps()[0]["cause"] == "daemon_down"
        assert ctid.stop() == 0


@pytest.mark.parametrize("how", ["kill", "core restart now"])
def test_pbx_dies_mid_call(lab: Lab, tmp_path: Path, how: str) -> None:
    with Ctid(tmp_path, lab.pbx.ports.ami) as ctid:
        talks = Running(lab, "direct_answered", Phone(0.5), Call(todo="wait 9, bye"))
        rings = Running(lab, "direct_cancel", NEVER, Call(cancel=9))
        talks.reach("answer:a")
        rings.reach("ring:a")
        until(lambda: shows(ctid, talks.number, "answered_at"), 5.0)
        until(lambda: shows(ctid, rings.number, "offered_at"), 5.0)
        if how == "kill":
            lab.pbx.kill()
            talks.abort()
            rings.abort()
            lab.pbx.start()
        else:
            lab.pbx.restart_now()
            talks.abort()
            rings.abort()
        ctid.wait_attached(2)
        after = Running(lab, "name_utf8", Phone(0.5), Call(todo="wait 1, bye", name="张三"))
        after.join()
        until(partial(all_closed, ctid), 10.0)
        rows = ctid.records()
        assert judge(after.played, rows) == []
        row = talks.row(rows)
        assert (row["outcome"], row["agent"]) == ("answered", talks.agent)
        assert row["ended_by"] == "restart"
        row = rings.row(rows)
        # `core restart now` still reports that it hangs up; SIGKILL reports nothing.
        wanted = ("lost", None) if how == "kill" else ("missed", "failed")
        assert (row["outcome"], row["reason"]) == wanted
        assert len(ctid.gaps()) == 1
        assert ctid.stop() == 0


def test_tls_to_the_real_thing(lab: Lab, tmp_path: Path) -> None:
    if not lab.pbx.certificate.is_file():
        pytest.skip("no certificate: apt-get install openssl")
    more = f'tls = true\nca_file = "{lab.pbx.certificate}"\nserver_name = "pbx.lab"'
    with Ctid(tmp_path, lab.pbx.ports.ami_tls, more) as ctid:
        call = Running(lab, "name_utf8", Phone(0.3), Call(todo="wait 0.5, bye", name="张三"))
        call.join()
        rows = ctid.wait_records(1)
        assert judge(call.played, rows) == []
        assert rows[0]["caller_name"] == "张三"
        assert ctid.stop() == 0


def test_every_call_of_a_load_is_recorded_once(lab: Lab, tmp_path: Path) -> None:
    with Ctid(tmp_path, lab.pbx.ports.ami) as ctid:
        calls, troubles = load.run(lab.pbx, tmp_path / "sip", seconds=60)
        assert troubles == []
        assert len(calls) == 1200
        rows = ctid.wait_records(len(calls))
        assert load.compare(calls, rows) == []
        assert ctid.stop() == 0
