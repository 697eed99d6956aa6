"""Rows of the table: queues, overflow from line to line, own agents."""

from .model import Call, Offer, Phone, Scenario
from .rows import ANSWER, DEAD, NEVER, QUEUED, TALK, answered, missed, overflowed, phones, queue

QUEUE_ROWS = (
    Scenario(
        "queue_ringall",
        "all ring, the second answers",
        QUEUED,
        (answered("b", line="q", rung="ab", offered="invite:a"),),
        phones(a=NEVER, b=ANSWER),
        (Call(todo="wait 3, bye"),),
        queues=queue("A B"),
    ),
    Scenario(
        "queue_linear_rona",
        "the first does not answer, then the second",
        QUEUED,
        (answered("b", line="q", rung="ab", offered="invite:a"),),
        phones(a=NEVER, b=Phone(0.7)),
        (Call(todo="wait 4.2, bye"),),
        queues=queue("A B", strategy="linear", timeout="1"),
    ),
    Scenario(
        "queue_rrmemory",
        "one after the other, the first is busy",
        QUEUED,
        (answered("b", line="q", rung="b", offered="invite:a"),),
        phones(a=Phone(None, "486"), b=Phone(0.7)),
        (Call(todo="wait 4, bye"),),
        queues=queue("A B", strategy="rrmemory"),
    ),
    Scenario(
        "queue_abandon",
        "the caller leaves the queue",
        QUEUED,
        (missed("caller_hangup", line="q", by="caller", rung="ab", offered="invite:a"),),
        phones(a=NEVER, b=NEVER),
        (TALK,),
        queues=queue("A B"),
    ),
    Scenario(
        "queue_timeout",
        "nobody in the queue's time",
        (
            "exten => <x>,1,Answer()\n"
            " same => n,Queue(<q>,,,,2)\n"
            " same => n,Playback(vm-goodbye)\n"
            " same => n,Hangup()"
        ),
        (missed("queue_timeout", line="q", offered="invite:a", ended="over:a"),),
        phones(a=NEVER),
        queues=queue(),
    ),
    Scenario(
        "queue_joinempty",
        "nobody logged in",
        QUEUED,
        (missed("no_agents", line="q", rung="", offered="up+0.5", ended="up+0.5"),),
        queues=queue(DEAD, joinempty="paused,unavailable,invalid,unknown"),
    ),
    Scenario(
        "queue_key_exit",
        "the caller leaves by a key",
        QUEUED + ("\n[<n>]\nexten => 1,1,Playback(vm-goodbye)\n same => n,Hangup()"),
        (missed("key_exit", line="q", offered="invite:a", ended="over:a"),),
        phones(a=NEVER),
        (Call(todo="wait 1, dtmf 1"),),
        queues=queue(context="<n>"),
    ),
    Scenario(
        "queue_full",
        "the second caller finds the queue full",
        QUEUED,
        (
            missed("caller_hangup", line="q", by="caller", offered="invite:a"),
            missed("queue_full", line="q", rung="", call=1, offered="up+0.5", ended="up+0.5"),
        ),
        phones(a=NEVER),
        (Call(todo="wait 2, bye"), Call(after="up+0.5")),
        queues=queue(maxlen="1"),
    ),
    Scenario(
        "queue_local",
        "members are Local channels",
        QUEUED,
        (answered("b", line="q", rung="ab", offered="invite:a"),),
        phones(a=NEVER, b=ANSWER),
        (Call(todo="wait 2.5, bye"),),
        queues=queue("Local/<a>@internal Local/<b>@internal"),
    ),
    Scenario(
        "queue_local_n",
        "members are Local channels that stay",
        QUEUED,
        (answered("b", line="q", rung="ab", offered="invite:a"),),
        phones(a=NEVER, b=ANSWER),
        (Call(todo="wait 2.5, bye"),),
        queues=queue("Local/<a>@internal/n Local/<b>@internal/n"),
    ),
    Scenario(
        "queue_local_rtp",
        "Local members, optimised away",
        QUEUED,
        (answered("b", line="q", rung="ab", offered="invite:a"),),
        phones(a=NEVER, b=Phone(rtp=True)),
        (Call(todo="wait 3, bye", rtp=True),),
        queues=queue("Local/<a>@internal Local/<b>@internal"),
    ),
    Scenario(
        "overflow_answered",
        "another line's queue takes over",
        ("exten => <x>,1,Answer()\n same => n,Queue(<q>,,,,1)\n same => n,Queue(<r>,,,,8)"),
        (
            overflowed("q", "a"),
            answered("b", line="r", offered="invite:b"),
        ),
        phones(a=NEVER, b=Phone(0.7)),
        (Call(todo="wait 4, bye"),),
        queues=queue() + "\n" + queue("B", "r"),
    ),
    Scenario(
        "overflow_and_back",
        "to another line and back",
        (
            "exten => <x>,1,Answer()\n"
            " same => n,Queue(<q>,,,,1)\n"
            " same => n,Queue(<r>,,,,1)\n"
            " same => n,Dial(<C>,5)"
        ),
        (
            overflowed("q", "a"),
            answered("c", line="r", rung="bc", offered="invite:b"),
        ),
        phones(a=NEVER, b=NEVER, c=Phone(0.5)),
        (Call(todo="wait 5, bye"),),
        queues=queue() + "\n" + queue("B", "r"),
    ),
    Scenario(
        "overflow_home",
        "A, then B, then A again, which answers",
        (
            "exten => <x>,1,Answer()\n"
            " same => n,Queue(<q>,,,,1)\n"
            " same => n,Queue(<r>,,,,1)\n"
            " same => n,Queue(<q>,,,,5)"
        ),
        (
            answered("a", line="q", offered="invite:a", answered="answer:a#2"),
            overflowed("r", "b"),
        ),
        phones(a=Phone(1.4), b=NEVER),
        (Call(todo="wait 6, bye"),),
        queues=queue() + "\n" + queue("B", "r"),
    ),
    Scenario(
        "nested_queue",
        "a queue's member is another queue",
        (
            "exten => <x>,1,Answer()\n"
            " same => n,Queue(<q>,,,,10)\n"
            "exten => <y>,1,Answer()\n"
            " same => n,Queue(<r>,,,,10)"
        ),
        (answered(line="q", offered="up+0.5"),),
        phones(a=ANSWER),
        (Call(todo="wait 3, bye"),),
        queues=queue("Local/<y>@from-trunk/n") + "\n" + queue("A", "r"),
    ),
    Scenario(
        "several_lines",
        "two calls at once on two lines",
        "exten => <x>,1,Dial(<A>,10)\nexten => <y>,1,Dial(<B>,2)",
        (answered(), missed("no_answer", line="y", call=1, rung="b")),
        phones(a=ANSWER, b=NEVER),
        (TALK, Call("<y>")),
    ),
    Scenario(
        "own_agent",
        "a line's own agent calls it",
        QUEUED,
        (
            Offer(
                "excluded",
                "q",
                "own_agent",
                agent="a",
                final="a",
                rung="a",
                offered="invite:a",
                direction="internal",
            ),
        ),
        phones(a=ANSWER),
        (Call(todo="wait 2.5, bye", by="b"),),
        queues=queue("A B"),
        line_agents="ab",
    ),
    Scenario(
        "extension_calls_line",
        "another extension calls a line",
        QUEUED,
        (answered(line="q", offered="invite:a", direction="internal"),),
        phones(a=ANSWER),
        (Call(todo="wait 2.5, bye", by="c"),),
        queues=queue("A"),
    ),
    Scenario(
        "queue_pickup",
        "a colleague picks up the queue's call",
        QUEUED,
        (answered("b", line="q", rung="a", offered="invite:a", answered="start:1", tolerance=0.6),),
        phones(a=NEVER),
        (Call(todo="wait 3.5, bye"), Call("*8<a>", by="b", after="ring:a+1")),
        queues=queue("A"),
    ),
    Scenario(
        "queue_second_waits",
        "one agent, two callers, one after the other",
        QUEUED,
        (
            answered(line="q", offered="invite:a", rung="a"),
            answered(line="q", offered="up+0.5", answered="answer:a#2", call=1),
        ),
        phones(a=Phone(0.5)),
        (Call(todo="wait 2, bye"), Call(after="up+0.3", todo="wait 5, bye")),
        queues=queue("A"),
    ),
    Scenario(
        "queue_survey",
        "a survey after the agent hung up",
        (
            "exten => <x>,1,Answer()\n"
            " same => n,Queue(<q>,c,,,10)\n"
            " same => n,Wait(0.5)\n"
            " same => n,UserEvent(Survey,Score: 5)\n"
            " same => n,Wait(0.5)\n"
            " same => n,Hangup()"
        ),
        (answered(line="q", offered="invite:a", by="agent", ended="over:a", survey="5"),),
        phones(a=Phone(0.5, todo="wait 1, bye")),
        queues=queue("A"),
    ),
    Scenario(
        "queue_declined_again",
        "the agent declines again and again",
        QUEUED,
        (missed("caller_hangup", line="q", by="caller", offered="invite:a"),),
        phones(a=Phone(0.4, "603")),
        (Call(todo="wait 3.5, bye"),),
        queues=queue("A"),
    ),
)
