"""SIPp scenarios: XML out of a few steps, for a caller and for a phone."""

import re
from dataclasses import dataclass

SDP = """v=0
o=lab 1 {version} IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
a={direction}"""

RESPONSE_HEADERS = """[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:{user}@127.0.0.1:[local_port]>"""

TAG = ";tag=[pid]u[call_number]"


@dataclass(frozen=True)
class Step:
    """One thing done in an answered call: `wait`, `dtmf`, `hold`, `refer`, `replaces` or `bye`.

    `value` is seconds (`wait`, `hold`) or digits or the target; a call without `bye` waits for the
    other side to end it.
    """

    kind: str
    value: str = ""


def steps(text: str) -> tuple[Step, ...]:
    """Steps written as `wait 2, dtmf 1, bye`."""
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        kind, _, value = part.partition(" ")
        found.append(Step(kind, value.strip()))
    return tuple(found)


class _Xml:
    """Builds one SIPp scenario; `role` is `uac` or `uas`."""

    def __init__(self, role: str, user: str, sip_port: int, rtp: str | None) -> None:
        self.role = role
        self.user = user
        self.sip_port = sip_port
        self.rtp = rtp
        self.out: list[str] = []
        self.labels = 0
        self.cseq = 1 if role == "uac" else 100
        self.sdp = 1

    def add(self, text: str) -> None:
        self.out.append(text)

    def label(self) -> str:
        self.labels += 1
        return f"L{self.labels}"

    def send(self, text: str, attributes: str = "") -> None:
        self.add(f"<send {attributes}><![CDATA[\n{text}\n]]></send>")

    def respond(
        self, line: str, *, tag: bool = True, body: str = "", more: str = "", at: str = ""
    ) -> None:
        headers = RESPONSE_HEADERS.format(tag=TAG if tag else "", user=self.user)
        if more:
            headers += "\n" + more
        if body:
            headers += "\nContent-Type: application/sdp\nContent-Length: [len]\n\n" + body
        else:
            headers += "\nContent-Length: 0\n"
        self.send(f"SIP/2.0 {line}\n{headers}", at)

    def request(self, method: str, *, more: str = "", body: str = "", ack: bool = False) -> None:
        """A request inside the dialog."""
        if not ack:
            self.cseq += 1
        text = (
            f"{method} [$target] SIP/2.0\n"
            "Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]\n"
            "Max-Forwards: 70\n"
            "From: [$self]\nTo: [$peer]\nCall-ID: [call_id]\n"
            f"CSeq: {self.cseq} {method}\n"
            f"Contact: <sip:{self.user}@127.0.0.1:[local_port]>"
        )
        if more:
            text += "\n" + more
        text += f"\nContent-Length: [len]\n\n{body}" if body else "\nContent-Length: 0\n"
        self.send(text, "" if ack else 'retrans="500"')

    def description(self, direction: str = "sendrecv") -> str:
        self.sdp += 1
        return SDP.format(version=self.sdp, direction=direction)

    def wait(self, seconds: float) -> None:
        """Let time pass, unless a BYE comes."""
        later = self.label()
        self.add(
            f'<recv request="BYE" timeout="{max(1, round(seconds * 1000))}" ontimeout="{later}"'
            f' next="bye"/>\n<label id="{later}"/>'
        )

    def step(self, step: Step) -> None:
        if step.kind == "wait":
            self.wait(float(step.value))
        elif step.kind == "dtmf":
            for digit in step.value:
                self.request(
                    "INFO",
                    more="Content-Type: application/dtmf-relay",
                    body=f"Signal={digit}\nDuration=160",
                )
                self.add('<recv response="200"/>')
                self.wait(0.3)
        elif step.kind == "hold":
            for direction in ("sendonly", "sendrecv"):
                self.request(
                    "INVITE",
                    more="Content-Type: application/sdp",
                    body=self.description(direction),
                )
                self.add('<recv response="100" optional="true"/>\n<recv response="200"/>')
                self.request("ACK", ack=True)
                if direction == "sendonly":
                    self.wait(float(step.value))
        elif step.kind in ("refer", "replaces"):
            self._refer(step)
        elif step.kind == "bye":
            self.request("BYE")
            self.add('<recv response="200" next="end"/>')
        else:
            raise ValueError(step.kind)

    def _refer(self, step: Step) -> None:
        target = f"<sip:{step.value}@127.0.0.1:{self.sip_port}>"
        if step.kind == "replaces":
            # The test tells which dialog to replace, see lab.play.
            self.add(
                '<recv request="MESSAGE"><action><ereg regexp="&lt;.*&gt;" search_in="hdr"'
                ' header="X-Refer-To:" assign_to="referto"/></action></recv>'
            )
            target = "[$referto]"
        self.request("REFER", more=f"Refer-To: {target}\nReferred-By: [$self]")
        self.add('<recv response="202"/>')
        # Once the transfer was told to have come off, it is the phone that hangs up.
        again, answer, done = self.label(), self.label(), self.label()
        clock = f'timeout="400" ontimeout="{done}"'
        self.add(
            f'<label id="{again}"/>\n'
            f'<recv request="NOTIFY" optional="true" next="{answer}" {clock}/>\n'
            f'<recv request="BYE" next="bye" {clock}/>\n<label id="{done}"/>'
        )
        self.request("BYE")
        self.add(f'<recv response="200" next="end"/>\n<label id="{answer}"/>')
        self.respond("200 OK", tag=False, at=f'next="{again}"')

    def talk(self, todo: tuple[Step, ...]) -> None:
        """The answered part, up to the end of the scenario."""
        for step in todo:
            self.step(step)
        if not todo or todo[-1].kind != "bye":
            self.add('<recv request="BYE" next="bye"/>')
        self.add('<label id="bye"/>')
        self.respond("200 OK", tag=False)

    def document(self) -> str:
        names = "self,peer,target" + (",referto" if "$referto" in "".join(self.out) else "")
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="lab">\n'
            + "\n".join(self.out)
            + f'\n<label id="end"/>\n<nop/>\n<Reference variables="{names}"/>\n</scenario>\n'
        )

    def stream(self) -> None:
        if self.rtp:
            self.add(f'<nop><action><exec rtp_stream="{self.rtp},-1,0"/></action></nop>')


REFUSALS = (403, 404, 408, 480, 481, 486, 487, 488, 500, 503, 603)


def caller_xml(
    *,
    user: str,
    name: str,
    number: str,
    sip_port: int,
    todo: tuple[Step, ...],
    cancel_after: float | None = None,
    rtp: str | None = None,
    headers: str = "",
) -> str:
    """A caller: INVITE to `number`; CANCEL after so many seconds of waiting, or `todo` once up."""
    xml = _Xml("uac", "caller", sip_port, rtp)
    shown = f'"{name}" ' if name else ""
    me = f"{shown}<sip:{user}@127.0.0.1:[local_port]>;tag=[pid]c[call_number]"
    invite = (
        f"INVITE sip:{number}@127.0.0.1:{sip_port} SIP/2.0\n"
        "Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]\nMax-Forwards: 70\n"
        f"From: {me}\nTo: <sip:{number}@127.0.0.1:{sip_port}>\nCall-ID: [call_id]\n"
        "CSeq: 1 INVITE\nContact: <sip:caller@127.0.0.1:[local_port]>\n"
        + (headers + "\n" if headers else "")
        + "Content-Type: application/sdp\nContent-Length: [len]\n\n"
        + SDP.format(version=1, direction="sendrecv")
    )
    xml.send(invite, 'retrans="500"')
    # After `cancel_after` without an answer: CANCEL.
    clock = ""
    if cancel_after is not None:
        clock = f' timeout="{round(cancel_after * 1000)}" ontimeout="cancel"'
    for code in (100, 180, 183):
        xml.add(f'<recv response="{code}" optional="true"{clock}/>')
    for code in REFUSALS:
        xml.add(f'<recv response="{code}" optional="true" next="refused"{clock}/>')
    xml.add(
        f'<recv response="200"{clock}><action>'
        '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="peer"/>'
        '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="self"/>'
        '<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" assign_to="target"/>'
        "</action></recv>"
    )
    xml.request("ACK", ack=True)
    xml.stream()
    xml.talk(todo)
    xml.add('<nop next="end"/>\n<label id="cancel"/>')
    branch = (
        "Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch-{back}]\nMax-Forwards: 70\n"
        f"From: {me}\nTo: <sip:{number}@127.0.0.1:{sip_port}>{{tag}}\nCall-ID: [call_id]\n"
        "CSeq: 1 {method}\nContent-Length: 0\n"
    )
    line = f"sip:{number}@127.0.0.1:{sip_port} SIP/2.0\n"
    back = _messages_since_invite(xml.out)
    xml.send("CANCEL " + line + branch.format(back=back, method="CANCEL", tag=""), 'retrans="500"')
    # An answer may have crossed the CANCEL; then the call is up and is ended with a BYE.
    xml.add('<recv response="200"/>\n<recv response="487" optional="true" next="refused"/>')
    xml.add('<recv response="200"/>')
    xml.add('<nop next="end"/>\n<label id="refused"/>')
    back = _messages_since_invite(xml.out)
    xml.send("ACK " + line + branch.format(back=back, method="ACK", tag="[peer_tag_param]"))
    return xml.document()


def _messages_since_invite(out: list[str]) -> int:
    """How many messages (SIPp counts sends, receives, pauses and nops) the next one is after it."""
    text = "\n".join(out)
    return len(re.findall(r"<(?:send|recv|nop|pause)\b", text))


def phone_xml(
    *,
    user: str,
    sip_port: int,
    ring: float | None,
    then: str,
    todo: tuple[Step, ...],
    rtp: str | None = None,
) -> str:
    """A phone: rings `ring` seconds (None: no 180), then `answer`, `never` or a code.

    The code may have a contact, `302 sip:102@127.0.0.1`; `todo` is what it does once answered.
    """
    xml = _Xml("uas", user, sip_port, rtp)
    xml.add(
        '<recv request="INVITE"><action>'
        '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="peer"/>'
        '<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" assign_to="target"/>'
        '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="self"/>'
        f'</action></recv>\n<nop><action><assignstr assign_to="self" value="[$self]{TAG}"/>'
        "</action></nop>"
    )
    if ring is not None:
        xml.respond("180 Ringing")
        limit = 'timeout="30000"' if then == "never" else f'timeout="{max(1, round(ring * 1000))}"'
        xml.add(
            f'<recv request="CANCEL" {limit} ontimeout="decide" next="cancelled"/>\n'
            '<label id="decide"/>'
        )
    if then == "answer":
        xml.respond("200 OK", body=SDP.format(version=1, direction="sendrecv"), at='retrans="500"')
        xml.add('<recv request="CANCEL" optional="true" next="toolate"/>\n<recv request="ACK"/>')
        xml.stream()
        xml.talk(todo)
        xml.add('<nop next="end"/>\n<label id="toolate"/>')
        xml.respond("481 Too late", tag=False, at='next="end"')
    else:
        code, _, contact = (then if then != "never" else "480").partition(" ")
        more = f"Contact: <{contact}>" if contact else ""
        text = f"SIP/2.0 {code} Lab\n[last_Via:]\n[last_From:]\n[last_To:]{TAG}\n[last_Call-ID:]\n"
        text += (
            f"[last_CSeq:]\n{more}\nContent-Length: 0\n"
            if more
            else "[last_CSeq:]\nContent-Length: 0\n"
        )
        xml.send(text, 'retrans="500"')
        xml.add('<recv request="ACK" next="end"/>')
    if ring is not None:
        xml.add('<label id="cancelled"/>')
        xml.respond("200 OK", tag=False)
        # The INVITE's own headers: [last_*] are now the CANCEL's, alike but for the method.
        xml.send(
            f"SIP/2.0 487 Request Terminated\n[last_Via:]\n[last_From:]\n[last_To:]{TAG}\n"
            "[last_Call-ID:]\nCSeq: [last_cseq_number] INVITE\nContent-Length: 0\n",
            'retrans="500"',
        )
        xml.add('<recv request="ACK"/>')
    return xml.document()
