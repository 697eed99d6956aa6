"""How a scenario is written down: phones, calls, actions of the PBX's operator, expected offers.

Texts may hold tokens: `<x>` `<y>` dialled numbers, `<a>` `<b>` `<c>` extensions, `<A>` `<B>` `<C>`
the same as PJSIP endpoints, `<q>` `<r>` queues, `<n>` `<m>` contexts, all of this scenario alone.

Moments are instants that the SIP logs show: `start`, `up` and `end` of the call; `invite:a`,
`ring:a`, `answer:a`, `over:a`, `refer:a`, `dtmf:a` of a leg, `invite:a#2` of the second one;
`+1.5` after it adds seconds.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Phone:
    """What an agent's phone does with every call; see sipp_xml.phone_xml for `then` and `todo`."""

    ring: float | None = 1.0
    then: str = "answer"
    todo: str = ""
    rtp: bool = False


@dataclass(frozen=True)
class Call:
    """A call into the PBX, from the outside or, with `by`, from an agent's phone.

    It starts `after` a moment (of the scenario's first call) if one is given. `cancel`: seconds
    until it is given up unanswered. `number` `park` dials the place where call 0 is parked.
    """

    number: str = "<x>"
    todo: str = ""
    cancel: float | None = None
    after: str = ""
    by: str = ""
    user: str = ""
    name: str = ""
    rtp: bool = False
    headers: str = ""


@dataclass(frozen=True)
class Act:
    """An AMI action of the lab's operator, or `replaces` (an attended transfer by REFER).

    `who` is the agent whose channel it is about (for `redirect`: nobody, it is the caller's).
    """

    kind: str
    after: str
    who: str = "a"
    target: str = ""


@dataclass(frozen=True)
class Offer:
    """One expected record of a call, with the moments out of which its times are computed.

    `ended` is the end of the last attempt of a miss, or of the conversation. `pauses` are pairs of
    moments in which the caller spoke with nobody.
    `rung_also`: phones that rang in this scenario, but not for this caller.
    """

    outcome: str | None
    line: str | None = "x"
    reason: str | None = None
    also: tuple[str, ...] = ()
    agent: str | None = None
    final: str | None = None
    rung: str = ""
    rung_also: str = ""
    by: str | None = "caller"
    call: int = 0
    offered: str | None = "start"
    answered: str = ""
    ended: str = "end"
    pauses: tuple[tuple[str, str], ...] = ()
    hold: tuple[str, str] | None = None
    transferred: bool = False
    transfers: int | None = None
    direction: str = "inbound"
    recording: bool = False
    survey: str | None = None
    tolerance: float = 0.5


@dataclass(frozen=True)
class Scenario:
    """One row of the table; see lab/scenarios.py."""

    name: str
    text: str
    dialplan: str
    offers: tuple[Offer, ...]
    phones: tuple[tuple[str, Phone], ...] = ()
    calls: tuple[Call, ...] = (Call(),)
    acts: tuple[Act, ...] = ()
    queues: str = ""
    followme: str = ""
    # Scenarios that share a resource (the outside's port, the hotline) play one after the other.
    lock: str = ""
    # Slots of the agents who answer line `q` beside the queue's members, for ctid's configuration.
    line_agents: str = ""


@dataclass(frozen=True)
class Places:
    """Which numbers, extensions and names a scenario has: `index` is its place in the table."""

    index: int

    def value(self, token: str) -> str:
        """What a token stands for."""
        if token in "xy":
            return str(8100 + 2 * self.index + "xy".index(token))
        if token in "abc":
            return str(101 + 3 * self.index + "abc".index(token))
        if token in "ABC":
            return f"PJSIP/a{self.value(token.lower())}"
        if token in "qr":
            return f"{token}{self.value('x')}"
        if token in "nm":
            return f"{token}-{self.value('x')}"
        raise KeyError(token)

    def fill(self, text: str) -> str:
        """The text with every token replaced."""
        return re.sub(r"<([a-cxyqrnmA-C])>", lambda found: self.value(found[1]), text)

    def agent(self, slot: str) -> str:
        """The extension of a slot: `a` to `c`, `mobile`, or the extension itself."""
        return self.value(slot) if slot in ("a", "b", "c") else slot

    def line(self, slot: str) -> str:
        """The line of a slot: its number or queue, or the name itself."""
        return self.value(slot) if slot in ("x", "y", "q", "r") else slot
