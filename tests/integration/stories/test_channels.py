"""Channels that refuse, are away, or take only so many messages."""

import pytest

from tests.integration.stories import texts
from tests.integration.stories.conftest import Tell
from tests.integration.stories.receivers import Webhook
from tests.integration.stories.story import Story

WARNED = "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network"
FIRED = "09:15 dingtalk @Li: UNANSWERED 15 min: Network"


def keys(story: Story, name: str) -> list[str]:
    receiver = story.receivers[name]
    assert isinstance(receiver, Webhook)
    return receiver.keys


def test_a_refusal_with_http_200_is_no_delivery(story: Story) -> None:
    story.receivers["dingtalk"].refuses = {"errcode": 310000, "errmsg": "sign not match"}
    story.missed_call("a")
    story.advance("19m30s")
    story.expect(
        "09:10 hook @Li: WARNING, UNANSWERED 10 min: Network",
        "09:15 hook @Li: UNANSWERED 15 min: Network",
        "09:20 feishu @Wang: UNANSWERED 20 min: Network",
    )
    story.receivers["dingtalk"].refuses = None
    story.answered_call("b")
    # what is new begins with the first channel again
    told = "ANSWERED by Zhao: Network"
    story.expect(f"09:20:10 dingtalk @Li: {told}", f"09:20:10 dingtalk @Wang: {told}")


@pytest.mark.parametrize("refusal", [{"code": 9499, "msg": "Bad Request"}, {"StatusCode": 1}])
def test_feishu_refuses_and_there_is_no_other_way(
    story_of: Tell, refusal: dict[str, object]
) -> None:
    roster = texts.PEOPLE + '[[shift]]\nrole = "first_line"\npeople = ["zhou"]\n'
    story = story_of(roster=roster)
    story.receivers["feishu"].refuses = refusal
    story.missed_call("a")
    story.advance("12m")
    story.expect_silence()
    story.receivers["feishu"].refuses = None
    story.advance("2m30s")
    (warning, fired) = story.take()
    assert warning.endswith("feishu @Zhou: WARNING, UNANSWERED 10 min: Network (as of 09:10)")
    assert fired == "09:15 feishu @Zhou: UNANSWERED 15 min: Network"


def test_a_channel_that_cannot_be_reached_is_left_after_half_a_minute(story: Story) -> None:
    story.missed_call("a")
    story.away("dingtalk")
    story.advance("9m40s")
    story.expect_silence()
    story.advance("20s")
    story.expect("09:10:30 hook @Li: WARNING, UNANSWERED 10 min: Network")
    story.back("dingtalk")
    story.advance("5m")
    story.expect(FIRED)


def test_all_channels_are_away_and_come_back(story: Story) -> None:
    story.away("dingtalk", "hook")
    story.missed_call("a")
    story.advance("15m")
    story.expect_silence()
    story.back("hook")
    story.advance("1m")
    # the warning says less, and nothing that holds any more
    (told,) = story.take()
    assert told.endswith(" hook @Li: UNANSWERED 15 min: Network")
    assert [key.rpartition("-")[0] for key in keys(story, "hook")] == ["ctid:ctid:1-1"]
    story.back("dingtalk")
    story.advance("3m")
    story.expect_silence()


def test_what_is_over_while_no_channel_can_be_reached_is_told_once(story: Story) -> None:
    story.away("dingtalk", "hook")
    story.missed_call("a")
    story.advance("16m")
    story.answered_call("b")
    story.back("dingtalk", "hook")
    story.advance("2m")
    (over,) = story.messages()
    assert over.title == "ANSWERED by Zhao: Network"
    assert "resolved at 09:16, Zhao answered. It began at 09:00." in over.text
    story.advance("1h")
    story.expect_silence()


def test_what_somebody_has_taken_is_not_told_as_if_nobody_had(story: Story) -> None:
    story.away("dingtalk", "feishu")
    story.missed_call("a")
    story.advance("20m")
    story.ack("Li")
    story.back("dingtalk", "feishu")
    story.advance("2m")
    titles = [line.partition(" @Wang: ")[2] for line in story.take() if "@Wang" in line]
    assert titles == ["TAKEN by Li: Network, unanswered"]


def test_a_page_that_waited_says_of_when_it_is(story: Story) -> None:
    story.away("dingtalk", "hook")
    story.missed_call("a")
    story.advance("16m")
    story.kill()
    story.back("dingtalk", "hook")
    story.advance("20m")
    story.start()
    story.advance("30s")
    told = [message for message in story.messages() if message.title.startswith("UNANSWERED 15")]
    assert [message.title for message in told] == ["UNANSWERED 15 min: Network (as of 09:15)"]
    assert "As of 09:15: this page could not be sent sooner." in told[0].text


def test_a_clock_that_is_set_takes_no_page_away(story: Story) -> None:
    story.away("dingtalk", "hook")
    story.missed_call("a")
    story.advance("15m")
    story.set_clock("61m")
    story.advance("20s")
    story.back("dingtalk", "hook")
    story.advance("2m")
    (told,) = (line for line in story.take() if "UNANSWERED" in line and "@Li" in line)
    assert "UNANSWERED 15 min: Network" in told


def test_what_waits_when_the_daemon_dies_is_delivered_once(story: Story) -> None:
    story.missed_call("a")
    story.advance("9m")
    story.away("dingtalk")
    story.advance("40s")
    story.kill()
    story.back("dingtalk")
    story.advance("5s")
    story.start()
    story.advance("30s")
    assert [line.partition(" ")[2] for line in story.take()] == [WARNED.partition(" ")[2]]


def test_many_lines_under_a_limit_are_one_digest_that_names_all(story_of: Tell) -> None:
    lines = "".join(
        f'[[line]]\nname = "l{n:02}"\ntitle = "L{n:02}"\ndids = ["81{n:02}"]\n' for n in range(12)
    )
    more = "\n[[escalation]]\nafter_minutes = 0\nto = ['first_line']\n"
    story = story_of(lines=lines, more=more)
    names = "abcdefghijkl"
    for n in range(12):
        story.call(names[n], f"l{n:02}")
    story.advance("9m")
    for name in names:
        story.leave(name)
    story.advance("55s")
    story.expect_silence()
    story.advance("10s")
    told = story.expect(
        *(f"09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: L{n:02}" for n in range(4)),
        "09:10 dingtalk @Li: 8 WARNING UNANSWERED: L04, L05, L06, L07, L08, L09, L10, L11",
    )
    digest = next(message for message in told if "8 WARNING" in message.title)
    assert all(f"L{n:02} ({n + 1})" in digest.text for n in range(4, 12))


def test_a_channel_that_hears_of_all(story_of: Tell) -> None:
    story = story_of(alert='channels = ["ops"]')
    story.missed_call("a")
    story.advance("14m30s")
    story.expect(
        WARNED,
        FIRED,
        "09:10 ops @ops: WARNING, UNANSWERED 10 min: Network",
        "09:15 ops @ops: UNANSWERED 15 min: Network",
    )
    story.ack("Li")
    story.answered_call("b")
    told = story.expect(
        "09:15 ops @ops: TAKEN by Li: Network, unanswered",
        "09:15:10 dingtalk @Li: ANSWERED by Zhao: Network",
        "09:15:10 ops @ops: ANSWERED by Zhao: Network",
    )
    (page,) = next(m for m in told if m.channel == "ops" and "ANSWERED" in m.title).data["pages"]
    assert (page["kind"], page["event"], page["line"]["name"]) == (
        "unanswered",
        "resolved",
        "network",
    )
    assert len(keys(story, "ops")) == len(set(keys(story, "ops")))
