"""The table of scenarios: what callers and agents do, and what ctid has to record of it."""

from .model import Act, Call, Offer, Phone, Scenario

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


DIRECT_ROWS = (
    Scenario("direct_answered", "one phone, answered, the caller hangs up", DIRECT, (answered(),), phones(a=ANSWER), (TALK,)),
    Scenario("direct_agent_hangs", "the agent hangs up", DIRECT, (answered(by="agent"),), phones(a=Phone(todo="wait 1.5, bye"))),
    Scenario("direct_cancel", "the caller gives up", DIRECT, (missed("caller_hangup", by="caller"),), phones(a=NEVER), (Call(cancel=1.5),)),
    Scenario("direct_noanswer", "ring time runs out", "exten => <x>,1,Dial(<A>,2)", (missed("no_answer"),), phones(a=NEVER)),
    Scenario("direct_busy", "486 without ringing", DIRECT, (missed("busy", rung=""),), phones(a=Phone(None, "486"))),
    Scenario("direct_declined", "rings, then 603", DIRECT, (missed("rejected"),), phones(a=Phone(0.7, "603"))),
    Scenario("direct_480", "480 without ringing", DIRECT, (missed("unavailable", also=("no_answer",), rung=""),), phones(a=Phone(None, "480"))),
    Scenario("direct_503", "503 without ringing", DIRECT, (missed("unavailable", also=("failed",), rung=""),), phones(a=Phone(None, "503"))),
    Scenario("direct_unregistered", "no phone registered", f"exten => <x>,1,Dial({DEAD},5)", (missed("unavailable", rung=""),)),
    Scenario("agent_hold", "the agent holds the caller", DIRECT, (answered(hold=("hold:a#1", "hold:a#2")),), phones(a=Phone(todo="wait 0.5, hold 1")), (Call(todo="wait 3, bye"),)),
    Scenario("caller_hold", "the caller holds", DIRECT, (answered(hold=("hold:caller#1", "hold:caller#2")),), phones(a=ANSWER), (Call(todo="wait 0.5, hold 1, wait 0.5, bye"),)),
    Scenario("group_second", "ring group, the second one answers", "exten => <x>,1,Dial(<A>&<B>&<C>,10)", (answered("b", rung="abc"),), phones(a=NEVER, b=ANSWER, c=NEVER), (TALK,)),
    Scenario("group_nobody", "ring group, one busy, nobody answers", "exten => <x>,1,Dial(<A>&<B>,2)", (missed("no_answer"),), phones(a=NEVER, b=Phone(None, "486"))),
    Scenario("group_mixed", "ring group, one busy, one answers", "exten => <x>,1,Dial(<A>&<B>,5)", (answered("b", rung="b"),), phones(a=Phone(None, "486"), b=ANSWER), (TALK,)),
    Scenario("hunt_second", "one after the other, the second answers", "exten => <x>,1,Dial(<A>,1)\n same => n,Dial(<B>,5)", (answered("b", rung="ab"),), phones(a=NEVER, b=Phone(0.7)), (TALK,)),
    Scenario("announcement_after", "nobody, then an announcement", "exten => <x>,1,Dial(<A>,1)\n same => n,Answer()\n same => n,Playback(vm-goodbye)\n same => n,Hangup()", (missed("no_answer", ended="over:a"),), phones(a=NEVER)),
    Scenario("voicemail_after", "nobody, then voicemail", "exten => <x>,1,Dial(<A>,1)\n same => n,VoiceMail(8000@hotline,s)", (missed("voicemail", by="caller", ended="over:a"),), phones(a=NEVER), (TALK,)),
    Scenario("local_dial", "Dial of a Local channel", "exten => <x>,1,Dial(Local/<a>@internal,10)", (answered(),), phones(a=ANSWER), (TALK,)),
    Scenario("local_dial_n", "Dial of a Local channel that stays", "exten => <x>,1,Dial(Local/<a>@internal/n,10)", (answered(),), phones(a=ANSWER), (TALK,)),
    Scenario("local_dial_rtp", "Local channel optimised away", "exten => <x>,1,Dial(Local/<a>@internal,10)", (answered(),), phones(a=Phone(rtp=True)), (Call(todo="wait 2, bye", rtp=True),)),
    Scenario("screened_accepted", "the agent accepts by a key", "exten => <x>,1,Dial(<A>,10,U(<n>))\n[<n>]\nexten => s,1,Read(OK,,1,,1,3)\n same => n,GotoIf($[\"${OK}\" = \"1\"]?yes)\n same => n,Set(GOSUB_RESULT=CONTINUE)\n same => n(yes),Return()", (answered(answered="dtmf:a"),), phones(a=Phone(todo="wait 0.7, dtmf 1")), (Call(todo="wait 1.5, bye"),)),
    Scenario("screened_refused", "the agent does not accept", "exten => <x>,1,Dial(<A>,10,U(<n>))\n same => n,Hangup()\n[<n>]\nexten => s,1,Read(OK,,1,,1,1)\n same => n,GotoIf($[\"${OK}\" = \"1\"]?yes)\n same => n,Set(GOSUB_RESULT=CONTINUE)\n same => n(yes),Return()", (missed("no_answer", also=("rejected",)),), phones(a=ANSWER)),
    Scenario("number_anonymous", "a caller without number", DIRECT, (answered(),), phones(a=ANSWER), (Call(todo="wait 1, bye", user="anonymous", name="Anonymous"),)),
    Scenario("name_utf8", "a Chinese display name", DIRECT, (answered(),), phones(a=ANSWER), (Call(todo="wait 1, bye", name="张三丰 网络部"),)),
    Scenario("name_filter_like", "a name that looks like an event", DIRECT, (answered(),), phones(a=ANSWER), (Call(todo="wait 1, bye", name="Event: VarSet Variable: DIALSTATUS"),)),
    Scenario("number_header", "line breaks in the number: a forged header", DIRECT, (answered(),), phones(a=ANSWER), (Call(todo="wait 1, bye", user="13800%0d%0aUniqueid%3a%201.1%0d%0aChannelState%3a%206"),)),
    Scenario("number_forged_hangup", "line breaks in the number: a forged Hangup", DIRECT, (answered(),), phones(a=ANSWER), (Call(todo="wait 1, bye", user="1%0d%0a%0d%0aEvent%3a%20Hangup%0d%0aUniqueid%3a%201.1%0d%0aCause%3a%2016%0d%0a"),)),
    Scenario("number_torn", "line breaks in the number: the event torn in two", DIRECT, (answered(),), phones(a=ANSWER), (Call(todo="wait 1, bye", user="138%0d%0a%0d%0a00"),)),
    Scenario("number_forged_shutdown", "a forged Shutdown", DIRECT, (answered(),), phones(a=ANSWER), (Call(todo="wait 1, bye", user="1%0d%0a%0d%0aEvent%3a%20Shutdown%0d%0aShutdown%3a%20Cleanly%0d%0a%0d%0a"),)),
    Scenario("number_forged_response", "a forged Response", DIRECT, (missed("caller_hangup", by="caller"),), phones(a=NEVER), (Call(cancel=1.2, user="1%0d%0a%0d%0aResponse%3a%20Error%0d%0aMessage%3a%20no%0d%0a"),)),
    Scenario("number_two_forged", "two forged events and a cancel", DIRECT, (missed("caller_hangup", by="caller"),), phones(a=NEVER), (Call(cancel=1.2, user="1%0d%0a%0d%0aEvent%3a%20Newstate%0d%0a%0d%0aEvent%3a%20Hangup%0d%0a%0d%0a2"),)),
)

QUEUE_ROWS = (
    Scenario("queue_ringall", "all ring, the second answers", QUEUED, (answered("b", line="q", rung="ab", offered="invite:a"),), phones(a=NEVER, b=ANSWER), (Call(todo="wait 3, bye"),), queues=queue("A B")),
    Scenario("queue_linear_rona", "the first does not answer, then the second", QUEUED, (answered("b", line="q", rung="ab", offered="invite:a"),), phones(a=NEVER, b=Phone(0.7)), (Call(todo="wait 4.2, bye"),), queues=queue("A B", strategy="linear", timeout="1")),
    Scenario("queue_rrmemory", "one after the other, the first is busy", QUEUED, (answered("b", line="q", rung="b", offered="invite:a"),), phones(a=Phone(None, "486"), b=Phone(0.7)), (Call(todo="wait 4, bye"),), queues=queue("A B", strategy="rrmemory")),
    Scenario("queue_abandon", "the caller leaves the queue", QUEUED, (missed("caller_hangup", line="q", by="caller", rung="ab", offered="invite:a"),), phones(a=NEVER, b=NEVER), (TALK,), queues=queue("A B")),
    Scenario("queue_timeout", "nobody in the queue's time", "exten => <x>,1,Answer()\n same => n,Queue(<q>,,,,2)\n same => n,Playback(vm-goodbye)\n same => n,Hangup()", (missed("queue_timeout", line="q", offered="invite:a", ended="over:a"),), phones(a=NEVER), queues=queue()),
    Scenario("queue_joinempty", "nobody logged in", QUEUED, (missed("no_agents", line="q", rung="", offered="up+0.5", ended="up+0.5"),), queues=queue(DEAD, joinempty="paused,unavailable,invalid,unknown")),
    Scenario("queue_key_exit", "the caller leaves by a key", QUEUED + "\n[<n>]\nexten => 1,1,Playback(vm-goodbye)\n same => n,Hangup()", (missed("key_exit", line="q", offered="invite:a", ended="over:a"),), phones(a=NEVER), (Call(todo="wait 1, dtmf 1"),), queues=queue(context="<n>")),
    Scenario("queue_full", "the second caller finds the queue full", QUEUED, (missed("caller_hangup", line="q", by="caller", offered="invite:a"), missed("queue_full", line="q", rung="", call=1, offered="up+0.5", ended="up+0.5")), phones(a=NEVER), (Call(todo="wait 2, bye"), Call(after="up+0.5")), queues=queue(maxlen="1")),
    Scenario("queue_local", "members are Local channels", QUEUED, (answered("b", line="q", rung="ab", offered="invite:a"),), phones(a=NEVER, b=ANSWER), (Call(todo="wait 2.5, bye"),), queues=queue("Local/<a>@internal Local/<b>@internal")),
    Scenario("queue_local_n", "members are Local channels that stay", QUEUED, (answered("b", line="q", rung="ab", offered="invite:a"),), phones(a=NEVER, b=ANSWER), (Call(todo="wait 2.5, bye"),), queues=queue("Local/<a>@internal/n Local/<b>@internal/n")),
    Scenario("queue_local_rtp", "Local members, optimised away", QUEUED, (answered("b", line="q", rung="ab", offered="invite:a"),), phones(a=NEVER, b=Phone(rtp=True)), (Call(todo="wait 3, bye", rtp=True),), queues=queue("Local/<a>@internal Local/<b>@internal")),
    Scenario("overflow_answered", "another line's queue takes over", "exten => <x>,1,Answer()\n same => n,Queue(<q>,,,,1)\n same => n,Queue(<r>,,,,8)", (Offer("overflowed", "q", "queue_timeout", rung="a", by=None, offered="invite:a", ended="over:a"), answered("b", line="r", offered="invite:b")), phones(a=NEVER, b=Phone(0.7)), (Call(todo="wait 4, bye"),), queues=queue() + "\n" + queue("B", "r")),
    Scenario("overflow_and_back", "to another line and back", "exten => <x>,1,Answer()\n same => n,Queue(<q>,,,,1)\n same => n,Queue(<r>,,,,1)\n same => n,Dial(<C>,5)", (Offer("overflowed", "q", "queue_timeout", rung="a", by=None, offered="invite:a", ended="over:a"), answered("c", line="r", rung="bc", offered="invite:b")), phones(a=NEVER, b=NEVER, c=Phone(0.5)), (Call(todo="wait 5, bye"),), queues=queue() + "\n" + queue("B", "r")),
    Scenario("overflow_home", "A, then B, then A again, which answers", "exten => <x>,1,Answer()\n same => n,Queue(<q>,,,,1)\n same => n,Queue(<r>,,,,1)\n same => n,Queue(<q>,,,,5)", (answered("a", line="q", offered="invite:a", answered="answer:a#2"), Offer("overflowed", "r", "queue_timeout", rung="b", by=None, offered="invite:b", ended="over:b")), phones(a=Phone(1.4), b=NEVER), (Call(todo="wait 6, bye"),), queues=queue() + "\n" + queue("B", "r")),
    Scenario("nested_queue", "a queue's member is another queue", "exten => <x>,1,Answer()\n same => n,Queue(<q>,,,,10)\nexten => <y>,1,Answer()\n same => n,Queue(<r>,,,,10)", (answered(line="q", offered="up+0.5"),), phones(a=ANSWER), (Call(todo="wait 3, bye"),), queues=queue("Local/<y>@from-trunk/n") + "\n" + queue("A", "r")),
    Scenario("several_lines", "two calls at once on two lines", "exten => <x>,1,Dial(<A>,10)\nexten => <y>,1,Dial(<B>,2)", (answered(), missed("no_answer", line="y", call=1, rung="b")), phones(a=ANSWER, b=NEVER), (TALK, Call("<y>"))),
    Scenario("own_agent", "a line's own agent calls it", QUEUED, (Offer("excluded", "q", "own_agent", agent="a", final="a", rung="a", offered="invite:a", direction="internal"),), phones(a=ANSWER), (Call(todo="wait 2.5, bye", by="b"),), queues=queue("A B"), line_agents="ab"),
    Scenario("extension_calls_line", "another extension calls a line", QUEUED, (answered(line="q", offered="invite:a", direction="internal"),), phones(a=ANSWER), (Call(todo="wait 2.5, bye", by="c"),), queues=queue("A")),
)

MOVED_ROWS = (
    Scenario("forward_302", "the phone forwards to a colleague", DIRECT, (answered("b", rung="b"),), phones(a=Phone(None, "302 sip:<b>@127.0.0.1"), b=ANSWER), (TALK,)),
    Scenario("forward_302_mobile", "the phone forwards to a mobile", DIRECT, (answered("mobile"),), phones(a=Phone(None, f"302 sip:9{MOBILE}@127.0.0.1"), mobile=ANSWER), (TALK,), lock="trunk"),
    Scenario("mobile", "an agent outside", f"exten => <x>,1,Dial(PJSIP/{MOBILE}@trunk,10)", (answered("mobile"),), phones(mobile=ANSWER), (TALK,), lock="trunk"),
    Scenario("pickup", "a colleague picks up", DIRECT, (answered("b", rung="a", answered="start:1", tolerance=0.6),), phones(a=NEVER), (Call(todo="wait 1.5, bye"), Call("*8<a>", by="b", after="ring:a+1"))),
    Scenario("blind_refer", "blind transfer, answered", DIRECT, (answered("a", final="b", rung="ab", pauses=(("refer:a", "answer:b"),), transfers=1),), phones(a=Phone(0.5, todo="wait 1, refer <b>"), b=ANSWER), (Call(todo="wait 4, bye"),)),
    Scenario("blind_refer_nobody", "blind transfer, not answered, the caller leaves", DIRECT, (answered("a", rung="ab", ended="refer:a", transfers=1),), phones(a=Phone(0.5, todo="wait 1, refer <b>"), b=NEVER), (Call(todo="wait 2.5, bye"),)),
    Scenario("blind_refer_timeout", "blind transfer, ring time runs out", DIRECT, (answered("a", rung="ab", ended="refer:a", by="system", transfers=1),), phones(a=Phone(0.5, todo="wait 1, refer <b>"), b=NEVER)),
    Scenario("blind_refer_busy", "blind transfer to a busy colleague", DIRECT, (answered("a", ended="refer:a", by="system", transfers=1),), phones(a=Phone(0.5, todo="wait 1, refer <b>"), b=Phone(None, "486"))),
    Scenario("queue_blind_refer", "blind transfer of a queue's call", QUEUED, (answered("a", line="q", final="b", rung="ab", offered="invite:a", pauses=(("refer:a", "answer:b"),), transfers=1),), phones(a=Phone(0.5, todo="wait 1, refer <b>"), b=ANSWER), (Call(todo="wait 4.5, bye"),), queues=queue()),
    Scenario("attended_refer", "consultation, then REFER with Replaces", DIRECT, (answered("a", final="b", rung="ab"),), phones(a=Phone(0.5, todo="replaces"), b=Phone(0.5)), (Call(todo="wait 4, bye"), Call("<b>", by="a", after="answer:a+0.5")), (Act("replaces", "answer:b+0.7"),)),
    Scenario("redirect_ami", "the PBX's operator moves the caller", DIRECT, (answered("a", final="b", rung="ab", pauses=(("over:a", "answer:b"),)),), phones(a=Phone(0.5), b=ANSWER), (Call(todo="wait 4, bye"),), (Act("redirect", "answer:a+1", target="<b>"),)),
    Scenario("atxfer_ami", "attended transfer by the PBX", DIRECT, (answered("a", final="b", rung="ab"),), phones(a=Phone(0.5, todo="wait 3, bye"), b=Phone(0.5)), (Call(todo="wait 5, bye"),), (Act("atxfer", "answer:a+0.7", target="<b>"),)),
    Scenario("atxfer_caller_leaves", "the caller leaves during the consultation", DIRECT, (answered("a", rung="ab"),), phones(a=Phone(0.5, todo="wait 4, bye"), b=Phone(0.5)), (Call(todo="wait 3, bye"),), (Act("atxfer", "answer:a+0.7", target="<b>"),)),
    Scenario("atxfer_nobody", "the colleague does not answer, back to the agent", DIRECT, (answered("a", rung="ab"),), phones(a=Phone(0.5), b=NEVER), (Call(todo="wait 5, bye"),), (Act("atxfer", "answer:a+0.5", target="<b>"),)),
    Scenario("park_timeout", "parked, comes back to the agent", DIRECT, (answered("a", pauses=(("answer:a+0.7", "answer:a#2"),)),), phones(a=Phone(0.5)), (Call(todo="wait 5, bye"),), (Act("park", "answer:a+0.7"),)),
    Scenario("park_retrieve", "parked, retrieved by a colleague", DIRECT, (answered("a", final="b", pauses=(("answer:a+0.7", "up:1"),)),), phones(a=Phone(0.5)), (Call(todo="wait 4, bye"), Call("park", by="b", after="answer:a+1.3")), (Act("park", "answer:a+0.7"),)),
    Scenario("park_giveup", "parked, the caller leaves", DIRECT, (answered("a", ended="answer:a+0.7"),), phones(a=Phone(0.5)), (Call(todo="wait 2.5, bye"),), (Act("park", "answer:a+0.7"),)),
    Scenario("conference", "caller and agent meet in a conference", "exten => <x>,1,Answer()\n same => n,ConfBridge(c<x>)", (answered("a", rung="", offered="up+0.5", answered="up:1", tolerance=2.5),), (), (Call(todo="wait 4, bye"), Call("6<x>", by="a", after="up+0.7", todo="wait 4, bye"))),
    Scenario("conference_alone", "nobody comes into the conference", "exten => <x>,1,Answer()\n same => n,ConfBridge(c<x>)", (missed("caller_hangup", rung="", by="caller", offered="up+0.5", tolerance=2.5),), (), (Call(todo="wait 1.5, bye"),)),
    Scenario("transfer_to_line", "blind transfer to another line's number", "exten => <x>,1,Dial(<A>,10)\nexten => <y>,1,Dial(<B>,10)", (answered("a", ended="refer:a"), answered("b", line="y", offered="invite:b", transferred=True)), phones(a=Phone(0.5, todo="wait 1, refer <y>"), b=Phone(0.7)), (Call(todo="wait 3.5, bye"),)),
    Scenario("transfer_to_queue", "blind transfer to another line's queue", "exten => <x>,1,Dial(<A>,10)\nexten => <y>,1,Queue(<r>,,,,8)", (answered("a", ended="refer:a"), answered("b", line="r", offered="invite:b", transferred=True)), phones(a=Phone(0.5, todo="wait 1, refer <y>"), b=Phone(0.7)), (Call(todo="wait 3.5, bye"),), queues=queue("B", "r")),
    Scenario("transfer_to_dead_line", "blind transfer to a line without phones", f"exten => <x>,1,Dial(<A>,10)\nexten => <y>,1,Dial({DEAD},5)\n same => n,Hangup()", (answered("a", ended="refer:a", by="system"), missed("unavailable", line="y", rung="", offered="refer:a", ended="refer:a", transferred=True)), phones(a=Phone(0.5, todo="wait 1, refer <y>"))),
    Scenario("followme", "FollowMe, accepted by a key", "exten => <x>,1,Answer()\n same => n,FollowMe(f<x>,d)", (answered("a", offered="up+0.5", answered="dtmf:a", tolerance=1.0),), phones(a=Phone(todo="wait 2.2, dtmf 1")), (Call(todo="wait 6.5, bye"),), followme="[f<x>]\ncontext => internal\nnumber => <a>,8"),
    Scenario("ivr_hangup", "the caller leaves in the menu", "exten => <x>,1,Answer()\n same => n,Background(digits/1&digits/2&digits/3)\n same => n,WaitExten(5)", (Offer("not_offered", reason="ivr_hangup", offered=None),), (), (Call(todo="wait 1.2, bye"),)),
    Scenario("after_hours", "the closed context speaks", "exten => <x>,1,Goto(after-hours,s,1)", (Offer("not_offered", reason="after_hours", by="system", offered=None),)),
    Scenario("outbound", "an agent calls out", "", (Offer(None, None, agent="a", direction="outbound", offered=None, answered="answer:mobile"),), phones(mobile=Phone(0.5)), (Call(f"9{MOBILE}", by="a", todo="wait 2, bye"),), lock="trunk"),
    Scenario("internal", "an agent calls a colleague", "", (Offer(None, None, agent="a", direction="internal", offered=None, answered="answer:b"),), phones(b=Phone(0.5)), (Call("<b>", by="a", todo="wait 2, bye"),)),
)

# On the hotline of dialplans/ itself; its agents are 391 and 392 (see extensions_lab.conf).
HOTLINE_ROWS = (
    Scenario("hotline_menu_hangup", "the caller leaves in the menu", "", (Offer("not_offered", "8000", "ivr_hangup", offered=None),), (), (Call("8000", todo="wait 1, bye"),), lock="hotline"),
    Scenario("hotline_menu_queue", "menu, queue, answered, recorded", "", (answered("391", line="hotline", offered="invite:391", recording=True),), phones(**{"391": Phone(0.7)}), (Call("8000", todo="wait 1, dtmf 1, wait 3, bye"),), lock="hotline"),
    Scenario("hotline_overflow", "the desk does not come, the backup desk does", "", (Offer("overflowed", "hotline", "queue_timeout", rung="391", by=None, offered="invite:391", ended="over:391"), answered("392", line="hotline-backup", offered="invite:392", recording=True)), phones(**{"391": NEVER, "392": Phone(0.7)}), (Call("8001", todo="wait 4.5, bye"),), lock="hotline"),
    Scenario("hotline_voicemail", "nobody comes, the caller speaks to the voicemail", "", (Offer("overflowed", "hotline", "queue_timeout", rung="391", by=None, offered="invite:391", ended="over:391"), missed("voicemail", line="hotline-backup", rung="392", by="caller", offered="invite:392", ended="over:392")), phones(**{"391": NEVER, "392": NEVER}), (Call("8001", todo="wait 8, bye"),), lock="hotline"),
    Scenario("hotline_key", "the caller prefers to leave a message", "", (missed("voicemail", line="hotline", rung="391", by="caller", offered="invite:391", ended="over:391"),), phones(**{"391": NEVER}), (Call("8001", todo="wait 1, dtmf 0, wait 3, bye"),), lock="hotline"),
    Scenario("hotline_after_hours", "the night switch is on", "", (Offer("not_offered", "8002", "after_hours", by="system", offered=None),), (), (Call("8002"),), lock="hotline"),
)

TABLE = (*DIRECT_ROWS, *QUEUE_ROWS, *MOVED_ROWS, *HOTLINE_ROWS)

NAMES = tuple(scenario.name for scenario in TABLE)
