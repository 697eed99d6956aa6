"""Every kind of page, whole, in English. Read it aloud."""

# ruff: noqa: E501 - messages stand here as they are sent

import pytest

from tests.unit.outbound.pages.samples import SAMPLES, shown

WHOLE = {
    "firing": """\
UNANSWERED 15 min: Network hotline, 2 waiting
Wrong: nobody has answered on Network hotline (infrastructure) since 10:00, for 15 min. Last answer: 09:41, 张三.
Do first: no phone is registered: 张三, 李四. Check their network, switch and power.
Affected: 2 callers wait: 138******00 (10:00), anonymous (10:07); 7 callers were missed: 139******02 (10:02), 139******03 (10:03), 139******04 (10:04) and 4 more.
Acknowledge: ctid alerts ack 17
""",
    "warning": """\
WARNING, UNANSWERED 10 min: Network hotline
Wrong: nobody has answered on Network hotline (infrastructure) since 10:00, for 10 min. Last answer: 09:41, 张三.
Do first: agents are paused: 李四. Have them end the pause. Besides, some phones are not registered.
Affected: 1 caller was missed: 139******02 (10:02).
At 10:15 it becomes an alert.
""",
    "repeat": """\
STILL UNANSWERED 45 min: Network hotline, 2 waiting
Wrong: nobody has answered on Network hotline (infrastructure) since 10:00, for 45 min. Last answer: 09:41, 张三.
Do first: phones rang, nobody picked up: 张三, 李四. Go there, or call their mobiles. Besides, some agents are paused.
Affected: 2 callers wait: 138******00 (10:00), anonymous (10:07); 7 callers were missed: 139******02 (10:02), 139******03 (10:03), 139******04 (10:04) and 4 more.
Acknowledge: ctid alerts ack 17
""",
    "acknowledged": """\
TAKEN by 李四: Network hotline, unanswered
李四 took this at 10:17 and says: "on my way". You need not do anything.
Wrong: nobody has answered on Network hotline (infrastructure) since 10:00, for 17 min. Last answer: 09:41, 张三.
Affected: 7 callers were missed: 139******02 (10:02), 139******03 (10:03), 139******04 (10:04) and 4 more.
""",
    "answered": """\
ANSWERED by 李四: Network hotline
Network hotline (infrastructure), unanswered: resolved at 10:20, 李四 answered. It began at 10:00.
Still to do: call back. ctid missed list --line network
""",
    "reached": """\
RESOLVED: Network hotline (unanswered)
Network hotline (infrastructure), unanswered: resolved at 10:20, all who were missed were reached. It began at 10:00.
Nothing is left to do.
""",
    "over night": """\
UNANSWERED 15 min: Network hotline
Wrong: nobody has answered on Network hotline (infrastructure) since 2026-11-24 17:50, 15 min of that in duty hours. Last answer: 2026-11-24 17:12, 张三.
Do first: no phone is registered: 张三, 李四. Check their network, switch and power.
Affected: 7 callers were missed: 139******02 (10:02), 139******03 (10:03), 139******04 (10:04) and 4 more.
Acknowledge: ctid alerts ack 17
""",
    "after a gap": """\
NO ANSWER SEEN 45 min: Network hotline
Wrong: no answer was seen on Network hotline (infrastructure) since 10:00, for 45 min. Last answer seen: 09:41, 张三.
Not known: between 10:02 and 10:31 ctid did not see PBX main (connection lost); whether somebody answered then is not known.
Do first: no phone is registered: 张三, 李四. Check their network, switch and power.
Affected: 7 callers were missed: 139******02 (10:02), 139******03 (10:03), 139******04 (10:04) and 4 more; of 2 callers it is not known how the call ended.
Acknowledge: ctid alerts ack 17
""",
    "in a gap": """\
NO ANSWER SEEN 15 min: Network hotline
Wrong: no answer was seen on Network hotline (infrastructure) since 10:00, for 15 min. Last answer seen: 09:41, 张三.
Not known: since 10:02 ctid does not see PBX main (not reachable); whether somebody answers is not known.
Do first: call the agents. The PBX gives no reason.
Affected: 7 callers were missed: 139******02 (10:02), 139******03 (10:03), 139******04 (10:04) and 4 more.
Acknowledge: ctid alerts ack 17
""",
    "resolved after a gap": """\
RESOLVED: Network hotline (no answer seen)
Network hotline (infrastructure), no answer seen: resolved at 10:50, 李四 ended it: "planned work". It began at 10:00.
Not known: between 10:02 and 10:31 ctid did not see PBX main (connection lost); whether somebody answered then is not known.
Still to do: call back. ctid missed list --line network
""",
    "ctid was down": """\
NO ANSWER SEEN 20 min: Network hotline
Wrong: no answer was seen on Network hotline (infrastructure) since 10:00, for 20 min. Last answer seen: 09:41, 张三.
Not known: ctid itself was down from 10:05 to 10:20; whether somebody answered then is not known. This page was due at 10:15.
Do first: call the agents. The PBX gives no reason.
Affected: 7 callers were missed: 139******02 (10:02), 139******03 (10:03), 139******04 (10:04) and 4 more.
Acknowledge: ctid alerts ack 17
""",
    "longest_wait": """\
WAITING 15 min: Network hotline, one caller
Wrong: 138******00 has waited on Network hotline (infrastructure) since 10:00, for 15 min.
Do first: all agents are on other calls: 张三, 李四. Send somebody else to the phone.
Affected: 3 callers wait in all.
Acknowledge: ctid alerts ack 17
""",
    "longest_wait in a gap": """\
MAY BE WAITING 15 min: Network hotline, one caller
Wrong: 138******00 called Network hotline (infrastructure) at 10:00 and still waited at 10:13, when sight was lost.
Not known: since 10:13 ctid does not see PBX main (not reachable); whether somebody answers is not known.
Do first: call the agents. The PBX gives no reason.
Affected: 3 callers wait (2 when sight was lost).
Acknowledge: ctid alerts ack 17
""",
    "waiting in a gap": """\
NO ANSWER SEEN 15 min: Network hotline
Wrong: no answer was seen on Network hotline (infrastructure) since 10:00, for 15 min. Last answer seen: 09:41, 张三.
Not known: since 10:13 ctid does not see PBX main (not reachable); whether somebody answers is not known.
Do first: no phone is registered: 张三, 李四. Check their network, switch and power.
Affected: 2 callers waited when sight was lost: 138******00 (10:00), anonymous (10:07); 7 callers were missed: 139******02 (10:02), 139******03 (10:03), 139******04 (10:04) and 4 more.
Acknowledge: ctid alerts ack 17
""",
    "blind": """\
BLIND 2 min: Network hotline, PBX not seen
Wrong: ctid does not see PBX main since 10:13 (not reachable). Whether calls on Network hotline (infrastructure) are answered is not known.
Do first: see whether the PBX runs and can be reached; until then watch the phones.
Affected: 2 callers waited when sight was lost.
Acknowledge: ctid alerts ack 17
""",
    "blind while ctid was down": """\
BLIND 15 min: Network hotline, ctid did not run
Wrong: ctid did not run from 10:05 to 10:20; whether calls on Network hotline (infrastructure) were answered then is not known. It sees them again.
Do first: look for calls of that time in the PBX's own records (CDR), and call back.
""",
    "answer_rate": """\
LOW RATE 68 %: Network hotline
Wrong: Network hotline (infrastructure) answered 17 of 25 calls today: 68 %, target 75 %.
Do first: put more agents on the line; see ctid report --today --by hour
Acknowledge: ctid alerts ack 17
""",
    "roster_gap": """\
NOBODY ON DUTY from 2026-11-28 08:00: Network hotline
Wrong: nobody is on the roster as duty lead of Network hotline (infrastructure) from 2026-11-28 08:00 to 16:00.
Do first: put somebody on the roster; what is missing: ctid roster lint
Acknowledge: ctid alerts ack 17
""",
    "calendar_ending": """\
HOLIDAYS NOT KNOWN after 2026-12-31
Wrong: holidays of CN are known up to 2026-12-31; after that every day counts by its weekday alone.
Do first: upgrade ctid's package of holidays, or write the days into the override file; ctid check-config names both.
Acknowledge: ctid alerts ack 17
""",
    "channel stuck": """\
STUCK: 3 for siren
Wrong: 3 deliveries have not arrived at siren, the oldest since 09:00.
Do first: ctid status says what it answers, ctid check-channel siren whether it can be reached
Acknowledge: ctid alerts ack 17
""",
    "delivery_stuck": """\
STUCK: 12 for zammad
Wrong: 12 deliveries have not arrived at zammad, the oldest since 09:00: 503 Service Unavailable
Do first: see whether that system runs, then ctid status
Acknowledge: ctid alerts ack 17
""",
    "not_reloaded": """\
NOT RELOADED: roster
Wrong: the new roster cannot be used since 10:00, and the one before stays in force: roster.csv:7: hours: `mo` is no day (and 2 more mistakes)
Do first: mend the file; what is wrong in it: ctid roster lint
Acknowledge: ctid alerts ack 17
""",
    "not_reloaded, nothing kept": """\
NOT RELOADED: contacts
Wrong: the contacts cannot be used since 10:00, and nothing stands in for it: contacts.csv: holds no contact
Do first: mend the file; what is wrong in it: ctid check-config
Acknowledge: ctid alerts ack 17
""",
    "store_failing": """\
CALLS NOT SAVED: ctid
Wrong: since 10:01 calls are not saved: no space left on device
Do first: look at disk space and database, then ctid status
Affected: unanswered beyond their limit meanwhile: network, sap.
""",
    "incident": """\
INCIDENT: core switch in building 3 is dead, Network hotline
Wrong: core switch in building 3 is dead; line: Network hotline (infrastructure); opened by 赵六.
Acknowledge: ctid alerts ack 17
""",
    "test": """\
[TEST] nothing is wrong: Network hotline
Nothing is wrong. 李四 tests whether alerts of Network hotline (infrastructure) reach you.
Do first: acknowledge it, as you would at night.
Acknowledge: ctid alerts ack 17
""",
    "weekly test": """\
[TEST] nothing is wrong: ctid
Nothing is wrong. This is the weekly test of the channel. You need not do anything.
""",
    "test over": """\
[TEST] over: Network hotline
The test of Network hotline (infrastructure) is over.
Nothing is left to do.
""",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_whole_messages(name: str) -> None:
    assert shown(name, "en") == WHOLE[name]
