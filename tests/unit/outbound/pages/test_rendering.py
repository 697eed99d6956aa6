"""Messages: what is hidden, bounded and made harmless; links, zones, languages, digests."""

import unicodedata
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ctid.domain.alerts import (
    BY_LINK,
    Acknowledged,
    Advice,
    AnswerRate,
    BlindTime,
    Caller,
    DeliveryStuck,
    Ending,
    Firing,
    Incident,
    Page,
    PageEvent,
    Resolved,
    StoreFailing,
    Test,
    Unanswered,
)
from ctid.outbound.pages.port import Message
from ctid.outbound.wording import Language
from tests.unit.outbound.pages.samples import (
    ADDRESS,
    CUT,
    DOWN,
    FIRED,
    MISSED,
    NOBODY,
    QUIET,
    SAMPLES,
    at,
    page,
    pages,
)

LANGUAGES: tuple[Language, ...] = ("en", "zh")
EVIL = "138\r\n\r\nEvent: Hangup\u202e\x00\u2028 <b>&[x](http://evil)" + "9" * 5000


def rendered(one: Page, language: Language = "en", **given: Any) -> Message:
    return pages(language, **given).render([one], ADDRESS, one.decided_at)


def said(one: Page, language: Language = "en") -> str:
    message = rendered(one, language)
    return f"{message.title}\n{message.text}"


# -- what had to wait -----------------------------------------------------------------------------


def late(name: str, now: float, language: Language = "en") -> Message:
    return pages(language).render([SAMPLES[name]], ADDRESS, now)


@pytest.mark.parametrize(
    ("language", "title", "text"),
    [
        ("en", " (as of 10:15)", "As of 10:15: this page could not be sent sooner.\n"),
        ("zh", "（截至 10:15）", "截至 10:15 的情况：本通知未能及时发出。\n"),
    ],
)
def test_a_late_page_says_of_when_it_is(language: Language, title: str, text: str) -> None:
    in_time = rendered(page(), language)
    assert late("firing", FIRED + 60.0, language) == in_time
    message = late("firing", FIRED + 61.0, language)
    assert message.title == in_time.title + title
    assert message.text == text + in_time.text
    assert message.key == in_time.key


def test_the_next_day_it_names_the_day() -> None:
    message = late("firing", at("08:00", day=26))
    assert message.title.endswith(" (as of 2026-11-25 10:15)")
    assert "since 2026-11-25 10:00, for 15 min" in message.text


def test_what_has_its_time_in_it_keeps_its_title() -> None:
    for name in ("acknowledged", "answered", "reached"):
        message, in_time = late(name, at("11:00")), rendered(SAMPLES[name])
        assert message.title == in_time.title
        assert message.text.endswith(f"could not be sent sooner.\n{in_time.text}")


def test_a_late_warning_foretells_nothing_that_is_past() -> None:
    assert "becomes" in late("warning", at("10:14")).text
    assert "becomes" not in late("warning", at("10:16")).text


def test_a_late_digest_says_so_once() -> None:
    older, newer = page(number=1), page(number=2, when=at("10:20"))
    message = pages().render([older, newer], None, at("10:20"))
    assert message.text.splitlines()[1] == (
        "As of 10:15 and later: not all of it could be sent sooner."
    )
    assert "As of" not in pages().render([older, newer], None, FIRED + 60.0).text
    # how each alert stands now counts, not what it was told of before
    now = replace(older, seq=1, decided_at=at("10:20"))
    assert "As of" not in pages().render([older, now, newer], None, at("10:20")).text


# -- what goes with it ----------------------------------------------------------------------------


def test_a_message_of_one_page() -> None:
    one = page(seq=3)
    message = rendered(one)
    assert (message.key, message.pages, message.address) == (
        "ctid:ctid:17-3-1795572900",
        (one,),
        ADDRESS,
    )
    assert message.links == ()


def test_the_link_acknowledges_and_stands_in_no_text() -> None:
    def link(one: Page) -> str:
        return f"https://ctid.example/a/{one.key}"

    message = rendered(page(), link=link)
    assert message.links == (("Acknowledge", "https://ctid.example/a/17-0"),)
    assert "http" not in message.text
    assert rendered(page(), "zh", link=link).links[0][0] == "确认接手"
    for name in ("warning", "acknowledged", "answered", "weekly test"):
        assert rendered(SAMPLES[name], link=link).links == ()


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_same_page_same_message(name: str, language: Language) -> None:
    assert rendered(SAMPLES[name], language) == rendered(SAMPLES[name], language)


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [("en", "UNANSWERED"), ("zh", "无人接听"), (None, "无人接听"), ("de", "无人接听")],
)
def test_the_recipients_language_or_the_configured_one(wanted: str | None, spoken: str) -> None:
    assert rendered(page(language=wanted), "zh").title.startswith(spoken)


def test_times_are_those_of_the_lines_zone_which_is_named_where_it_is_another() -> None:
    message = rendered(page(), zones={"network": ZoneInfo("Asia/Tokyo")})
    assert "since 11:00" in message.text
    assert message.text.endswith("\nTimes: Asia/Tokyo")
    assert "Times" not in rendered(page(), zones={"network": ZoneInfo("Asia/Shanghai")}).text


def test_the_site_is_named_where_it_has_a_name() -> None:
    assert rendered(page(), site="north").text.endswith("\nSite: north")
    store = rendered(SAMPLES["store_failing"], site="north")
    assert store.title == "CALLS NOT SAVED: ctid north"


# -- numbers and hostile text ---------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_no_whole_number_and_no_address_anywhere(name: str, language: Language) -> None:
    message = rendered(SAMPLES[name], language)
    for secret in ("13800138000", "1391111000", ADDRESS):
        assert secret not in message.title + message.text + message.data.decode()


def test_a_number_with_blanks_is_hidden_as_well() -> None:
    for number in ("138 0013 8000", "+86 138-0013-8000", "(138) 0013.8000"):
        one = page(replace(NOBODY, waiting=(Caller(number, at("10:00")),), waiting_count=1))
        message = rendered(one)
        assert "8000" not in message.text + message.data.decode()


BEGINS: dict[Language, tuple[str, ...]] = {
    "en": ("Wrong", "Not known", "Do first", "Affected", "Acknowledge", "Nothing is wrong"),
    "zh": ("问题", "不明", "先做", "影响", "确认接手", "一切正常"),
}
HOSTILE = (
    replace(
        NOBODY,
        waiting=(Caller(EVIL, at("10:00")),),
        last_answer_by=EVIL,
        agents=(EVIL,) * 50,
        blind=(BlindTime(EVIL, at("10:01"), None, EVIL),) * 50,
    ),
    Incident(EVIL, EVIL),
    DeliveryStuck(EVIL, 1, 0.0, EVIL),
    StoreFailing(0.0, EVIL, (EVIL,) * 500),
    Test(EVIL),
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("subject", HOSTILE, ids=lambda subject: type(subject).__name__)
def test_hostile_text_is_one_line_without_controls_and_bounded(
    subject: Any, language: Language
) -> None:
    message = rendered(page(subject), language)
    assert len(message.text) < 2000
    assert len(message.title) <= 120
    for line in (message.title, *message.text.split("\n")):
        assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]
    assert all(line.startswith(BEGINS[language]) for line in message.text.split("\n"))


def test_text_that_is_no_unicode_is_written_all_the_same() -> None:
    message = rendered(page(replace(NOBODY, agents=("\udcff\udc80",))))
    assert message.data.decode()
    assert message.text.encode()


@pytest.mark.parametrize("name", SAMPLES)
def test_titles_fit_on_a_lock_screen(name: str) -> None:
    assert len(rendered(SAMPLES[name], "en").title) <= 62
    assert len(rendered(SAMPLES[name], "zh").title) <= 48


# -- what is claimed ------------------------------------------------------------------------------

CLAIMS = ("nobody has answered", "unanswered", "无人接听")


def claims(text: str) -> bool:
    return any(claim in text.casefold() for claim in CLAIMS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("blind", "down"),
    [
        ((CUT,), None),
        ((replace(CUT, until=None),), None),
        ((), DOWN),
        ((replace(CUT, cause="daemon_down"),), None),
    ],
)
@pytest.mark.parametrize("event", PageEvent)
def test_after_a_gap_nothing_says_that_nobody_answered(
    language: Language,
    blind: tuple[BlindTime, ...],
    down: tuple[float, float] | None,
    event: PageEvent,
) -> None:
    state = Resolved(FIRED, at("10:50"), Ending.ANSWERED, "李四")
    resolved = state if event is PageEvent.RESOLVED else None
    one = page(replace(QUIET, blind=blind), event, resolved, down=down, when=at("10:50"))
    text = said(one, language)
    assert not claims(text)
    assert "10:02" in text or "10:05" in text
    assert "not known" in text or "不得而知" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_gap_it_is_said(language: Language) -> None:
    assert claims(said(page(QUIET), language))


def test_a_digest_claims_no_more() -> None:
    blind = page(replace(QUIET, blind=(CUT,)))
    message = pages().render([blind, replace(blind, seq=1)], None, FIRED)
    assert not claims(message.title + message.text)


def test_a_time_in_which_ctid_was_down_is_told_once() -> None:
    text = said(SAMPLES["ctid was down"])
    assert text.count("10:05") == 1
    elsewhere = replace(QUIET, blind=(CUT, BlindTime("main", DOWN[0], DOWN[1], "daemon_down")))
    text = said(page(elsewhere, down=DOWN, when=at("10:20")))
    assert text.count("10:05") == 1
    assert "between 10:02 and 10:31" in text


def test_down_before_the_clock_opened_hides_no_answer() -> None:
    text = said(page(QUIET, down=(at("09:50"), at("09:59"))))
    assert "UNANSWERED" in text
    assert "Late: ctid itself was down from 09:50 to 09:59. This page was due at 10:15." in text
    late = said(replace(SAMPLES["answer_rate"], down=DOWN), "zh")
    assert "延迟：10:05 至 10:20 ctid 本身停止运行。本通知应于 10:15 发出。" in late


def test_of_many_gaps_the_last_are_told() -> None:
    gaps = tuple(
        BlindTime("main", at(f"10:0{row}"), at(f"10:0{row}") + 30, "unreachable")
        for row in range(1, 8)
    )
    text = said(page(replace(QUIET, blind=gaps)))
    assert text.count("Not known:") == 4
    assert "before that, ctid was without sight 4 more times." in text
    assert "between 10:07" in text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (899.99, "15 min"),
        (899.4, "14 min"),
        (959.0, "15 min"),
        (45.0, "45 s"),
        (5400.0, "1 h 30 min"),
    ],
)
def test_how_long_is_never_more_than_it_was(seconds: float, shown: str) -> None:
    assert rendered(page(replace(QUIET, seconds=seconds))).title == (
        f"UNANSWERED {shown}: Network hotline"
    )


@pytest.mark.parametrize(
    ("answered", "rung", "shown"),
    [(17, 25, "68 %"), (1874, 2500, "74.9 %"), (0, 3, "0 %"), (0, 0, "–")],
)
def test_a_rate_is_cut_not_rounded(answered: int, rung: int, shown: str) -> None:
    one = page(AnswerRate("month", answered, rung, 0.75))
    assert rendered(one).title == f"LOW RATE {shown}: Network hotline"
    assert "this month" in rendered(one).text


def test_counts_beyond_those_that_are_named() -> None:
    one = page(replace(NOBODY, waiting_count=40, agents=tuple("abcdefgh")))
    text = said(one)
    assert ", 40 waiting" in text
    assert "anonymous (10:07) and 37 more" in text
    assert "a, b, c, d, e and 3 more." in text
    assert "，另有 37 位" in said(one, "zh")
    assert "7 callers were missed" in text
    assert len(MISSED) == 7


# -- digests --------------------------------------------------------------------------------------


def many(count: int) -> list[Page]:
    return [page(line=f"line-{row}", number=row + 1) for row in range(count)]


def numbered(number: int, one: Page) -> Page:
    return replace(one, alert=replace(one.alert, number=number))


def linked(one: Page) -> str:
    return f"https://ctid.example/{one.key}"


def test_a_digest_tells_of_each_alert_once_as_it_stands_now() -> None:
    """First paged, then again, by two people of one group; another is over meanwhile."""
    over = Resolved(FIRED, at("10:40"), Ending.ANSWERED, "李四")
    found = [
        page(number=17, seq=0),
        page(number=18, seq=0, line="sap"),
        page(number=17, seq=1),
        page(event=PageEvent.REPEAT, number=17, seq=2, when=at("10:30")),
        page(event=PageEvent.REPEAT, number=17, seq=3, when=at("10:30")),
        page(QUIET, PageEvent.RESOLVED, over, number=18, seq=1, line="sap", when=at("10:40")),
    ]
    message = pages(link=linked).render(found, None, FIRED)
    assert message.title == (
        "1 STILL UNANSWERED, 1 RESOLVED UNANSWERED: Network hotline, SAP hotline"
    )
    assert message.text == (
        "6 messages in one, because many came at once.\n"
        "STILL UNANSWERED, 15 min, no phone registered: Network hotline (17)\n"
        "RESOLVED UNANSWERED: SAP hotline (18)\n"
        "Acknowledge: ctid alerts ack N, with N from the brackets"
    )
    assert message.links == (("Acknowledge 17: Network hotline", "https://ctid.example/17-2"),)
    assert message.pages == tuple(found)


def test_several_pages_about_one_alert_are_as_the_newest_alone() -> None:
    newest = page(event=PageEvent.REPEAT, seq=1, when=at("10:30"))
    message, alone = (
        pages(link=linked).render(some, None, FIRED) for some in ([page(seq=0), newest], [newest])
    )
    assert (message.title, message.text, message.links) == (alone.title, alone.text, alone.links)
    assert message.key != alone.key


def test_a_digest_names_every_line() -> None:
    found = [
        numbered(21, SAMPLES["blind"]),
        page(number=18, line="sap"),
        page(),
        numbered(19, SAMPLES["after a gap"]),
        numbered(22, SAMPLES["answered"]),
        numbered(20, SAMPLES["warning"]),
    ]
    message = pages().render(found, None, at("10:11"))
    assert message.title == (
        "2 UNANSWERED, 1 NO ANSWER SEEN, 1 BLIND, 1 WARNING UNANSWERED, 1 RESOLVED UNANS…"
    )
    assert message.text == (
        "6 messages in one, because many came at once.\n"
        "UNANSWERED, 15 min, no phone registered: Network hotline (17), SAP hotline (18)\n"
        "NO ANSWER SEEN, 45 min, no phone registered: Network hotline (19)\n"
        "BLIND: Network hotline (21)\n"
        "WARNING UNANSWERED, 10 min, agents paused: Network hotline (20)\n"
        "RESOLVED UNANSWERED: Network hotline (22)\n"
        "Acknowledge: ctid alerts ack N, with N from the brackets"
    )
    chinese = pages("zh").render(found[:3], None, FIRED)
    assert chinese.title == "无人接听 2 条，PBX 失联 1 条：网络热线、SAP 热线"
    assert chinese.text == (
        "消息较多，3 条合并为一条。\n"
        "无人接听，15 分钟，没有话机注册：网络热线（17）、SAP 热线（18）\n"
        "PBX 失联：网络热线（21）\n"
        "确认接手：ctid alerts ack N（N 为括号中的编号）"
    )


def test_a_thousand_lines() -> None:
    message = pages(link=lambda one: f"https://ctid.example/{one.key}").render(
        many(1000), None, FIRED
    )
    assert message.title.startswith("1000 UNANSWERED: line-0, line-1")
    assert len(message.title) <= 80
    assert all(f"line-{row} ({row + 1})" in message.text for row in range(1000))
    assert len(message.links) == 10
    assert message.links[0] == ("Acknowledge 1: line-0", "https://ctid.example/1-0")
    assert len(message.key) < 64


def test_a_digest_says_that_ctid_did_not_run() -> None:
    one = SAMPLES["blind while ctid was down"]
    other = SAMPLES["blind"]
    other = replace(other, alert=replace(other.alert, number=18))
    text = pages().render([one, other], ADDRESS, FIRED).text
    assert "BLIND, ctid did not run: Network hotline" in text
    assert "BLIND: Network hotline" in text


def test_the_key_of_a_digest_is_that_of_its_pages() -> None:
    found = many(3)
    assert (
        pages().render(found, None, FIRED).key == pages("zh").render(found[::-1], None, FIRED).key
    )
    assert pages().render(found[:2], None, FIRED).key != pages().render(found, None, FIRED).key


def test_nobody_is_asked_to_take_what_is_over() -> None:
    weekly = SAMPLES["weekly test"]
    message = pages(link=linked).render([weekly, numbered(18, weekly)], None, FIRED)
    assert message.text == (
        "2 messages in one, because many came at once.\nTEST: ctid (17), ctid (18)"
    )
    assert message.links == ()


def test_who_took_it_by_the_link_has_said_nothing() -> None:
    taken = Acknowledged(FIRED, at("10:17"), "李四", BY_LINK)
    one = page(event=PageEvent.ACKNOWLEDGED, state=taken, when=at("10:17"))
    assert said(one).splitlines()[1] == "李四 took this at 10:17. You need not do anything."
    assert said(one, "zh").splitlines()[1] == "李四已于 10:17 接手。您无需处理。"


def test_only_tests_are_marked_as_tests() -> None:
    tests = [page(Test("x")), page(Test("x"), number=18)]
    assert pages().render(tests, None, FIRED).title.startswith("[TEST] 2 TEST")
    assert pages("zh").render(tests, None, FIRED).title.startswith("【演练】")
    assert "[TEST]" not in pages().render([*tests, page()], None, FIRED).title


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", PageEvent)
def test_every_page_of_a_test_is_marked(event: PageEvent, language: Language) -> None:
    title = rendered(page(Test("x"), event), language).title
    assert title.startswith("[TEST] " if language == "en" else "【演练】")


# -- what to do first -----------------------------------------------------------------------------


@pytest.mark.parametrize("advice", Advice)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_advice_says_something(advice: Advice, language: Language) -> None:
    label = "Do first: " if language == "en" else "先做："
    texts = set()
    for also in ((), (Advice.ALL_PAUSED,)):
        for agents in ((), ("张三",)):
            subject: Unanswered = replace(QUIET, advice=(advice, *also), agents=agents)
            (line,) = [
                row for row in rendered(page(subject), language).text.split("\n") if label in row
            ]
            texts.add(line)
            assert len(line) > len(label) + 5
    assert len(texts) == 4


def test_all_is_said_only_of_all() -> None:
    some = replace(QUIET, advice=(Advice.NO_PHONE_REGISTERED, Advice.ALL_PAUSED))
    assert "no phone is registered" not in said(page(some))
    rang = replace(QUIET, advice=(Advice.NO_PHONE_REGISTERED, Advice.RANG_NOT_PICKED_UP))
    assert "no phone is registered" in said(page(rang))


def test_a_firing_page_tells_how_to_acknowledge_and_a_warning_does_not() -> None:
    assert "ctid alerts ack 17" in said(page(state=Firing(FIRED, 0, FIRED)))
    assert "ctid alerts ack" not in said(SAMPLES["warning"])
