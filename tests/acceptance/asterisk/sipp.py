"""SIPp processes, and the dialogs read back from their message logs."""

import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass
class Leg:
    """One INVITE dialog as SIPp's log shows it. Unix seconds; None: did not happen.

    `mine` tells whether SIPp called (a caller) or was called (a phone); `ended_by_me` who sent BYE
    or CANCEL.
    """

    call_id: str
    user: str
    peer: str
    mine: bool
    invite: float
    ring: float | None = None
    answer: float | None = None
    final: int | None = None
    final_at: float | None = None
    cancel: float | None = None
    bye: float | None = None
    ended_by_me: bool | None = None
    refer: float | None = None
    holds: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    to_header: str = ""
    from_header: str = ""

    @property
    def over(self) -> float | None:
        """When the dialog ended: BYE, or CANCEL, or the refusal."""
        if self.answer is not None:
            return self.bye
        return self.cancel or self.final_at


_BLOCK = re.compile(
    r"^-{20,} (\d{4}-\d\d-\d\d)[ \t]+(\d\d:\d\d:\d\d\.\d+).*?\n"
    r"UDP message (sent|received)[^\n]*\n\n",
    re.MULTILINE,
)


def read_legs(file: Path) -> list[Leg]:
    """All dialogs of a SIPp message log, in the order of their INVITEs."""
    if not file.is_file():
        return []
    text = file.read_bytes().decode(errors="replace").replace("\r\n", "\n")
    legs: dict[str, Leg] = {}
    marks = list(_BLOCK.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=False):
        body = text[mark.end() : end]
        at = (
            datetime.strptime(f"{mark[1]} {mark[2]}", "%Y-%m-%d %H:%M:%S.%f")
            .replace(tzinfo=UTC)
            .timestamp()
        )
        _apply(legs, at, sent=mark[3] == "sent", message=body)
    return list(legs.values())


def _header(message: str, name: str) -> str:
    found = re.search(rf"^{name}:[ ]*(.*)$", message, re.MULTILINE | re.IGNORECASE)
    return found[1].strip() if found else ""


def _apply(legs: dict[str, Leg], at: float, *, sent: bool, message: str) -> None:
    call_id = _header(message, "Call-ID")
    line = message.split("\n", 1)[0]
    leg = legs.get(call_id)
    if leg is None:
        if line.startswith("INVITE "):
            legs[call_id] = _invited(call_id, at, sent=sent, message=message)
    elif line.startswith("SIP/2.0 "):
        _answered(leg, at, sent=sent, message=message)
    elif line.startswith("INVITE "):
        if leg.answer and re.search(r"^a=send(only|recv)", message, re.MULTILINE):
            leg.holds.append(at)
    elif line.startswith("CANCEL ") and leg.cancel is None:
        leg.cancel = at
        leg.ended_by_me = sent
    elif line.startswith("BYE ") and leg.bye is None:
        leg.bye = at
        leg.ended_by_me = sent
    elif line.startswith("REFER ") and leg.refer is None:
        leg.refer = at
    elif line.startswith("INFO "):
        leg.keys.append(at)


def _invited(call_id: str, at: float, *, sent: bool, message: str) -> Leg:
    """The dialog that this INVITE begins."""
    uri = re.match(r"INVITE sip:([^@;>\s]+)", message)
    number = uri[1] if uri else ""
    shown = re.search(r"sip:([^@>;]*)@", _header(message, "From"))
    caller = shown[1] if shown else ""
    return Leg(
        call_id,
        caller if sent else number,
        number if sent else caller,
        sent,
        at,
        to_header=_header(message, "To"),
        from_header=_header(message, "From"),
    )


def _answered(leg: Leg, at: float, *, sent: bool, message: str) -> None:
    """An answer to the dialog's first INVITE."""
    number, _, method = _header(message, "CSeq").partition(" ")
    if method != "INVITE" or sent == leg.mine or (leg.mine and number != "1"):
        return
    code = int(message.split(maxsplit=2)[1])
    if code == 180 and leg.ring is None:
        leg.ring = at
    elif code >= 200 and leg.final is None:
        leg.final, leg.final_at = code, at
        if code == 200:
            leg.answer = at
            leg.to_header = _header(message, "To")


class Sipp:
    """One running SIPp process and its message log."""

    def __init__(
        self,
        name: str,
        folder: Path,
        xml: str,
        *,
        port: int,
        sip_port: int,
        media_port: int,
        calls: int | None,
        more: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.port = port
        self.log = folder / f"{name}.log"
        scenario = folder / f"{name}.xml"
        scenario.write_text(xml, encoding="utf-8")
        command = ["sipp", f"127.0.0.1:{sip_port}", "-sf", str(scenario), "-i", "127.0.0.1"]
        command += ["-p", str(port), "-nostdin", "-trace_msg", "-message_file", str(self.log)]
        # Left to itself, every SIPp looks for ports from 6000 and 8888 on, a hundred at most.
        command += ["-mi", "127.0.0.1", "-mp", str(media_port), "-cp", str(media_port + 6)]
        command += ["-trace_err", "-error_file", str(folder / f"{name}.err")]
        command += ["-default_behaviors", "all,-abortunexp,-bye"]
        if calls is not None:
            command += ["-m", str(calls)]
        with (folder / f"{name}.stderr").open("wb") as errors:
            self.process = subprocess.Popen(
                [*command, *more],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=folder,
                env={**os.environ, "TZ": "UTC", "TERM": "dumb"},
            )

    def legs(self) -> list[Leg]:
        """What its log shows until now."""
        return read_legs(self.log)

    def wait(self, seconds: float) -> bool:
        """Whether the process ended by itself within so many seconds."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End it by force."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def wait_listening(ports: set[int], seconds: float = 10.0) -> None:
    """Wait until somebody listens on each of these UDP ports of 127.0.0.1."""
    until = time.monotonic() + seconds
    while True:
        lines = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]
        open_ports = {int(line.split()[1].split(":")[1], 16) for line in lines}
        if ports <= open_ports:
            return
        if time.monotonic() > until:
            raise AssertionError(f"no SIPp on ports {sorted(ports - open_ports)}")
        time.sleep(0.02)
