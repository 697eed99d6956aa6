"""What is wrong beside the calls of a line: rates, deliveries, roster, calendar, disk."""

import sys
from pathlib import Path

from structlog.testing import capture_logs

from ctid.domain.alerts import Kind
from tests import small_disk
from tests.integration.stories import texts
from tests.integration.stories.conftest import Tell
from tests.integration.stories.story import Story

LINE = texts.LINES.partition("\n\n")[0] + "\n"
NO_WATCH = "warning_minutes = 1000\nlimit_minutes = 1440\n"


def test_the_answer_rate_from_so_many_calls_on(story_of: Tell) -> None:
    story = story_of(lines=LINE + NO_WATCH, alert="answer_rate_calls = 4")
    story.answered_call("a")
    for name in "bc":
        story.missed_call(name)
    story.expect_silence()
    story.missed_call("d")
    story.advance("15s")
    # on the first day of a month there is no other month to tell of
    (told,) = story.expect("09:02:15 dingtalk @Li: LOW RATE 25 %: Network")
    assert "answered 1 of 4 calls today: 25 %, target 75 %" in told.text
    for name in "efghijkl":
        story.answered_call(name)
    story.advance("15s")
    # 9 of 12
    assert [line.partition(": ")[2] for line in story.take()] == [
        "RESOLVED: Network (low answer rate)",
    ]
    for name in "mn":
        story.missed_call(name)
    story.advance("30s")
    story.expect_silence()  # 9 of 14, and it is not below and above with every call
    story.missed_call("o")
    story.advance("30s")
    (again,) = story.take()
    assert again.endswith("LOW RATE 60 %: Network")


def test_the_rate_of_a_month_is_told_by_day_once_it_holds_more_than_the_day(
    story_of: Tell,
) -> None:
    story = story_of(lines=LINE + NO_WATCH, alert="answer_rate_calls = 4", begin="2026-06-02 09:00")
    for name in "abc":
        story.missed_call(name)
    story.answered_call("d")
    story.advance("15s")
    (told,) = story.take()
    assert "LOW RATE 25 %: Network" in told
    story.ack("Li")
    story.until("2026-06-02 23:59")
    story.take()
    story.advance("2m")
    assert ["RESOLVED" in line for line in story.take()] == [True]
    story.until("2026-06-03 08:59")
    story.expect_silence()
    story.advance("2m")
    (page,) = story.expect("Wed 09:00 dingtalk @Li: LOW RATE 25 %: Network")
    assert "answered 1 of 4 calls this month: 25 %" in page.text


def test_pages_that_are_stuck(story_of: Tell) -> None:
    story = story_of(alert='channels = ["ops"]\ndelivery_stuck_minutes = 10')
    story.away("ops")
    story.missed_call("a")
    story.advance("11m")
    story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")
    story.answered_call("b")
    story.expect("09:11:40 dingtalk @Li: ANSWERED by Zhao: Network")
    story.advance("9m40s")
    # the warning is not to be sent any more
    (page,) = story.expect("09:21:40 dingtalk @Li: STUCK: 1 for ops")
    assert "1 delivery has not arrived at ops, the oldest since 09:11" in page.text
    assert "Do first: ctid status says what it answers, ctid check-channel ops" in page.text
    story.back("ops")
    story.advance("2m")
    story.advance("15s")
    told = story.take()
    assert sum("RESOLVED: ctid (deliveries stuck)" in line for line in told) >= 1
    assert story.states() == []


def test_pages_that_go_from_channel_to_channel_are_stuck_in_one_alert(story_of: Tell) -> None:
    story = story_of(alert='channels = ["ops"]\ndelivery_stuck_minutes = 10')
    story.away("dingtalk", "hook")
    story.missed_call("a")
    story.advance("10m")
    story.answered_call("b")
    story.take()
    for _ in range(20):
        story.advance("30s")
        assert story.states() in ([], ["delivery_stuck firing"])
    (told,) = story.take()
    assert told.endswith("ops @ops: STUCK: 1 for dingtalk")
    story.advance("5m15s")
    assert "delivery_stuck firing" in story.states()
    story.back("hook")
    story.advance("2m")
    story.advance("15s")
    assert [line for line in story.take() if "@ops" in line and "RESOLVED" in line] != []
    assert story.states() == []


def test_what_was_given_up_has_not_arrived_all_the_same(story_of: Tell) -> None:
    story = story_of(alert='channels = ["ops"]\ndelivery_stuck_minutes = 10')
    story.away("ops")
    story.incident("mail is down", "Qian")
    story.resolve("Qian", "restarted")
    story.advance("15m")
    story.ack("Li", story.alert(Kind.DELIVERY_STUCK))
    # after an hour ctid tries no more
    story.advance("2h")
    assert story.states() == ["delivery_stuck acknowledged"]
    story.back("ops")
    story.take()
    story.incident("mail is down again", "Qian")
    story.advance("15s")
    told = story.take()
    assert any("dingtalk @Li: RESOLVED: ctid (deliveries stuck)" in line for line in told)
    assert story.states() == ["incident firing"]


def test_nobody_on_the_roster(story_of: Tell) -> None:
    lines = LINE + 'duty = ["mon-fri 08:00-16:00"]\n'
    early = '[[shift]]\nrole = "first_line"\npeople = ["li"]\nhours = ["mon 08:00-16:00"]\n'
    story = story_of(
        lines=lines, roster=texts.PEOPLE + early + texts.LEAD, begin="2026-06-01 09:00"
    )
    story.advance("15s")
    (page,) = story.expect("09:00:15 dingtalk @Li: NOBODY ON DUTY from 2026-06-02 08:00: Network")
    assert "nobody is on the roster as first line" in page.text
    story.roster(texts.ROSTER)
    story.advance("15s")
    story.expect("09:00:30 dingtalk @Li: RESOLVED: Network (nobody on the roster)")


def test_a_roster_that_breaks_is_told_to_those_who_are_on_the_one_before(story_of: Tell) -> None:
    story = story_of(begin="2026-06-05 17:00")  # a Friday
    story.roster(texts.ROSTER.replace("first_line", "frist_line").replace('"li"', '"lee"'))
    story.advance("14m")
    story.expect_silence()
    story.advance("1m")
    (page,) = story.expect("17:15 dingtalk @Li: NOT RELOADED: roster")
    assert "the new roster cannot be used since 17:00, and the one before stays" in page.text
    assert "roster.toml:" in page.text
    assert "Do first: mend the file; what is wrong in it: ctid roster lint" in page.text
    story.kill()
    story.start()  # no roster is read now, and it is still the same alert
    story.advance("16m")
    assert story.states() == ["not_reloaded firing", "roster_gap firing", "roster_gap firing"]
    story.roster(texts.ROSTER)
    story.advance("15s")
    assert "17:31:15 dingtalk @Li: RESOLVED: ctid (not reloaded)" in story.take()
    assert story.states() == []


def test_the_calendar_ends_soon(story_of: Tell, tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text(
        'known_until = 2026-07-30\n[days]\n2026-06-19 = "holiday"\n'
    )
    more = '[calendar]\noverrides = "calendar.toml"\n'
    story = story_of(more=more, begin="2026-05-31 23:00")
    story.advance("15s")
    story.expect_silence()
    story.until("2026-06-01 08:59")
    story.expect_silence()
    story.advance("2m")
    (page,) = story.expect("Mon 09:00 dingtalk @Li: HOLIDAYS NOT KNOWN after 2026-07-30")
    assert "known up to 2026-07-30" in page.text
    # it can wait: nobody else is paged, and Li again after a week, by day
    story.advance("20h")
    story.expect_silence()
    story.kill()
    story.start()
    story.advance("10h")
    story.expect_silence()
    assert story.states() == ["calendar_ending firing"]
    story.until("2026-06-08 09:01")
    (line,) = story.take()
    assert "STILL HOLIDAYS NOT KNOWN" in line


def tell_of_a_store_that_fails(story: Story, why: str) -> None:
    """After the store has begun to fail; ends when it does no more."""
    told = story.expect(
        "09:15 dingtalk @Li: CALLS NOT SAVED: Network", "09:15 dingtalk @Li: CALLS NOT SAVED: ctid"
    )
    for page in told:
        assert why in page.text
        assert "unanswered beyond their limit meanwhile: network" in page.text
        assert "Acknowledge" not in page.text


def test_a_store_that_fails_is_told_without_it(story: Story) -> None:
    story.missed_call("a")
    story.advance("14m")
    story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")
    other = story.lock_store()
    story.advance("30s")
    tell_of_a_store_that_fails(story, "another program holds it locked")
    story.advance("5m")
    lead = "09:20 dingtalk @Wang: CALLS NOT SAVED"
    story.expect(f"{lead}: Network", f"{lead}: ctid")
    other.close()
    story.recover()
    over = "09:20 dingtalk {}: RESOLVED: {} (calls not saved)"
    story.expect(
        *(over.format(who, what) for who in ("@Li", "@Wang") for what in ("Network", "ctid")),
        # and what could not be written
        "09:20 dingtalk @Li: UNANSWERED 15 min: Network (as of 09:15)",
        "09:20 dingtalk @Wang: UNANSWERED 20 min: Network",
    )
    story.answered_call("b")
    told = "ANSWERED by Zhao: Network"
    story.expect(f"09:20:10 dingtalk @Li: {told}", f"09:20:10 dingtalk @Wang: {told}")


def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    module = "tests.integration.stories.full_disk"
    done = small_disk.run(disk, 2500, f"exec {sys.executable} -m {module} {tmp_path} {disk}")
    assert done.returncode == 0, done.stderr


def test_each_week_every_channel_is_tried_once(story_of: Tell) -> None:
    # the stories begin on a Monday at nine
    story = story_of(alert='weekly_test = "mon 10:00"\nchannels = ["ops"]')
    story.advance("59m")
    story.expect_silence()
    with capture_logs() as logs:
        story.advance("1m")
    tried = story.take()
    (said,) = [entry for entry in logs if entry["event"] == "weekly_test"]
    assert set(said["channels"]) == {line.split()[1] for line in tried}
    assert {line.split()[1] for line in tried} >= {"dingtalk", "ops"}
    assert all("[TEST]" in line for line in tried)
    assert len({line.split()[1] for line in tried}) == len(tried)
    story.advance("30m")
    story.expect_silence()
    story.kill()
    story.start()
    story.advance("1h")
    story.expect_silence()
    assert story.states() == []
