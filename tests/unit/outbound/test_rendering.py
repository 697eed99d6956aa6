"""How a ticket reads, and what an operator's template may and may not do."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ctid.domain.drafts import (
    AttemptPart,
    Caller,
    Contact,
    Draft,
    LineName,
    Priority,
    Stage,
    TransferPart,
    VisitPart,
)
from ctid.domain.records import Direction, EndedBy, Outcome, Reason
from ctid.domain.returns import ReturnState
from ctid.outbound.port import Document
from ctid.outbound.rendering import LONGEST_SUBJECT, Templates
from ctid.outbound.samples import samples
from ctid.outbound.sandbox import LONGEST
from ctid.outbound.wording import WORDS, Language
from tests.drafts import BEGAN, draft

SHANGHAI = ZoneInfo("Asia/Shanghai")
LANGUAGES: tuple[Language, ...] = ("en", "zh")
SAMPLES = samples(LineName("network", "网络专业热线", "network"))
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


def templates(
    folder: Path | None = None,
    language: Language = "en",
    lines: Mapping[str, Language] | None = None,
) -> Templates:
    lines = {"network": language} if lines is None else lines
    return Templates(folder, zone=SHANGHAI, language=language, languages=lines)


OWN = {language: templates(language=language) for language in LANGUAGES}


def told(
    folder: Path, of: Draft | None = None, lines: Mapping[str, Language] | None = None
) -> Document:
    return templates(folder, lines=lines).render(of or draft(), 1, b"{}", new=True)


def problems(folder: Path, lines: Mapping[str, Language] | None = None) -> list[str]:
    found = templates(folder, lines=lines).check()
    return [str(problem).removeprefix(f"{folder}/") for problem in found]


def subject_of(name: str, language: Language = "en") -> str:
    return OWN[language].render(SAMPLES[name], 1, b"", new=True).subject


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        (
            "talking",
            "Call: +86 138 0013 8000 Zhang San (Example Ltd.), with Li Si",
            "来电：+86 138 0013 8000 Zhang San（Example Ltd.），Li Si 接听中",
        ),
        (
            "missed and folded",
            "Missed 3x: +86 138 0013 8000 Zhang San (Example Ltd.), call back by 10:00",
            "未接 3 次：+86 138 0013 8000 Zhang San（Example Ltd.），请于 10:00 前回电",
        ),
        (
            "unknown number",
            "Missed: +86 21 6123 4567, call back by 10:00",
            "未接：+86 21 6123 4567，请于 10:00 前回电",
        ),
        ("anonymous", "Missed: number withheld", "未接：号码未显示"),
        ("anonymous and ended", "Missed: number withheld", "未接：号码未显示"),
        (
            "reached",
            "Reached: +86 138 0013 8000 Zhang San (Example Ltd.)",
            "已联系上：+86 138 0013 8000 Zhang San（Example Ltd.）",
        ),
    ],
)
def test_the_subject_says_what_to_do_and_for_whom(name: str, english: str, chinese: str) -> None:
    assert subject_of(name) == f"[network] {english}"
    assert subject_of(name, "zh") == f"[network] {chinese}"


def test_a_due_time_on_another_day_has_its_date() -> None:
    missed = SAMPLES["missed"]
    assert missed.call_back is not None
    tomorrow = replace(missed.call_back, due_at=missed.call_back.due_at + 86_400)
    document = OWN["en"].render(replace(missed, call_back=tomorrow), 1, b"", new=True)
    assert document.subject.endswith("call back by 2026-11-28 10:00")


def test_a_line_with_a_zone_of_its_own_has_its_times_there(tmp_path: Path) -> None:
    (tmp_path / "subject.j2").write_text("{{ call_back.due_at | time }} {{ zone }}")
    for folder, said in (
        (None, "call back by 03:00"),
        (tmp_path, "2026-11-27 03:00:00 Europe/Ber"),
    ):
        zoned = Templates(
            folder,
            zone=SHANGHAI,
            language="en",
            languages={"network": "en", "server": "en"},
            zones={"network": ZoneInfo("Europe/Berlin")},
        )
        missed = SAMPLES["missed"]
        assert said in zoned.render(missed, 1, b"", new=True).subject
        other = replace(missed, line=LineName("server", "server", "server"))
        gone = replace(missed, line=LineName("gone", "gone", "gone"))
        for elsewhere in (other, gone):
            assert "10:00" in zoned.render(elsewhere, 1, b"", new=True).subject


def test_the_body_begins_with_what_is_to_be_done_and_ends_with_what_is_to_be_filled() -> None:
    body = OWN["en"].render(SAMPLES["called back in vain"], 1, b"", new=True).body
    lines = body.splitlines()
    assert lines[0] == (
        "Call back by 2026-11-27 10:00:00. Called back in vain at 2026-11-27 09:15:00."
    )
    assert lines[-5:-1] == ["Need:", "Time limit:", "Environment:", ""]
    assert lines[-1] == "Times: Asia/Shanghai"
    assert "2026-11-27 08:50:00: missed (the caller hung up)" in lines


def test_the_body_has_what_is_known_of_the_call() -> None:
    lines = OWN["en"].render(draft(), 1, b"", new=True).body.splitlines()
    for line in (
        "Name: 王小明",
        "Number: +86 138 0013 8000 (arrived as 013800138000)",
        "Customer: Example Ltd. (VIP)",
        "Site: Shanghai",
        "Usual line: network",
        "Line: 网络专业热线 (network)",
        "Dialled: 8001",
        "Priority: normal",
        "Outcome: answered",
        "Answered: 2026-11-27 09:00:10 by Li Si",
        "Ended: 2026-11-27 09:03:30 by the caller",
        "Wait: 8 s",
        "Talk: 3 min",
        "Hold: 20 s",
        "Rang: Zhang San, Li Si",
        "Spoke last: Wang Wu",
        "Transfer: 2026-11-27 09:01:40, attended, by Li Si, to Wang Wu",
        "Recording: /var/spool/asterisk/monitor/7.wav",
        "Link: https://desk.example.org/calls/main/1795741200.7",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (LineName("network", "network", "network"), "network"),
        (LineName("network", "网络 network", "network"), "网络 network"),
        (LineName("network", "网络", "网络"), "网络 (network)"),
        (LineName("network", "网络", "IT"), "网络 (network), specialty IT"),
    ],
)
def test_the_line_is_told_without_saying_the_same_twice(line: LineName, shown: str) -> None:
    assert (
        f"Line: {shown}" in OWN["en"].render(draft(line=line), 1, b"", new=True).body.splitlines()
    )
    chinese = shown.replace(" (", "（").replace(")", "）").replace(", specialty", "，专业")
    assert (
        f"热线：{chinese}" in OWN["zh"].render(draft(line=line), 1, b"", new=True).body.splitlines()
    )


@pytest.mark.parametrize("name", ["missed", "lost"])
@pytest.mark.parametrize(("language", "word"), [("en", "Talk: "), ("zh", "通话：")])
def test_there_is_no_talk_where_nobody_answered(name: str, language: Language, word: str) -> None:
    visits = tuple(replace(visit, talk_seconds=0.0) for visit in SAMPLES[name].visits)
    made = replace(SAMPLES[name], visits=visits)
    assert word not in OWN[language].render(made, 1, b"", new=True).body
    assert word in OWN[language].render(SAMPLES["ended"], 1, b"", new=True).body


@pytest.mark.parametrize("name", ["anonymous", "unknown number"])
@pytest.mark.parametrize(("language", "word"), [("en", "Customer: "), ("zh", "客户：")])
def test_of_who_is_not_in_the_contact_directory_no_customer_is_told(
    name: str, language: Language, word: str
) -> None:
    assert word not in OWN[language].render(SAMPLES[name], 1, b"", new=True).body
    assert word in OWN[language].render(SAMPLES["missed"], 1, b"", new=True).body


@pytest.mark.parametrize("new", [True, False])
def test_the_key_is_left_to_those_who_add_it(*, new: bool) -> None:
    """Each backend keeps it where its system can find it."""
    for language in LANGUAGES:
        document = OWN[language].render(draft(), 2, b"", new=new)
        assert document.key not in document.body


def test_nothing_unknown_is_printed_as_a_word() -> None:
    for language in LANGUAGES:
        for made in SAMPLES.values():
            document = OWN[language].render(made, 1, b"", new=True)
            for text in (document.subject, document.body):
                assert "None" not in text
                assert "_" not in text.replace(made.key, "")
                assert "  " not in text
                assert "\n\n\n" not in text


@pytest.mark.parametrize(
    "words", [Stage, Priority, Outcome, Reason, ReturnState, EndedBy, Direction]
)
def test_every_word_is_said_in_both_languages(words: Any) -> None:
    for language in LANGUAGES:
        assert set(words) <= set(WORDS[language])
    assert set(WORDS["en"]) == set(WORDS["zh"])


def test_the_language_is_that_of_the_line() -> None:
    both = templates(language="en", lines={"network": "zh", "server": "en"})
    assert both.render(draft(), 1, b"", new=True).subject.startswith("[network] 已接")
    server = draft(line=LineName("server", "Server", "server"))
    assert both.render(server, 1, b"", new=True).subject.startswith("[server] Answered")
    gone = draft(line=LineName("gone", "Gone", "gone"))
    assert both.render(gone, 1, b"", new=True).subject.startswith("[gone] Answered")


def test_what_a_caller_sends_stays_text() -> None:
    name = '<b>x</b> {{ 7 * 7 }} {% raw %} *bold* "q"'
    document = OWN["en"].render(draft(caller=Caller("1", None, name, None)), 1, b"{}", new=True)
    assert f"Name: {name}" in document.body.splitlines()
    assert "<b>x</b> {{ 7 * 7 }} {% raw %}" in document.subject


def test_a_caller_cannot_add_lines_or_turn_the_text_round() -> None:
    name = f"Zhang\r\nPriority: urgent\0\x1b[31m{BIDI}\udc80\u2028end"
    document = OWN["en"].render(
        draft(caller=Caller("1\r\n2", None, name, None)), 1, b"{}", new=True
    )
    bad = "\ufffd"
    shown = f"Zhang  Priority: urgent{bad}{bad}[31m{bad * len(BIDI)}{bad} end"
    assert f"Name: {shown}" in document.body.splitlines()
    assert "Priority: urgent" not in document.body.splitlines()
    assert document.subject.isprintable()


def test_what_people_write_in_their_own_scripts_stays() -> None:
    name = "Ångström 张三\u3000李 👩\u200d💻"
    document = OWN["en"].render(draft(caller=Caller("1", None, name, None)), 1, b"{}", new=True)
    assert "Name: Ångström 张三 李 👩\u200d💻" in document.body.splitlines()


def test_a_long_name_is_cut_in_the_subject_and_whole_in_the_body() -> None:
    name = "n" * 2000
    caller = Caller("1", None, name, Contact("c" * 2000))
    document = OWN["en"].render(draft(caller=caller, agent="a" * 2000), 1, b"{}", new=True)
    assert name in document.body
    assert "n" * 39 + "…" in document.subject
    assert len(document.subject) <= LONGEST_SUBJECT


def test_a_ticket_is_never_too_long_for_ctids_own_template() -> None:
    visits = tuple(replace(draft().visits[0], agent="a" * 5000, ended_at=n) for n in range(50))
    document = OWN["en"].render(draft(visits=visits), 1, b"{}", new=True)
    assert len(document.body) <= LONGEST + 1
    assert document.body.endswith("…\n")


TEXTS = st.none() | st.text(max_size=60)
TIMES = st.none() | st.floats(allow_nan=False, allow_infinity=False)
VISITS = st.builds(
    VisitPart,
    line=st.sampled_from(["network", "server"]),
    offered_at=TIMES,
    answered_at=TIMES,
    ended_at=TIMES,
    wait_seconds=TIMES,
    talk_seconds=TIMES,
    hold_seconds=TIMES,
    agent=TEXTS,
    final_agent=TEXTS,
)
DRAFTS = st.builds(
    Draft,
    line=st.builds(LineName, name=st.sampled_from(["network", "gone"])),
    started_at=TIMES,
    answered_at=TIMES,
    ended_at=TIMES,
    due_at=TIMES,
    visits=st.lists(VISITS, max_size=3).map(tuple),
    transfers=st.lists(st.builds(TransferPart), max_size=2).map(tuple),
    attempts=st.lists(st.builds(AttemptPart), max_size=3).map(tuple),
)


@given(DRAFTS, st.sampled_from(LANGUAGES))
def test_ctids_own_templates_take_every_draft(made: Draft, language: Language) -> None:
    document = OWN[language].render(made, 1, b"{}", new=True)
    assert document.subject.isprintable()
    assert 0 < len(document.subject) <= LONGEST_SUBJECT
    assert all(line.isprintable() or _joined(line) for line in document.body.split("\n"))


def _joined(line: str) -> bool:
    return line.replace("\u200d", "").replace("\u200c", "").isprintable()


# the operator's own


def test_the_most_special_template_is_used(tmp_path: Path) -> None:
    (tmp_path / "zh").mkdir()
    for name in ("body.j2", "zh/body.j2", "network.body.j2", "zh/network.body.j2"):
        (tmp_path / name).write_text(name)
    lines: dict[str, Language] = {"network": "zh", "server": "zh", "desk": "en"}
    both = templates(tmp_path, lines=lines)

    def used(line: str) -> str:
        return both.render(draft(line=LineName(line, line, line)), 1, b"", new=True).body

    assert used("network") == "zh/network.body.j2\n"
    assert used("server") == "zh/body.j2\n"
    assert used("desk") == "body.j2\n"
    assert used("gone") == "body.j2\n"
    (tmp_path / "zh/network.body.j2").unlink()
    assert (
        templates(tmp_path, lines=lines).render(draft(), 1, b"", new=True).body
        == "network.body.j2\n"
    )


def test_what_is_not_replaced_is_ctids_own(tmp_path: Path) -> None:
    (tmp_path / "subject.j2").write_text("{{ line.title }}\n{{ caller.name }}")
    document = told(tmp_path)
    assert document.subject == "网络专业热线 王小明"
    assert document.body == OWN["en"].render(draft(), 1, b"", new=True).body


def test_filters_and_variables(tmp_path: Path) -> None:
    (tmp_path / "body.j2").write_text(
        "{{ ended_at|clock }} {{ ended_at|clock(answered_at) }} {% if visit %}"
        '{{ visit.hold_seconds|duration }} {{ visit.agents_rung|join("+")|upper }}{% endif %} '
        "{{ caller.name|cut(2) }} {{ revision }} {{ zone }} "
        "{% for step in transfers %}{{ loop.index }}{{ step.kind|word }}{% endfor %}"
    )
    assert problems(tmp_path) == []
    assert told(tmp_path).body == (
        "2026-11-27 09:03 09:03 20 s ZHANG SAN+LI SI 王… 1 Asia/Shanghai 1attended\n"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "x\n\n{{ caller.nmae }}",
            "3: 'caller.nmae' is undefined; did you mean `caller.name`? (sample call: talking)",
        ),
        ("{{ calller.name }}", "1: 'calller' is undefined; did you mean `caller`?"),
        (
            "{% if stage == 'never' %}\n{{ dueat }}\n{% endif %}",
            "2: 'dueat' is undefined; did you mean `due_at`?",
        ),
        (
            "{{ caller.contact.customer }}",
            (
                "1: 'customer' is asked of something that is not there in every call: "
                "ask `{% if ... %}` for it first (sample call: anonymous)"
            ),
        ),
        (
            "{% if not new %}{{ caller.contact.customer }}{% endif %}",
            (
                "1: 'customer' is asked of something that is not there in every call: "
                "ask `{% if ... %}` for it first (sample call: anonymous)"
            ),
        ),
        ("\n{% if %}", "2: Expected an expression, got 'end of statement block'"),
        ("{{ key|shout }}", "1: No filter named 'shout'"),
        ("{{ key }", "1: unexpected '}'"),
        (
            "{% include '/etc/passwd' %}",
            "1: `include` may not be used: a template stands by itself, without macros",
        ),
        (
            "{% macro a() %}{{ a() }}{% endmacro %}",
            "1: `macro` may not be used: a template stands by itself, without macros",
        ),
        ("{{ range(10) }}", "1: 'range' is undefined; did you mean `stage`?"),
        ("{{ 'x' * 1000000000 }}", "1: `*` may not be used here (sample call: talking)"),
        ("{{ 9 ** 999999999 }}", "1: `**` may not be used here (sample call: talking)"),
        (
            "{{ key.ljust(1000000000) }}",
            (
                "1: 'ljust' of a text may not be used: there are only fields and filters "
                "(sample call: talking)"
            ),
        ),
        (
            "{{ caller.__class__ }}",
            (
                "1: '__class__' of caller may not be used: there are only fields and filters "
                "(sample call: talking)"
            ),
        ),
        (
            "{% for a in ['x'] %}{{ loop.cycle('a') }}{% endfor %}",
            (
                "1: 'cycle' of this may not be used: there are only fields and filters "
                "(sample call: talking)"
            ),
        ),
    ],
)
def test_a_mistake_is_told_with_file_and_row(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "body.j2").write_text(source)
    assert problems(tmp_path) == [f"body.j2:{said}"]


def test_more_than_the_limit_is_a_mistake(tmp_path: Path) -> None:
    loop = "{% for a in [1,2,3,4,5,6,7,8,9] %}"
    (tmp_path / "body.j2").write_text(loop * 6 + "{{ key }}" + "{% endfor %}" * 6)
    assert problems(tmp_path) == [
        "body.j2: makes more than 65536 characters: make it shorter (sample call: talking)"
    ]
    assert told(tmp_path).body.startswith("The call is over.")


def test_an_empty_subject_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "subject.j2").write_text("{{ recording }}")
    assert problems(tmp_path) == ["subject.j2: gives an empty subject (sample call: talking)"]


def test_files_that_no_line_would_use_are_told(tmp_path: Path) -> None:
    (tmp_path / "cn").mkdir()
    for name in ("boddy.j2", "netwrok.body.j2", "cn/body.j2", "README"):
        (tmp_path / name).write_text("x")
    right = "`subject.j2`, `body.j2`, or these with a line's name before, `LINE.body.j2`"
    assert problems(tmp_path) == [
        f"boddy.j2: is never used by this name: templates are {right}",
        "cn: is no language: only `en` and `zh` are looked into",
        "netwrok.body.j2: there is no line `netwrok`: did you mean `network`?",
    ]


def test_a_folder_or_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert [str(found) for found in templates(gone).check()] == [
        f"{gone}: the folder cannot be read: No such file or directory; correct `templates`"
    ]
    (tmp_path / "body.j2").write_bytes("a\n张".encode("gb18030"))
    assert problems(tmp_path) == ["body.j2:2: is not in UTF-8: save it as such"]


def test_each_line_is_tried(tmp_path: Path) -> None:
    (tmp_path / "server.body.j2").write_text("{{ nothing }}")
    (tmp_path / "network.body.j2").write_text("fine")
    assert problems(tmp_path, {"network": "en", "server": "zh"}) == [
        "server.body.j2:1: 'nothing' is undefined"
    ]


def test_a_template_that_fails_on_a_call_loses_no_ticket(tmp_path: Path) -> None:
    (tmp_path / "body.j2").write_text("{{ caller.contact.customer }}")
    both = templates(tmp_path)
    stranger = draft(caller=Caller("1", None, None, None))
    with capture_logs() as logs:
        documents = [both.render(stranger, n, b"{}", new=True) for n in (1, 2)]
    assert all(document.body.startswith("The call is over.") for document in documents)
    (line,) = logs
    assert line["event"] == "template_failed"
    assert line["log_level"] == "error"
    assert line["why"].startswith(f"{tmp_path}/body.j2:1: 'customer' is asked of something")
    assert both.render(draft(), 3, b"{}", new=True).body == "Example Ltd.\n"


def test_the_document_has_what_was_given() -> None:
    made = draft(started_at=BEGAN + 0.5)
    document = OWN["en"].render(made, 7, b'{"a":1}', new=True)
    assert (document.draft, document.revision, json.loads(document.data)) == (made, 7, {"a": 1})
