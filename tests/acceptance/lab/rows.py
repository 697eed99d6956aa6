"""Words that the rows of the table share."""

from .model import Call, Offer, Phone

DEAD = "PJSIP/a399"
MOBILE = "13911112222"
NEVER = Phone(then="never")
ANSWER = Phone()
TALK = Call(todo="wait 1.5, bye")
DIRECT = "exten => <x>,1,Dial(<A>,10,tT)"
QUEUED = "exten => <x>,1,Answer()\n same => n,Queue(<q>,tT,,,10)\n same => n,Hangup()"


def queue(members: str = "A", name: str = "q", **options: str) -> str:
    """A section of queues.conf; a member of more than one letter is taken as it is."""
    found = {"strategy": "ringall", "timeout": "8", "retry": "1", "ringinuse": "no"} | options
    lines = [f"[<{name}>]", *(f"{key} = {value}" for key, value in found.items())]
    lines += [f"member => <{m}>" if len(m) == 1 else f"member => {m}" for m in members.split()]
    return "\n".join(lines)


def phones(**found: Phone) -> tuple[tuple[str, Phone], ...]:
    """Phones by slot."""
    return tuple(found.items())


def answered(agent: str = "a", **more: object) -> Offer:
    """An answered offer; `final` and `rung` are the agent's unless said."""
    values: dict[str, object] = {"final": agent, "rung": agent} | more
    return Offer("answered", agent=agent, **values)  # type: ignore[arg-type]


def missed(reason: str, **more: object) -> Offer:
    """A missed offer that the PBX ended, unless said."""
    values: dict[str, object] = {"by": "system", "rung": "a"} | more
    return Offer("missed", reason=reason, **values)  # type: ignore[arg-type]


def overflowed(line: str, agent: str) -> Offer:
    """An offer that went on to another line when the agent had rung in vain."""
    offered, ended = f"invite:{agent}", f"over:{agent}"
    return Offer(
        "overflowed", line, "queue_timeout", rung=agent, by=None, offered=offered, ended=ended
    )
