"""A desk whose lines nobody answers, each for another reason, and who is paged about that."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asterisk import sipp, sipp_xml
from asterisk.server import LAB_SECRET, Asterisk, free_port
from asterisk.sip_phone import Registration

from .config import Line
from .daemon import Ctid
from .pager import Pager
from .play import server

UNPLUGGED = "unplugged"  # a queue, no phone of which is registered
DIALLED = "dialled"  # the same without a queue
PAUSED = "paused"
RINGING = "ringing"  # phones ring, nobody is there
DIDS = {UNPLUGGED: "8900", DIALLED: "8901", PAUSED: "8902", RINGING: "8903"}
AGENTS = {
    UNPLUGGED: ("398", "399"),
    DIALLED: ("397", "398"),
    PAUSED: ("389", "390"),
    RINGING: ("387", "388"),
}
LINES: tuple[Line, ...] = tuple(
    (name, "dids", DIDS[name], tuple(f"PJSIP/a{agent}" for agent in AGENTS[name]))
    if name == DIALLED
    else (name, "queues", name, ())
    for name in DIDS
)
WARNING_SECONDS = 3.0
LIMIT_SECONDS = 6.0
BLIND_SECONDS = 3.0

ROSTER = """\
[[person]]
id = "zhang"
name = "Zhang San"
channels = ["webhook"]

[[shift]]
role = "first_line"
people = ["zhang"]
"""


def asterisk(major: str, run: Path) -> Asterisk:
    """A PBX (not started) that has the desk's numbers and queues as well."""
    made = server(major, run)
    queues, numbers = [], ["[from-trunk]"]
    for name, did in DIDS.items():
        phones = [f"PJSIP/a{agent}" for agent in AGENTS[name]]
        if name == DIALLED:
            numbers.append(f"exten => {did},1,Dial({'&'.join(phones)},10)\n same => n,Hangup()")
            continue
        numbers.append(f"exten => {did},1,Answer()\n same => n,Queue({name},,,,60)")
        queues.append(f"[{name}]\nstrategy = ringall\ntimeout = 4\nretry = 1")
        queues += [f"member => {phone}" for phone in phones]
    for file, lines in (("queues", queues), ("extensions", numbers)):
        with (made.run / "etc" / f"{file}_scenarios.conf").open("a", encoding="utf-8") as out:
            out.write("\n" + "\n".join(lines) + "\n")
    return made


def daemon(
    folder: Path,
    pbx: Asterisk,
    pager: Pager,
    user: str = "",
    *,
    warning: float = WARNING_SECONDS,
    limit: float = LIMIT_SECONDS,
) -> Ctid:
    """A daemon (not started) that pages one person, as ctid's own or another `user` of the PBX."""
    folder.mkdir()
    roster = folder / "roster.toml"
    roster.write_text(ROSTER, encoding="utf-8")
    tables = f"""
[alert]
warning_minutes = {warning / 60}
limit_minutes = {limit / 60}
blind_minutes = {BLIND_SECONDS / 60}
language = "en"

[roster]
file = "{roster}"

[[channels.webhook]]
url = "{pager.url}"
"""
    port = pbx.ports.ami
    if user:
        return Ctid(folder, port, username=user, secret=LAB_SECRET, tables=tables, lines=LINES)
    return Ctid(folder, port, tables=tables, lines=LINES)


class Sip:
    """Phones and callers of one PBX. All end with `close`."""

    def __init__(self, pbx: Asterisk) -> None:
        self._pbx = pbx
        self._folder = pbx.run / "sip"
        self._folder.mkdir(exist_ok=True)
        self._running: list[sipp.Sipp] = []

    def call(self, number: str) -> str:
        """Somebody calls this number and waits until the PBX ends it; the number that they show."""
        user = f"139{len(self._running):08}"
        xml = sipp_xml.caller_xml(
            user=user, name="", number=number, sip_port=self._pbx.ports.sip, todo=()
        )
        self._start(f"call-{user}", xml, free_port(socket.SOCK_DGRAM), 1)
        return user

    def phone(self, agent: str, *, then: str, port: int | None = None) -> int:
        """A phone that rings, and does `then` (see sipp_xml.phone_xml); the port it waits at."""
        port = port or self._pbx.ports.agent(agent)
        xml = sipp_xml.phone_xml(
            user=f"a{agent}", sip_port=self._pbx.ports.sip, ring=0.3, then=then, todo=()
        )
        self._start(f"phone-{agent}", xml, port, None)
        sipp.wait_listening({port})
        return port

    @contextmanager
    def plugged_in(self, agent: str) -> Iterator[None]:
        """A phone that registers, and answers every call."""
        port = self.phone(agent, then="answer", port=free_port(socket.SOCK_DGRAM))
        with Registration(f"a{agent}", self._pbx.ports.sip, port):
            yield

    def close(self) -> None:
        """End all of them by force."""
        for process in self._running:
            process.stop()

    def _start(self, name: str, xml: str, port: int, calls: int | None) -> None:
        self._running.append(
            sipp.Sipp(
                name,
                self._folder,
                xml,
                port=port,
                sip_port=self._pbx.ports.sip,
                media_port=self._pbx.media_port(),
                calls=calls,
            )
        )
