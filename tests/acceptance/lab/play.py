"""Plays scenarios on a private Asterisk and keeps what the SIPp logs say about each."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from asterisk import sipp, sipp_xml
from asterisk.ami import AmiError
from asterisk.server import Asterisk, free_port

from .model import Act, Call, Places, Scenario
from .scenarios import NAMES, TABLE

# Silence (PCMU), so that media flow where a scenario asks for it.
SILENCE = b"\xff" * 8000
LIMIT = 14.0


def server(major: str, run: Path, systemname: str | None = None) -> Asterisk:
    """An Asterisk (not started) that knows the numbers, queues and phones of the whole table."""
    extensions, queues, followme = [], [], []
    for index, scenario in enumerate(TABLE):
        fill = Places(index).fill
        if scenario.dialplan:
            extensions.append(f"; {scenario.name}\n[from-trunk]\n{fill(scenario.dialplan)}\n")
        queues.append(fill(scenario.queues))
        followme.append(fill(scenario.followme))
    return Asterisk(
        major,
        run,
        extensions="\n".join(extensions),
        queues="\n".join(queues) + "\n",
        followme="\n".join(followme) + "\n",
        systemname=systemname,
    )


@dataclass
class Played:
    """One scenario that was played: its SIPp processes by slot and by call."""

    scenario: Scenario
    places: Places
    folder: Path
    phones: dict[str, sipp.Sipp] = field(default_factory=dict)
    calls: dict[int, sipp.Sipp] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def leg(self, slot: str, nth: int = 1) -> sipp.Leg | None:
        """The nth dialog of a phone."""
        legs = self.phones[slot].legs() if slot in self.phones else []
        return legs[nth - 1] if len(legs) >= nth else None

    def call_leg(self, index: int) -> sipp.Leg | None:
        """The dialog of a call."""
        legs = self.calls[index].legs() if index in self.calls else []
        return legs[0] if legs else None

    def moment(self, text: str, call: int = 0) -> float | None:
        """Unix seconds of a moment (see lab/model.py), None if it has not come."""
        text, _, more = text.partition("+")
        text, _, nth = text.partition("#")
        name, _, slot = text.partition(":")
        at: float | None
        if name in ("start", "up", "end"):
            leg = self.call_leg(int(slot) if slot else call)
            if leg is None:
                return None
            at = {"start": leg.invite, "up": leg.answer, "end": leg.over}[name]
        elif name in ("hold", "dtmf"):
            leg = self.call_leg(call) if slot == "caller" else self.leg(slot)
            found = (leg.holds if name == "hold" else leg.keys) if leg else []
            at = found[int(nth or 1) - 1] if len(found) >= int(nth or 1) else None
        else:
            leg = self.leg(slot, int(nth or 1))
            if leg is None:
                return None
            at = {
                "invite": leg.invite,
                "ring": leg.ring,
                "answer": leg.answer,
                "over": leg.over,
                "refer": leg.refer,
            }[name]
        return None if at is None else at + float(more or 0)

    def user(self, index: int) -> str:
        """The number that call `index` shows."""
        call = self.scenario.calls[index]
        if call.by:
            return f"a{self.places.agent(call.by)}"
        return call.user or f"138{self.places.index:04d}{index:04d}"


class Player:
    """Plays scenarios, several at once, each in its own threads and folder."""

    def __init__(self, server: Asterisk) -> None:
        self.server = server
        self._locks = {name: threading.Lock() for name in {s.lock for s in TABLE} if name}
        self._rtp = server.run / "silence.ulaw"
        self._rtp.write_bytes(SILENCE)
        self._serial = 0
        self._serial_lock = threading.Lock()

    def play(self, scenario: Scenario) -> Played:
        """Play one scenario to its end; the result holds what went wrong with the play itself."""
        lock = self._locks.get(scenario.lock)
        if lock is None:
            return self._play(scenario)
        with lock:
            return self._play(scenario)

    @staticmethod
    def places(scenario: Scenario) -> Places:
        """The numbers of a scenario, or of one that goes by its name."""
        return Places(NAMES.index(scenario.name))

    def prepare(self, scenario: Scenario) -> Played:
        """A scenario that is ready to be performed; its folder exists."""
        with self._serial_lock:
            self._serial += 1
            folder = self.server.run / "sip" / f"{scenario.name}-{self._serial}"
        folder.mkdir(parents=True)
        return Played(scenario, self.places(scenario), folder)

    def _play(self, scenario: Scenario) -> Played:
        played = self.prepare(scenario)
        if scenario.name == "hotline_after_hours":
            with self.server.ami() as lab:
                lab.action("DBPut", Family="hotline", Key="closed", Val="yes")
        self.perform(played)
        return played

    def perform(self, played: Played) -> None:
        """Do what the scenario says, until all callers are gone and all phones know it."""
        scenario = played.scenario
        try:
            self._start_phones(played)
            threads = [
                threading.Thread(target=self._guard, args=(played, self._call, n))
                for n in range(len(scenario.calls))
            ]
            threads += [
                threading.Thread(target=self._guard, args=(played, self._act, act))
                for act in scenario.acts
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            # The phones learn of the end a moment after the callers.
            self._until(lambda: all(g.over for p in played.phones.values() for g in p.legs()), 2.0)
        finally:
            for process in (*played.phones.values(), *played.calls.values()):
                process.stop()

    def _start_phones(self, played: Played) -> None:
        sip_port = self.server.ports.sip
        for slot, phone in played.scenario.phones:
            extension = played.places.agent(slot)
            port = (
                self.server.ports.trunk if slot == "mobile" else self.server.ports.agent(extension)
            )
            played.phones[slot] = sipp.Sipp(
                f"phone-{slot}",
                played.folder,
                sipp_xml.phone_xml(
                    user="trunk" if slot == "mobile" else f"a{extension}",
                    sip_port=sip_port,
                    ring=phone.ring,
                    then=played.places.fill(phone.then),
                    todo=sipp_xml.steps(played.places.fill(phone.todo)),
                    rtp=str(self._rtp) if phone.rtp else None,
                ),
                port=port,
                sip_port=sip_port,
                media_port=self.server.media_port(),
                calls=None,
            )
        sipp.wait_listening({phone.port for phone in played.phones.values()})

    def _call(self, played: Played, index: int) -> None:
        call: Call = played.scenario.calls[index]
        if call.after:
            self._reach(played, call.after)
        number = (
            self._parked_at(played) if call.number == "park" else played.places.fill(call.number)
        )
        process = sipp.Sipp(
            f"call-{index}",
            played.folder,
            sipp_xml.caller_xml(
                user=played.user(index),
                name=call.name,
                number=number,
                sip_port=self.server.ports.sip,
                todo=sipp_xml.steps(played.places.fill(call.todo)),
                cancel_after=call.cancel,
                rtp=str(self._rtp) if call.rtp else None,
                headers=call.headers,
            ),
            port=free_port(socket.SOCK_DGRAM),
            sip_port=self.server.ports.sip,
            media_port=self.server.media_port(),
            calls=1,
        )
        played.calls[index] = process
        if not process.wait(LIMIT):
            played.troubles.append(f"call {index} did not end")

    def _act(self, played: Played, act: Act) -> None:
        self._reach(played, act.after)
        target = played.places.fill(act.target)
        if act.kind == "replaces":
            self._tell_replaces(played, act.who)
            return
        with self.server.ami() as lab:
            channels = lab.channels()
            number = played.user(0)
            caller = next(c["Channel"] for c in channels if c.get("CallerIDNum") == number)
            prefix = f"PJSIP/a{played.places.agent(act.who)}-"
            agent = next(c["Channel"] for c in channels if c["Channel"].startswith(prefix))
            if act.kind == "redirect":
                answer = lab.action(
                    "Redirect", Channel=caller, Context="internal", Exten=target, Priority="1"
                )
            elif act.kind == "atxfer":
                answer = lab.action("Atxfer", Channel=agent, Context="internal", Exten=target)
            else:
                answer = lab.action("Park", Channel=caller, TimeoutChannel=agent, Timeout="2000")
        if answer.get("Response") != "Success":
            raise AmiError(f"{act.kind}: {answer.get('Message')}")

    def _tell_replaces(self, played: Played, slot: str) -> None:
        """Tell the phone's first dialog which dialog its REFER shall replace: that of call 1."""
        leg, consult = played.leg(slot), played.call_leg(1)
        if leg is None or consult is None:
            raise AssertionError("no dialogs to transfer")
        mine = consult.from_header.rpartition(";tag=")[2]
        theirs = consult.to_header.rpartition(";tag=")[2]
        number = played.places.fill(played.scenario.calls[1].number)
        where = (
            f"<sip:{number}@127.0.0.1:{self.server.ports.sip}"
            f"?Replaces={consult.call_id.replace('@', '%40')}"
            f"%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{mine}>"
        )
        message = (
            f"MESSAGE sip:{slot}@127.0.0.1 SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKlab\r\n"
            f"From: <sip:lab@127.0.0.1>;tag=lab\r\nTo: {leg.to_header}\r\n"
            f"Call-ID: {leg.call_id}\r\nCSeq: 900 MESSAGE\r\n"
            f"X-Refer-To: {where}\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(message.encode(), ("127.0.0.1", played.phones[slot].port))

    def _parked_at(self, played: Played) -> str:
        with self.server.ami() as lab:
            for row in lab.rows("ParkedCalls"):
                if row.get("ParkeeCallerIDNum") == played.user(0):
                    return row["ParkingSpace"]
        raise AssertionError("the caller is not parked")

    def _reach(self, played: Played, moment: str) -> None:
        """Wait until a moment has come and gone by as much as it says."""
        self._until(lambda: (at := played.moment(moment)) is not None and at <= time.time(), LIMIT)
        if played.moment(moment) is None:
            raise AssertionError(f"{moment} did not come")

    @staticmethod
    def _until(true: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not true() and time.monotonic() < until:
            time.sleep(0.03)

    @staticmethod
    def _guard(played: Played, work: Callable[..., None], *args: object) -> None:
        """A thread's failure becomes a trouble of the scenario instead of a lost traceback."""
        try:
            work(played, *args)
        except (AssertionError, AmiError, OSError, StopIteration) as error:
            played.troubles.append(f"{work.__name__}: {error!r}")
