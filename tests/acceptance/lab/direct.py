"""Rows of the table: Dial to phones, groups, Local channels, screening, hostile numbers."""

from .model import Call, Phone, Scenario
from .rows import ANSWER, DEAD, DIRECT, NEVER, TALK, answered, missed, phones

DIRECT_ROWS = (
    Scenario(
        "direct_answered",
        "one phone, answered, the caller hangs up",
        DIRECT,
        (answered(),),
        phones(a=ANSWER),
        (TALK,),
    ),
    Scenario(
        "direct_agent_hangs",
        "the agent hangs up",
        DIRECT,
        (answered(by="agent"),),
        phones(a=Phone(todo="wait 1.5, bye")),
    ),
    Scenario(
        "direct_cancel",
        "the caller gives up",
        DIRECT,
        (missed("caller_hangup", by="caller"),),
        phones(a=NEVER),
        (Call(cancel=1.5),),
    ),
    Scenario(
        "direct_noanswer",
        "ring time runs out",
        "exten => <x>,1,Dial(<A>,2)",
        (missed("no_answer"),),
        phones(a=NEVER),
    ),
    Scenario(
        "direct_busy",
        "486 without ringing",
        DIRECT,
        (missed("busy", rung=""),),
        phones(a=Phone(None, "486")),
    ),
    Scenario(
        "direct_declined",
        "rings, then 603",
        DIRECT,
        (missed("rejected"),),
        phones(a=Phone(0.7, "603")),
    ),
    Scenario(
        "direct_480",
        "480 without ringing",
        DIRECT,
        (missed("unavailable", also=("no_answer",), rung=""),),
        phones(a=Phone(None, "480")),
    ),
    Scenario(
        "direct_503",
        "503 without ringing",
        DIRECT,
        (missed("unavailable", also=("failed",), rung=""),),
        phones(a=Phone(None, "503")),
    ),
    Scenario(
        "direct_unregistered",
        "no phone registered",
        f"exten => <x>,1,Dial({DEAD},5)",
        (missed("unavailable", rung=""),),
    ),
    Scenario(
        "agent_hold",
        "the agent holds the caller",
        DIRECT,
        (answered(hold=("hold:a#1", "hold:a#2")),),
        phones(a=Phone(todo="wait 0.5, hold 1")),
        (Call(todo="wait 3, bye"),),
    ),
    Scenario(
        "caller_hold",
        "the caller holds",
        DIRECT,
        (answered(hold=("hold:caller#1", "hold:caller#2")),),
        phones(a=ANSWER),
        (Call(todo="wait 0.5, hold 1, wait 0.5, bye"),),
    ),
    Scenario(
        "group_second",
        "ring group, the second one answers",
        "exten => <x>,1,Dial(<A>&<B>&<C>,10)",
        (answered("b", rung="abc"),),
        phones(a=NEVER, b=ANSWER, c=NEVER),
        (TALK,),
    ),
    Scenario(
        "group_nobody",
        "ring group, one busy, nobody answers",
        "exten => <x>,1,Dial(<A>&<B>,2)",
        (missed("no_answer"),),
        phones(a=NEVER, b=Phone(None, "486")),
    ),
    Scenario(
        "group_mixed",
        "ring group, one busy, one answers",
        "exten => <x>,1,Dial(<A>&<B>,5)",
        (answered("b", rung="b"),),
        phones(a=Phone(None, "486"), b=ANSWER),
        (TALK,),
    ),
    Scenario(
        "hunt_second",
        "one after the other, the second answers",
        "exten => <x>,1,Dial(<A>,1)\n same => n,Dial(<B>,5)",
        (answered("b", rung="ab"),),
        phones(a=NEVER, b=Phone(0.7)),
        (TALK,),
    ),
    Scenario(
        "announcement_after",
        "nobody, then an announcement",
        (
            "exten => <x>,1,Dial(<A>,1)\n"
            " same => n,Answer()\n"
            " same => n,Playback(vm-goodbye)\n"
            " same => n,Hangup()"
        ),
        (missed("no_answer", ended="over:a"),),
        phones(a=NEVER),
    ),
    Scenario(
        "voicemail_after",
        "nobody, then voicemail",
        "exten => <x>,1,Dial(<A>,1)\n same => n,VoiceMail(8000@hotline,s)",
        (missed("voicemail", by="caller", ended="over:a"),),
        phones(a=NEVER),
        (TALK,),
    ),
    Scenario(
        "local_dial",
        "Dial of a Local channel",
        "exten => <x>,1,Dial(Local/<a>@internal,10)",
        (answered(),),
        phones(a=ANSWER),
        (TALK,),
    ),
    Scenario(
        "local_dial_n",
        "Dial of a Local channel that stays",
        "exten => <x>,1,Dial(Local/<a>@internal/n,10)",
        (answered(),),
        phones(a=ANSWER),
        (TALK,),
    ),
    Scenario(
        "local_dial_rtp",
        "Local channel optimised away",
        "exten => <x>,1,Dial(Local/<a>@internal,10)",
        (answered(),),
        phones(a=Phone(rtp=True)),
        (Call(todo="wait 2, bye", rtp=True),),
    ),
    Scenario(
        "screened_accepted",
        "the agent accepts by a key",
        (
            "exten => <x>,1,Dial(<A>,10,U(<n>))\n"
            "[<n>]\n"
            "exten => s,1,Read(OK,,1,,1,3)\n"
            ' same => n,GotoIf($["${OK}" = "1"]?yes)\n'
            " same => n,Set(GOSUB_RESULT=CONTINUE)\n"
            " same => n(yes),Return()"
        ),
        (answered(answered="dtmf:a"),),
        phones(a=Phone(todo="wait 0.7, dtmf 1")),
        (Call(todo="wait 1.5, bye"),),
    ),
    Scenario(
        "screened_refused",
        "the agent does not accept",
        (
            "exten => <x>,1,Dial(<A>,10,U(<n>))\n"
            " same => n,Hangup()\n"
            "[<n>]\n"
            "exten => s,1,Read(OK,,1,,1,1)\n"
            ' same => n,GotoIf($["${OK}" = "1"]?yes)\n'
            " same => n,Set(GOSUB_RESULT=CONTINUE)\n"
            " same => n(yes),Return()"
        ),
        (missed("no_answer", also=("rejected",)),),
        phones(a=ANSWER),
    ),
    Scenario(
        "number_anonymous",
        "a caller without number",
        DIRECT,
        (answered(),),
        phones(a=ANSWER),
        (Call(todo="wait 1, bye", user="anonymous", name="Anonymous"),),
    ),
    Scenario(
        "name_utf8",
        "a Chinese display name",
        DIRECT,
        (answered(),),
        phones(a=ANSWER),
        (Call(todo="wait 1, bye", name="张三丰 网络部"),),
    ),
    Scenario(
        "name_filter_like",
        "a name that looks like an event",
        DIRECT,
        (answered(),),
        phones(a=ANSWER),
        (Call(todo="wait 1, bye", name="Event: VarSet Variable: DIALSTATUS"),),
    ),
    Scenario(
        "number_header",
        "line breaks in the number: a forged header",
        DIRECT,
        (answered(),),
        phones(a=ANSWER),
        (Call(todo="wait 1, bye", user="13800%0d%0aUniqueid%3a%201.1%0d%0aChannelState%3a%206"),),
    ),
    Scenario(
        "number_forged_hangup",
        "line breaks in the number: a forged Hangup",
        DIRECT,
        (answered(),),
        phones(a=ANSWER),
        (
            Call(
                todo="wait 1, bye",
                user="1%0d%0a%0d%0aEvent%3a%20Hangup%0d%0aUniqueid%3a%201.1%0d%0aCause%3a%2016%0d%0a",
            ),
        ),
    ),
    Scenario(
        "number_torn",
        "line breaks in the number: the event torn in two",
        DIRECT,
        (answered(),),
        phones(a=ANSWER),
        (Call(todo="wait 1, bye", user="138%0d%0a%0d%0a00"),),
    ),
    Scenario(
        "number_forged_shutdown",
        "a forged Shutdown",
        DIRECT,
        (answered(),),
        phones(a=ANSWER),
        (
            Call(
                todo="wait 1, bye",
                user="1%0d%0a%0d%0aEvent%3a%20Shutdown%0d%0aShutdown%3a%20Cleanly%0d%0a%0d%0a",
            ),
        ),
    ),
    Scenario(
        "number_forged_response",
        "a forged Response",
        DIRECT,
        (missed("caller_hangup", by="caller"),),
        phones(a=NEVER),
        (Call(cancel=1.2, user="1%0d%0a%0d%0aResponse%3a%20Error%0d%0aMessage%3a%20no%0d%0a"),),
    ),
    Scenario(
        "number_two_forged",
        "two forged events and a cancel",
        DIRECT,
        (missed("caller_hangup", by="caller"),),
        phones(a=NEVER),
        (
            Call(
                cancel=1.2,
                user="1%0d%0a%0d%0aEvent%3a%20Newstate%0d%0a%0d%0aEvent%3a%20Hangup%0d%0a%0d%0a2",
            ),
        ),
    ),
    Scenario(
        "short_answer",
        "the caller hangs up at once",
        DIRECT,
        (answered(),),
        phones(a=ANSWER),
        (Call(todo="wait 0.3, bye"),),
    ),
    Scenario(
        "group_pickup",
        "a colleague picks up the ring group's call",
        "exten => <x>,1,Dial(<A>&<B>,10)",
        (answered("c", rung="ab", answered="start:1", tolerance=0.6),),
        phones(a=NEVER, b=NEVER),
        (Call(todo="wait 1.5, bye"), Call("*8<a>", by="c", after="ring:a+1")),
    ),
)
